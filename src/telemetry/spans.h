/* telemetry/spans.h: the spans of a call, from its record: one of kind SERVER as its client sees it
 * (INTERNAL, of a step), and beneath it one of kind CLIENT for each attempt at a provider.
 *
 * Pure. The GenAI attributes stand on the attempts alone: whoever
 * adds up tokens over all spans counts none twice (docs/decisions/0024-telemetry.md).
 *
 * Source   open-telemetry/semantic-conventions(-genai): docs/gen-ai; docs/http.
 */
#ifndef WEIR_TELEMETRY_SPANS_H
#define WEIR_TELEMETRY_SPANS_H

#include "dialect/endpoint.h"
#include "observe/record.h"
#include "telemetry/otlp.h"

enum {
    TRACE_CHOICES = 8,
    TRACE_REASON_MAX = 32,
    TRACE_STOPS = 8,
    TRACE_NAME_MAX = 256,
    TRACE_WHY_MAX = 1024
};

/* What a request asks for, as far as the conventions want to know. */
typedef struct trace_request {
    bool has_temperature, has_top_p, has_frequency, has_presence;
    double temperature, top_p, frequency, presence;
    int64_t max_tokens, choices, seed; /* -1: not said */
    bool has_seed;
    span stops[TRACE_STOPS];
    size_t stop_count;
    span effort; /* of reasoning */
} trace_request;

/* What is noted of a call that is traced, beyond its record. Everything is the exchange's. */
typedef struct trace_notes {
    trace_context context;
    bool step; /* of another call */
    endpoint endpoint;
    span method, path; /* of the client's request, as it was sent */
    span route; /* which of weir's paths that is (http.route); empty: none that is known beforehand
                 */
    trace_request asked;
    /* telemetry.content, as JSON; empty: not wanted, or there is none. cut: a part of it is left
     * out.
     */
    span system, input, output;
    bool content_cut;
    /* Of the answer. */
    int answered; /* which attempt; -1: none */
    span response_id, response_model;
    span reasons[TRACE_CHOICES]; /* by choice; those that are empty have none */
} trace_notes;

/* Each span is put, and lives until that returns. r is settled; wall_us: what the monotonic clock
 * and the wall differ by. */
typedef void spans_put_fn(void *user, const otlp_span *s);
void spans_write(const config *c, const call_record *r, const trace_notes *n, int64_t wall_us,
                 spans_put_fn *put, void *user);

#endif
