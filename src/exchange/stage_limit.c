/* limit: may it have so much? What it may use at most is taken beforehand, all of it or nothing,
 * and settled in the turn in which the exchange ends. What targets may have is asked when they are
 * (target_limits.h). */
#include "exchange/limit_told.h"
#include "exchange/functions.h"
#include "exchange/target_limits.h"

#include "base/clock.h"

/* Longer hints are for people: the SDKs do not follow them. */
enum { WORTH_WAITING_MS = 60 * 1000 };

typedef struct limit_stage {
    limit_asks asks; /* taken */
    target_limits *targets;
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

stage_result stage_limit(exchange *x) {
    if (x->given) return STAGE_NEXT; /* it costs nothing */
    const limit_asks asks = limit_asks_of(x);
    const bool of_targets = exchange_config(x)->limits.target.count > 0;
    if (!x->env->limiter || (!asks.count && !of_targets)) return STAGE_NEXT;
    if (asks.count) {
        limit_verdict v = limiter_take(x->env->limiter, asks.items, asks.count, now_of(x));
        limit_tell(x, &asks, NULL);
        if (!v.taken) return refuse(x, &asks.items[v.by], v.wait_us);
    }
    limit_stage *s = arena_alloc(&x->arena, sizeof *s);
    *s = (limit_stage){asks, NULL};
    if (of_targets) s->targets = target_limits_new(x, &s->asks);
    *exchange_stage_data(x) = s;
    return STAGE_NEXT;
}

/* Lost hedges and attempts that broke off have used something, too. */
static limit_used used_of(const exchange *x) {
    const call_record *r = &x->record;
    limit_used used = {.asked = r->attempts > 0 || (x->functions && x->functions->asked)};
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
    const limit_stage *s = *exchange_stage_data(x);
    if (!s) return;
    const limit_used used = used_of(x);
    if (s->asks.count)
        limiter_settle(x->env->limiter, s->asks.items, s->asks.count, &used, now_of(x));
    if (s->targets) target_limits_settle(s->targets);
}
