/* What a client of responses brings back of a run: the calls that weir has made, and those that it
 * has handed out, as the model made them. */
#include "exchange/mixed.h"

#include "tools/carry.h"

static bool is_of_type(json_value item, span type) {
    return json_is(json_get(item, SPAN_OF("type")), type);
}

static void put_comma(buf *out) {
    if (out->len) buf_add_char(out, ',');
}

/* ---- weir's own calls ---- */

static void put_raw_or_empty(json_writer *w, const char *key, json_value v, const char *empty) {
    json_key(w, key);
    if (v.type == JSON_STRING)
        json_put_raw(w, v.raw);
    else
        json_put_string(w, span_cstr(empty));
}

static void put_output(json_writer *w, json_value item, arena *a) {
    json_value error = json_get(item, SPAN_OF("error"));
    if (error.type == JSON_STRING) {
        const span text[] = {SPAN("Error: "), json_string(error, a)};
        json_key(w, "output");
        json_put_string(w, arena_join(a, text, ARRAY_LEN(text)));
    } else {
        put_raw_or_empty(w, "output", json_get(item, SPAN_OF("output")), "");
    }
}

static bool put_own(json_value item, arena *a, buf *out) {
    json_value id = json_get(item, SPAN_OF("id"));
    if (!is_of_type(item, SPAN_OF("mcp_call")) ||
        !json_is(json_get(item, SPAN_OF("server_label")), MIXED_LABEL) || id.type != JSON_STRING)
        return false;
    span text = json_string(id, a);
    if (!span_starts(text, MIXED_ID)) return false;
    span call_id = span_slice(text, MIXED_ID.len, text.len);
    put_comma(out);
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "type");
    json_put_string(&w, SPAN_OF("function_call"));
    json_key(&w, "call_id");
    json_put_string(&w, call_id);
    put_raw_or_empty(&w, "name", json_get(item, SPAN_OF("name")), "");
    put_raw_or_empty(&w, "arguments", json_get(item, SPAN_OF("arguments")), "{}");
    json_close_object(&w);
    json_open_object(&w);
    json_key(&w, "type");
    json_put_string(&w, SPAN_OF("function_call_output"));
    json_key(&w, "call_id");
    json_put_string(&w, call_id);
    put_output(&w, item, a);
    json_close_object(&w);
    return true;
}

/* ---- those that were handed out ---- */

/* What the call carries is missing where the response before it has the calls alone. */
static bool put_handed(json_value item, bool follows, arena *a, buf *out) {
    json_value id = json_get(item, SPAN_OF("call_id"));
    carried c;
    if (id.type != JSON_STRING || !carry_read(json_string(id, a), a, &c)) return false;
    const bool answers = is_of_type(item, SPAN_OF("function_call_output")) ||
                         is_of_type(item, SPAN_OF("custom_tool_call_output"));
    put_comma(out);
    if (follows && answers) {
        buf_add(out, c.messages);
        buf_add_char(out, ',');
    }
    const size_t at = (size_t)(id.raw.ptr - item.raw.ptr);
    buf_add(out, span_slice(item.raw, 0, at));
    json_write_string(out, c.id);
    buf_add(out, span_slice(item.raw, at + id.raw.len, item.raw.len));
    return true;
}

void mixed_put_input(json_value input, bool follows, buf *out) {
    arena a;
    arena_init(&a, 0);
    json_iter it = json_iter_of(input);
    for (json_value item; json_next_element(&it, &item);) {
        if (put_own(item, &a, out) || put_handed(item, follows, &a, out)) continue;
        put_comma(out);
        buf_add(out, item.raw);
    }
    arena_done(&a);
}
