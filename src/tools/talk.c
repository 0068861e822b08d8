#include "tools/talk.h"

#include "base/mem.h"
#include "tools/talk_ids.h"

#include <stdlib.h>

/* What a model reads of a call that failed begins with this. */
static const span failed_mark = SPAN("Error: ");

void talk_done(talk *t) {
    buf_done(&t->body);
    buf_done(&t->odd);
    free(t->steps);
    *t = (talk){0};
}

void talk_begin(talk *t, span head, const char *name, span messages) {
    buf_add(&t->body, head);
    buf_add_cstr(&t->body, ",\"");
    buf_add_cstr(&t->body, name);
    buf_add_cstr(&t->body, "\":[");
    buf_add(&t->body, messages);
    t->first = t->open = t->body.len;
}

span talk_body(talk *t, span end) {
    t->body.len = t->open;
    buf_add(&t->body, end);
    return buf_span(&t->body);
}

span talk_added(const talk *t) {
    size_t from = t->first < t->open ? t->first + 1 : t->open; /* behind its comma */
    return span_from(t->body.ptr + from, t->open - from);
}

/* A writer that goes on with the open array. */
static json_writer go_on(talk *t) {
    t->body.len = t->open;
    return (json_writer){&t->body, .comma = true};
}

static talk_step *new_step(talk *t) {
    enum { FIRST_STEPS = 8 };
    if (t->step_count == t->step_cap) {
        t->step_cap = t->step_cap ? 2 * t->step_cap : FIRST_STEPS;
        t->steps = mem_realloc(t->steps, t->step_cap * sizeof *t->steps);
    }
    talk_step *s = &t->steps[t->step_count++];
    *s = (talk_step){0};
    return s;
}

/* Writes a member's value, and says where it stands. */
static talk_place put_string(json_writer *w, span text) {
    size_t from = w->out->len;
    json_put_string(w, text);
    return (talk_place){from, w->out->len};
}

/* ---- ids ---- */

static void name_calls(talk *t, model_said *said, arena *a) {
    t->passes += talk_ids_name(span_from(t->body.ptr, t->open), said, &t->made, a);
}

/* ---- what the model said ---- */

static bool is_one_of(span key, const span *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_eq(key, names[i])) return true;
    return false;
}

/* What a server says beside what is known stays, since it may want it back (signatures, reasoning);
 * what is empty says nothing, and some refuse it. */
static void put_others(json_writer *w, json_value object, const span *known, size_t count) {
    json_iter it = json_iter_of(object);
    if (object.type != JSON_OBJECT) return;
    for (json_member m; json_next_member(&it, &m);) {
        bool empty =
            m.value.type == JSON_NULL || (m.value.type >= JSON_ARRAY && json_is_empty(m.value));
        if (!empty && !is_one_of(m.key, known, count)) json_put_member(w, &m);
    }
}

static void note_odd(talk *t, talk_step *s, span arguments) {
    s->is_odd = true;
    s->arguments.from = t->odd.len;
    buf_add(&t->odd, arguments);
    s->arguments.to = t->odd.len;
}

/* It is not weir's to put right. */
static void put_handed(talk *t, json_writer *w, const said_call *call) {
    static const span known[] = {SPAN("id"), SPAN("index")};
    (void)new_step(t);
    json_open_object(w);
    json_key(w, "id");
    json_put_string(w, call->id);
    put_others(w, call->source, known, ARRAY_LEN(known));
    json_close_object(w);
}

static void put_call(talk *t, json_writer *w, const said_call *call) {
    static const span known[] = {SPAN("id"), SPAN("type"), SPAN("function"), SPAN("custom"),
                                 SPAN("index")};
    talk_step *s = new_step(t);
    json_open_object(w);
    json_key(w, "id");
    json_put_string(w, call->id);
    json_key(w, "type");
    json_put_string(w, SPAN_OF("function"));
    json_key(w, "function");
    json_open_object(w);
    json_key(w, "name");
    s->name = put_string(w, call->name);
    json_key(w, "arguments");
    s->arguments = put_string(w, call->is_object ? call->arguments : SPAN_OF("{}"));
    if (!call->is_object) note_odd(t, s, call->arguments);
    json_close_object(w);
    put_others(w, call->source, known, ARRAY_LEN(known));
    json_close_object(w);
}

static void put_content(json_writer *w, const model_said *said) {
    json_value content = json_get(said->message, SPAN_OF("content"));
    json_key(w, "content");
    if (content.type == JSON_STRING || content.type == JSON_ARRAY)
        json_put_raw(w, content.raw);
    else
        json_put_null(w);
}

void talk_add_said(talk *t, model_said *said, arena *a) {
    static const span known[] = {SPAN("role"), SPAN("content"), SPAN("tool_calls"),
                                 SPAN("function_call")};
    name_calls(t, said, a);
    json_writer w = go_on(t);
    json_open_object(&w);
    json_key(&w, "role");
    json_put_string(&w, SPAN_OF("assistant"));
    put_content(&w, said);
    json_key(&w, "tool_calls");
    json_open_array(&w);
    for (size_t i = 0; i < said->call_count; i++) {
        const said_call *call = &said->calls[i];
        if (call->handed && call->source.type == JSON_OBJECT)
            put_handed(t, &w, call);
        else
            put_call(t, &w, call);
    }
    json_close_array(&w);
    put_others(&w, said->message, known, ARRAY_LEN(known));
    json_close_object(&w);
    t->open = t->body.len;
}

/* ---- the same as items of a response ---- */

static const said_call *call_of(const model_said *said, json_value item) {
    for (size_t i = 0; i < said->call_count; i++)
        if (said->calls[i].source.raw.ptr == item.raw.ptr) return &said->calls[i];
    return NULL;
}

static void put_item_call(talk *t, json_writer *w, const said_call *call, bool bare) {
    static const span known[] = {SPAN("type"),      SPAN("call_id"), SPAN("name"),
                                 SPAN("arguments"), SPAN("input"),   SPAN("id")};
    talk_step *s = new_step(t);
    json_open_object(w);
    json_key(w, "type");
    json_put_string(w, SPAN_OF("function_call"));
    json_key(w, "call_id");
    json_put_string(w, call->id);
    json_key(w, "name");
    s->name = put_string(w, call->name);
    json_key(w, "arguments");
    s->arguments = put_string(w, call->is_object ? call->arguments : SPAN_OF("{}"));
    if (!call->is_object) note_odd(t, s, call->arguments);
    put_others(w, call->source, known, bare ? ARRAY_LEN(known) : ARRAY_LEN(known) - 1);
    json_close_object(w);
}

static void put_item(json_writer *w, json_value item, bool bare) {
    static const span id[] = {SPAN("id")};
    if (!bare) {
        json_put_raw(w, item.raw);
        return;
    }
    json_open_object(w);
    put_others(w, item, id, ARRAY_LEN(id));
    json_close_object(w);
}

/* Of what the provider does not keep it knows no more than its name. */
static bool is_lost(json_value item, bool bare) {
    return bare && json_is(json_get(item, SPAN_OF("type")), SPAN_OF("reasoning")) &&
           json_get(item, SPAN_OF("encrypted_content")).type != JSON_STRING;
}

void talk_add_items(talk *t, model_said *said, json_value output, bool bare, arena *a) {
    name_calls(t, said, a);
    json_writer w = go_on(t);
    json_iter it = json_iter_of(output);
    for (json_value item; json_next_element(&it, &item);) {
        const said_call *call = call_of(said, item);
        if (call && call->handed) {
            (void)new_step(t);
            put_item(&w, item, bare);
        } else if (call) {
            put_item_call(t, &w, call, bare);
        } else if (!is_lost(item, bare)) {
            put_item(&w, item, bare);
        }
    }
    t->open = t->body.len;
}

/* ---- what a tool answered ---- */

static span told(const talk_result *r, buf *made) {
    if (!r->failed) return r->text;
    buf_add(made, failed_mark);
    buf_add(made, r->text);
    return buf_span(made);
}

/* kind: the member that says what the object is; id, text: those of the call's id and of what the
 * tool said. */
static void add_result(talk *t, const said_call *call, const talk_result *r, const char *kind,
                       span is, const char *id, const char *text) {
    talk_step *s = &t->steps[t->answered++];
    buf made = BUF_EMPTY;
    json_writer w = go_on(t);
    json_open_object(&w);
    json_key(&w, kind);
    json_put_string(&w, is);
    json_key(&w, id);
    json_put_string(&w, call->id);
    json_key(&w, text);
    s->result = put_string(&w, told(r, &made));
    json_close_object(&w);
    s->failed = r->failed;
    s->ms = r->ms;
    t->open = t->body.len;
    buf_done(&made);
}

void talk_add_result(talk *t, const said_call *call, const talk_result *r) {
    add_result(t, call, r, "role", SPAN_OF("tool"), "tool_call_id", "content");
}

void talk_add_output(talk *t, const said_call *call, const talk_result *r) {
    add_result(t, call, r, "type", SPAN_OF("function_call_output"), "call_id", "output");
}

void talk_leave_open(talk *t) {
    t->steps[t->answered++].open = true;
}

/* ---- steps ---- */

static void put_arguments(json_writer *w, span arguments, bool is_object) {
    json_key(w, "arguments");
    if (is_object)
        json_put_raw(w, arguments);
    else
        json_put_string(w, arguments);
}

static void put_ms(json_writer *w, int64_t ms) {
    json_key(w, "ms");
    json_put_i64(w, ms);
    json_close_object(w);
}

void talk_write_step(json_writer *w, const said_call *call, const talk_result *r) {
    json_open_object(w);
    json_key(w, "tool");
    json_put_string(w, call->name);
    put_arguments(w, call->arguments, call->is_object);
    json_key(w, r->failed ? "error" : "result");
    json_put_string(w, r->text);
    put_ms(w, r->ms);
}

static span at(const buf *b, talk_place p) {
    return span_from(b->ptr + p.from, p.to - p.from);
}

static void write_kept(const talk *t, const talk_step *s, arena *a, json_writer *w) {
    json_open_object(w);
    json_key(w, "tool");
    json_put_raw(w, at(&t->body, s->name));
    if (s->is_odd)
        put_arguments(w, at(&t->odd, s->arguments), false);
    else
        put_arguments(w, json_string((json_value){JSON_STRING, at(&t->body, s->arguments)}, a),
                      true);
    json_key(w, s->failed ? "error" : "result");
    span result = at(&t->body, s->result);
    if (s->failed) { /* without its mark, which needs no escapes */
        const span rest[] = {SPAN("\""), span_slice(result, 1 + failed_mark.len, result.len)};
        json_put_raw(w, arena_join(a, rest, ARRAY_LEN(rest)));
    } else {
        json_put_raw(w, result);
    }
    put_ms(w, s->ms);
}

void talk_write_steps(const talk *t, json_writer *w) {
    arena a;
    arena_init(&a, 0);
    json_open_array(w);
    for (size_t i = 0; i < t->answered; i++) {
        if (t->steps[i].open) continue;
        write_kept(t, &t->steps[i], &a, w);
        arena_reset(&a, 0);
    }
    json_close_array(w);
    arena_done(&a);
}
