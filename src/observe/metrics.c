#include "observe/metrics_table.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- the families ---- */

static const double call_bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.02,  0.04,  0.08,  0.16, 0.32,
                                     0.64,  1.28,   2.56,  5.12, 10.24, 20.48, 40.96, 81.92};
static const double own_bounds[] = {0.00001, 0.00002, 0.00004, 0.00008, 0.00016, 0.00032, 0.00064,
                                    0.00128, 0.00256, 0.00512, 0.01024, 0.02048, 0.04096, 0.08192};
/* As the conventions give them. */
static const double genai_bounds[] = {0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                      1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
static const double tokens_bounds[] = {1,     4,     16,     64,      256,     1024,     4096,
                                       16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
static const double first_token_bounds[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                            0.25,  0.5,   0.75, 1.0,  2.5,  5.0,  7.5,  10.0};
static const double per_token_bounds[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,
                                          0.3,  0.4,   0.5,  0.75,  1.0, 2.5};
static const metric_buckets genai_buckets = {genai_bounds, ARRAY_LEN(genai_bounds)};
static const metric_buckets tokens_buckets = {tokens_bounds, ARRAY_LEN(tokens_bounds)};
static const metric_buckets first_token_buckets = {first_token_bounds,
                                                   ARRAY_LEN(first_token_bounds)};
static const metric_buckets per_token_buckets = {per_token_bounds, ARRAY_LEN(per_token_bounds)};
static const metric_buckets call_buckets = {call_bounds, ARRAY_LEN(call_bounds)};
static const metric_buckets own_buckets = {own_bounds, ARRAY_LEN(own_bounds)};

#define BUCKETS_NONE        NULL
#define BUCKETS_CALL        &call_buckets
#define BUCKETS_OWN         &own_buckets
#define BUCKETS_GENAI       &genai_buckets
#define BUCKETS_TOKENS      &tokens_buckets
#define BUCKETS_FIRST_TOKEN &first_token_buckets
#define BUCKETS_PER_TOKEN   &per_token_buckets

const metric_family metric_families[METRIC_COUNT] = {
#define X(id, name, kind, scope, buckets, unit, labels, help)                                      \
    {name, KIND_##kind, SCOPE_##scope, BUCKETS_##buckets, unit, labels, help},
#include "observe/metrics.def"
#include "observe/genai.def"
#undef X
};

unsigned metric_label_names(const metric_family *f, span ret_names[METRIC_LABELS_MAX]) {
    unsigned n = 0;
    span rest = span_cstr(f->labels);
    if (rest.len == 0) return 0;
    while (n < METRIC_LABELS_MAX && span_cut(&rest, ',', &ret_names[n]))
        n++;
    return n;
}

static unsigned label_count(metric_id id) {
    const char *labels = metric_families[id].labels;
    unsigned n = *labels != '\0';
    for (; *labels; labels++)
        n += *labels == ',';
    return n;
}

/* ---- the process's metrics ---- */

static metric_series *series_new(arena *memory, const metric_family *f) {
    size_t counts = f->buckets ? f->buckets->count + 1 : 0;
    metric_series *s = arena_zalloc(memory, sizeof *s + counts * sizeof(atomic_uint_least64_t));
    s->buckets = f->buckets;
    return s;
}

static uint64_t hash_labels(metric_id id, const span *values, unsigned count) {
    uint64_t hash = id + 1;
    for (unsigned i = 0; i < count; i++)
        hash = hash * 0x9E3779B97F4A7C15u + hash_span(values[i]);
    return hash ^ hash >> 32;
}

static metric_entry *find_entry(metric_entry *e, uint64_t hash, metric_id id, const span *values,
                                unsigned count) {
    for (; e; e = e->next) {
        if (e->hash != hash || e->id != id) continue;
        unsigned same = 0;
        while (same < count && span_eq(e->values[same], values[same]))
            same++;
        if (same == count) return e;
    }
    return NULL;
}

/* The caller holds m->adding. */
static metric_entry *add_entry(metrics *m, uint64_t hash, metric_id id, const span *values,
                               unsigned count) {
    metric_entry *e = arena_zalloc(&m->memory, sizeof *e);
    e->hash = hash;
    e->id = id;
    e->index = atomic_fetch_add_explicit(&m->counts[id], 1, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++)
        e->values[i] = arena_dup(&m->memory, values[i]);
    if (metric_families[id].scope == SCOPE_ONE)
        e->one = series_new(&m->memory, &metric_families[id]);
    _Atomic(metric_entry *) *bucket = &m->buckets[hash % ENTRY_BUCKETS];
    e->next = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, e, memory_order_release);
    atomic_store_explicit(m->last[id] ? &m->last[id]->later : &m->first[id], e,
                          memory_order_release);
    m->last[id] = e;
    return e;
}

static bool is_plain(span value) {
    return value.len <= METRIC_VALUE_MAX && span_is_utf8(value);
}

static bool is_full(const metrics *m, metric_id id, unsigned limit) {
    return atomic_load_explicit(&m->counts[id], memory_order_relaxed) >= limit;
}

/* The entry of exactly these values, added where there is room; NULL where there is none. */
static metric_entry *entry_of(metrics *m, metric_id id, const span *values, unsigned count,
                              unsigned limit) {
    uint64_t hash = hash_labels(id, values, count);
    _Atomic(metric_entry *) *bucket = &m->buckets[hash % ENTRY_BUCKETS];
    metric_entry *e =
        find_entry(atomic_load_explicit(bucket, memory_order_acquire), hash, id, values, count);
    if (e || is_full(m, id, limit)) return e;
    for (unsigned i = 0; i < count; i++)
        if (!is_plain(values[i])) return NULL;
    (void)pthread_mutex_lock(&m->adding);
    e = find_entry(atomic_load_explicit(bucket, memory_order_relaxed), hash, id, values, count);
    if (!e && !is_full(m, id, limit)) e = add_entry(m, hash, id, values, count);
    (void)pthread_mutex_unlock(&m->adding);
    return e;
}

/* Values that may not stand as they are, and those beyond the bound, become "other". The last place
 * of a family is kept for all labels being that. */
static metric_entry *entry_or_other(metrics *m, metric_id id, const span *values) {
    unsigned count = m->label_counts[id];
    metric_entry *e = entry_of(m, id, values, count, METRIC_SERIES_MAX - 1);
    if (e) return e;
    span others[METRIC_LABELS_MAX] = {SPAN_EMPTY};
    for (unsigned i = 0; i < count; i++)
        others[i] = is_plain(values[i]) ? values[i] : SPAN_OF("other");
    e = entry_of(m, id, others, count, METRIC_SERIES_MAX - 1);
    if (e) return e;
    for (unsigned i = 0; i < count; i++)
        others[i] = SPAN_OF("other");
    return entry_of(m, id, others, count, METRIC_SERIES_MAX);
}

metrics *metrics_new(void) {
    metrics *m = mem_zalloc(sizeof *m);
    m->started_wall_us = clock_wall_us();
    (void)pthread_mutex_init(&m->adding, NULL);
    arena_init(&m->memory, 4096);
    for (metric_id id = 0; id < METRIC_COUNT; id++)
        m->label_counts[id] = label_count(id);
    for (metric_id id = 0; id < METRIC_COUNT; id++) /* what has no labels shows from the start */
        if (m->label_counts[id] == 0) (void)entry_or_other(m, id, NULL);
    return m;
}

void metrics_free(metrics *m) {
    if (!m) return;
    metrics_shard *s = atomic_load_explicit(&m->shards, memory_order_acquire);
    while (s) {
        metrics_shard *next = s->next;
        arena_done(&s->memory);
        free(s);
        s = next;
    }
    arena_done(&m->memory);
    (void)pthread_mutex_destroy(&m->adding);
    free(m);
}

/* ---- a worker's shard ---- */

metrics_shard *metrics_add_shard(metrics *m) {
    metrics_shard *s = mem_zalloc(sizeof *s);
    s->metrics = m;
    arena_init(&s->memory, 4096);
    (void)pthread_mutex_lock(&m->adding);
    s->next = atomic_load_explicit(&m->shards, memory_order_relaxed);
    atomic_store_explicit(&m->shards, s, memory_order_release);
    (void)pthread_mutex_unlock(&m->adding);
    return s;
}

const metric_series *metrics_peek(const metrics_shard *s, const metric_entry *e) {
    const slot_chunk *chunk =
        atomic_load_explicit(&s->slots[e->id][e->index / SLOT_CHUNK], memory_order_acquire);
    if (!chunk) return NULL;
    return atomic_load_explicit(&chunk->at[e->index % SLOT_CHUNK], memory_order_acquire);
}

static metric_series *shard_series(metrics_shard *s, const metric_entry *e) {
    _Atomic(slot_chunk *) *place = &s->slots[e->id][e->index / SLOT_CHUNK];
    slot_chunk *chunk = atomic_load_explicit(place, memory_order_relaxed);
    if (!chunk) {
        chunk = arena_zalloc(&s->memory, sizeof *chunk);
        atomic_store_explicit(place, chunk, memory_order_release);
    }
    _Atomic(metric_series *) *slot = &chunk->at[e->index % SLOT_CHUNK];
    metric_series *series = atomic_load_explicit(slot, memory_order_relaxed);
    if (!series) {
        series = series_new(&s->memory, &metric_families[e->id]);
        atomic_store_explicit(slot, series, memory_order_release);
    }
    return series;
}

const metric_entry *metrics_find(metrics_shard *s, metric_id id, const span *label_values,
                                 metric_series **ret_series) {
    const metric_entry *e = entry_or_other(s->metrics, id, label_values);
    *ret_series = e->one ? e->one : shard_series(s, e);
    return e;
}

metric_series *metrics_series(metrics_shard *s, metric_id id, const span *label_values) {
    metric_series *series;
    (void)metrics_find(s, id, label_values, &series);
    return series;
}

bool metrics_foresee(metrics_shard *s, metric_id id, const span *label_values) {
    unsigned taken = atomic_load_explicit(&s->metrics->counts[id], memory_order_relaxed);
    if (taken >= METRIC_SERIES_MAX / 2) return false;
    (void)metrics_series(s, id, label_values);
    return true;
}

/* ---- values: one writer each, so a load and a store are enough ---- */

static void put(atomic_uint_least64_t *v, uint64_t value) {
    atomic_store_explicit(v, value, memory_order_relaxed);
}

void metric_add(metric_series *s, uint64_t n) {
    put(&s->value, metric_read(&s->value) + n);
}

void metric_set(metric_series *s, int64_t value) {
    put(&s->value, (uint64_t)value);
}

void metric_gauge_add(metric_series *s, int64_t n) {
    put(&s->value, metric_read(&s->value) + (uint64_t)n);
}

void metric_observe(metric_series *s, double value) {
    const metric_buckets *b = s->buckets;
    unsigned at = 0;
    while (at < b->count && value > b->bounds[at])
        at++;
    put(&s->counts[at], metric_read(&s->counts[at]) + 1);
    uint64_t bits = metric_read(&s->value);
    double sum;
    memcpy(&sum, &bits, sizeof sum);
    sum += value;
    memcpy(&bits, &sum, sizeof bits);
    put(&s->value, bits);
}
