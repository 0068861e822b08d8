/* The guard's way out: every text of an answer that a person or a tool would get, looked at as its
 * JSON has it, each by itself. Texts that come in pieces have a lane, by their kind, choice and
 * item; what a lane holds back comes out where its text ends. A whole text, of a plain answer or
 * one that a stream repeats, goes through a lane of its own at once, so that both come out alike.
 */
#include "exchange/guard_text.h"

#include "dialect/reader.h"

#include "base/mem.h"

#include <stdlib.h>

enum { LANES_MAX = 1024 };

/* A text that comes in pieces. */
typedef struct lane {
    list link;
    part_kind kind;
    unsigned choice, item;
    bool fed;
    guard_text text;
    answer_event *like; /* the last event with a piece of it that was held back; NULL: none was */
    size_t like_part;
} lane;

typedef struct guard_filter {
    filter filter;
    exchange_guard *g;
    list lanes; /* the one that was used last is first */
    unsigned lane_count;
    const guard_rule *blocked;
} guard_filter;

/* What is made of one event. */
typedef struct looking {
    guard_filter *f;
    const answer_event *event;
    arena *arena;
    answer_edit *edits;
    size_t count, cap;
    choice_set ends; /* choices that end with it */
    bool all_end;
} looking;

static guard_filter *guard_of(filter *f) {
    return CONTAINER_OF(f, guard_filter, filter);
}

static bool is_text(const answer_part *p) {
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_REASONING:
    case PART_TOOL_NAME:
    case PART_TOOL_ARGS: return p->value.type == JSON_STRING;
    default: return false;
    }
}

static span inner_of(json_value string) {
    return span_slice(string.raw, 1, string.raw.len - 1);
}

/* ---- lanes ---- */

static lane *find_lane(guard_filter *f, const answer_part *p) {
    LIST_FOREACH(&f->lanes, node) {
        lane *l = LIST_ENTRY(node, lane, link);
        if (l->kind == p->kind && l->choice == p->choice && l->item == p->item) return l;
    }
    return NULL;
}

/* NULL: there are too many. */
static lane *lane_of(guard_filter *f, const answer_part *p) {
    lane *l = find_lane(f, p);
    if (l && f->lanes.next == &l->link) return l;
    if (l) {
        list_remove(&l->link);
    } else {
        if (f->lane_count == LANES_MAX) return NULL;
        l = mem_zalloc(sizeof *l);
        l->kind = p->kind;
        l->choice = p->choice;
        l->item = p->item;
        guard_text_init(&l->text, f->g, p->kind == PART_TOOL_ARGS);
        f->lane_count++;
    }
    list_push_front(&f->lanes, &l->link);
    return l;
}

static void lane_free(guard_filter *f, lane *l) {
    list_remove(&l->link);
    guard_text_done(&l->text);
    answer_free(l->like);
    free(l);
    f->lane_count--;
}

/* Its form is used again where the rest of the text comes out. */
static void keep_like(lane *l, const answer_event *e, size_t part) {
    answer_free(l->like);
    l->like = answer_copy(e);
    l->like_part = part;
}

/* ---- the end ---- */

static const char blocked_text[] = "The answer has something that the gateway's guard does not let "
                                   "through.";

/* like: an event of the stream. */
static void stop(guard_filter *f, const answer_event *like) {
    if (exchange_config(f->filter.x)->guard.end == CONFIG_GUARD_ERROR)
        filter_break(&f->filter, ERR_CONTENT_BLOCKED, blocked_text);
    else
        filter_stop(&f->filter, like, SPAN_OF("content_filter"));
}

/* The text ends here: what is held of it comes out, as a piece of its own. */
static void flush(guard_filter *f, lane *l) {
    guard_made made;
    if (f->blocked || !guard_text_holds(&l->text)) return;
    guard_text_feed(&l->text, SPAN_EMPTY, true, !l->fed, &made);
    f->blocked = made.blocked;
    const span rest = guard_made_text(&made);
    if (rest.len && l->like) {
        exchange *x = f->filter.x;
        arena *a = &x->env->event_arena;
        answer_event e;
        exchange_enter(x->env);
        answer_say_like_json(l->like, l->like_part, rest, a, &e);
        filter_pass_event(&f->filter, &e);
        exchange_leave(x->env);
    }
    guard_made_done(&made);
    if (f->blocked && l->like) stop(f, l->like);
}

static bool ends(const looking *k, unsigned choice) {
    return k->all_end || choice_set_has(&k->ends, choice);
}

static bool has_piece_of(const answer_event *e, const lane *l) {
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        if (is_text(p) && p->kind == l->kind && p->choice == l->choice && p->item == l->item)
            return true;
    }
    return false;
}

/* Texts that end with the event, or that it repeats whole, come out before it, but for those of
 * which it has the last piece. */
static void flush_before(looking *k) {
    guard_filter *f = k->f;
    const bool full = k->event->sorts & EVENT_FULL;
    if (!full && !k->all_end && !choice_set_count(&k->ends)) return;
    for (list *node = f->lanes.next, *next; node != &f->lanes && !f->blocked; node = next) {
        next = node->next;
        lane *l = LIST_ENTRY(node, lane, link);
        const bool here = has_piece_of(k->event, l);
        if (full ? here || k->all_end : ends(k, l->choice) && !here) flush(f, l);
    }
}

static void drop_ended(looking *k) {
    guard_filter *f = k->f;
    if (k->event->sorts & EVENT_FULL || (!k->all_end && !choice_set_count(&k->ends))) return;
    for (list *node = f->lanes.next, *next; node != &f->lanes; node = next) {
        next = node->next;
        if (ends(k, LIST_ENTRY(node, lane, link)->choice))
            lane_free(f, LIST_ENTRY(node, lane, link));
    }
}

static void note_ends(looking *k) {
    const answer_event *e = k->event;
    if (e->kind == ANSWER_PLAIN) return;
    k->all_end = e->sorts & EVENT_CLOSE;
    if (!(e->sorts & EVENT_FINISH)) return;
    k->all_end |= exchange_dialect(k->f->filter.x)->one_answer;
    for (size_t i = 0; i < e->part_count; i++)
        if (e->parts[i].kind == PART_FINISH) choice_set_add(&k->ends, e->parts[i].choice);
}

/* ---- one event ---- */

static void edit(looking *k, answer_edit e) {
    if (k->count == k->cap) {
        k->cap = k->cap ? k->cap * 2 : 8;
        answer_edit *more = arena_alloc(k->arena, k->cap * sizeof *more);
        if (k->count) memcpy(more, k->edits, k->count * sizeof *more);
        k->edits = more;
    }
    k->edits[k->count++] = e;
}

/* What the string, as it stands in the event, becomes. */
static void take(looking *k, json_value string, guard_made *made) {
    if (made->blocked && !k->f->blocked) k->f->blocked = made->blocked;
    if (!guard_made_is_same(made))
        edit(k, (answer_edit){.bytes = inner_of(string),
                              .json = arena_dup(k->arena, guard_made_text(made))});
    guard_made_done(made);
}

static void look_at_whole(looking *k, json_value string, bool arguments, bool note) {
    guard_text t;
    guard_made made;
    guard_text_init(&t, k->f->g, arguments);
    guard_text_feed(&t, inner_of(string), true, note, &made);
    guard_text_done(&t);
    take(k, string, &made);
}

static void look_at_piece(looking *k, size_t i) {
    const answer_part *p = &k->event->parts[i];
    const bool last = ends(k, p->choice);
    lane *l = lane_of(k->f, p);
    guard_made made;
    if (!l) {
        filter_break(&k->f->filter, ERR_ANSWER_TOO_LARGE, NULL);
        return;
    }
    l->fed = true;
    guard_text_feed(&l->text, inner_of(p->value), last, true, &made);
    if (!last && guard_text_holds(&l->text)) keep_like(l, k->event, i);
    take(k, p->value, &made);
}

/* What the reader does not know may have any number of texts in it. */
static void look_at_opaque(looking *k, json_value value) {
    json_iter it = json_strings_of(value);
    for (json_value string; json_next_string(&it, &string);)
        look_at_whole(k, string, false, true);
}

static void look(looking *k) {
    const answer_event *e = k->event;
    const bool pieces = e->kind == ANSWER_STREAM && !(e->sorts & EVENT_FULL);
    for (size_t i = 0; i < e->part_count && !k->f->blocked; i++) {
        const answer_part *p = &e->parts[i];
        if (p->kind == PART_OPAQUE) {
            look_at_opaque(k, p->value);
        } else if (!is_text(p)) {
            continue;
        } else if (pieces) {
            look_at_piece(k, i);
        } else {
            const lane *l = e->kind == ANSWER_PLAIN ? NULL : find_lane(k->f, p);
            look_at_whole(k, p->value, p->kind == PART_TOOL_ARGS, !l || !l->fed);
        }
    }
}

/* The texts behind the place where it was blocked are not said, and why it ends is that. */
static void cut(looking *k) {
    const answer_event *e = k->event;
    const char *behind = k->count ? k->edits[k->count - 1].bytes.ptr : e->data.ptr;
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        if (p->kind == PART_FINISH && p->value.type == JSON_STRING)
            edit(k, (answer_edit){.part = i, .text = SPAN_OF("content_filter")});
        else if (is_text(p) && p->value.raw.ptr > behind)
            edit(k, (answer_edit){.part = i, .text = SPAN_OF("")});
    }
    answer_edits_sort(e, k->edits, k->count);
}

static void pass(looking *k, answer_event *changed) {
    *changed = *k->event;
    if (k->count) answer_rewrite(k->event, k->edits, k->count, k->arena, changed);
    filter_pass_event(&k->f->filter, changed);
}

/* ---- streams and plain answers ---- */

static void take_piece(guard_filter *f, const answer_event *event) {
    looking k = {.f = f, .event = event, .arena = filter_arena(&f->filter, event)};
    answer_event changed;
    note_ends(&k);
    flush_before(&k);
    if (f->blocked) return; /* it has ended */
    look(&k);
    if (f->blocked && event->sorts & EVENT_FULL) {
        stop(f, event); /* nothing of what is whole has gone out */
        return;
    }
    if (f->blocked) cut(&k);
    pass(&k, &changed);
    if (f->blocked)
        stop(f, &changed);
    else
        drop_ended(&k);
}

/* An answer in the place of the one that came, read as that is. */
static void say_instead(guard_filter *f, span document) {
    exchange *x = f->filter.x;
    const reader_spec spec = {.dialect = endpoint_get(x->facts.endpoint)->dialect,
                              .want = x->want,
                              .choices = 1,
                              .event_bytes = document.len + 1,
                              .answer_bytes = document.len + 1};
    reader r;
    answer_event e;
    reader_init(&r, &spec, SPAN_OF("application/json"), -1);
    const reader_result got =
        reader_next(&r, &document, &e) == READER_MORE ? reader_end(&r, true, &e) : READER_BAD;
    if (got == READER_EVENT)
        filter_pass_event(&f->filter, answer_dup(&e, &x->arena));
    else
        filter_break(&f->filter, ERR_CONTENT_BLOCKED, blocked_text);
    reader_done(&r);
}

static void replace(guard_filter *f, const answer_event *event) {
    buf document = BUF_EMPTY;
    if (guard_answer_write(f->filter.x, event, &document))
        say_instead(f, buf_span(&document));
    else
        filter_break(&f->filter, ERR_CONTENT_BLOCKED, blocked_text);
    buf_done(&document);
}

static void on_event(filter *base, const answer_event *event) {
    guard_filter *f = guard_of(base);
    if (event->kind == ANSWER_STREAM) {
        take_piece(f, event);
        return;
    }
    looking k = {.f = f, .event = event, .arena = filter_arena(base, event)};
    answer_event changed;
    if (event->kind == ANSWER_PLAIN) look(&k);
    if (f->blocked)
        replace(f, event);
    else
        pass(&k, &changed);
}

/* A stream may end without a word. */
static void on_end(filter *base) {
    guard_filter *f = guard_of(base);
    for (list *node = f->lanes.next, *next; node != &f->lanes && !f->blocked; node = next) {
        next = node->next;
        flush(f, LIST_ENTRY(node, lane, link));
    }
    if (!f->blocked || base->x->head.kind == ANSWER_PLAIN) filter_pass_end(base);
}

static void on_done(filter *base) {
    guard_filter *f = guard_of(base);
    while (!list_empty(&f->lanes))
        lane_free(f, LIST_ENTRY(f->lanes.next, lane, link));
    filter_pass_done(base);
}

void filter_guard_add(exchange_guard *g) {
    static const filter_ops ops = {.name = "guard",
                                   .place = PLACE_GUARD,
                                   .want = WANT_PARTS | WANT_ENVELOPE,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = filter_pass_fail,
                                   .done = on_done};
    guard_filter *f = arena_zalloc(&g->x->arena, sizeof *f);
    f->g = g;
    list_init(&f->lanes);
    filter_add(g->x, &f->filter, &ops);
}
