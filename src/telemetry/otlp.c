#include "telemetry/otlp.h"

#include "telemetry/protobuf.h"

#define SCHEMA_URL "https://opentelemetry.io/schemas/1.37.0"

/* ---- attributes ---- */

static otlp_attribute *add(otlp_attributes *a, const char *key, otlp_type type) {
    if (a->count == OTLP_ATTRIBUTES_MAX) {
        a->dropped++;
        return &a->items[OTLP_ATTRIBUTES_MAX]; /* written, and never read */
    }
    otlp_attribute *item = &a->items[a->count++];
    item->key = span_cstr(key);
    item->type = type;
    return item;
}

void otlp_add_text(otlp_attributes *a, const char *key, span text) {
    if (text.len) add(a, key, OTLP_TEXT)->text = text;
}

void otlp_add_word(otlp_attributes *a, const char *key, const char *word) {
    otlp_add_text(a, key, span_cstr(word));
}

void otlp_add_texts(otlp_attributes *a, const char *key, const span *items, size_t count) {
    if (!count) return;
    otlp_attribute *item = add(a, key, OTLP_TEXTS);
    item->texts.items = items;
    item->texts.count = count;
}

void otlp_add_integer(otlp_attributes *a, const char *key, int64_t value) {
    add(a, key, OTLP_INTEGER)->integer = value;
}

void otlp_add_count(otlp_attributes *a, const char *key, int64_t value) {
    if (value >= 0) otlp_add_integer(a, key, value);
}

void otlp_add_double(otlp_attributes *a, const char *key, double value) {
    add(a, key, OTLP_DOUBLE)->number = value;
}

void otlp_add_flag(otlp_attributes *a, const char *key, bool value) {
    if (value) add(a, key, OTLP_BOOL)->truth = true;
}

static void put_texts(wire *w, const otlp_attribute *a) {
    size_t array = wire_open(w, 5, "arrayValue");
    wire_open_list(w, "values");
    for (size_t i = 0; i < a->texts.count; i++) {
        size_t item = wire_open_item(w, 1);
        wire_text(w, 1, "stringValue", a->texts.items[i]);
        wire_close(w, item);
    }
    wire_close_list(w);
    wire_close(w, array);
}

static void put_value(wire *w, const otlp_attribute *a) {
    switch (a->type) {
    case OTLP_TEXT: wire_text(w, 1, "stringValue", a->text); return;
    case OTLP_TEXTS: put_texts(w, a); return;
    case OTLP_INTEGER: wire_i64(w, 3, "intValue", a->integer); return;
    case OTLP_DOUBLE: wire_double(w, 4, "doubleValue", a->number); return;
    case OTLP_BOOL: wire_bool(w, 2, "boolValue", a->truth); return;
    }
}

static void put_attributes(wire *w, unsigned number, const otlp_attributes *a) {
    if (!a || !a->count) return;
    wire_open_list(w, "attributes");
    for (size_t i = 0; i < a->count; i++) {
        size_t item = wire_open_item(w, number);
        wire_text(w, 1, "key", a->items[i].key);
        size_t value = wire_open(w, 2, "value");
        put_value(w, &a->items[i]);
        wire_close(w, value);
        wire_close(w, item);
    }
    wire_close_list(w);
}

/* ---- spans ---- */

enum { STATUS_ERROR = 2, FLAGS_REMOTE_KNOWN = 0x100, FLAGS_REMOTE = 0x200 };

static void put_ids(wire *w, const trace_context *t, uint64_t id) {
    unsigned char bytes[SPAN_ID_LEN];
    span_id_bytes(id, bytes);
    wire_id(w, 1, "traceId", t->trace_id, TRACE_ID_LEN);
    wire_id(w, 2, "spanId", bytes, SPAN_ID_LEN);
    if (t->state.len) wire_text(w, 3, "traceState", t->state);
}

static void put_link(wire *w, const otlp_span *s) {
    if (!s->link) return;
    wire_open_list(w, "links");
    size_t item = wire_open_item(w, 13);
    put_ids(w, s->trace, s->link);
    wire_u32(w, 6, "flags", s->trace->flags | FLAGS_REMOTE_KNOWN);
    wire_close(w, item);
    wire_close_list(w);
}

static void put_status(wire *w, const otlp_span *s) {
    if (!s->failed) return;
    size_t status = wire_open(w, 15, "status");
    if (s->why.len) wire_text(w, 2, "message", s->why);
    wire_enum(w, 3, "code", STATUS_ERROR);
    wire_close(w, status);
}

void otlp_put_span(config_telemetry_protocol p, const otlp_span *s, buf *out) {
    wire w = wire_of(p, out);
    size_t mark = wire_open_item(&w, 2);
    put_ids(&w, s->trace, s->id);
    if (s->parent) {
        unsigned char parent[SPAN_ID_LEN];
        span_id_bytes(s->parent, parent);
        wire_id(&w, 4, "parentSpanId", parent, SPAN_ID_LEN);
    }
    wire_text(&w, 5, "name", s->name);
    wire_enum(&w, 6, "kind", s->kind);
    wire_u64(&w, 7, "startTimeUnixNano", s->start_ns);
    wire_u64(&w, 8, "endTimeUnixNano", s->end_ns);
    put_attributes(&w, 9, s->attributes);
    if (s->attributes && s->attributes->dropped)
        wire_enum(&w, 10, "droppedAttributesCount", s->attributes->dropped);
    put_link(&w, s);
    put_status(&w, s);
    wire_u32(&w, 16, "flags",
             s->trace->flags | FLAGS_REMOTE_KNOWN | (s->remote ? FLAGS_REMOTE : 0u));
    wire_close(&w, mark);
    if (p == TELEMETRY_JSON) buf_add_char(out, ',');
}

static void put_resource(wire *w, const otlp_attributes *resource) {
    size_t mark = wire_open(w, 1, "resource");
    put_attributes(w, 1, resource);
    wire_close(w, mark);
}

static void put_scope(wire *w) {
    size_t mark = wire_open(w, 1, "scope");
    wire_text(w, 1, "name", SPAN_OF("weir"));
    wire_text(w, 2, "version", SPAN_OF(WEIR_VERSION));
    wire_close(w, mark);
}

void otlp_wrap_spans(config_telemetry_protocol p, const otlp_attributes *resource, span spans,
                     buf *out) {
    wire w = wire_of(p, out);
    wire_begin(&w);
    wire_open_list(&w, "resourceSpans");
    size_t whole = wire_open_item(&w, 1);
    put_resource(&w, resource);
    wire_open_list(&w, "scopeSpans");
    size_t scoped = wire_open_item(&w, 2);
    put_scope(&w);
    wire_open_list(&w, "spans");
    wire_put_items(&w, spans);
    wire_close_list(&w);
    wire_text(&w, 3, "schemaUrl", SPAN_OF(SCHEMA_URL));
    wire_close(&w, scoped);
    wire_close_list(&w);
    wire_close(&w, whole);
    wire_close_list(&w);
    wire_end(&w);
}

/* ---- metrics ---- */

enum { CUMULATIVE = 2 };

void otlp_metrics_begin(otlp_metrics *m, config_telemetry_protocol p,
                        const otlp_attributes *resource, uint64_t start_ns, uint64_t now_ns,
                        buf *out) {
    *m = (otlp_metrics){.wire = wire_of(p, out), .start_ns = start_ns, .now_ns = now_ns};
    wire *w = &m->wire;
    wire_begin(w);
    wire_open_list(w, "resourceMetrics");
    m->marks[0] = wire_open_item(w, 1);
    put_resource(w, resource);
    wire_open_list(w, "scopeMetrics");
    m->marks[1] = wire_open_item(w, 2);
    put_scope(w);
    wire_open_list(w, "metrics");
}

void otlp_metrics_end(otlp_metrics *m) {
    wire *w = &m->wire;
    wire_close_list(w);
    wire_text(w, 3, "schemaUrl", SPAN_OF(SCHEMA_URL));
    wire_close(w, m->marks[1]);
    wire_close_list(w);
    wire_close(w, m->marks[0]);
    wire_close_list(w);
    wire_end(w);
}

void otlp_open_metric(otlp_metrics *m, const otlp_metric *metric) {
    static const struct {
        unsigned number;
        const char *name;
    } data[] = {[OTLP_GAUGE] = {5, "gauge"},
                [OTLP_COUNTER] = {7, "sum"},
                [OTLP_HISTOGRAM] = {9, "histogram"}};
    wire *w = &m->wire;
    m->metric = metric;
    m->marks[2] = wire_open_item(w, 2);
    wire_text(w, 1, "name", metric->name);
    if (metric->description.len) wire_text(w, 2, "description", metric->description);
    if (metric->unit.len) wire_text(w, 3, "unit", metric->unit);
    m->marks[3] = wire_open(w, data[metric->kind].number, data[metric->kind].name);
    if (metric->kind != OTLP_GAUGE) wire_enum(w, 2, "aggregationTemporality", CUMULATIVE);
    if (metric->kind == OTLP_COUNTER) wire_bool(w, 3, "isMonotonic", true);
    wire_open_list(w, "dataPoints");
}

void otlp_close_metric(otlp_metrics *m) {
    wire_close_list(&m->wire);
    wire_close(&m->wire, m->marks[3]);
    wire_close(&m->wire, m->marks[2]);
}

static void put_times(otlp_metrics *m) {
    if (m->metric->kind != OTLP_GAUGE) wire_u64(&m->wire, 2, "startTimeUnixNano", m->start_ns);
    wire_u64(&m->wire, 3, "timeUnixNano", m->now_ns);
}

static void put_number(otlp_metrics *m, const otlp_point *p) {
    put_attributes(&m->wire, 7, p->attributes);
    put_times(m);
    if (p->is_double)
        wire_double(&m->wire, 4, "asDouble", p->number);
    else
        wire_s64(&m->wire, 6, "asInt", p->integer);
}

static void put_histogram(otlp_metrics *m, const otlp_point *p) {
    wire *w = &m->wire;
    size_t bounds = m->metric->bound_count;
    uint64_t count = 0;
    for (size_t i = 0; i <= bounds; i++)
        count += p->counts[i];
    put_attributes(w, 9, p->attributes);
    put_times(m);
    wire_u64(w, 4, "count", count);
    wire_double(w, 5, "sum", p->sum);
    wire_counts(w, 6, "bucketCounts", p->counts, bounds + 1);
    wire_bounds(w, 7, "explicitBounds", m->metric->bounds, bounds);
}

void otlp_put_point(otlp_metrics *m, const otlp_point *p) {
    size_t mark = wire_open_item(&m->wire, 1);
    if (m->metric->kind == OTLP_HISTOGRAM)
        put_histogram(m, p);
    else
        put_number(m, p);
    wire_close(&m->wire, mark);
}

/* ---- what a receiver answers: {partialSuccess: {rejected…, errorMessage}} ---- */

/* The last bytes field of that number; false: the message is none. */
static bool find_bytes(span message, unsigned number, span *ret) {
    pb_field f;
    bool good;
    *ret = SPAN_EMPTY;
    while (pb_next(&message, &f, &good))
        if (f.number == number && f.bytes.ptr) *ret = f.bytes;
    return good;
}

static uint64_t read_protobuf(span body, span *ret_message) {
    span partial, rest;
    pb_field f;
    bool good;
    uint64_t rejected = 0;
    if (!find_bytes(body, 1, &partial) || !find_bytes(partial, 2, ret_message)) return 0;
    for (rest = partial; pb_next(&rest, &f, &good);)
        if (f.number == 1 && !f.bytes.ptr) rejected = f.value;
    return rejected > INT64_MAX ? 0 : rejected;
}

static uint64_t read_json(span body, arena *a, span *ret_message) {
    static const span names[] = {SPAN("rejectedSpans"), SPAN("rejectedDataPoints")};
    json_value root, message;
    json_fault fault;
    uint64_t rejected = 0;
    if (!json_scan(body, NULL, &root, &fault)) return 0;
    json_value partial = json_get(root, SPAN_OF("partialSuccess"));
    message = json_get(partial, SPAN_OF("errorMessage"));
    if (message.type == JSON_STRING) *ret_message = json_string(message, a);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        json_value count = json_get(partial, names[i]);
        span digits = count.type == JSON_STRING ? json_string(count, a) : count.raw;
        if (count.type == JSON_STRING || count.type == JSON_NUMBER)
            (void)!span_u64(digits, &rejected);
    }
    return rejected > INT64_MAX ? 0 : rejected;
}

uint64_t otlp_read_rejected(config_telemetry_protocol p, span body, arena *a, span *ret_message) {
    *ret_message = SPAN_EMPTY;
    if (!body.len) return 0;
    return p == TELEMETRY_JSON ? read_json(body, a, ret_message) : read_protobuf(body, ret_message);
}

/* ---- why it did not take one ---- */

static bool is_text(span s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < ' ' && c != '\t' && c != '\r' && c != '\n') return false;
    }
    return span_is_utf8(s);
}

/* Of a google.rpc.Status. */
static span status_message(config_telemetry_protocol p, span body, arena *a) {
    json_value root;
    json_fault fault;
    span message = SPAN_EMPTY;
    if (p == TELEMETRY_PROTOBUF) {
        bool good = find_bytes(body, 2, &message);
        return good ? message : SPAN_EMPTY;
    }
    if (!json_scan(body, NULL, &root, &fault)) return SPAN_EMPTY;
    json_value value = json_get(root, SPAN_OF("message"));
    return value.type == JSON_STRING ? json_string(value, a) : SPAN_EMPTY;
}

span otlp_read_error(config_telemetry_protocol p, span body, arena *a) {
    span message = status_message(p, body, a);
    if (!message.len || !is_text(message)) message = is_text(body) ? body : SPAN_EMPTY;
    return span_strip(span_clip(message, OTLP_ERROR_MAX));
}
