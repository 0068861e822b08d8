/* limit: may it have so much? What it may use at most is taken beforehand, all of it or nothing,
 * and settled in the turn in which the exchange ends. What targets may have is asked when they are
 * (target_limits.h). */
#include "exchange/limit_told.h"
#include "exchange/target_limits.h"

#include "base/clock.h"
#include "limit/shared.h"

/* Longer hints are for people: the SDKs do not follow them. */
enum { WORTH_WAITING_MS = 60 * 1000 };

typedef struct limit_stage {
    limit_asks asks; /* taken */
    target_limits *targets;
    shared_ticket ticket; /* where limits are shared: of asks */
    stage_wait wait;
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

static stage_result judge(exchange *x, limit_stage *s, const limit_verdict *v) {
    if (s->asks.count) limit_tell(x, &s->asks, NULL);
    if (!v->taken) return refuse(x, &s->asks.items[v->by], v->wait_us);
    if (exchange_config(x)->limits.target.count) s->targets = target_limits_new(x, &s->asks);
    *exchange_stage_data(x) = s;
    return STAGE_NEXT;
}

static void on_shared(shared_ticket *t) {
    limit_stage *s = CONTAINER_OF(t, limit_stage, ticket);
    exchange_resume(&s->wait, judge(s->wait.x, s, &t->verdict));
}

static void cancel_shared(stage_wait *w) {
    shared_cancel(&CONTAINER_OF(w, limit_stage, wait)->ticket);
}

stage_result stage_limit(exchange *x) {
    if (x->given) return STAGE_NEXT; /* it costs nothing */
    const limit_asks asks = limit_asks_of(x);
    const bool of_targets = exchange_config(x)->limits.target.count > 0;
    if (!x->env->limiter || (!asks.count && !of_targets)) return STAGE_NEXT;
    limit_stage *s = arena_zalloc(&x->arena, sizeof *s);
    s->asks = asks;
    limit_verdict v = {.taken = true};
    if (asks.count && x->env->shared) {
        if (!shared_take(x->env->shared, &s->ticket, asks.items, asks.count, on_shared)) {
            exchange_wait(x, &s->wait, cancel_shared);
            return STAGE_WAIT;
        }
        v = s->ticket.verdict;
    } else if (asks.count) {
        v = limiter_take(x->env->limiter, asks.items, asks.count, now_of(x));
    }
    return judge(x, s, &v);
}

/* Lost hedges and attempts that broke off have used something, too. */
static limit_used used_of(const exchange *x) {
    const call_record *r = &x->record;
    limit_used used = {.asked = r->attempts > 0};
    if (!used.asked) return used;
    const int answered = x->call ? call_get_report(x->call).answered : -1;
    if (r->usage.total > 0) used.tokens = r->usage.total;
    for (unsigned i = 0; i < r->attempts && r->tries; i++)
        if ((int)i != answered && r->tries[i].usage.total > 0)
            used.tokens += r->tries[i].usage.total;
    used.nano = r->cost_nano > 0 ? r->cost_nano : 0;
    return used;
}

void stage_limit_done(exchange *x) {
    limit_stage *s = *exchange_stage_data(x);
    if (!s) return;
    const limit_used used = used_of(x);
    if (s->asks.count && x->env->shared)
        shared_settle(&s->ticket, &used);
    else if (s->asks.count)
        limiter_settle(x->env->limiter, s->asks.items, s->asks.count, &used, now_of(x));
    if (s->targets) target_limits_settle(s->targets);
}
