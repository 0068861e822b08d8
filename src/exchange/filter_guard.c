/* Every text of an answer that a person or a tool would get, as its JSON has it, each by itself:
 * two filters of one make. The guard looks at them by its rules; the other, behind whatever keeps
 * answers for others, puts back what is this client's own. Texts that come in pieces have a lane,
 * by their kind, choice and item; what a lane holds back comes out where its text ends. A whole
 * text, of a plain answer or one that a stream repeats, goes through a lane of its own at once, so
 * that both come out alike.
 */
#include "exchange/guard_event.h"
#include "exchange/guard_lanes.h"

typedef guard_piece_lane lane;

typedef struct guard_filter {
    filter filter;
    exchange_guard *g;
    guard_lanes lanes;
    bool blocked;       /* it has ended, or is about to */
    guard_large *large; /* an event that is looked at elsewhere; NULL: none is */
} guard_filter;

/* What is made of one event. */
typedef struct looking {
    guard_filter *f;
    const answer_event *event;
    guard_looked made;
    guard_like *like; /* what texts keep of the event; NULL: none does */
    choice_set ends;  /* choices that end with it */
    bool all_end;
} looking;

static guard_filter *guard_of(filter *f) {
    return CONTAINER_OF(f, guard_filter, filter);
}

/* ---- the end ---- */

/* Nothing has ended the answer: neither a rule nor whoever hears of it. */
static bool looks_on(const guard_filter *f) {
    return !f->blocked && exchange_goes_on(f->filter.x);
}

static void pass(guard_filter *f, const answer_event *event, const event_edits *made,
                 answer_event *ret_passed) {
    *ret_passed = *event;
    if (made->count) answer_rewrite(event, made->items, made->count, made->arena, ret_passed);
    filter_pass_event(&f->filter, ret_passed);
}

/* In the form of the last event that said something of the text. */
static void say_rest(guard_filter *f, const lane *l, span rest) {
    exchange *x = f->filter.x;
    arena *a = &x->env->event_arena;
    guard_looked made = {.edits = {.arena = a}};
    answer_event said, passed;
    exchange_enter(x->env);
    answer_say_like_json(l->like->event, l->like_part, rest, a, &said);
    guard_drop_told(&made, &said);
    pass(f, &said, &made.edits, &passed);
    exchange_leave(x->env);
}

/* The text ends here: what is held of it comes out, as a piece of its own. */
static void flush(guard_filter *f, lane *l) {
    guard_fed fed;
    if (f->blocked || !guard_text_holds(&l->text)) return;
    guard_text_feed(&l->text, SPAN_EMPTY, true, true, &fed);
    f->blocked = fed.blocked != NULL;
    const span rest = guard_made_text(&fed.made);
    if (rest.len && l->like) say_rest(f, l, rest);
    guard_made_done(&fed.made);
    if (!exchange_goes_on(f->filter.x)) return; /* there is no lane any more */
    if (f->blocked && l->like) guard_answer_end(&f->filter, l->like->event);
}

static bool ends_any(const looking *k) {
    return k->all_end || k->event->sorts & EVENT_FINISH;
}

static bool ends(const looking *k, unsigned choice) {
    return k->all_end || choice_set_has(&k->ends, choice);
}

/* Texts that end with the event, or that it repeats whole, come out before it, but for those of
 * which it has the last piece. */
static void flush_before(looking *k) {
    guard_filter *f = k->f;
    const bool full = k->event->sorts & EVENT_FULL;
    if (k->event->kind == ANSWER_PLAIN) return;
    if (!full && !ends_any(k)) return;
    guard_lanes_mark(&f->lanes, k->event);
    for (list *node = f->lanes.all.next, *next; node != &f->lanes.all && looks_on(f); node = next) {
        next = node->next;
        lane *l = LIST_ENTRY(node, lane, link);
        if (full ? l->here || k->all_end : ends(k, l->choice) && !l->here) flush(f, l);
    }
}

static void drop_ended(looking *k) {
    guard_filter *f = k->f;
    if (k->event->sorts & EVENT_FULL || !ends_any(k)) return;
    for (list *node = f->lanes.all.next, *next; node != &f->lanes.all; node = next) {
        next = node->next;
        if (ends(k, LIST_ENTRY(node, lane, link)->choice))
            guard_lanes_drop(&f->lanes, LIST_ENTRY(node, lane, link));
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

static void break_over(guard_filter *f) {
    f->blocked = true;
    filter_break(&f->filter, ERR_ANSWER_TOO_LARGE,
                 "The values that guard.restore puts back would make the answer larger than "
                 "limits.answer, or an event of its stream larger than 1 MB.");
}

static void break_off(guard_filter *f) {
    f->blocked = true;
    filter_break(&f->filter, ERR_ANSWER_TOO_LARGE, "The answer has too many texts.");
}

/* A name comes at once: some clients take its first piece for all of it, others its last. */
static void look_at_piece(looking *k, size_t i) {
    const answer_part *p = &k->event->parts[i];
    const bool whole = p->kind == PART_TOOL_NAME;
    const bool last = whole || ends(k, p->choice);
    lane *l = guard_lanes_get(&k->f->lanes, k->f->g, p);
    guard_fed fed;
    if (!l) {
        break_off(k->f);
        return;
    }
    l->fed = true;
    guard_text_feed(&l->text, guard_inner(p->value), last, true, &fed);
    const bool holds = !last && guard_text_holds(&l->text);
    const bool kept = !holds || guard_lanes_keep(&k->f->lanes, l, k->event, i, &k->like);
    guard_looked_take(&k->made, p->value, &fed);
    if (whole) guard_text_done(&l->text);
    if (!kept) break_off(k->f);
}

static void look_at_pieces(looking *k) {
    const answer_event *e = k->event;
    for (size_t i = 0; i < e->part_count && !k->made.blocked && !k->f->blocked; i++) {
        if (e->parts[i].kind == PART_OPAQUE)
            guard_look_at_opaque(&k->made, k->f->g, e->parts[i].value);
        else if (answer_has_pieces(&e->parts[i]))
            look_at_piece(k, i);
    }
    guard_drop_logprobs(&k->made, e);
}

/* What stands behind the place where it was blocked is not said, and why it ends is that. */
static void cut(looking *k) {
    const answer_event *e = k->event;
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        const bool behind = p->value.raw.ptr > k->made.blocked_at;
        if (p->kind == PART_FINISH && p->value.type == JSON_STRING)
            event_edits_add(&k->made.edits,
                            (answer_edit){.part = i, .text = SPAN_OF("content_filter")});
        else if (behind && answer_has_pieces(p))
            event_edits_add(&k->made.edits, (answer_edit){.part = i, .text = SPAN_OF("")});
        else if (behind && p->kind == PART_OPAQUE)
            event_edits_add(&k->made.edits, (answer_edit){.part = i});
    }
    k->made.edits.count = answer_edits_sort(e, k->made.edits.items, k->made.edits.count);
}

/* ---- whole texts ---- */

/* Its pieces have been noted. */
static bool is_new(void *user, const answer_part *p) {
    guard_filter *f = user;
    const lane *l = guard_lanes_find(&f->lanes, p);
    return !l || !l->fed;
}

/* Of a plain answer, or a repeat in a stream: nothing of it has gone out. */
static void end_whole(guard_filter *f, const answer_event *event) {
    f->blocked = true;
    guard_answer_end(&f->filter, event);
}

static void on_large(filter *base, const answer_event *event, const guard_rule *blocked) {
    guard_filter *f = guard_of(base);
    f->large = NULL;
    exchange_enter(base->x->env);
    if (f->g->over)
        break_over(f);
    else if (!event)
        filter_break(base, ERR_MEMORY_FULL, NULL);
    else if (blocked)
        end_whole(f, event);
    else
        filter_pass_event(base, chain_keep_plain(base->x, event));
    exchange_leave(base->x->env);
    filter_release(base);
}

static void look_elsewhere(guard_filter *f, const answer_event *event) {
    filter_hold(&f->filter);
    f->large = guard_large_start(&f->filter, f->g, event, list_empty(&f->lanes.all), on_large);
}

/* What a loop may put back of one event; the rest of the room is given back behind it. */
static uint32_t keep_rest(exchange_guard *g) {
    const uint32_t rest = g->room > GUARD_PUT_BACK_HERE ? g->room - GUARD_PUT_BACK_HERE : 0;
    g->room -= rest;
    return rest;
}

/* A small one may become large by what is put back: then it is begun anew. */
static void take_whole(guard_filter *f, const answer_event *event) {
    answer_event passed;
    guard_looked made = {.edits = {.arena = filter_arena(&f->filter, event)}};
    if (event->large) {
        look_elsewhere(f, event);
        return;
    }
    const uint32_t room = f->g->room, rest = keep_rest(f->g);
    guard_look_at_whole(&made, f->g, event, is_new, f);
    f->g->room += rest;
    if (f->g->over && rest) {
        f->g->over = false;
        f->g->room = room;
        look_elsewhere(f, event);
        return;
    }
    if (f->g->over)
        break_over(f);
    else if (made.blocked)
        end_whole(f, event);
    else
        pass(f, event, &made.edits, &passed);
}

/* ---- the filter ---- */

static void take_pieces(looking *k) {
    guard_filter *f = k->f;
    answer_event passed;
    k->made.edits.arena = filter_arena(&f->filter, k->event);
    const uint32_t rest = keep_rest(f->g);
    look_at_pieces(k);
    guard_like_unref(k->like);
    f->g->room += rest;
    if (f->g->over && !f->blocked) break_over(f);
    if (f->blocked) return;
    f->blocked = k->made.blocked != NULL;
    if (f->blocked) cut(k);
    pass(f, k->event, &k->made.edits, &passed);
    if (f->blocked)
        guard_answer_end(&f->filter, &passed);
    else
        drop_ended(k);
}

static void on_event(filter *base, const answer_event *event) {
    guard_filter *f = guard_of(base);
    looking k = {.f = f, .event = event};
    if (f->blocked) return;
    if (event->kind == ANSWER_RAW) {
        filter_pass_event(base, event);
        return;
    }
    note_ends(&k);
    flush_before(&k);
    if (!looks_on(f)) return; /* it has ended with what was held */
    if (event->kind == ANSWER_PLAIN || event->sorts & EVENT_FULL)
        take_whole(f, event);
    else
        take_pieces(&k);
}

/* A stream may end without a word. */
static void on_end(filter *base) {
    guard_filter *f = guard_of(base);
    for (list *node = f->lanes.all.next, *next; node != &f->lanes.all && looks_on(f); node = next) {
        next = node->next;
        flush(f, LIST_ENTRY(node, lane, link));
    }
    if (!exchange_goes_on(base->x)) return;
    if (!f->blocked || base->x->head.kind == ANSWER_PLAIN) filter_pass_end(base);
}

/* An event that is looked at elsewhere has been lent the names. */
static void on_fail(filter *base) {
    guard_filter *f = guard_of(base);
    guard_large_cancel(f->large);
    f->large = NULL;
    guard_failure_look(f->g);
    filter_pass_fail(base);
}

/* What a provider says in an answer's place is nobody's to put back: logs and records have it. */
static void on_fail_unanswered(filter *base) {
    guard_filter *f = guard_of(base);
    guard_large_cancel(f->large);
    f->large = NULL;
    filter_pass_fail(base);
}

static void on_done(filter *base) {
    guard_filter *f = guard_of(base);
    guard_large_cancel(f->large);
    guard_lanes_done(&f->lanes);
    filter_pass_done(base);
}

static void add(exchange_guard *g, const filter_ops *ops) {
    guard_filter *f = arena_zalloc(&g->x->arena, sizeof *f);
    f->g = g;
    guard_lanes_init(&f->lanes);
    filter_add(g->x, &f->filter, ops);
}

void filter_guard_add(exchange_guard *g) {
    static const filter_ops ops = {.name = "guard",
                                   .place = PLACE_GUARD,
                                   .holds = HOLDS_LARGE,
                                   .want = WANT_PARTS | WANT_ENVELOPE,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = on_fail,
                                   .done = on_done};
    add(g, &ops);
}

void filter_restore_add(const exchange_guard *g) {
    static const filter_ops ops = {.name = "restore",
                                   .place = PLACE_RESTORE,
                                   .holds = HOLDS_LARGE,
                                   .want = WANT_PARTS | WANT_ENVELOPE,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = on_fail_unanswered,
                                   .done = on_done};
    exchange_guard *own = arena_zalloc(&g->x->arena, sizeof *own);
    const size_t most = exchange_config(g->x)->limits.answer_bytes;
    *own = (exchange_guard){.x = g->x,
                            .names = g->names,
                            .restores = true,
                            .room = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX};
    add(own, &ops);
}
