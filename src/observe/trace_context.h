/* observe/trace_context.h: which trace a call is a part of, as clients say it and providers are
 * told (traceparent and tracestate).
 *
 * Pure: any thread. Allocates nothing.
 * Source   W3C Trace Context (Level 1, and of Level 2 the flag `random`); OpenTelemetry's
 *          TraceIdRatioBased sampler.
 */
#ifndef WEIR_OBSERVE_TRACE_CONTEXT_H
#define WEIR_OBSERVE_TRACE_CONTEXT_H

#include "base/random.h"
#include "base/span.h"

enum { TRACE_ID_LEN = 16, TRACE_ID_HEX = 32, SPAN_ID_LEN = 8, TRACEPARENT_LEN = 55 };
enum { TRACE_SAMPLED = 1 << 0, TRACE_RANDOM = 1 << 1 };

typedef struct trace_context {
    unsigned char trace_id[TRACE_ID_LEN];
    uint64_t parent; /* the client's span; 0: the trace begins here */
    uint64_t span;   /* the call's own */
    unsigned flags;  /* TRACE_* */
    span state;      /* tracestate, to be handed on as it is; empty: none; borrowed */
} trace_context;

/* Reads a traceparent into trace_id, parent and flags: the rest is left alone. A later version than
 * 00 is read as that one. false: it is none, and *ret is untouched. */
MUST_USE bool trace_read_parent(span value, trace_context *ret);
/* Whether a tracestate may be handed on: its members are well-formed, no more than 32, and no key
 * is there twice. */
MUST_USE bool trace_state_is_good(span value);
/* A trace that begins here, of which this share is sampled (0…1). */
void trace_begin(rng *r, double share, trace_context *ret);
/* The id of a span: never 0. */
uint64_t trace_new_span(rng *r);
/* "00-…-…-01" with that span as the parent; NUL-terminated. */
void trace_write_parent(const trace_context *t, uint64_t span_id, char out[TRACEPARENT_LEN + 1]);
/* Big-endian, as on the wire. */
void span_id_bytes(uint64_t span_id, unsigned char out[SPAN_ID_LEN]);

static inline bool trace_is_sampled(const trace_context *t) {
    return t->flags & TRACE_SAMPLED;
}

#endif
