#include "sim/schema.h"

#include <math.h>
#include <string.h>

enum { DEPTH_MAX = 24, ITEMS_MAX = 16, MEMBERS_MAX = 256, LENGTH_MAX = 1000, OUT_MAX = 1 << 16 };

typedef struct schema_walk {
    json_value root; /* for $ref */
    arena *scratch;
    buf *out;
    unsigned depth;
} schema_walk;

static void write_value(schema_walk *w, json_value schema);

/* "#/$defs/Place" */
static json_value resolve(schema_walk *w, json_value ref) {
    span path = json_string(ref, w->scratch), step;
    json_value at = w->root;
    if (!span_starts(path, SPAN_OF("#"))) return (json_value){0};
    path = span_slice(path, path.len > 1 ? 2 : 1, path.len);
    while (path.len && span_cut(&path, '/', &step))
        at = json_get(at, step);
    return at;
}

static json_value first_element(json_value array) {
    json_iter it = json_iter_of(array);
    json_value first = {0};
    if (array.type == JSON_ARRAY && json_next_element(&it, &first)) return first;
    return (json_value){0};
}

/* Of several alternatives, the first that is not just null. */
static json_value first_alternative(json_value array) {
    json_iter it = json_iter_of(array);
    json_value one;
    if (array.type != JSON_ARRAY) return (json_value){0};
    while (json_next_element(&it, &one))
        if (!json_is(json_get(one, SPAN_OF("type")), SPAN_OF("null"))) return one;
    return first_element(array);
}

static uint64_t count_of(json_value schema, span name, uint64_t otherwise) {
    int64_t n;
    return json_i64(json_get(schema, name), &n) && n >= 0 ? (uint64_t)n : otherwise;
}

static void write_text(json_value schema, schema_walk *w) {
    static const struct {
        span format;
        const char *value;
    } formats[] = {
        {SPAN("date-time"), "2026-01-01T00:00:00Z"},
        {SPAN("date"), "2026-01-01"},
        {SPAN("time"), "00:00:00Z"},
        {SPAN("duration"), "PT1S"},
        {SPAN("email"), "user@example.com"},
        {SPAN("hostname"), "example.com"},
        {SPAN("ipv4"), "127.0.0.1"},
        {SPAN("ipv6"), "::1"},
        {SPAN("uri"), "https://example.com/"},
        {SPAN("uuid"), "00000000-0000-4000-8000-000000000000"},
    };
    json_value format = json_get(schema, SPAN_OF("format"));
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (!json_is(format, formats[i].format)) continue;
        json_write_string(w->out, span_cstr(formats[i].value));
        return;
    }
    uint64_t least = count_of(schema, SPAN_OF("minLength"), 0);
    uint64_t most = count_of(schema, SPAN_OF("maxLength"), LENGTH_MAX);
    char text[LENGTH_MAX];
    memset(text, 'x', sizeof text);
    memcpy(text, "text", 4);
    uint64_t len = least > 4 ? least : 4;
    if (len > most) len = most;
    json_write_string(w->out, span_from(text, len < LENGTH_MAX ? len : LENGTH_MAX));
}

/* A distance that leads from one excluded bound towards the other without reaching it. */
static double beyond(double least, double most) {
    return most - least < HUGE_VAL ? (most - least) / 2 : 1;
}

static void write_number(json_value schema, buf *out) {
    double least = -HUGE_VAL, most = HUGE_VAL, step = 0, bound;
    bool above = json_double(json_get(schema, SPAN_OF("exclusiveMinimum")), &least);
    if (json_double(json_get(schema, SPAN_OF("minimum")), &bound) && bound > least) {
        least = bound;
        above = false;
    }
    bool below = json_double(json_get(schema, SPAN_OF("exclusiveMaximum")), &most);
    if (json_double(json_get(schema, SPAN_OF("maximum")), &bound) && bound < most) {
        most = bound;
        below = false;
    }
    bool whole = json_is(json_get(schema, SPAN_OF("type")), SPAN_OF("integer"));
    if (!json_double(json_get(schema, SPAN_OF("multipleOf")), &step) || !(step > 0))
        step = whole ? 1 : 0;
    double value = 0;
    if (value < least || (above && value <= least)) {
        value = step > 0 ? ceil(least / step) * step : least;
        if (above && value <= least) value += step > 0 ? step : beyond(least, most);
    } else if (value > most || (below && value >= most)) {
        value = step > 0 ? floor(most / step) * step : most;
        if (below && value >= most) value -= step > 0 ? step : beyond(least, most);
    }
    json_writer jw = json_writer_of(out);
    if (value == floor(value) && fabs(value) < 9e15)
        json_put_i64(&jw, (int64_t)value);
    else
        json_put_double(&jw, value);
}

static void write_array(json_value schema, schema_walk *w) {
    json_value prefix = json_get(schema, SPAN_OF("prefixItems")), item;
    json_value items = json_get(schema, SPAN_OF("items"));
    uint64_t least = count_of(schema, SPAN_OF("minItems"), 0);
    bool more = prefix.type == JSON_ARRAY;
    json_iter it = json_iter_of(prefix);
    buf_add_char(w->out, '[');
    for (uint64_t i = 0; i < least && i < ITEMS_MAX; i++) {
        if (i) buf_add_char(w->out, ',');
        more = more && json_next_element(&it, &item);
        write_value(w, more ? item : items);
    }
    buf_add_char(w->out, ']');
}

static void write_object(json_value schema, schema_walk *w) {
    json_value required = json_get(schema, SPAN_OF("required")), name;
    json_value properties = json_get(schema, SPAN_OF("properties"));
    unsigned members = 0;
    buf_add_char(w->out, '{');
    json_iter it = json_iter_of(required);
    while (required.type == JSON_ARRAY && members < MEMBERS_MAX && json_next_element(&it, &name)) {
        if (name.type != JSON_STRING) continue;
        span key = json_string(name, w->scratch);
        if (members++) buf_add_char(w->out, ',');
        json_write_string(w->out, key);
        buf_add_char(w->out, ':');
        write_value(w, json_get(properties, key));
    }
    buf_add_char(w->out, '}');
}

static void write_typed(schema_walk *w, json_value schema) {
    json_value type = json_get(schema, SPAN_OF("type"));
    if (type.type == JSON_ARRAY) {
        json_iter it = json_iter_of(type);
        json_value one;
        type = first_element(type);
        while (json_is(type, SPAN_OF("null")) && json_next_element(&it, &one))
            type = one;
    }
    if (json_is(type, SPAN_OF("string")))
        write_text(schema, w);
    else if (json_is(type, SPAN_OF("integer")) || json_is(type, SPAN_OF("number")))
        write_number(schema, w->out);
    else if (json_is(type, SPAN_OF("boolean")))
        buf_add_cstr(w->out, "true");
    else if (json_is(type, SPAN_OF("null")))
        buf_add_cstr(w->out, "null");
    else if (json_is(type, SPAN_OF("array")))
        write_array(schema, w);
    else
        write_object(schema, w);
}

static void write_value(schema_walk *w, json_value schema) {
    json_value found;
    if (++w->depth > DEPTH_MAX || w->out->len > OUT_MAX) {
        buf_add_cstr(w->out, "null");
    } else if ((found = json_get(schema, SPAN_OF("const"))).type ||
               (found = json_get(schema, SPAN_OF("default"))).type ||
               (found = first_element(json_get(schema, SPAN_OF("enum")))).type) {
        buf_add(w->out, found.raw);
    } else if ((found = json_get(schema, SPAN_OF("$ref"))).type == JSON_STRING) {
        write_value(w, resolve(w, found));
    } else if ((found = first_alternative(json_get(schema, SPAN_OF("anyOf")))).type ||
               (found = first_alternative(json_get(schema, SPAN_OF("oneOf")))).type ||
               (found = first_element(json_get(schema, SPAN_OF("allOf")))).type) {
        write_value(w, found);
    } else {
        write_typed(w, schema);
    }
    w->depth--;
}

void sim_schema_write(json_value schema, arena *scratch, buf *out) {
    schema_walk w = {.root = schema, .scratch = scratch, .out = out};
    write_value(&w, schema);
}
