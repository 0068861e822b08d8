/* observe/metrics.h: counters, gauges and histograms, and their exposition.
 *
 * Every family is one row of metrics.def. Each worker writes a shard of its own without locks or
 * atomic read-modify-write; a scrape sums the shards. Series are bounded: past METRIC_SERIES_MAX of
 * one family, new label values count under "other"; so do values that are no UTF-8 or longer than
 * METRIC_VALUE_MAX bytes.
 *
 * Source   Prometheus text format 0.0.4; OpenMetrics 1.0.0.
 */
#ifndef WEIR_OBSERVE_METRICS_H
#define WEIR_OBSERVE_METRICS_H

#include "base/buf.h"
#include "observe/record.h"

typedef enum metric_id {
#define X(id, name, kind, scope, buckets, unit, labels, help) METRIC_##id,
#include "observe/metrics.def"
#include "observe/genai.def"
#undef X
    METRIC_COUNT
} metric_id;

enum { METRIC_SERIES_MAX = 512, METRIC_LABELS_MAX = 5, METRIC_VALUE_MAX = 200 };

typedef struct metrics metrics;             /* the process's; any thread may scrape it */
typedef struct metrics_shard metrics_shard; /* one worker's; written by its thread alone */
typedef struct metric_series metric_series; /* one label set of a family in one shard */

MUST_USE metrics *metrics_new(void);
void metrics_free(metrics *m); /* with its shards */
/* Any thread, at any time. */
MUST_USE metrics_shard *metrics_add_shard(metrics *m);

/* Finds or makes the series; label values are copied, in the order of the family's row (NULL where
 * it has none). The result lives as long as the metrics: hot paths keep it. Never NULL. Families
 * whose scope is READ have no series to write. */
metric_series *metrics_series(metrics_shard *s, metric_id id, const span *label_values);
/* Makes the series, at 0, so that a scrape has seen it before its first event; unless half of the
 * family's places are taken: the rest is for what happens. false: they are. */
bool metrics_foresee(metrics_shard *s, metric_id id, const span *label_values);
void metric_add(metric_series *s, uint64_t n); /* counters */
/* Gauges, and counters of scope ONE that are counted elsewhere. */
void metric_set(metric_series *s, int64_t value);
void metric_gauge_add(metric_series *s, int64_t n);  /* gauges */
void metric_observe(metric_series *s, double value); /* histograms */

/* Of a counter or gauge without labels, over all shards. Any thread. */
int64_t metrics_total(metrics *m, metric_id id);

/* Everything that a record tells, in one go. s NULL: nothing is counted. */
void metrics_count_call(metrics_shard *s, const call_record *r);

/* The exposition; open_metrics: as the Accept header asks. Also adds the process's own figures
 * (resident memory, CPU seconds, open descriptors, start time, build info). */
void metrics_write(metrics *m, bool open_metrics, buf *out);
/* ---- the same for another teller ---- */

/* MONEY: a counter in billionths, which is told in ones. */
typedef enum metric_kind { KIND_COUNTER, KIND_MONEY, KIND_GAUGE, KIND_HISTOGRAM } metric_kind;
enum { METRIC_BOUNDS_MAX = 31 };

/* A family: constant, but for labels. */
typedef struct metric_facts {
    const char *name, *unit, *help;
    metric_kind kind;
    const double *bounds; /* of a histogram: ascending, +Inf not among them */
    unsigned bound_count;
    const span *labels;
    unsigned label_count;
    bool conventional; /* of genai.def: its name and labels are OpenTelemetry's */
} metric_facts;

typedef struct metric_point {
    const span *values; /* of the labels */
    bool is_double;     /* of what is no histogram: number, else integer */
    int64_t integer;
    double number;          /* of a histogram: the sum of what was observed */
    const uint64_t *counts; /* of each bucket alone, +Inf last */
} metric_point;

typedef struct metrics_visitor {
    void (*family)(void *user, const metric_facts *f);
    void (*point)(void *user, const metric_point *p);
    void (*family_end)(void *user);
} metrics_visitor;

/* Every family that has series, with all of them. Any thread. */
void metrics_visit(const metrics *m, const metrics_visitor *v, void *user);
/* Since when it is counted: microseconds since 1970. */
int64_t metrics_started_us(const metrics *m);

/* ---- the text ---- */

/* true where the header names application/openmetrics-text and does not give it q=0. */
bool metrics_wants_open(span accept_header);
/* The Content-Type that goes with it. */
const char *metrics_content_type(bool open_metrics);

#endif
