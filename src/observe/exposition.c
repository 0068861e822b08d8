/* The text that a scrape reads: Prometheus text format 0.0.4 or OpenMetrics 1.0.0. */
#include "observe/metrics_table.h"

#include "json/json.h"

#include <string.h>

/* ---- pieces of text ---- */

static void add_number(buf *out, double value) {
    json_writer w = json_writer_of(out); /* the shortest form that reads back the same */
    json_put_double(&w, value);
}

/* Billionths, in units: exact, where a double no longer is. */
static void add_money(buf *out, uint64_t nano) {
    enum { UNIT = 1000000000 };
    buf_add_u64(out, nano / UNIT);
    unsigned rest = (unsigned)(nano % UNIT), digits = 9;
    if (rest == 0) return;
    for (; rest % 10 == 0; rest /= 10)
        digits--;
    buf_addf(out, ".%0*u", (int)digits, rest);
}

/* Label values escape backslash, quote and line feed; help texts no quote, except in OpenMetrics.
 */
static void add_escaped(buf *out, span text, bool quotes) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\n') {
            buf_add(out, SPAN_OF("\\n"));
            continue;
        }
        if (c == '\\' || (c == '"' && quotes)) buf_add_char(out, '\\');
        buf_add_char(out, c);
    }
}

typedef struct scrape {
    metrics *metrics;
    buf *out;
    bool open;
    const metric_family *family;
    span names[METRIC_LABELS_MAX];
    unsigned labels;
} scrape;

/* The family's name without what belongs to its samples alone. */
static span base_name(const scrape *s) {
    span name = span_cstr(s->family->name);
    static const span total = SPAN("_total"), info = SPAN("_info");
    if (!s->open) return name;
    if (span_ends(name, total)) name.len -= total.len;
    if (span_ends(name, info)) name.len -= info.len;
    return name;
}

static const char *type_name(const scrape *s) {
    static const char *const names[] = {
        [KIND_COUNTER] = "counter",
        [KIND_MONEY] = "counter",
        [KIND_GAUGE] = "gauge",
        [KIND_HISTOGRAM] = "histogram",
    };
    if (s->open && span_ends(span_cstr(s->family->name), SPAN_OF("_info"))) return "info";
    return names[s->family->kind];
}

static void add_head(const scrape *s) {
    span name = base_name(s);
    buf_addf(s->out, "# HELP %.*s ", SPAN_ARG(name));
    add_escaped(s->out, span_cstr(s->family->help), s->open);
    buf_addf(s->out, "\n# TYPE %.*s %s\n", SPAN_ARG(name), type_name(s));
    /* OpenMetrics wants a unit to end the family's name. */
    span unit = span_cstr(s->family->unit);
    if (s->open && unit.len && span_ends(name, unit))
        buf_addf(s->out, "# UNIT %.*s %.*s\n", SPAN_ARG(name), SPAN_ARG(unit));
}

/* name{labels} with suffix behind the name, and `le` where it is given. */
static void add_sample(const scrape *s, const char *suffix, const span *values, const double *le,
                       bool le_infinite) {
    buf *out = s->out;
    buf_add_cstr(out, s->family->name);
    buf_add_cstr(out, suffix);
    char open = '{';
    for (unsigned i = 0; i < s->labels; i++) {
        buf_add_char(out, open);
        buf_add(out, s->names[i]);
        buf_add(out, SPAN_OF("=\""));
        add_escaped(out, values[i], true);
        buf_add_char(out, '"');
        open = ',';
    }
    if (le || le_infinite) {
        buf_add_char(out, open);
        buf_add(out, SPAN_OF("le=\""));
        if (le)
            add_number(out, *le);
        else
            buf_add(out, SPAN_OF("+Inf"));
        buf_add_char(out, '"');
        open = ',';
    }
    if (open == ',') buf_add_char(out, '}');
    buf_add_char(out, ' ');
}

/* ---- one family ---- */

static void add_histogram(const scrape *s, const metric_entry *e) {
    const metric_buckets *b = s->family->buckets;
    uint64_t counts[METRIC_BOUNDS_MAX + 1], running = 0;
    double sum = metrics_sum_histogram(s->metrics, e, counts);
    for (unsigned i = 0; i < b->count; i++) {
        running += counts[i];
        add_sample(s, "_bucket", e->values, &b->bounds[i], false);
        buf_addf(s->out, "%llu\n", (unsigned long long)running);
    }
    running += counts[b->count];
    add_sample(s, "_bucket", e->values, NULL, true);
    buf_addf(s->out, "%llu\n", (unsigned long long)running);
    add_sample(s, "_sum", e->values, NULL, false);
    add_number(s->out, sum);
    buf_add_char(s->out, '\n');
    add_sample(s, "_count", e->values, NULL, false);
    buf_addf(s->out, "%llu\n", (unsigned long long)running);
}

static void add_entry(const scrape *s, const metric_entry *e) {
    if (s->family->kind == KIND_HISTOGRAM) {
        add_histogram(s, e);
        return;
    }
    add_sample(s, "", e->values, NULL, false);
    uint64_t value = metrics_sum(s->metrics, e);
    if (s->family->kind == KIND_MONEY)
        add_money(s->out, value);
    else if (s->family->kind == KIND_COUNTER)
        buf_add_u64(s->out, value);
    else
        buf_add_i64(s->out, (int64_t)value);
    buf_add_char(s->out, '\n');
}

static void add_figure(const scrape *s, metric_id id) {
    static const span version = SPAN(WEIR_VERSION);
    add_head(s);
    add_sample(s, "", &version, NULL, false);
    add_number(s->out, process_figure(s->metrics, id));
    buf_add_char(s->out, '\n');
}

static void add_family(scrape *s, metric_id id) {
    s->family = &metric_families[id];
    s->labels = metric_label_names(s->family, s->names);
    if (s->family->scope == SCOPE_READ) {
        add_figure(s, id);
        return;
    }
    const metric_entry *e = atomic_load_explicit(&s->metrics->first[id], memory_order_acquire);
    if (e) add_head(s);
    for (; e; e = atomic_load_explicit(&e->later, memory_order_acquire))
        add_entry(s, e);
}

void metrics_write(metrics *m, bool open_metrics, buf *out) {
    scrape s = {.metrics = m, .out = out, .open = open_metrics};
    for (metric_id id = 0; id < METRIC_COUNT; id++)
        if (metric_families[id].scope != SCOPE_TOLD) add_family(&s, id);
    if (open_metrics) buf_add(out, SPAN_OF("# EOF\n"));
}

int64_t metrics_total(metrics *m, metric_id id) {
    const metric_entry *e = atomic_load_explicit(&m->first[id], memory_order_acquire);
    return e ? (int64_t)metrics_sum(m, e) : 0;
}

/* ---- which of the two ---- */

/* q=0, q=0.0 …: "not acceptable" (RFC 9110 section 12.4.2). */
static bool refused(span parameters) {
    span parameter;
    while (span_cut(&parameters, ';', &parameter)) {
        parameter = span_trim(parameter);
        if (!span_istarts(parameter, SPAN_OF("q="))) continue;
        span q = span_slice(parameter, 2, parameter.len);
        for (size_t i = 0; i < q.len; i++)
            if (q.ptr[i] != '0' && q.ptr[i] != '.') return false;
        return true;
    }
    return false;
}

bool metrics_wants_open(span accept_header) {
    span one;
    while (span_cut(&accept_header, ',', &one)) {
        span type;
        span parameters = span_trim(one);
        if (!span_cut(&parameters, ';', &type)) continue;
        if (!span_ieq(span_trim(type), SPAN_OF("application/openmetrics-text"))) continue;
        if (!refused(parameters)) return true;
    }
    return false;
}

const char *metrics_content_type(bool open_metrics) {
    return open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                        : "text/plain; version=0.0.4; charset=utf-8";
}
