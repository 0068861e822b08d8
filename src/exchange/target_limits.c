#include "exchange/target_limits.h"

#include "base/clock.h"
#include "exchange/limit_told.h"
#include "limit/shared.h"

#include <string.h>

/* What an attempt has taken and not yet given back. */
typedef limit_asks ticket;

struct target_limits {
    call_gate gate;
    exchange *x;
    const limit_asks *own;
    ticket *tickets; /* by attempt */
    unsigned count;
};

static limit_now now_of(const exchange *x) {
    return (limit_now){loop_exact_us(x->env->loop), clock_wall_us()};
}

static void settle(const target_limits *t, const limit_ask *asks, size_t count,
                   const limit_used *used) {
    if (count) limiter_settle(t->x->env->limiter, asks, count, used, now_of(t->x));
}

static ticket *ticket_of(target_limits *t, unsigned number) {
    if (number >= t->count) {
        const unsigned count = 2 * (number + 1);
        ticket *grown = arena_zalloc(&t->x->arena, count * sizeof *grown);
        if (t->count) memcpy(grown, t->tickets, t->count * sizeof *grown);
        t->tickets = grown;
        t->count = count;
    }
    return &t->tickets[number];
}

static bool enter(void *user, span target, unsigned number, weir_error *ret_why) {
    target_limits *t = user;
    exchange *x = t->x;
    const limit_asks asks = limit_asks_of_target(x, target);
    ticket *taken = ticket_of(t, number);
    *taken = (ticket){0};
    limit_verdict v = {.taken = true};
    if (asks.count && x->env->shared)
        v = shared_take_share(x->env->shared, asks.items, asks.count);
    else if (asks.count)
        v = limiter_take(x->env->limiter, asks.items, asks.count, now_of(x));
    limit_tell(x, t->own, v.taken ? NULL : &asks.items[v.by]);
    if (v.taken) {
        *taken = asks;
        return true;
    }
    *ret_why = limit_error(x, &asks.items[v.by], v.wait_us);
    limit_count(x, &asks.items[v.by]);
    return false;
}

/* The place of a call at a time is the last of the asks. */
static size_t places(const ticket *t) {
    return t->count && t->items[t->count - 1].kind == LIMIT_PARALLEL;
}

static void leave(void *user, unsigned number, bool began) {
    target_limits *t = user;
    ticket *taken = ticket_of(t, number);
    const size_t from = began ? taken->count - places(taken) : 0;
    if (from == taken->count) return; /* no limit holds for it */
    settle(t, taken->items + from, taken->count - from, &(limit_used){.asked = began});
    taken->count = from;
}

/* A try's figures are filled in when the call is over (stage_price.c). */
void target_limits_settle(target_limits *t) {
    const exchange *x = t->x;
    const call_report r = x->call ? call_get_report(x->call) : (call_report){.answered = -1};
    for (unsigned i = 0; i < t->count && i < r.attempts; i++) {
        const attempt_record *try = &r.tries[i];
        const token_usage *usage = (int)i == r.answered ? &x->record.usage : &try->usage;
        const limit_used used = {.asked = true,
                                 .tokens = usage->total > 0 ? usage->total : 0,
                                 .nano = try->cost_nano > 0 ? try->cost_nano : 0};
        settle(t, t->tickets[i].items, t->tickets[i].count, &used);
    }
}

target_limits *target_limits_new(exchange *x, const limit_asks *own) {
    target_limits *t = arena_alloc(&x->arena, sizeof *t);
    *t = (target_limits){.gate = {.user = t, .enter = enter, .leave = leave}, .x = x, .own = own};
    x->gate = &t->gate;
    return t;
}
