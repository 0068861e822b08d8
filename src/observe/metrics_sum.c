/* What the shards come to together: for the exposition, and for whoever else tells of all series.
 */
#include "observe/metrics_table.h"

static const metrics_shard *first_shard(const metrics *m) {
    return atomic_load_explicit(&m->shards, memory_order_acquire);
}

uint64_t metrics_sum(const metrics *m, const metric_entry *e) {
    if (e->one) return metric_read(&e->one->value);
    uint64_t total = 0;
    for (const metrics_shard *shard = first_shard(m); shard; shard = shard->next) {
        const metric_series *series = metrics_peek(shard, e);
        if (series) total += metric_read(&series->value);
    }
    return total;
}

double metrics_sum_histogram(const metrics *m, const metric_entry *e,
                             uint64_t ret_counts[METRIC_BOUNDS_MAX + 1]) {
    const metric_buckets *b = metric_families[e->id].buckets;
    double sum = 0;
    for (unsigned i = 0; i <= b->count; i++)
        ret_counts[i] = 0;
    for (const metrics_shard *shard = first_shard(m); shard; shard = shard->next) {
        const metric_series *series = metrics_peek(shard, e);
        if (!series) continue;
        uint64_t bits = metric_read(&series->value);
        double part;
        memcpy(&part, &bits, sizeof part);
        sum += part;
        for (unsigned i = 0; i <= b->count; i++)
            ret_counts[i] += metric_read(&series->counts[i]);
    }
    return sum;
}

/* ---- all of them ---- */

static metric_facts facts_of(metric_id id, span names[METRIC_LABELS_MAX]) {
    const metric_family *f = &metric_families[id];
    return (metric_facts){.name = f->name,
                          .unit = f->unit,
                          .help = f->help,
                          .kind = f->kind,
                          .bounds = f->buckets ? f->buckets->bounds : NULL,
                          .bound_count = f->buckets ? f->buckets->count : 0,
                          .labels = names,
                          .label_count = metric_label_names(f, names),
                          .conventional = f->scope == SCOPE_TOLD};
}

static void visit_entry(const metrics *m, const metric_entry *e, const metrics_visitor *v,
                        void *user) {
    uint64_t counts[METRIC_BOUNDS_MAX + 1];
    metric_point p = {.values = e->values};
    if (metric_families[e->id].kind == KIND_HISTOGRAM) {
        p.number = metrics_sum_histogram(m, e, counts);
        p.counts = counts;
    } else {
        p.integer = (int64_t)metrics_sum(m, e);
        p.is_double = metric_families[e->id].kind == KIND_MONEY;
        p.number = (double)p.integer / 1e9;
    }
    v->point(user, &p);
}

static void visit_figure(const metrics *m, metric_id id, const metrics_visitor *v, void *user) {
    static const span version = SPAN(WEIR_VERSION);
    const metric_point p = {.values = &version, .is_double = true, .number = process_figure(m, id)};
    v->point(user, &p);
}

static void visit_family(const metrics *m, metric_id id, const metrics_visitor *v, void *user) {
    span names[METRIC_LABELS_MAX];
    const metric_facts facts = facts_of(id, names);
    bool figure = metric_families[id].scope == SCOPE_READ;
    const metric_entry *e = atomic_load_explicit(&m->first[id], memory_order_acquire);
    if (!figure && !e) return;
    v->family(user, &facts);
    if (figure) visit_figure(m, id, v, user);
    for (; !figure && e; e = atomic_load_explicit(&e->later, memory_order_acquire))
        visit_entry(m, e, v, user);
    v->family_end(user);
}

void metrics_visit(const metrics *m, const metrics_visitor *v, void *user) {
    for (metric_id id = 0; id < METRIC_COUNT; id++)
        visit_family(m, id, v, user);
}

int64_t metrics_started_us(const metrics *m) {
    return m->started_wall_us;
}
