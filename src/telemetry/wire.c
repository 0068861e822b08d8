#include "telemetry/wire.h"

#include "base/hash.h"
#include "telemetry/protobuf.h"

#include <stdio.h>

static bool is_json(const wire *w) {
    return w->protocol == TELEMETRY_JSON;
}

wire wire_of(config_telemetry_protocol protocol, buf *out) {
    return (wire){protocol, out, json_writer_of(out)};
}

/* ---- nesting ---- */

void wire_begin(wire *w) {
    if (is_json(w)) json_open_object(&w->json);
}

void wire_end(wire *w) {
    if (is_json(w)) json_close_object(&w->json);
}

size_t wire_open(wire *w, unsigned number, const char *name) {
    if (!is_json(w)) return pb_open(w->out, number);
    json_key(&w->json, name);
    json_open_object(&w->json);
    return 0;
}

void wire_close(wire *w, size_t mark) {
    if (is_json(w))
        json_close_object(&w->json);
    else
        pb_close(w->out, mark);
}

void wire_open_list(wire *w, const char *name) {
    if (!is_json(w)) return;
    json_key(&w->json, name);
    json_open_array(&w->json);
}

void wire_close_list(wire *w) {
    if (is_json(w)) json_close_array(&w->json);
}

size_t wire_open_item(wire *w, unsigned number) {
    if (!is_json(w)) return pb_open(w->out, number);
    json_open_object(&w->json);
    return 0;
}

void wire_put_items(wire *w, span items) {
    if (!is_json(w))
        buf_add(w->out, items);
    else if (items.len)
        json_put_raw(&w->json, span_slice(items, 0, items.len - 1));
}

/* ---- values ---- */

void wire_text(wire *w, unsigned number, const char *name, span text) {
    if (!is_json(w)) {
        pb_put_text(w->out, number, text);
        return;
    }
    json_key(&w->json, name);
    json_put_string(&w->json, text);
}

void wire_id(wire *w, unsigned number, const char *name, const unsigned char *bytes, size_t len) {
    char hex[2 * 16 + 1];
    if (!is_json(w)) {
        pb_put_bytes(w->out, number, span_from((const char *)bytes, len));
        return;
    }
    hex_encode(bytes, len, hex);
    json_key(&w->json, name);
    json_put_string(&w->json, span_cstr(hex));
}

void wire_enum(wire *w, unsigned number, const char *name, unsigned value) {
    if (!is_json(w)) {
        pb_put_varint(w->out, number, value);
        return;
    }
    json_key(&w->json, name);
    json_put_u64(&w->json, value);
}

void wire_bool(wire *w, unsigned number, const char *name, bool value) {
    if (!is_json(w)) {
        pb_put_varint(w->out, number, value);
        return;
    }
    json_key(&w->json, name);
    json_put_bool(&w->json, value);
}

static void put_quoted(wire *w, uint64_t value, bool negative) {
    char text[32];
    int n = snprintf(text, sizeof text, "\"%s%llu\"", negative ? "-" : "",
                     (unsigned long long)(negative ? -value : value));
    json_put_raw(&w->json, span_from(text, (size_t)n));
}

void wire_i64(wire *w, unsigned number, const char *name, int64_t value) {
    if (!is_json(w)) {
        pb_put_varint(w->out, number, (uint64_t)value);
        return;
    }
    json_key(&w->json, name);
    put_quoted(w, (uint64_t)value, value < 0);
}

void wire_u32(wire *w, unsigned number, const char *name, uint32_t value) {
    if (!is_json(w)) {
        pb_put_fixed32(w->out, number, value);
        return;
    }
    json_key(&w->json, name);
    json_put_u64(&w->json, value);
}

void wire_u64(wire *w, unsigned number, const char *name, uint64_t value) {
    if (!is_json(w)) {
        pb_put_fixed64(w->out, number, value);
        return;
    }
    json_key(&w->json, name);
    put_quoted(w, value, false);
}

void wire_s64(wire *w, unsigned number, const char *name, int64_t value) {
    if (!is_json(w)) {
        pb_put_fixed64(w->out, number, (uint64_t)value);
        return;
    }
    json_key(&w->json, name);
    put_quoted(w, (uint64_t)value, value < 0);
}

void wire_double(wire *w, unsigned number, const char *name, double value) {
    if (!is_json(w)) {
        pb_put_double(w->out, number, value);
        return;
    }
    json_key(&w->json, name);
    json_put_double(&w->json, value);
}

void wire_counts(wire *w, unsigned number, const char *name, const uint64_t *values, size_t count) {
    if (!is_json(w)) {
        size_t mark = pb_open(w->out, number);
        for (size_t i = 0; i < count; i++)
            pb_add_fixed64(w->out, values[i]);
        pb_close(w->out, mark);
        return;
    }
    wire_open_list(w, name);
    for (size_t i = 0; i < count; i++)
        put_quoted(w, values[i], false);
    wire_close_list(w);
}

void wire_bounds(wire *w, unsigned number, const char *name, const double *values, size_t count) {
    if (!is_json(w)) {
        size_t mark = pb_open(w->out, number);
        for (size_t i = 0; i < count; i++)
            pb_add_double(w->out, values[i]);
        pb_close(w->out, mark);
        return;
    }
    wire_open_list(w, name);
    for (size_t i = 0; i < count; i++)
        json_put_double(&w->json, values[i]);
    wire_close_list(w);
}
