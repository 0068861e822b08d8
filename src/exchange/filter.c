#include "exchange/filter.h"

#include "exchange/internal.h"

#include <assert.h>

enum { LATE_HEAD = 1 << 0, LATE_END = 1 << 1, LATE_FAIL = 1 << 2 };

void filter_add(exchange *x, filter *f, const filter_ops *ops) {
    filter **at = &x->filters;
    while (*at && (*at)->ops->place <= ops->place)
        at = &(*at)->next;
    *f = (filter){.ops = ops, .next = *at, .x = x};
    answer_queue_init(&f->waiting);
    *at = f;
    x->want |= ops->want;
    x->may_hold |= ops->holds == HOLDS_ANY;
}

arena *filter_arena(const filter *f, const answer_event *event) {
    return event->kind == ANSWER_PLAIN ? &f->x->arena : &f->x->env->event_arena;
}

/* ---- what is given to a filter ---- */

static bool is_late(const filter *f) {
    return f->held || f->late || !list_empty(&f->waiting.events);
}

static void head_to(filter *f, const answer_head *head) {
    if (!f->next) f->x->head_told = true;
    f->ops->head(f, head);
}

void chain_head(filter *f, const answer_head *head) {
    if (f->over) return;
    if (is_late(f))
        f->late |= LATE_HEAD; /* it is the exchange's own */
    else
        head_to(f, head);
}

void chain_event(filter *f, const answer_event *event) {
    if (f->over) return;
    if (is_late(f))
        answer_queue_add(&f->waiting, event);
    else
        f->ops->event(f, event);
}

/* Either is the last that a filter is given. */
static void end(filter *f) {
    f->over = true;
    f->ops->end(f);
}

static void fail(filter *f) {
    f->over = true;
    f->ops->fail(f);
}

void chain_end(filter *f) {
    if (f->over) return;
    if (is_late(f))
        f->late |= LATE_END;
    else
        end(f);
}

void chain_fail(filter *f) {
    while (f && f->over) /* those behind may still be at it */
        f = f->next;
    if (!f) return;
    if (is_late(f))
        f->late |= LATE_FAIL;
    else
        fail(f);
}

void filter_pass_begin(filter *f) {
    if (f->next) f->next->ops->begin(f->next);
}

void filter_pass_head(filter *f, const answer_head *head) {
    chain_head(f->next, head);
}

/* For filter_stop(). A part that was taken out says nothing. */
static void note_passed(filter *f, const answer_event *event) {
    if (event->kind != ANSWER_STREAM) return;
    if (event->sorts & EVENT_USAGE) f->usage_told = true;
    if (!(event->sorts & EVENT_FINISH)) return;
    if (exchange_dialect(f->x)->one_answer) choice_set_add(&f->finished, 0);
    for (size_t i = 0; i < event->part_count; i++) {
        const answer_part *p = &event->parts[i];
        if (p->kind == PART_FINISH && p->value.type == JSON_STRING)
            choice_set_add(&f->finished, p->choice);
    }
}

static json_value kept(exchange *x, json_value v) {
    enum { MOST = 1024 };
    if (!v.raw.len || v.raw.len > MOST) return (json_value){JSON_NONE, SPAN_EMPTY};
    return (json_value){v.type, arena_dup(&x->arena, v.raw)};
}

/* Events of a response name it where it begins and where it ends, and clients compare. */
static void note_name(exchange *x, const answer_event *event) {
    const answer_envelope *told = event->envelope;
    if (!told->id.raw.len || event->kind != ANSWER_STREAM || !exchange_dialect(x)->one_answer)
        return;
    answer_envelope *named = arena_alloc(&x->arena, sizeof *named);
    *named = (answer_envelope){
        .id = kept(x, told->id), .model = kept(x, told->model), .created = kept(x, told->created)};
    x->named = named;
}

void filter_pass_event(filter *f, const answer_event *event) {
    if (event->sorts & (EVENT_FINISH | EVENT_USAGE)) note_passed(f, event);
    if (event->envelope && !f->x->named) note_name(f->x, event);
    chain_event(f->next, event);
}

void filter_pass_end(filter *f) {
    chain_end(f->next);
}

void filter_pass_fail(filter *f) {
    chain_fail(f->next);
}

void filter_pass_done(filter *f) {
    if (f->next) f->next->ops->done(f->next);
}

/* ---- holding ---- */

void filter_hold(filter *f) {
    assert(f->ops->holds != HOLDS_NOT);
    if (f->held || f->over || f->x->phase != PHASE_ANSWERING) return;
    f->held = true;
    exchange_watch_deadline(f->x);
    exchange_pause(f->x, PAUSE_FILTER);
}

static bool any_holds(const exchange *x) {
    for (const filter *f = x->filters; f; f = f->next)
        if (f->held) return true;
    return false;
}

static bool may_feed(const filter *f) {
    return !f->held && f->x->phase == PHASE_ANSWERING;
}

static bool take_late(filter *f, unsigned what) {
    bool is = may_feed(f) && (f->late & what);
    if (is) f->late &= ~what;
    return is;
}

void exchange_keep_plain(exchange *x, byte_keeper *k) {
    byte_keeper *before = x->plain_keeper;
    x->plain_keeper = keeper_ref(k);
    keeper_unref(before);
}

const answer_event *chain_keep_plain(exchange *x, const answer_event *event) {
    if (event->kind == ANSWER_PLAIN && event->large) {
        exchange_keep_plain(x, &event->large->keeper);
        return event;
    }
    return event->kind == ANSWER_PLAIN ? answer_dup(event, &x->arena) : event;
}

/* One by one: whatever it is given may make it hold again, or end the answer. */
static void feed(filter *f) {
    exchange *x = f->x;
    f->feeding = true;
    exchange_enter(x->env);
    if (take_late(f, LATE_HEAD)) head_to(f, &x->head);
    for (answer_event *e; may_feed(f) && (e = answer_queue_take(&f->waiting));) {
        f->ops->event(f, chain_keep_plain(x, e));
        answer_free(e);
    }
    if (take_late(f, LATE_END)) end(f);
    if (take_late(f, LATE_FAIL)) fail(f);
    exchange_leave(x->env);
    f->feeding = false;
}

void filter_release(filter *f) {
    if (!f->held) return;
    f->held = false;
    if (f->feeding) return; /* goes on below, in the call that is on the stack */
    feed(f);
    if (may_feed(f) && !any_holds(f->x)) exchange_unpause(f->x, PAUSE_FILTER);
}

void chain_clear(exchange *x, const filter *last) {
    for (filter *f = x->filters; f; f = f->next) {
        f->held = false;
        f->late = 0;
        answer_queue_done(&f->waiting);
        if (f == last) return;
    }
}

/* ---- ending ---- */

bool chain_cut(filter *f) {
    exchange *x = f->x;
    if (f->cut || f->next->over || x->phase != PHASE_ANSWERING) return false;
    exchange_drop_source(x);
    chain_clear(x, f);
    for (filter *g = x->filters; g != f->next; g = g->next)
        g->over = g->cut = true;
    return true;
}

void filter_break(filter *f, error_id id, const char *message) {
    exchange *x = f->x;
    if (!chain_cut(f)) return;
    (void)exchange_refuse(x, id, NULL, message ? "%s" : NULL, message);
    exchange_enter(x->env);
    chain_fail(f->next);
    exchange_leave(x->env);
    exchange_watch_rest(x);
}
