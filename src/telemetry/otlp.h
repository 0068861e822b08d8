/* telemetry/otlp.h: OTLP's messages for traces and metrics, in protobuf or JSON.
 *
 * Pure: any thread. Everything that is pointed to is borrowed for the call. Texts are the caller's
 * to bound; times are nanoseconds since 1970.
 *
 * Source   github.com/open-telemetry/opentelemetry-proto (collector/trace, collector/metrics).
 */
#ifndef WEIR_TELEMETRY_OTLP_H
#define WEIR_TELEMETRY_OTLP_H

#include "observe/trace_context.h"
#include "telemetry/wire.h"

/* ---- what describes ---- */

typedef enum otlp_type { OTLP_TEXT, OTLP_TEXTS, OTLP_INTEGER, OTLP_DOUBLE, OTLP_BOOL } otlp_type;

typedef struct otlp_attribute {
    span key;
    otlp_type type;
    union {
        span text;
        struct {
            const span *items;
            size_t count;
        } texts;
        int64_t integer;
        double number;
        bool truth;
    };
} otlp_attribute;

enum { OTLP_ATTRIBUTES_MAX = 64 };

/* A list that is filled; what does not fit is counted. */
typedef struct otlp_attributes {
    otlp_attribute items[OTLP_ATTRIBUTES_MAX + 1];
    size_t count;
    unsigned dropped;
} otlp_attributes;

/* A text that is empty says nothing, and is passed over, as is a negative count. Keys are literals
 * or live as long as the list. */
void otlp_add_text(otlp_attributes *a, const char *key, span text);
void otlp_add_word(otlp_attributes *a, const char *key, const char *word);
void otlp_add_texts(otlp_attributes *a, const char *key, const span *items, size_t count);
void otlp_add_count(otlp_attributes *a, const char *key, int64_t value);
void otlp_add_integer(otlp_attributes *a, const char *key, int64_t value);
void otlp_add_double(otlp_attributes *a, const char *key, double value);
void otlp_add_flag(otlp_attributes *a, const char *key, bool value); /* false: passed over */

/* ---- spans ---- */

typedef enum otlp_kind { OTLP_INTERNAL = 1, OTLP_SERVER = 2, OTLP_CLIENT = 3 } otlp_kind;

typedef struct otlp_span {
    const trace_context *trace;
    uint64_t id;
    uint64_t parent; /* 0: none */
    bool remote;     /* the parent is another process's */
    span name;
    otlp_kind kind;
    uint64_t start_ns, end_ns;
    const otlp_attributes *attributes;
    uint64_t link; /* a span of the same trace that it was begun beside; 0: none */
    bool failed;
    span why; /* where it has: for people; may be empty */
} otlp_span;

/* Appends a span, as otlp_wrap_spans() takes them. */
void otlp_put_span(config_telemetry_protocol p, const otlp_span *s, buf *out);

/* An ExportTraceServiceRequest of spans that otlp_put_span() has written. */
void otlp_wrap_spans(config_telemetry_protocol p, const otlp_attributes *resource, span spans,
                     buf *out);

/* ---- metrics ---- */

typedef enum otlp_metric_kind { OTLP_COUNTER, OTLP_GAUGE, OTLP_HISTOGRAM } otlp_metric_kind;

typedef struct otlp_metric {
    span name;
    span description;
    span unit;
    otlp_metric_kind kind;
    const double *bounds;
    size_t bound_count;
} otlp_metric;

typedef struct otlp_point {
    const otlp_attributes *attributes;
    bool is_double; /* of counters and gauges */
    int64_t integer;
    double number;
    double sum;             /* of histograms */
    const uint64_t *counts; /* bound_count + 1 */
} otlp_point;

/* An ExportMetricsServiceRequest, begun and ended; metrics and points in between, in their order.
 * Temporality is cumulative, from start_ns on. */
typedef struct otlp_metrics {
    wire wire;
    uint64_t start_ns, now_ns;
    const otlp_metric *metric;
    size_t marks[4];
} otlp_metrics;

void otlp_metrics_begin(otlp_metrics *m, config_telemetry_protocol p,
                        const otlp_attributes *resource, uint64_t start_ns, uint64_t now_ns,
                        buf *out);
void otlp_metrics_end(otlp_metrics *m);
/* metric lives until otlp_close_metric(). */
void otlp_open_metric(otlp_metrics *m, const otlp_metric *metric);
void otlp_put_point(otlp_metrics *m, const otlp_point *p);
void otlp_close_metric(otlp_metrics *m);

/* ---- what a receiver answers ---- */

/* How many spans or points a receiver that has taken a request refused, and its words for it
 * (borrowed from the body, or in the arena). What is no answer of the protocol's is taken for one
 * that refuses nothing: many receivers answer with no body, or with another. */
uint64_t otlp_read_rejected(config_telemetry_protocol p, span body, arena *a, span *ret_message);
/* Why it did not take one, in its own words (a Status of either encoding, or plain text), at most
 * OTLP_ERROR_MAX bytes; empty: it does not say. */
enum { OTLP_ERROR_MAX = 300 };
span otlp_read_error(config_telemetry_protocol p, span body, arena *a);

#endif
