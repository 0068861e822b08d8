/* limit: may it have so much? What it may use at most is taken beforehand, all of it or nothing,
 * and settled in the turn in which the exchange ends. What targets may have is asked when they are
 * (target_limits.h). Where limits.wait is on, what is not there now is waited for in turns. */
#include "exchange/limit_told.h"
#include "exchange/cache_use.h"
#include "exchange/functions.h"
#include "exchange/holder.h"
#include "exchange/target_limits.h"
#include "exchange/tool_use.h"

#include "base/clock.h"
#include "limit/desk.h"
#include "limit/shared.h"

/* Longer hints are for people: the SDKs do not follow them. */
enum { WORTH_WAITING_MS = 60 * 1000 };

/* One that waits for its turn. */
typedef struct waiting {
    limit_waiter waiter;
    stage_wait wait;
    timer patience;
    exchange *x;
    int64_t began_us;
    bool holds; /* not all who ask the same, but its client's, its user's or its address's */
} waiting;

typedef struct limit_stage {
    limit_asks asks;
    bool taken;
    target_limits *targets;
    waiting *waiting;     /* NULL: it did not have to ask for a turn */
    shared_ticket ticket; /* where limits are shared: of asks */
    stage_wait answer;    /* of the shared server */
} limit_stage;

static limit_now now_of(const exchange *x) {
    return (limit_now){loop_exact_us(x->env->loop), clock_wall_us()};
}

static stage_result refuse(exchange *x, const limit_ask *by, int64_t wait_us) {
    const weir_error e = limit_error(x, by, wait_us);
    stage_result r = exchange_refuse(x, e.id, NULL, "%.*s", SPAN_ARG(e.message));
    x->failure.client_after_ms = e.retry_after_ms;
    x->failure.client_may_retry = e.retry_after_ms >= 0 && e.retry_after_ms <= WORTH_WAITING_MS;
    limit_count(x, by);
    return r;
}

/* What the verdict is for the exchange, unless it waits. */
static stage_result follow(exchange *x, limit_stage *s, limit_verdict v) {
    s->taken = v.taken;
    limit_tell(x, &s->asks, NULL);
    return v.taken ? STAGE_NEXT : refuse(x, &s->asks.items[v.by], v.wait_us);
}

/* ---- waiting ---- */

/* Whose limit it is. A model's (0) whoever asks the same would wait for, too. */
static uint64_t holder_of(const exchange *x, const limit_ask *a) {
    if (a->scope == LIMIT_OF_MODEL) return 0;
    const bool own = a->scope == LIMIT_OF_USER || a->scope == LIMIT_OF_ADDRESS;
    return own ? a->subject : exchange_holder(x);
}

static void hold(waiting *w, const limit_ask *by) {
    const uint64_t holder = w->x->cache ? holder_of(w->x, by) : 0;
    if (holder || w->holds) cache_use_hold(w->x->cache, holder);
    w->holds = holder;
}

/* It is over: by a turn, by somebody who needed the place more, or by its own time. */
static void go_on(waiting *w, limit_verdict v) {
    exchange *x = w->x;
    loop_timer_stop(x->env->loop, &w->patience);
    x->queued_us += loop_exact_us(x->env->loop) - w->began_us;
    if (w->holds) cache_use_hold(x->cache, 0);
    exchange_resume(&w->wait, follow(x, *exchange_stage_data(x), v));
}

void stage_limit_told(limit_waiter *w) {
    go_on(CONTAINER_OF(w, waiting, waiter), w->verdict);
}

void stage_limit_moved(limit_waiter *w, size_t at) {
    hold(CONTAINER_OF(w, waiting, waiter), &w->asks[at]);
}

static void on_patience(timer *t) {
    waiting *w = CONTAINER_OF(t, waiting, patience);
    go_on(w, limit_desk_give_up(w->x->env->limit_desk, &w->waiter));
}

static void on_cancel(stage_wait *wait) {
    waiting *w = CONTAINER_OF(wait, waiting, wait);
    loop_timer_stop(w->x->env->loop, &w->patience);
    limit_desk_leave(w->x->env->limit_desk, &w->waiter);
}

/* No longer than the call itself may take. */
static int64_t patience_ms(const exchange *x) {
    const int64_t most = exchange_config(x)->limits.wait_ms;
    const int64_t left = x->deadline_ms - x->env->loop->now_ms;
    return left < most ? left : most;
}

static limit_verdict ask_for_a_turn(exchange *x, limit_stage *s) {
    waiting *w = arena_zalloc(&x->arena, sizeof *w);
    w->x = x;
    w->waiter.asks = s->asks.items;
    w->waiter.count = s->asks.count;
    w->waiter.holder = exchange_holder(x);
    w->waiter.weight = x->client ? x->client->weight : 1;
    w->waiter.most = exchange_config(x)->limits.wait_clients;
    timer_init(&w->patience, on_patience);
    s->waiting = w;
    return limit_desk_join(x->env->limit_desk, &w->waiter, patience_ms(x) * 1000);
}

static stage_result wait(exchange *x, waiting *w, const limit_ask *by) {
    w->began_us = loop_exact_us(x->env->loop);
    hold(w, by);
    exchange_wait(x, &w->wait, on_cancel);
    loop_timer_start(x->env->loop, &w->patience, patience_ms(x));
    return STAGE_WAIT;
}

/* ---- over several weirs: nobody waits for a turn ---- */

static void on_shared(shared_ticket *t) {
    limit_stage *s = CONTAINER_OF(t, limit_stage, ticket);
    exchange *x = s->answer.x;
    exchange_resume(&s->answer, follow(x, s, t->verdict));
}

static void cancel_shared(stage_wait *w) {
    shared_cancel(&CONTAINER_OF(w, limit_stage, answer)->ticket);
}

static stage_result take_shared(exchange *x, limit_stage *s) {
    if (shared_take(x->env->shared, &s->ticket, s->asks.items, s->asks.count, on_shared))
        return follow(x, s, s->ticket.verdict);
    exchange_wait(x, &s->answer, cancel_shared);
    return STAGE_WAIT;
}

/* ---- the row ---- */

static limit_verdict take(exchange *x, limit_stage *s) {
    if (x->env->limit_desk && exchange_config(x)->limits.wait) return ask_for_a_turn(x, s);
    return limiter_take(x->env->limiter, s->asks.items, s->asks.count, now_of(x));
}

stage_result stage_limit(exchange *x) {
    if (x->given) return STAGE_NEXT; /* it costs nothing */
    const limit_asks asks = limit_asks_of(x);
    const bool of_targets = exchange_config(x)->limits.target.count > 0;
    if (!x->env->limiter || (!asks.count && !of_targets)) return STAGE_NEXT;
    limit_stage *s = arena_alloc(&x->arena, sizeof *s);
    *s = (limit_stage){.asks = asks};
    if (of_targets) s->targets = target_limits_new(x, &s->asks);
    *exchange_stage_data(x) = s;
    if (!asks.count) return STAGE_NEXT;
    if (x->env->shared) return take_shared(x, s);
    const limit_verdict v = take(x, s);
    return v.waits ? wait(x, s->waiting, &s->asks.items[v.by]) : follow(x, s, v);
}

/* Lost hedges and attempts that broke off have used something, too. */
static limit_used used_of(const exchange *x) {
    const call_record *r = &x->record;
    limit_used used = {.asked = r->attempts > 0 || (x->functions && x->functions->asked) ||
                                (x->tool_use && x->tool_use->began)};
    if (!used.asked) return used;
    used.goes_on = limit_goes_on(x);
    const int answered = x->call ? call_get_report(x->call).answered : -1;
    if (r->usage.total > 0) used.tokens = r->usage.total;
    for (unsigned i = 0; i < r->attempts && r->tries; i++)
        if ((int)i != answered && r->tries[i].usage.total > 0)
            used.tokens += r->tries[i].usage.total;
    used.nano = r->cost_nano > 0 ? r->cost_nano : 0;
    return used;
}

/* What comes back may be what another one waits for. */
static void settle(const exchange *x, const limit_asks *asks) {
    const limit_used used = used_of(x);
    if (x->env->limit_desk)
        limit_desk_settle(x->env->limit_desk, asks->items, asks->count, &used);
    else
        limiter_settle(x->env->limiter, asks->items, asks->count, &used, now_of(x));
}

void stage_limit_done(exchange *x) {
    limit_stage *s = exchange_stage_kept(x);
    if (!s) return;
    if (s->taken && x->env->shared) {
        const limit_used used = used_of(x);
        shared_settle(&s->ticket, &used);
    } else if (s->taken) {
        settle(x, &s->asks);
    }
    if (s->targets) target_limits_settle(s->targets);
}
