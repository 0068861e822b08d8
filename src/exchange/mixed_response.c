/* The response of a mixed run: the last one of the model's, with the items of all, in which the
 * calls that weir has made stand as those of a server are told (mcp_call), with what came of them.
 */
#include "exchange/mixed.h"

#include "dialect/words.h"
#include "tools/carry.h"

static span text_of(functions_run *r, const talk_result *result) {
    return functions_guard_text(r, result->text, &r->turn);
}

/* ---- calls that were handed out ---- */

/* Of this answer: who keeps the response has the calls, but not what came of them. */
static span own_outputs(functions_run *r) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    for (size_t i = 0; i < r->call_count; i++) {
        const functions_call *c = &r->calls[i];
        if (c->said->handed) continue;
        json_open_object(&w);
        json_key(&w, "type");
        json_put_string(&w, SPAN_OF("function_call_output"));
        json_key(&w, "call_id");
        json_put_string(&w, c->said->id);
        json_key(&w, "output");
        const span text[] = {c->result.failed ? SPAN_OF("Error: ") : SPAN_EMPTY,
                             text_of(r, &c->result)};
        json_put_string(&w, arena_join(&r->turn, text, ARRAY_LEN(text)));
        json_close_object(&w);
    }
    span text = arena_dup(&r->turn, buf_span(&out));
    buf_done(&out);
    return text;
}

static bool is_first_handed(const functions_run *r, const said_call *said) {
    for (const said_call *c = r->said.calls; c < said; c++)
        if (c->handed) return false;
    return true;
}

static void put_handed(functions_run *r, const said_call *said, buf *out) {
    static const span named[] = {SPAN("call_id")};
    const span outputs = is_first_handed(r, said) ? own_outputs(r) : SPAN_EMPTY;
    buf id = BUF_EMPTY;
    json_writer w = json_writer_of(out);
    if (!outputs.len || !carry_write(&(carried){said->id, outputs}, &id)) buf_add(&id, said->id);
    json_open_object(&w);
    json_key(&w, "call_id");
    json_put_string(&w, buf_span(&id));
    mixed_put_members(&w, said->source, named, ARRAY_LEN(named));
    json_close_object(&w);
    buf_done(&id);
}

/* ---- calls that were made ---- */

static const functions_call *made_of(const functions_run *r, const said_call *said) {
    for (size_t i = 0; i < r->call_count; i++)
        if (r->calls[i].said == said && r->calls[i].answered) return &r->calls[i];
    return NULL;
}

static void put_text_or_null(json_writer *w, const char *key, bool is_there, span text) {
    json_key(w, key);
    if (is_there)
        json_put_string(w, text);
    else
        json_put_null(w);
}

static void put_made(functions_run *r, const functions_call *c, buf *out) {
    const talk_result *result = &c->result;
    const span text = text_of(r, result);
    const span id[] = {MIXED_ID, c->said->id};
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "id");
    json_put_string(&w, arena_join(&r->turn, id, ARRAY_LEN(id)));
    json_key(&w, "type");
    json_put_string(&w, SPAN_OF("mcp_call"));
    json_key(&w, "server_label");
    json_put_string(&w, MIXED_LABEL);
    json_key(&w, "name");
    json_put_string(&w, c->said->name);
    json_key(&w, "arguments");
    json_put_string(&w, c->said->arguments);
    put_text_or_null(&w, "output", !result->failed, text);
    put_text_or_null(&w, "error", result->failed, text);
    json_key(&w, "approval_request_id");
    json_put_null(&w);
    json_key(&w, "status");
    json_put_string(&w, result->failed ? SPAN_OF("failed") : SPAN_OF("completed"));
    json_close_object(&w);
}

/* ---- items ---- */

static const said_call *call_of(const functions_run *r, json_value item) {
    for (size_t i = 0; i < r->said.call_count; i++)
        if (r->said.calls[i].source.raw.ptr == item.raw.ptr) return &r->said.calls[i];
    return NULL;
}

/* false: it is a call that nobody makes. */
static bool put_item(functions_run *r, json_value item, buf *out) {
    const said_call *said = call_of(r, item);
    const functions_call *made = said ? made_of(r, said) : NULL;
    if (said && said->handed)
        put_handed(r, said, out);
    else if (made)
        put_made(r, made, out);
    else if (said || mixed_is_call(item))
        return false;
    else
        json_write_line(out, item.raw);
    return true;
}

bool mixed_is_call(json_value item) {
    json_value type = json_get(item, SPAN_OF("type"));
    return json_is(type, SPAN_OF("function_call")) || json_is(type, SPAN_OF("custom_tool_call"));
}

void mixed_note_items(functions_run *r) {
    mixed *m = r->mixed;
    size_t i = 0;
    json_iter it = json_iter_of(r->said.message);
    m->noted = r->state.answers;
    for (json_value item; r->said.message.type == JSON_ARRAY && json_next_element(&it, &item);
         i++) {
        buf out = BUF_EMPTY;
        if (put_item(r, item, &out)) {
            const json_value made = {JSON_OBJECT, buf_span(&out)};
            if (m->output.len) buf_add_char(&m->output, ',');
            buf_add(&m->output, made.raw);
            if (m->told && i >= m->shown) mixed_say_item(r, made);
            m->count++;
        }
        buf_done(&out);
        if (r->over && r->x->phase != PHASE_ANSWERING) return; /* the client has left */
    }
    m->shown = 0;
    m->held = false;
    mixed_drop_waiting(m);
}

/* ---- the whole ---- */

static void put_number(json_writer *w, const char *key, int64_t n) {
    json_key(w, key);
    json_put_i64(w, n > 0 ? n : 0);
}

static void put_detail(json_writer *w, const char *object, const char *key, int64_t n) {
    json_key(w, object);
    json_open_object(w);
    put_number(w, key, n);
    json_close_object(w);
}

static span usage_of(functions_run *r) {
    const token_usage *u = &r->state.usage;
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    put_number(&w, "input_tokens", u->prompt);
    put_detail(&w, "input_tokens_details", "cached_tokens", u->cached);
    put_number(&w, "output_tokens", u->completion);
    put_detail(&w, "output_tokens_details", "reasoning_tokens", u->reasoning);
    put_number(&w, "total_tokens", u->total);
    json_close_object(&w);
    span text = arena_dup(&r->turn, buf_span(&out));
    buf_done(&out);
    return text;
}

/* Where the model has not answered at all. */
static span empty_response(functions_run *r) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "id");
    json_put_string(&w, arena_printf(&r->turn, "resp_%s", r->x->record.request_id));
    json_key(&w, "object");
    json_put_string(&w, SPAN_OF("response"));
    json_key(&w, "created_at");
    json_put_i64(&w, r->x->record.started_wall_us / 1000000);
    json_key(&w, "model");
    json_put_string(&w, r->x->facts.model_name);
    static const char *const nothing[] = {"error", "instructions", "metadata"};
    for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
        json_key(&w, nothing[i]);
        json_put_null(&w);
    }
    json_key(&w, "parallel_tool_calls");
    json_put_bool(&w, true);
    json_key(&w, "tools");
    json_put_raw(&w, SPAN_OF("[]"));
    json_key(&w, "tool_choice");
    json_put_string(&w, SPAN_OF("auto"));
    json_close_object(&w);
    span text = arena_dup(&r->turn, buf_span(&out));
    buf_done(&out);
    return text;
}

static bool set(json_splice *s, span doc, json_value root, span key, span by) {
    json_value was = json_get(root, key);
    return was.type == JSON_NONE ? json_splice_member(s, doc, root, key, by)
                                 : json_splice_value(s, doc, was, by);
}

/* What the provider repeats of the request is what the client has asked. */
static bool set_asked(const functions_run *r, json_splice *s, span doc, json_value root) {
    const json_value *asked[] = {&r->mixed->tools, &r->mixed->tool_choice};
    static const span names[] = {SPAN("tools"), SPAN("tool_choice")},
                      otherwise[] = {SPAN("[]"), SPAN("\"auto\"")};
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(names) && r->offer.count; i++) {
        json_value was = json_get(root, names[i]);
        const bool told = asked[i]->type > JSON_NULL;
        if (was.type != JSON_NONE)
            ok = ok && json_splice_value(s, doc, was, told ? asked[i]->raw : otherwise[i]);
    }
    return ok;
}

static bool set_stop(functions_run *r, json_splice *s, span doc, json_value root) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    mixed_put_stop(r, &w);
    span member = arena_dup(&r->turn, buf_span(&out)); /* "weir":{…} */
    buf_done(&out);
    const size_t colon = span_find(member, 0, ':');
    return set(s, doc, root, SPAN_OF("status"), SPAN_OF("\"incomplete\"")) &&
           set(s, doc, root, SPAN_OF("incomplete_details"),
               SPAN_OF("{\"reason\":\"max_output_tokens\"}")) &&
           json_splice_member(s, doc, root, SPAN_OF("weir"),
                              span_slice(member, colon + 1, member.len));
}

span mixed_write_response(functions_run *r) {
    const span doc = r->state.answers ? r->answer : empty_response(r);
    const json_value root = answer_root(doc);
    const span items[] = {SPAN("["), buf_span(&r->mixed->output), SPAN("]")};
    json_splice s;
    size_t count = 0;
    json_splice_init(&s, &r->turn);
    bool ok = set(&s, doc, root, SPAN_OF("output"), arena_join(&r->turn, items, ARRAY_LEN(items)));
    if (r->state.answers != 1) ok = ok && set(&s, doc, root, SPAN_OF("usage"), usage_of(r));
    if (r->mixed->told && r->mixed->id.len)
        ok = ok && set(&s, doc, root, SPAN_OF("id"), r->mixed->id);
    ok = ok && set_asked(r, &s, doc, root);
    if (r->stop != RUN_ENDS) ok = ok && set_stop(r, &s, doc, root);
    const span *pieces = ok ? json_splice_pieces(&s, doc, &count) : NULL;
    return pieces ? arena_join(&r->turn, pieces, count) : doc;
}

/* ---- the way ---- */

static void add_said(functions_run *r) {
    talk_add_items(&r->talk, &r->said, r->said.message, r->mixed->bare, &r->turn);
}

static void tell_plain(functions_run *r) {
    exchange *x = r->x;
    const span doc = arena_dup(&x->arena, mixed_write_response(r)); /* it lives until the end */
    mixed_tell_headers(r);
    functions_take_head(r, ANSWER_PLAIN);
    if (x->phase == PHASE_ANSWERING)
        exchange_take_event(x, &(answer_event){.kind = ANSWER_PLAIN,
                                               .sorts = EVENT_CONTENT | EVENT_FULL | EVENT_FINISH,
                                               .is_json = true,
                                               .data = doc});
}

static void tell_last(functions_run *r) {
    if (r->mixed->noted < r->state.answers) mixed_note_items(r);
    if (r->x->phase != PHASE_ANSWERING) return;
    if (r->x->facts.stream)
        mixed_say_whole(r);
    else
        tell_plain(r);
}

const functions_way mixed_response = {.step_label = SPAN("responses.step"),
                                      .read = model_said_read_response,
                                      .add_said = add_said,
                                      .add_result = talk_add_output,
                                      .event = mixed_pass_event,
                                      .added = mixed_note_items,
                                      .last = tell_last};
