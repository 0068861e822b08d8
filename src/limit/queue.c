#include "limit/queue.h"

#include "limit/internal.h"
#include "limit/lanes.h"

#include <assert.h>
#include <stdlib.h>

/* ---- waiting, and the end of it ---- */

static void begin(limit_queues *all, limit_waiter *w, size_t at) {
    w->of = limit_holder_get(all, w);
    w->of->waiting++;
    all->waiting++;
    list_push_back(&w->of->waiters, &w->mine);
    w->number = ++all->number;
    w->state = LIMIT_QUEUED;
    limit_queue_put(all, w, at);
}

/* It is in no queue any more. */
static void end(limit_queues *all, limit_waiter *w) {
    limit_holder *h = w->of;
    list_remove(&w->mine);
    list_remove(&w->moved);
    w->of = NULL;
    w->state = LIMIT_OUT;
    all->waiting--;
    if (--h->waiting) return;
    list_remove(&h->link);
    free(h);
}

static void wake(limit_watch *w) {
    if (w->woken) return;
    w->woken = true;
    w->wake(w);
}

static void tell(limit_queues *all, limit_waiter *w, limit_verdict v) {
    end(all, w);
    w->verdict = v;
    w->state = LIMIT_TOLD;
    list_push_back(&w->watch->told, &w->link);
    wake(w->watch);
}

static void go_over(limit_queues *all, limit_waiter *w, size_t at) {
    limit_queue_put(all, w, at);
    if (list_empty(&w->moved)) list_push_back(&w->watch->moved, &w->moved);
    wake(w->watch);
}

/* A reload may have changed its limit since it came. */
static void renew(const limit_waiter *w) {
    const limit_queue *q = w->lane->queue;
    limit_ask *a = &w->asks[w->at];
    if (!a->since || a->since >= q->since) return;
    a->since = q->since;
    a->quota.amount = q->quota;
}

static limit_verdict why_not(limiter *l, limit_waiter *w, limit_now now) {
    renew(w);
    limiter_prepare(l, w->asks, w->count, now);
    limit_verdict v = limiter_judge(l, w->asks, w->count, now);
    if (v.taken) v = (limit_verdict){.by = w->at}; /* there is room, and others are before it */
    const int64_t due_us = w->lane->queue->due_us;
    if (v.by == w->at && due_us != INT64_MAX && due_us - now.mono_us > v.wait_us)
        v.wait_us = due_us - now.mono_us;
    limiter_finish(l, w->asks, w->count, false, now);
    return v;
}

/* Budgets are not waited for, nor what comes too late. Where nobody knows when (0) it may be soon.
 */
static bool is_in_vain(const limit_waiter *w, const limit_verdict *v, limit_now now) {
    return w->asks[v->by].kind == LIMIT_SPEND || v->wait_us < 0 ||
           v->wait_us > w->until_us - now.mono_us;
}

/* ---- serving ---- */

static limit_waiter *next_of(const limit_queue *q) {
    const limit_lane *lane = LIST_ENTRY(q->lanes.next, limit_lane, link);
    return LIST_ENTRY(lane->waiters.next, limit_waiter, link);
}

/* One of its calls is about to be served. */
static void count_turn(limit_lane *lane) {
    if (++lane->had < lane->of->weight) return;
    limit_queue *q = lane->queue;
    lane->had = 0;
    list_remove(&lane->link);
    list_push_back(&q->lanes, &lane->link);
}

static void look_after(limit_queue *q, limit_watch *at, int64_t due_us) {
    q->watch = at;
    q->due_us = due_us;
    if (due_us < at->due_us) at->due_us = due_us;
}

/* Until it must wait for whose turn it is, or nobody waits. */
static void serve(limiter *l, limit_queue *q, limit_watch *at, limit_now now) {
    limit_queues *all = l->queues;
    while (q->waiting) {
        limit_waiter *w = next_of(q);
        renew(w);
        limiter_prepare(l, w->asks, w->count, now);
        limit_verdict v = limiter_judge(l, w->asks, w->count, now);
        const bool ends = v.taken || is_in_vain(w, &v, now);
        if (!ends && w->asks[v.by].counter == q->counter) {
            const bool is_known = w->asks[v.by].kind != LIMIT_PARALLEL;
            look_after(q, at, is_known ? now.mono_us + v.wait_us : INT64_MAX);
            list_remove(&q->stirred);
            return;
        }
        if (v.taken) count_turn(w->lane);
        limit_queue_take(all, w);
        if (!ends) {
            go_over(all, w, v.by);
            continue;
        }
        limiter_finish(l, w->asks, w->count, v.taken, now);
        tell(all, w, v);
    }
    limit_queue_free(q);
}

/* Whoever goes over to another queue does so once, until somebody takes or gives back something:
 * this comes to an end. */
static void serve_stirred(limit_watch *at, limit_now now) {
    limit_queues *all = at->limiter->queues;
    if (!all) return;
    for (list *node; (node = list_pop_front(&all->stirred));)
        serve(at->limiter, LIST_ENTRY(node, limit_queue, stirred), at, now);
}

/* ---- joining ---- */

/* The first of its asks that others wait for; count: none. */
static size_t first_queued(const limit_queues *all, const limit_waiter *w) {
    size_t i = 0;
    if (!all || !all->waiting) return w->count;
    while (i < w->count && !limit_queue_find(all, w->asks[i].counter))
        i++;
    return i;
}

/* Else he would wait behind them for what a reload has lifted. */
static void tell_quotas(limit_queues *all, const limit_waiter *w) {
    for (size_t i = 0; all && all->waiting && i < w->count; i++) {
        limit_queue *q = limit_queue_find(all, w->asks[i].counter);
        if (q) limit_queue_learn(all, q, &w->asks[i]);
    }
}

/* Calls that come before the one that would be the last of that holder's in a queue: with each of
 * his turns the others have one, too. */
static int64_t calls_before(limit_queues *all, const limit_queue *q, const limit_waiter *w) {
    const limit_lane *lane = limit_lane_find(all, q, w->holder);
    const unsigned own = lane ? lane->count : 0, turns = own / w->weight + 1;
    int64_t before = own;
    LIST_FOREACH(&q->lanes, it) {
        const limit_lane *other = LIST_ENTRY(it, limit_lane, link);
        const uint64_t most = (uint64_t)turns * other->of->weight;
        if (other != lane) before += other->count < most ? other->count : (int64_t)most;
    }
    return before;
}

/* How long it would wait there, behind those who are before it. */
static int64_t wait_behind(const limiter *l, const limit_waiter *w, size_t at, int64_t wait_us,
                           limit_now now) {
    const limit_ask *a = &w->asks[at];
    const limit_queue *q = l->queues ? limit_queue_find(l->queues, a->counter) : NULL;
    if (!q || wait_us < 0 || a->kind == LIMIT_PARALLEL || a->kind == LIMIT_SPEND) return wait_us;
    const int64_t each = q->amount / (int64_t)q->waiting;
    const int64_t ahead = calls_before(l->queues, q, w) * each;
    const counter c = limiter_look(l, a);
    return gcra_wait_after(&c.rate, counter_rule(a->quota), ahead, a->amount, now.mono_us);
}

/* Compared without dividing: a's calls for a's weight. */
static bool has_more(uint64_t a_calls, unsigned a_weight, uint64_t b_calls, unsigned b_weight) {
    return a_calls * b_weight > b_calls * a_weight;
}

/* The last call of who has the most, if that is more than the newcomer's holder would have; NULL:
 * nobody has. */
static limit_waiter *whose_place(const limit_queues *all, const limit_waiter *w) {
    const limit_holder *most = NULL, *own = limit_holder_find(all, w->holder);
    LIST_FOREACH(&all->holders, it) {
        const limit_holder *h = LIST_ENTRY(it, limit_holder, link);
        if (!most || has_more(h->waiting, h->weight, most->waiting, most->weight)) most = h;
    }
    const unsigned would_have = own ? own->waiting + 1 : 1;
    if (!most || most == own || !has_more(most->waiting, most->weight, would_have, w->weight))
        return NULL;
    return LIST_ENTRY(most->waiters.prev, limit_waiter, mine);
}

/* Whether there is a place for one more, where need be somebody's. */
static bool find_place(limiter *l, const limit_waiter *w, limit_now now) {
    limit_queues *all = l->queues;
    if (all->waiting < w->most) return true;
    limit_waiter *out = whose_place(all, w);
    if (!out) return false;
    const limit_verdict v = why_not(l, out, now);
    limit_queue_take(all, out);
    tell(all, out, v);
    return true;
}

/* Under the lock. */
static limit_verdict join(limiter *l, limit_waiter *w, limit_now now) {
    limiter_prepare(l, w->asks, w->count, now);
    tell_quotas(l->queues, w);
    limit_verdict v = limiter_judge(l, w->asks, w->count, now);
    const size_t queued = first_queued(l->queues, w);
    if (v.taken && queued < w->count) v = (limit_verdict){.by = queued};
    if (!v.taken) v.wait_us = wait_behind(l, w, v.by, v.wait_us, now);
    limiter_finish(l, w->asks, w->count, v.taken, now);
    if (v.taken || !w->most) return v;
    if (is_in_vain(w, &v, now)) return v;
    if (!l->queues) l->queues = limit_queues_new();
    if (!find_place(l, w, now)) return v;
    v.waits = true;
    begin(l->queues, w, v.by);
    return v;
}

limit_verdict limiter_join(limit_waiter *w, limit_now now) {
    limiter *l = w->watch->limiter;
    w->state = LIMIT_OUT;
    w->lane = NULL;
    w->of = NULL;
    list_init(&w->link);
    list_init(&w->mine);
    list_init(&w->moved);
    (void)pthread_mutex_lock(&l->lock);
    limit_verdict v = join(l, w, now);
    if (v.waits) w->watch->waiting++;
    serve_stirred(w->watch, now);
    (void)pthread_mutex_unlock(&l->lock);
    return v;
}

/* ---- leaving ---- */

static void drop(limiter *l, limit_waiter *w) {
    limit_queue_take(l->queues, w);
    end(l->queues, w);
}

/* Takes back what it is about to be told. */
static limit_verdict untell(limit_waiter *w) {
    list_remove(&w->link);
    w->state = LIMIT_OUT;
    return w->verdict;
}

limit_verdict limiter_give_up(limit_waiter *w, limit_now now) {
    limiter *l = w->watch->limiter;
    limit_verdict v;
    (void)pthread_mutex_lock(&l->lock);
    assert(w->state != LIMIT_OUT);
    w->watch->waiting--;
    if (w->state == LIMIT_TOLD) {
        v = untell(w);
    } else {
        v = why_not(l, w, now);
        drop(l, w);
        serve_stirred(w->watch, now);
    }
    (void)pthread_mutex_unlock(&l->lock);
    return v;
}

static void settle(limit_watch *at, const limit_ask *asks, size_t count, const limit_used *used,
                   limit_now now) {
    limiter *l = at->limiter;
    limiter_settle_all(l, asks, count, used, now);
    for (size_t i = 0; l->queues && l->queues->waiting && i < count; i++) {
        limit_queue *q = limit_queue_find(l->queues, asks[i].counter);
        if (q) limit_queue_stir(l->queues, q);
    }
}

void limiter_leave(limit_waiter *w, limit_now now) {
    limiter *l = w->watch->limiter;
    (void)pthread_mutex_lock(&l->lock);
    assert(w->state != LIMIT_OUT);
    w->watch->waiting--;
    if (w->state == LIMIT_QUEUED)
        drop(l, w);
    else if (untell(w).taken)
        settle(w->watch, w->asks, w->count, &(limit_used){.asked = false}, now);
    serve_stirred(w->watch, now);
    (void)pthread_mutex_unlock(&l->lock);
}

/* ---- what is given back, and what time brings ---- */

void limiter_settle_at(limit_watch *at, const limit_ask *asks, size_t count, const limit_used *used,
                       limit_now now) {
    (void)pthread_mutex_lock(&at->limiter->lock);
    settle(at, asks, count, used, now);
    serve_stirred(at, now);
    (void)pthread_mutex_unlock(&at->limiter->lock);
}

static void look_at_all(limit_queues *all, limit_watch *at, limit_now now) {
    at->due_us = INT64_MAX;
    LIST_FOREACH(&all->all, it) {
        limit_queue *q = LIST_ENTRY(it, limit_queue, all);
        if (q->watch != at) continue;
        if (q->due_us <= now.mono_us)
            limit_queue_stir(all, q);
        else
            look_after(q, at, q->due_us);
    }
}

void limiter_serve(limit_watch *at, limit_now now) {
    (void)pthread_mutex_lock(&at->limiter->lock);
    if (at->limiter->queues) look_at_all(at->limiter->queues, at, now);
    serve_stirred(at, now);
    (void)pthread_mutex_unlock(&at->limiter->lock);
}

limit_waiter *limiter_next_moved(limit_watch *w, size_t *ret_at) {
    (void)pthread_mutex_lock(&w->limiter->lock);
    list *node = list_pop_front(&w->moved);
    limit_waiter *one = node ? LIST_ENTRY(node, limit_waiter, moved) : NULL;
    if (one)
        *ret_at = one->at;
    else
        w->woken = false;
    (void)pthread_mutex_unlock(&w->limiter->lock);
    return one;
}

limit_waiter *limiter_next_told(limit_watch *w) {
    (void)pthread_mutex_lock(&w->limiter->lock);
    list *node = list_pop_front(&w->told);
    limit_waiter *one = node ? LIST_ENTRY(node, limit_waiter, link) : NULL;
    if (one) {
        one->state = LIMIT_OUT;
        w->waiting--;
    } else {
        w->woken = false;
    }
    (void)pthread_mutex_unlock(&w->limiter->lock);
    return one;
}

/* ---- watches ---- */

void limit_watch_init(limit_watch *w, limiter *l, void (*wake_fn)(limit_watch *w)) {
    *w = (limit_watch){.limiter = l, .wake = wake_fn, .due_us = INT64_MAX};
    list_init(&w->told);
    list_init(&w->moved);
}

static void hand_over(limit_queues *all, const limit_watch *from) {
    LIST_FOREACH(&all->all, it) {
        limit_queue *q = LIST_ENTRY(it, limit_queue, all);
        if (q->watch != from) continue;
        q->watch = next_of(q)->watch;
        wake(q->watch);
    }
}

void limit_watch_done(limit_watch *w) {
    (void)pthread_mutex_lock(&w->limiter->lock);
    assert(!w->waiting && list_empty(&w->told) && list_empty(&w->moved));
    w->due_us = INT64_MAX;
    if (w->limiter->queues) hand_over(w->limiter->queues, w);
    (void)pthread_mutex_unlock(&w->limiter->lock);
}
