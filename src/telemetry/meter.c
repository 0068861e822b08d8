#include "telemetry/meter.h"

/* ---- names ---- */

static span without(span text, span ending) {
    if (span_ends(text, ending)) text.len -= ending.len;
    return text;
}

/* UCUM's words for what weir's families are in. */
static span unit_of(span unit) {
    if (span_eq(unit, SPAN_OF("seconds"))) return SPAN_OF("s");
    if (span_eq(unit, SPAN_OF("bytes"))) return SPAN_OF("By");
    return unit;
}

void meter_name(const metric_facts *f, arena *a, span *ret_name, span *ret_unit) {
    span name = span_cstr(f->name), unit = span_cstr(f->unit);
    *ret_unit = f->conventional ? unit : unit_of(unit);
    *ret_name = name;
    if (f->conventional) return;
    name = without(without(name, SPAN_OF("_total")), unit);
    if (unit.len) name = without(name, SPAN_OF("_"));
    size_t at = span_find(name, 0, '_'); /* behind "weir" or "process" */
    const span parts[] = {span_slice(name, 0, at), SPAN("."), span_slice(name, at + 1, name.len)};
    *ret_name = arena_join(a, parts, ARRAY_LEN(parts));
}

/* ---- the request ---- */

typedef struct teller {
    otlp_metrics metrics;
    otlp_metric metric;
    span labels[METRIC_LABELS_MAX]; /* their names, as C strings */
    unsigned label_count;
    arena arena;
} teller;

static void on_family(void *user, const metric_facts *f) {
    static const otlp_metric_kind kinds[] = {[KIND_COUNTER] = OTLP_COUNTER,
                                             [KIND_MONEY] = OTLP_COUNTER,
                                             [KIND_GAUGE] = OTLP_GAUGE,
                                             [KIND_HISTOGRAM] = OTLP_HISTOGRAM};
    teller *t = user;
    t->metric = (otlp_metric){.description = span_cstr(f->help),
                              .kind = kinds[f->kind],
                              .bounds = f->bounds,
                              .bound_count = f->bound_count};
    meter_name(f, &t->arena, &t->metric.name, &t->metric.unit);
    t->label_count = f->label_count;
    for (unsigned i = 0; i < f->label_count; i++)
        t->labels[i] = arena_dup(&t->arena, f->labels[i]);
    otlp_open_metric(&t->metrics, &t->metric);
}

/* A label without a value is none: OTLP has no columns. */
static void on_point(void *user, const metric_point *p) {
    teller *t = user;
    otlp_attributes attributes = {0};
    for (unsigned i = 0; i < t->label_count; i++)
        otlp_add_text(&attributes, t->labels[i].ptr, p->values[i]);
    const otlp_point point = {.attributes = &attributes,
                              .is_double = p->is_double,
                              .integer = p->integer,
                              .number = p->number,
                              .sum = p->number,
                              .counts = p->counts};
    otlp_put_point(&t->metrics, &point);
}

static void on_family_end(void *user) {
    otlp_close_metric(&((teller *)user)->metrics);
}

void meter_write(const metrics *m, config_telemetry_protocol p, const otlp_attributes *resource,
                 int64_t now_us, buf *out) {
    static const metrics_visitor visitor = {on_family, on_point, on_family_end};
    teller t = {0};
    arena_init(&t.arena, 8 << 10);
    otlp_metrics_begin(&t.metrics, p, resource, (uint64_t)metrics_started_us(m) * 1000,
                       (uint64_t)now_us * 1000, out);
    metrics_visit(m, &visitor, &t);
    otlp_metrics_end(&t.metrics);
    arena_done(&t.arena);
}
