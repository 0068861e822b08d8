/* What providers keep for their clients (responses, conversations, files, batches …): a call that
 * names one goes to the provider, and the key, that made it (call/affinity.h). */
#include "exchange/internal.h"

#include "dialect/answer_large.h"
#include "dialect/words.h"

#include <assert.h>
#include <string.h>

static affinity *table_of(const exchange *x) {
    return target_affinity(x->snapshot->targets);
}

static const config_affinity *policy_of(const exchange *x) {
    return &exchange_config(x)->affinity;
}

/* ---- what is named ---- */

typedef struct search {
    exchange *x;
    int64_t now_ms;
} search;

static bool look_up(const search *s, span id) {
    exchange *x = s->x;
    affinity_place place;
    if (!affinity_find(table_of(x), policy_of(x), id, s->now_ms, &place)) return false;
    affinity_place *kept = arena_alloc(&x->arena, sizeof *kept);
    *kept = place;
    x->made_at = kept;
    return true;
}

static bool look_up_string(const search *s, json_value id) {
    return id.type == JSON_STRING && id.raw.len <= 2 + AFFINITY_ID_MAX &&
           look_up(s, json_string(id, &s->x->arena));
}

/* Strings within, of which nobody knows whether they are ids: so many are tried. */
static bool look_up_any(const search *s, json_value within) {
    enum { TRIED = 256 };
    json_iter it = json_strings_of(within);
    json_value string;
    for (int i = 0; i < TRIED && json_next_string(&it, &string); i++)
        if (look_up_string(s, string)) return true;
    return false;
}

/* "/responses/resp_1/input_items": each segment may be one. */
static bool look_up_path(const search *s) {
    span rest = s->x->facts.path, part;
    while (span_cut(&rest, '/', &part))
        if (look_up(s, part)) return true;
    return false;
}

/* Most requests name no file: that is seen without their outline. */
static bool may_name_files(const request_facts *f) {
    static const span words[] = {SPAN("file_id"), SPAN("vector_store_ids"), SPAN("\"container\"")};
    size_t count = f->endpoint == EP_RESPONSES ? ARRAY_LEN(words) : 1;
    for (size_t i = 0; i < count; i++)
        if (span_find_span(f->body, 0, words[i]) < f->body.len) return true;
    return false;
}

/* In pieces of content, and in the provider's own tools. */
static bool look_up_files(const search *s) {
    exchange *x = s->x;
    if (!affinity_has_objects(table_of(x)) || !may_name_files(&x->facts)) return false;
    const request_outline *o = exchange_outline(x);
    for (size_t i = 0; o && i < o->part_count; i++) {
        const outline_part *p = &o->parts[i];
        bool is_file = p->kind == OUTLINE_FILE || p->kind == OUTLINE_IMAGE;
        if (is_file && look_up_string(s, p->value)) return true;
    }
    for (size_t i = 0; o && i < o->tool_count; i++)
        if (o->tools[i].kind == TOOL_IS_OPAQUE && look_up_any(s, o->tools[i].source)) return true;
    return false;
}

static bool look_up_state(const search *s) {
    json_value root = s->x->facts.root;
    json_value conversation = json_get(root, SPAN_OF("conversation"));
    if (conversation.type == JSON_OBJECT) conversation = json_get(conversation, SPAN_OF("id"));
    return look_up_string(s, json_get(root, SPAN_OF("previous_response_id"))) ||
           look_up_string(s, conversation);
}

/* Items of earlier answers, which come back by their ids alone (item_reference), or sealed: what
 * the last turns have made. The newest first. */
static bool look_up_items(const search *s) {
    enum { TRIED = 16 };
    const json_value input = json_get(s->x->facts.root, SPAN_OF("input"));
    json_value ids[TRIED], item;
    size_t count = 0;
    if (input.type != JSON_ARRAY) return false;
    for (json_iter it = json_iter_of(input); json_next_element(&it, &item);) {
        const json_value id = json_get(item, SPAN_OF("id"));
        if (id.type == JSON_STRING) ids[count++ % TRIED] = id;
    }
    for (size_t i = 0; i < count && i < TRIED; i++)
        if (look_up_string(s, ids[(count - 1 - i) % TRIED])) return true;
    return false;
}

static void find_place(const search *s) {
    switch (s->x->facts.endpoint) {
    case EP_RESPONSES:
        if (!look_up_state(s) && !look_up_items(s)) (void)look_up_files(s);
        break;
    case EP_CHAT_COMPLETIONS: (void)look_up_files(s); break;
    case EP_OTHER:
        if (!look_up_path(s)) (void)look_up_any(s, s->x->facts.root);
        break;
    default: break;
    }
}

void affinity_look_up(exchange *x, int64_t now_ms) {
    const search s = {x, now_ms};
    if (policy_of(x)->ids && !affinity_is_empty(table_of(x))) find_place(&s);
}

/* ---- what is made ---- */

/* Of a stream that is on its way. */
typedef struct passing_items {
    answer_items items;
    char ids[ANSWER_ITEMS][ANSWER_ITEM_ID]; /* theirs */
} passing_items;
static_assert((int)ANSWER_ITEM_ID == 2 + (int)AFFINITY_ID_MAX, "an id and its quotes");

typedef struct noter {
    filter filter;
    passing_items *passing; /* NULL: none has come */
    unsigned looked;        /* at so many events */
    bool noted;
    bool stored; /* the answer: its request may be forgotten by then */
} noter;

static bool note(exchange *x, json_value id, arena *a) {
    if (id.type != JSON_STRING || id.raw.len > 2 + AFFINITY_ID_MAX) return false;
    bool is_object = x->facts.endpoint == EP_OTHER;
    affinity_put(table_of(x), policy_of(x), json_string(id, a), call_place(x->call), is_object,
                 x->env->loop->now_ms);
    return true;
}

/* Those that its provider keeps with the answer, and those that it has sealed instead, which no
 * other account can open. */
static void note_items(exchange *x, const answer_items *items, bool stored, arena *a) {
    for (unsigned i = 0; i < items->count; i++)
        if (stored || items->of[i].sealed) (void)note(x, items->of[i].id, a);
}

/* A response, which may be part of a conversation. */
static bool note_answer(exchange *x, json_value answer, arena *a) {
    json_value conversation = json_get(answer, SPAN_OF("conversation"));
    if (conversation.type == JSON_OBJECT) (void)note(x, json_get(conversation, SPAN_OF("id")), a);
    return note(x, json_get(answer, SPAN_OF("id")), a);
}

/* With the files that it tells of: those that a batch has made. */
static bool note_object(exchange *x, json_value object, arena *a) {
    json_member m;
    json_iter it = json_iter_of(object);
    while (json_next_member(&it, &m))
        if (span_ends(m.key, SPAN_OF("file_id"))) (void)note(x, m.value, a);
    return note(x, json_get(object, SPAN_OF("id")), a);
}

/* What is kept says what it is; what is said once and forgotten (a ranking) may have an id, too. */
static bool note_any(exchange *x, json_value document, arena *a) {
    enum { LISTED = 128 };
    json_value kind = json_get(document, SPAN_OF("object"));
    if (kind.type != JSON_STRING) return false;
    if (!json_is(kind, SPAN_OF("list"))) return note_object(x, document, a);
    json_value element;
    json_iter it = json_iter_of(json_get(document, SPAN_OF("data")));
    for (int i = 0; i < LISTED && json_next_element(&it, &element); i++)
        (void)note_object(x, element, a);
    return true;
}

static bool take(exchange *x, const answer_event *event, arena *a) {
    json_value document = answer_root(event->data);
    switch (x->facts.endpoint) {
    case EP_RESPONSES:
        if (event->kind == ANSWER_STREAM) document = json_get(document, SPAN_OF("response"));
        return note_answer(x, document, a);
    case EP_OTHER: return event->kind == ANSWER_PLAIN && note_any(x, document, a);
    default: return note_answer(x, document, a);
    }
}

/* The next events leave nothing of this one: its id is kept in the place of one that is forgotten,
 * or in one that is free. */
static void keep_id(passing_items *p, answer_item *item) {
    bool taken[ANSWER_ITEMS + 1] = {false};
    for (unsigned i = 0; i < p->items.count; i++) {
        const char *at = p->items.of[i].id.raw.ptr;
        if (&p->items.of[i] != item) taken[(size_t)(at - p->ids[0]) / ANSWER_ITEM_ID] = true;
    }
    unsigned free_at = 0;
    while (taken[free_at])
        free_at++;
    const span id = item->id.raw;
    memcpy(p->ids[free_at], id.ptr, id.len);
    item->id.raw = span_from(p->ids[free_at], id.len);
}

static void take_passing(noter *n, const answer_event *event) {
    const json_value said = answer_item_of(event);
    if (said.type != JSON_OBJECT) return;
    if (!n->passing) n->passing = arena_zalloc(&n->filter.x->arena, sizeof *n->passing);
    answer_item *item = answer_items_add(&n->passing->items, said);
    if (item) keep_id(n->passing, item);
}

static void note_passing(noter *n, arena *a) {
    if (n->passing) note_items(n->filter.x, &n->passing->items, n->stored, a);
    n->passing = NULL;
}

/* What is large is not gone through here: a plain one has been, and the items of a stream are told
 * as they begin. Its last event may leave them out. */
static void take_items(noter *n, const answer_event *event, arena *a) {
    answer_items all = {0};
    if (event->kind == ANSWER_PLAIN && event->large) {
        note_items(n->filter.x, &event->large->items, n->stored, a);
    } else if (event->kind == ANSWER_PLAIN) {
        answer_items_read(&all, event);
        note_items(n->filter.x, &all, n->stored, a);
    } else if (event->sorts & EVENT_CLOSE) {
        if (!event->large) answer_items_read(&all, event);
        note_items(n->filter.x, &all, n->stored, a);
        if (!all.count) note_passing(n, a);
        n->passing = NULL;
    } else if (!event->large) {
        take_passing(n, event);
    }
}

static void on_event(filter *f, const answer_event *event) {
    enum { LOOKED = 4 };
    noter *n = CONTAINER_OF(f, noter, filter);
    if (f->x->facts.endpoint == EP_RESPONSES && event->is_json && f->x->call)
        take_items(n, event, filter_arena(f, event));
    if (!n->noted && event->is_json && f->x->call && n->looked++ < LOOKED)
        n->noted = take(f->x, event, filter_arena(f, event));
    filter_pass_event(f, event);
}

/* Some end a stream without its last event. */
static void on_end(filter *f) {
    noter *n = CONTAINER_OF(f, noter, filter);
    if (f->x->call) note_passing(n, &f->x->arena);
    filter_pass_end(f);
}

/* What is taken away, and what is forgotten once it is said, need not be known. */
static bool makes(const exchange *x) {
    const request_facts *f = &x->facts;
    return f->endpoint == EP_OTHER ? !span_eq(f->method, SPAN_OF("DELETE")) : f->stored;
}

void affinity_route(exchange *x) {
    static const filter_ops ops = {.name = "affinity",
                                   .place = PLACE_METER,
                                   FILTER_PASSES,
                                   .event = on_event,
                                   .end = on_end,
                                   .done = filter_pass_done};
    if (!policy_of(x)->ids) return;
    if (!x->large) affinity_look_up(x, x->env->loop->now_ms);
    if (!makes(x) && x->facts.endpoint != EP_RESPONSES) return;
    noter *n = arena_zalloc(&x->arena, sizeof *n);
    n->stored = x->facts.stored;
    n->noted = !makes(x); /* nothing is but what is sealed */
    filter_add(x, &n->filter, &ops);
    if (x->facts.endpoint == EP_RESPONSES) x->want |= WANT_ITEMS;
}
