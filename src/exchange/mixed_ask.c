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
    mixed *m = arena_zalloc(&x->arena, sizeof *m);
    json_value tools = json_get(x->facts.root, SPAN_OF("tools")), t;
    if (tools.type != JSON_ARRAY) return m;
    m->names = arena_alloc(&x->arena, (json_count(tools) + 1) * sizeof *m->names);
    json_iter it = json_iter_of(tools);
    while (json_next_element(&it, &t)) {
        json_value name = name_of(t);
        if (name.type == JSON_STRING) m->names[m->name_count++] = json_string(name, &x->arena);
    }
    return m;
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
    json_value mode = json_get(json_get(v, SPAN_OF("allowed_tools")), SPAN_OF("mode"));
    return v.type == JSON_OBJECT && json_is(mode, SPAN_OF("auto")) ? CHOICE_OPEN : CHOICE_FORCED;
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
        if (servers) offer_write_items(&r->offer, &w);
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

static void write_ends(functions_run *r, json_value tools, json_value tool_choice) {
    static const span none = SPAN("\"none\"");
    const span own = elements_of(tools);
    const choice c = choice_of(tool_choice);
    r->first = write_end(r, own, true, tool_choice.raw);
    r->usual = write_end(r, own, true, c == CHOICE_FORCED ? SPAN_EMPTY : tool_choice.raw);
    /* The client goes on by itself with what its own tools are called for. */
    r->last = own.len ? write_end(r, own, false, c == CHOICE_NONE ? none : SPAN_EMPTY)
                      : write_end(r, own, true, none);
}

/* ---- the messages ---- */

/* Ids that carry something, and those that the model gave. */
typedef struct ids {
    struct {
        span carrier, id;
    } items[64];
    size_t count;
    arena *arena;
} ids;

static bool keep(ids *all, span carrier, span id) {
    if (all->count == ARRAY_LEN(all->items)) return false;
    all->items[all->count].carrier = carrier;
    all->items[all->count++].id = id;
    return true;
}

static const span *find(const ids *all, span carrier) {
    for (size_t i = 0; i < all->count; i++)
        if (span_eq(all->items[i].carrier, carrier)) return &all->items[i].id;
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
        if (!carry_read(text, all->arena, &was) || !keep(all, text, was.id)) continue;
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

/* What weir writes anew. */
enum { MESSAGES, TOOLS, TOOL_CHOICE, NEW };
static const span written[NEW] = {
    [MESSAGES] = SPAN("messages"), [TOOLS] = SPAN("tools"), [TOOL_CHOICE] = SPAN("tool_choice")};

static bool is_written(const json_member *m) {
    for (size_t i = 0; i < NEW; i++)
        if (json_is(json_member_name(m), written[i])) return true;
    return false;
}

static void write_head(const exchange *x, buf *out) {
    json_iter it = json_iter_of(x->facts.root);
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    if (x->facts.model.type != JSON_STRING) { /* the path names it */
        json_key(&w, "model");
        json_put_string(&w, x->facts.model_name);
    }
    for (json_member m; json_next_member(&it, &m);) {
        const bool no_model =
            x->facts.model.type != JSON_STRING && json_is(json_member_name(&m), SPAN_OF("model"));
        if (is_written(&m) || no_model) continue;
        if (w.comma) buf_add_char(out, ',');
        buf_add(out, json_member_name(&m).raw);
        buf_add_char(out, ':');
        buf_add(out, m.value.raw);
        w.comma = true;
    }
}

void mixed_begin_talk(functions_run *r) {
    const json_value root = r->x->facts.root;
    json_value v[NEW];
    buf head = BUF_EMPTY, made = BUF_EMPTY;
    json_get_each(root, written, NEW, v);
    span messages = elements_of(v[MESSAGES]);
    write_head(r->x, &head);
    write_ends(r, v[TOOLS], v[TOOL_CHOICE]);
    if (span_find_span(messages, 0, carry_mark) < messages.len) {
        put_messages(v[MESSAGES], &made);
        messages = buf_span(&made);
    }
    talk_begin(&r->talk, buf_span(&head), messages);
    buf_done(&head);
    buf_done(&made);
}
