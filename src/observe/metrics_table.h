/* observe/metrics_table.h: what the files of the metrics share; not a door.
 *
 * A label set of a family is an entry, known to the whole process and numbered within its family.
 * A shard holds its values by that number. Entries and values are only ever added, so both are
 * found without a lock, by workers and by a scrape.
 */
#ifndef WEIR_OBSERVE_METRICS_TABLE_H
#define WEIR_OBSERVE_METRICS_TABLE_H

#include "base/arena.h"
#include "observe/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum metric_scope { SCOPE_EACH, SCOPE_ONE, SCOPE_READ, SCOPE_TOLD } metric_scope;

typedef struct metric_buckets {
    const double *bounds; /* ascending; the last bucket, +Inf, is not among them */
    unsigned count;
} metric_buckets;

typedef struct metric_family {
    const char *name;
    metric_kind kind;
    metric_scope scope;
    const metric_buckets *buckets; /* NULL: no histogram */
    const char *unit;
    const char *labels;
    const char *help;
} metric_family;

extern const metric_family metric_families[METRIC_COUNT];

/* The names of a family's labels; returns how many. */
unsigned metric_label_names(const metric_family *f, span ret_names[METRIC_LABELS_MAX]);

struct metric_series {
    const metric_buckets *buckets;
    atomic_uint_least64_t value;    /* counter; gauge, as its bits; histogram: the sum's bits */
    atomic_uint_least64_t counts[]; /* histogram: of each bucket alone, +Inf last */
};

typedef struct metric_entry metric_entry;
struct metric_entry {
    metric_entry *next;            /* in its hash bucket; constant once published */
    _Atomic(metric_entry *) later; /* the family's next */
    uint64_t hash;
    metric_id id;
    unsigned index; /* within its family */
    span values[METRIC_LABELS_MAX];
    metric_series *one; /* scope ONE: the process's value; else NULL */
};

enum { ENTRY_BUCKETS = 1024, SLOT_CHUNK = 32, SLOT_CHUNKS = METRIC_SERIES_MAX / SLOT_CHUNK };

struct metrics {
    _Atomic(metric_entry *) buckets[ENTRY_BUCKETS];
    _Atomic(metric_entry *) first[METRIC_COUNT];
    _Atomic(metrics_shard *) shards;
    int64_t started_wall_us;
    unsigned label_counts[METRIC_COUNT];
    pthread_mutex_t adding; /* of all below, and of changes of the above */
    metric_entry *last[METRIC_COUNT];
    atomic_uint counts[METRIC_COUNT]; /* entries of each family; read without the lock too */
    arena memory;
};

typedef struct slot_chunk {
    _Atomic(metric_series *) at[SLOT_CHUNK];
} slot_chunk;

typedef struct call_set call_set;

struct metrics_shard {
    metrics *metrics;
    metrics_shard *next; /* constant once published */
    _Atomic(slot_chunk *) slots[METRIC_COUNT][SLOT_CHUNKS];
    call_set
        *call_sets[METRIC_SERIES_MAX]; /* by the index of the CALLS entry; see metrics_call.c */
    arena memory;                      /* its own thread's */
};

/* The entry, and the shard's series of it. */
const metric_entry *metrics_find(metrics_shard *s, metric_id id, const span *label_values,
                                 metric_series **ret_series);
/* The shard's series of an entry, or NULL while it has none. Any thread. */
const metric_series *metrics_peek(const metrics_shard *s, const metric_entry *e);
/* Where the label values beyond the bound are counted. */
static inline bool metric_is_overflow(const metric_entry *e) {
    return e->index == METRIC_SERIES_MAX - 1;
}

static inline uint64_t metric_read(const atomic_uint_least64_t *v) {
    return atomic_load_explicit(v, memory_order_relaxed);
}

/* Of a counter or gauge, over all shards. */
uint64_t metrics_sum(const metrics *m, const metric_entry *e);
/* Of a histogram: how many are in each bucket, +Inf last. Returns the sum of what was observed. */
double metrics_sum_histogram(const metrics *m, const metric_entry *e,
                             uint64_t ret_counts[METRIC_BOUNDS_MAX + 1]);

/* The value of a family of scope READ. */
double process_figure(const metrics *m, metric_id id);

#endif
