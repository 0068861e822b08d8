/* The events of a mixed run's response: those of all model calls as if they were one. What a model
 * says goes out as it comes, with other numbers; from its first call on its items wait until it is
 * known what comes of that.
 *
 * A stream names its response in its first event, and by that name the next request may follow it:
 * the provider has to have all of it there, which is so of the last model call's. So nothing is
 * told before a model speaks to the client, which it does in its last answer as a rule. Of a
 * response that nobody keeps the name is of no use, and it begins at once.
 *
 * Source   OpenAI's API reference (responses: streaming events).
 */
#include "exchange/mixed.h"

#include "dialect/words.h"

static void say(functions_run *r, span name, span data, unsigned sorts) {
    exchange *x = r->x;
    functions_take_head(r, ANSWER_STREAM);
    if (x->phase == PHASE_ANSWERING)
        exchange_take_event(x, &(answer_event){.kind = ANSWER_STREAM,
                                               .sorts = sorts,
                                               .is_json = true,
                                               .name = name,
                                               .data = data});
}

/* ---- the model's own ---- */

/* The response that an event repeats, with the tools that the client has asked for, and the name
 * that it knows. */
static bool set_known(const functions_run *r, json_splice *s, span doc, json_value root) {
    const mixed *m = r->mixed;
    json_value response = json_get(root, SPAN_OF("response"));
    json_value tools = json_get(response, SPAN_OF("tools")), id = json_get(response, SPAN_OF("id"));
    bool ok = true;
    if (id.type == JSON_STRING && m->id.len) ok = json_splice_value(s, doc, id, m->id);
    if (tools.type != JSON_NONE && r->offer.count)
        ok = ok && json_splice_value(s, doc, tools,
                                     m->tools.type == JSON_ARRAY ? m->tools.raw : SPAN_OF("[]"));
    return ok;
}

static void pass(functions_run *r, const answer_event *event, json_value root, json_value index) {
    mixed *m = r->mixed;
    arena a;
    json_splice s;
    size_t count = 0;
    int64_t place = 0;
    arena_init(&a, 0);
    json_splice_init(&s, &a);
    json_value number = json_get(root, SPAN_OF("sequence_number"));
    bool ok = set_known(r, &s, event->data, root);
    if (number.type == JSON_NUMBER)
        ok = ok && json_splice_value(&s, event->data, number, arena_u64(&a, (uint64_t)m->number));
    if (json_i64(index, &place))
        ok = ok &&
             json_splice_value(&s, event->data, index, arena_u64(&a, m->count + (uint64_t)place));
    m->number++;
    const span *pieces = ok ? json_splice_pieces(&s, event->data, &count) : NULL;
    span data = pieces ? arena_join(&a, pieces, count) : event->data;
    say(r, event->name, data, event->sorts & (EVENT_CONTENT | EVENT_FAILED | EVENT_CLOSE));
    arena_done(&a);
}

/* Whether it is held back, with what follows it: an item that is a call. */
static bool is_held(mixed *m, span type, json_value root, json_value index) {
    int64_t place = 0;
    if (m->held || !json_i64(index, &place) || place < 0) return m->held;
    if (span_eq(type, SPAN_OF("response.output_item.added")) &&
        mixed_is_call(json_get(root, SPAN_OF("item")))) {
        m->held = true;
        m->shown = (size_t)place;
    } else if (span_eq(type, SPAN_OF("response.output_item.done"))) {
        m->shown = (size_t)place + 1;
    }
    return m->held;
}

/* Not every provider names its events. */
static span type_of(const answer_event *event, json_value root) {
    const json_value type = json_get(root, SPAN_OF("type"));
    return type.type == JSON_STRING ? span_slice(type.raw, 1, type.raw.len - 1) : event->name;
}

static bool is_beginning(span type) {
    return span_eq(type, SPAN_OF("response.created")) ||
           span_eq(type, SPAN_OF("response.in_progress")) ||
           span_eq(type, SPAN_OF("response.queued"));
}

static void pass_read(functions_run *r, const answer_event *event) {
    const json_value root = answer_root(event->data);
    pass(r, event, root, json_get(root, SPAN_OF("output_index")));
}

/* ---- what waits ---- */

static void drop(answer_queue *q) {
    for (answer_event *e; (e = answer_queue_take(q));)
        answer_free(e);
}

void mixed_drop_waiting(mixed *m) {
    drop(&m->waiting);
}

static void pass_all(functions_run *r, answer_queue *q) {
    for (answer_event *e; (e = answer_queue_take(q));) {
        if (r->x->phase == PHASE_ANSWERING) pass_read(r, e);
        answer_free(e);
    }
}

/* Of a model that has not told any. */
static void make_first(functions_run *r) {
    static const span names[] = {SPAN("output"), SPAN("status"), SPAN("usage")},
                      empty[] = {SPAN("[]"), SPAN("\"in_progress\""), SPAN("null")};
    const span doc = mixed_write_response(r);
    const json_value root = answer_root(doc);
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "type");
    json_put_string(&w, SPAN_OF("response.created"));
    json_key(&w, "sequence_number");
    json_put_i64(&w, r->mixed->number++);
    json_key(&w, "response");
    json_open_object(&w);
    mixed_put_members(&w, root, names, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        json_key(&w, names[i].ptr);
        json_put_raw(&w, empty[i]);
    }
    json_close_object(&w);
    json_close_object(&w);
    say(r, SPAN_OF("response.created"), buf_span(&out), 0);
    buf_done(&out);
}

static void keep_id(functions_run *r, json_value response) {
    json_value id = json_get(response, SPAN_OF("id"));
    if (id.type == JSON_STRING) r->mixed->id = arena_dup(&r->x->arena, id.raw);
}

/* The stream begins: with the items that there are already. */
static void begin(functions_run *r) {
    mixed *m = r->mixed;
    if (m->told) return;
    m->told = true;
    if (!m->id.len) {
        keep_id(r, answer_root(mixed_write_response(r)));
        make_first(r);
    }
    pass_all(r, &m->first);
    const span whole[] = {SPAN("["), buf_span(&m->output), SPAN("]")};
    const json_value items = {JSON_ARRAY, arena_join(&r->turn, whole, ARRAY_LEN(whole))};
    json_iter it = json_iter_of(items);
    m->count = 0;
    for (json_value item; json_next_element(&it, &item); m->count++)
        mixed_say_item(r, item);
    pass_all(r, &m->waiting);
}

/* ---- an event of the model's ---- */

static bool adds_message(span type, json_value root) {
    return span_eq(type, SPAN_OF("response.output_item.added")) &&
           json_is(json_get(json_get(root, SPAN_OF("item")), SPAN_OF("type")), SPAN_OF("message"));
}

/* The stream has not begun: it may do so now, or the event waits. */
static bool waits(functions_run *r, const answer_event *event, span type, json_value root) {
    enum { WAITING_BYTES_MAX = 1 << 20 };
    mixed *m = r->mixed;
    if (m->told) return is_beginning(type);
    if (is_beginning(type)) {
        if (span_eq(type, SPAN_OF("response.created"))) drop(&m->first);
        keep_id(r, json_get(root, SPAN_OF("response")));
        answer_queue_add(&m->first, event);
        if (m->bare) begin(r);
        return true;
    }
    if (adds_message(type, root) || m->waiting.bytes > WAITING_BYTES_MAX) {
        begin(r);
        return false;
    }
    answer_queue_add(&m->waiting, event);
    return true;
}

void mixed_pass_event(functions_run *r, const answer_event *event) {
    mixed *m = r->mixed;
    if (!event->is_json) return;
    const json_value root = answer_root(event->data);
    const json_value index = json_get(root, SPAN_OF("output_index"));
    if (event->sorts & EVENT_FAILED) {
        m->failed = true;
        begin(r);
        pass(r, event, root, index);
        return;
    }
    if (event->sorts & EVENT_CLOSE) return;
    const span type = type_of(event, root);
    if (index.type == JSON_NUMBER && is_held(m, type, root, index)) return;
    if (!waits(r, event, type, root)) pass(r, event, root, index);
}

/* ---- items that are told whole ---- */

/* Items that are a call: which of their members comes in pieces, and in which events. */
static const struct kind {
    span type;
    span member;
    span delta, done;
} kinds[] = {
    {SPAN("function_call"), SPAN("arguments"), SPAN("response.function_call_arguments.delta"),
     SPAN("response.function_call_arguments.done")},
    {SPAN("custom_tool_call"), SPAN("input"), SPAN("response.custom_tool_call_input.delta"),
     SPAN("response.custom_tool_call_input.done")},
    {SPAN("mcp_call"), SPAN("arguments"), SPAN("response.mcp_call_arguments.delta"),
     SPAN("response.mcp_call_arguments.done")},
};

static const struct kind *kind_of(json_value item) {
    json_value type = json_get(item, SPAN_OF("type"));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (json_is(type, kinds[i].type)) return &kinds[i];
    return NULL;
}

/* {"type", "sequence_number", "output_index", key: value, and what is added}. */
static void say_of_item(functions_run *r, span name, const char *key, span value, json_value id,
                        const char *more, span more_value) {
    mixed *m = r->mixed;
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "type");
    json_put_string(&w, name);
    json_key(&w, "sequence_number");
    json_put_i64(&w, m->number++);
    json_key(&w, "output_index");
    json_put_u64(&w, m->count);
    if (id.type == JSON_STRING) {
        json_key(&w, "item_id");
        json_put_raw(&w, id.raw);
    }
    if (key) {
        json_key(&w, key);
        json_put_raw(&w, value);
    }
    if (more_value.len) {
        json_key(&w, more);
        json_put_raw(&w, more_value);
    }
    json_close_object(&w);
    say(r, name, buf_span(&out), EVENT_CONTENT);
    buf_done(&out);
}

/* As it is when it begins. */
static span begun(json_value item, const struct kind *k, arena *a) {
    const span names[] = {k->member, SPAN("status"), SPAN("output"), SPAN("error")};
    static const span empty[] = {SPAN("\"\""), SPAN("\"in_progress\""), SPAN("null"), SPAN("null")};
    json_splice s;
    size_t count = 0;
    bool ok = true;
    json_splice_init(&s, a);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        json_value v = json_get(item, names[i]);
        if (v.type != JSON_NONE) ok = ok && json_splice_value(&s, item.raw, v, empty[i]);
    }
    const span *pieces = ok ? json_splice_pieces(&s, item.raw, &count) : NULL;
    return pieces ? arena_join(a, pieces, count) : item.raw;
}

void mixed_say_item(functions_run *r, json_value item) {
    static const json_value none = {JSON_NONE, {NULL, 0}};
    const struct kind *k = kind_of(item);
    const json_value id = json_get(item, SPAN_OF("id"));
    const bool own = k == &kinds[2];
    arena a;
    arena_init(&a, 0);
    span first = k ? begun(item, k, &a) : item.raw;
    say_of_item(r, SPAN_OF("response.output_item.added"), "item", first, none, NULL, SPAN_EMPTY);
    if (own)
        say_of_item(r, SPAN_OF("response.mcp_call.in_progress"), NULL, SPAN_EMPTY, id, NULL,
                    SPAN_EMPTY);
    if (k) {
        span text = json_get(item, k->member).raw;
        const bool named = k == &kinds[0];
        say_of_item(r, k->delta, "delta", text, id, NULL, SPAN_EMPTY);
        say_of_item(r, k->done, k->member.ptr, text, id, "name",
                    named ? json_get(item, SPAN_OF("name")).raw : SPAN_EMPTY);
    }
    if (own) {
        bool failed = json_get(item, SPAN_OF("error")).type == JSON_STRING;
        say_of_item(r,
                    failed ? SPAN_OF("response.mcp_call.failed")
                           : SPAN_OF("response.mcp_call.completed"),
                    NULL, SPAN_EMPTY, id, NULL, SPAN_EMPTY);
    }
    say_of_item(r, SPAN_OF("response.output_item.done"), "item", item.raw, none, NULL, SPAN_EMPTY);
    arena_done(&a);
}

/* ---- the end ---- */

void mixed_say_whole(functions_run *r) {
    begin(r);
    const span doc = mixed_write_response(r);
    json_value status = json_get(answer_root(doc), SPAN_OF("status"));
    const bool whole = !json_is(status, SPAN_OF("incomplete"));
    const span name = whole ? SPAN_OF("response.completed") : SPAN_OF("response.incomplete");
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "type");
    json_put_string(&w, name);
    json_key(&w, "sequence_number");
    json_put_i64(&w, r->mixed->number++);
    json_key(&w, "response");
    json_put_raw(&w, doc);
    json_close_object(&w);
    say(r, name, buf_span(&out), EVENT_FINISH | EVENT_CLOSE);
    buf_done(&out);
}
