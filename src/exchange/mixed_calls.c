/* Calls of the client's tools, as they are handed out: as the model wrote them, but that the id of
 * the first carries what the run has done, where it has done anything. */
#include "exchange/mixed.h"

#include "tools/carry.h"

/* A message as its client may read it. */
static void put_guarded(const functions_run *r, json_value message, buf *out) {
    json_value content = json_get(message, SPAN_OF("content"));
    if (!json_is(json_get(message, SPAN_OF("role")), SPAN_OF("tool")) ||
        content.type != JSON_STRING) {
        buf_add(out, message.raw);
        return;
    }
    arena a;
    arena_init(&a, 0);
    const size_t at = (size_t)(content.raw.ptr - message.raw.ptr);
    buf_add(out, span_slice(message.raw, 0, at));
    json_write_string(out, functions_guard_text(r, json_string(content, &a), &a));
    buf_add(out, span_slice(message.raw, at + content.raw.len, message.raw.len));
    arena_wipe(&a);
    arena_done(&a);
}

/* What the run has done. */
static span added(functions_run *r) {
    const span all = talk_added(&r->talk);
    if (!r->guard || !all.len) return all;
    const span whole[] = {SPAN("["), all, SPAN("]")};
    buf out = BUF_EMPTY;
    json_iter it =
        json_iter_of((json_value){JSON_ARRAY, arena_join(&r->turn, whole, ARRAY_LEN(whole))});
    for (json_value m; json_next_element(&it, &m);) {
        if (out.len) buf_add_char(&out, ',');
        put_guarded(r, m, &out);
    }
    span told = arena_dup(&r->turn, buf_span(&out));
    buf_done(&out);
    return told;
}

/* The id with which the call goes out. */
static span id_of(functions_run *r, const said_call *said, bool first) {
    const carried c = {said->id, added(r)};
    if (!first || !c.messages.len) return said->id;
    buf out = BUF_EMPTY;
    span id = carry_write(&c, &out) ? arena_dup(&r->turn, buf_span(&out)) : said->id;
    buf_done(&out);
    return id;
}

static void put_function(json_writer *w, const said_call *said) {
    json_key(w, "type");
    json_put_string(w, SPAN_OF("function"));
    json_key(w, "function");
    json_open_object(w);
    json_key(w, "name");
    json_put_string(w, said->name);
    json_key(w, "arguments");
    json_put_string(w, said->arguments);
    json_close_object(w);
}

void mixed_put_calls(functions_run *r, bool numbered, json_writer *w) {
    static const span named[] = {SPAN("id"), SPAN("index")};
    int64_t n = 0;
    for (size_t i = 0; i < r->said.call_count; i++) {
        const said_call *said = &r->said.calls[i];
        if (!said->handed) continue;
        json_open_object(w);
        if (numbered) {
            json_key(w, "index");
            json_put_i64(w, n);
        }
        json_key(w, "id");
        json_put_string(w, id_of(r, said, n == 0));
        if (said->source.type == JSON_OBJECT)
            mixed_put_members(w, said->source, named, ARRAY_LEN(named));
        else
            put_function(w, said);
        json_close_object(w);
        n++;
    }
}
