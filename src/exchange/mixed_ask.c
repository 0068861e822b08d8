/* The request of a mixed run's model calls: the client's own, with the server's tools beside its
 * tools, and with what an earlier run has done in the place of the calls that carry it. */
#include "exchange/mixed.h"

#include "tools/carry.h"

/* ---- the client's tools ---- */

/* {type: function, function: {name}}, {type: custom, custom: {name}}; some leave the object out. */
static json_value name_of(json_value t) {
    static const span kinds[] = {SPAN("function"), SPAN("custom")};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        json_value name = json_get(json_get(t, kinds[i]), SPAN_OF("name"));
        if (name.type == JSON_STRING) return name;
    }
    return json_get(t, SPAN_OF("name"));
}

mixed *mixed_read(exchange *x) {
    enum { TOOLS, CHOICE, READ };
    static const span names[READ] = {SPAN("tools"), SPAN("tool_choice")};
    mixed *m = arena_zalloc(&x->arena, sizeof *m);
    json_value v[READ], t;
    json_get_each(x->facts.root, names, READ, v);
    const json_value tools = m->tools = v[TOOLS];
    m->tool_choice = v[CHOICE];
    m->items = x->facts.endpoint == EP_RESPONSES;
    m->bare = m->items && !x->facts.stored;
    answer_queue_init(&m->first);
    answer_queue_init(&m->waiting);
    if (tools.type != JSON_ARRAY) return m;
    m->names = arena_alloc(&x->arena, (json_count(tools) + 1) * sizeof *m->names);
    json_iter it = json_iter_of(tools);
    while (json_next_element(&it, &t)) {
        json_value name = name_of(t);
        if (name.type == JSON_STRING) m->names[m->name_count++] = json_string(name, &x->arena);
    }
    return m;
}

void mixed_done(mixed *m) {
    buf_done(&m->output);
    answer_queue_done(&m->first);
    answer_queue_done(&m->waiting);
}

bool mixed_is_clients(const mixed *m, span name) {
    for (size_t i = 0; i < m->name_count; i++)
        if (span_eq(m->names[i], name)) return true;
    return false;
}

/* ---- the end of the request: its tools, and what is to be called ---- */

typedef enum choice {
    CHOICE_OPEN,   /* the model's own */
    CHOICE_NONE,   /* nothing is to be called */
    CHOICE_FORCED, /* something is: once, or the run would not end */
} choice;

static choice choice_of(json_value v) {
    if (v.type == JSON_NONE || v.type == JSON_NULL || json_is(v, SPAN_OF("auto")))
        return CHOICE_OPEN;
    if (json_is(v, SPAN_OF("none"))) return CHOICE_NONE;
    json_value allowed =
        json_get(v, SPAN_OF("allowed_tools")); /* a response has its members flat */
    json_value mode = json_get(allowed.type == JSON_OBJECT ? allowed : v, SPAN_OF("mode"));
    return json_is(mode, SPAN_OF("auto")) ? CHOICE_OPEN : CHOICE_FORCED;
}

static span elements_of(json_value array) {
    if (array.type != JSON_ARRAY || json_is_empty(array)) return SPAN_EMPTY;
    return span_strip(span_slice(array.raw, 1, array.raw.len - 1));
}

static span write_end(const functions_run *r, span own, bool servers, span tool_choice) {
    buf out = BUF_EMPTY;
    buf_add_cstr(&out, "]");
    if (own.len || (servers && r->offer.count)) {
        json_writer w = {&out, .comma = true};
        json_key(&w, "tools");
        json_open_array(&w);
        if (own.len) json_put_raw(&w, own);
        if (servers) offer_write_items(&r->offer, r->mixed->items, &w);
        json_close_array(&w);
        if (tool_choice.len) {
            json_key(&w, "tool_choice");
            json_put_raw(&w, tool_choice);
        }
    }
    buf_add_char(&out, '}');
    span end = arena_dup(&r->x->arena, buf_span(&out));
    buf_done(&out);
    return end;
}

static void write_ends(functions_run *r) {
    static const span none = SPAN("\"none\"");
    const json_value tool_choice = r->mixed->tool_choice;
    const span own = elements_of(r->mixed->tools);
    const choice c = choice_of(tool_choice);
    r->first = write_end(r, own, true, tool_choice.raw);
    r->usual = write_end(r, own, true, c == CHOICE_FORCED ? SPAN_EMPTY : tool_choice.raw);
    /* The client goes on by itself with what its own tools are called for. */
    r->last = own.len ? write_end(r, own, false, c == CHOICE_NONE ? none : SPAN_EMPTY)
                      : write_end(r, own, true, none);
}

/* ---- the messages ---- */

/* An id that carries something, and the one that the model gave. */
typedef struct carrier {
    span text, id;
} carrier;

/* Those of the conversation so far: as many as it has rounds. */
typedef struct ids {
    carrier *items;
    size_t count, cap;
    arena *arena;
} ids;

static void keep(ids *all, span text, span id) {
    enum { FIRST_IDS = 16 };
    if (all->count == all->cap) {
        all->cap = all->cap ? 2 * all->cap : FIRST_IDS;
        carrier *grown = arena_alloc(all->arena, all->cap * sizeof *grown);
        if (all->count) memcpy(grown, all->items, all->count * sizeof *grown);
        all->items = grown;
    }
    all->items[all->count++] = (carrier){text, id};
}

/* The result follows its call: mostly it is the last. */
static const span *find(const ids *all, span text) {
    for (size_t i = all->count; i > 0; i--)
        if (span_eq(all->items[i - 1].text, text)) return &all->items[i - 1].id;
    return NULL;
}

static void put_comma(buf *out) {
    if (out->len) buf_add_char(out, ',');
}

/* The message of an answer whose calls were handed out: what stood there before. */
static bool put_carried(ids *all, json_value message, buf *out) {
    json_value calls = json_get(message, SPAN_OF("tool_calls")), c;
    if (calls.type != JSON_ARRAY) return false;
    json_iter it = json_iter_of(calls);
    while (json_next_element(&it, &c)) {
        json_value id = json_get(c, SPAN_OF("id"));
        carried was;
        if (id.type != JSON_STRING) continue;
        span text = json_string(id, all->arena);
        if (!carry_read(text, all->arena, &was)) continue;
        keep(all, text, was.id);
        put_comma(out);
        buf_add(out, was.messages);
        return true;
    }
    return false;
}

/* The result of such a call. */
static bool put_result(const ids *all, json_value message, buf *out) {
    json_value id = json_get(message, SPAN_OF("tool_call_id"));
    const span *before = id.type == JSON_STRING ? find(all, json_string(id, all->arena)) : NULL;
    if (!before) return false;
    size_t at = (size_t)(id.raw.ptr - message.raw.ptr);
    put_comma(out);
    buf_add(out, span_slice(message.raw, 0, at));
    json_write_string(out, *before);
    buf_add(out, span_slice(message.raw, at + id.raw.len, message.raw.len));
    return true;
}

static void put_messages(json_value messages, buf *out) {
    arena a;
    arena_init(&a, 0);
    ids all = {.arena = &a};
    json_iter it = json_iter_of(messages);
    for (json_value m; json_next_element(&it, &m);) {
        if (put_carried(&all, m, out) || put_result(&all, m, out)) continue;
        put_comma(out);
        buf_add(out, m.raw);
    }
    arena_done(&a);
}

/* ---- all of it ---- */

static void write_head(const functions_run *r, span array, buf *out) {
    const request_facts *f = &r->x->facts;
    const span written[] = {array, SPAN("tools"), SPAN("tool_choice"), SPAN("model")};
    const bool own = f->model.type != JSON_NONE && f->model.type != JSON_NULL;
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    if (!own && f->model_name.len) { /* the path names it */
        json_key(&w, "model");
        json_put_string(&w, f->model_name);
    }
    mixed_put_members(&w, f->root, written, ARRAY_LEN(written) - own);
}

static void write_chat(json_value messages, buf *out) {
    if (span_find_span(messages.raw, 0, carry_mark) < messages.raw.len)
        put_messages(messages, out);
    else
        buf_add(out, elements_of(messages));
}

static void write_input(const functions_run *r, json_value input, buf *out) {
    if (input.type == JSON_STRING) {
        buf_add_cstr(out, "{\"role\":\"user\",\"content\":");
        buf_add(out, input.raw);
        buf_add_char(out, '}');
    } else if (input.type == JSON_ARRAY) {
        json_value before = json_get(r->x->facts.root, SPAN_OF("previous_response_id"));
        mixed_put_input(input, before.type == JSON_STRING, out);
    }
}

void mixed_begin_talk(functions_run *r) {
    const char *array = r->mixed->items ? "input" : "messages";
    const json_value said = json_get(r->x->facts.root, span_cstr(array));
    buf head = BUF_EMPTY, messages = BUF_EMPTY;
    write_head(r, span_cstr(array), &head);
    write_ends(r);
    if (r->mixed->items)
        write_input(r, said, &messages);
    else
        write_chat(said, &messages);
    talk_begin(&r->talk, buf_span(&head), array, buf_span(&messages));
    buf_done(&head);
    buf_done(&messages);
}
