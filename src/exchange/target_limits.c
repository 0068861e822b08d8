#include "exchange/target_limits.h"

#include "base/clock.h"
#include "exchange/limit_told.h"
#include "limit/shared.h"

#include <string.h>

/* What one attempt wants, has, and has not given back yet. */
typedef struct pass {
    target_limits *of;
    limit_asks asks;
    shared_ticket ticket; /* where limits are shared: of asks */
    gate_wait *wait;      /* NULL: nobody waits for the shared server's word */
    bool taken;
    int tried; /* in the call's report; -1: it runs, or there was none */
} pass;

struct target_limits {
    call_gate gate;
    exchange *x;
    const limit_asks *own;
    pass **passes; /* by number; NULL: no limit holds for it */
    unsigned count;
};

static limit_now now_of(const exchange *x) {
    return (limit_now){loop_exact_us(x->env->loop), clock_wall_us()};
}

static void make_room(target_limits *t, unsigned number) {
    if (number < t->count) return;
    const unsigned count = 2 * (number + 1);
    pass **grown = arena_zalloc(&t->x->arena, count * sizeof(pass *));
    if (t->count) memcpy(grown, t->passes, t->count * sizeof(pass *));
    t->passes = grown;
    t->count = count;
}

static void settle(pass *p, const limit_used *used) {
    const exchange *x = p->of->x;
    if (!p->taken) return;
    p->taken = false;
    if (x->env->shared)
        shared_settle(&p->ticket, used);
    else
        limiter_settle(x->env->limiter, p->asks.items, p->asks.count, used, now_of(x));
}

/* The place of a call at a time is the last of the asks. */
static void leave_place(pass *p) {
    const exchange *x = p->of->x;
    limit_asks *a = &p->asks;
    if (x->env->shared) {
        shared_leave(&p->ticket);
    } else if (a->items[a->count - 1].kind == LIMIT_PARALLEL) {
        a->count--;
        limiter_settle(x->env->limiter, &a->items[a->count], 1, &(limit_used){0}, now_of(x));
    }
}

/* What the verdict is for the call. */
static gate_word follow(pass *p, limit_verdict v, gate_wait *w) {
    exchange *x = p->of->x;
    const limit_ask *by = &p->asks.items[v.by];
    p->taken = v.taken;
    limit_tell(x, p->of->own, v.taken ? NULL : by);
    if (v.taken) return GATE_OPEN;
    w->why = limit_error(x, by, v.wait_us);
    limit_count(x, by);
    return GATE_SHUT;
}

static void on_shared(shared_ticket *t) {
    pass *p = CONTAINER_OF(t, pass, ticket);
    gate_wait *w = p->wait;
    p->wait = NULL;
    w->word = follow(p, t->verdict, w);
    w->told(w);
}

static gate_word enter(void *user, span target, unsigned number, gate_wait *w) {
    target_limits *t = user;
    exchange *x = t->x;
    const limit_asks asks = limit_asks_of_target(x, target);
    make_room(t, number);
    if (!asks.count) {
        limit_tell(x, t->own, NULL);
        return GATE_OPEN;
    }
    pass *p = t->passes[number] = arena_alloc(&x->arena, sizeof *p);
    *p = (pass){.of = t, .asks = asks, .tried = GATE_NOT_TRIED};
    if (!x->env->shared)
        return follow(p, limiter_take(x->env->limiter, asks.items, asks.count, now_of(x)), w);
    if (shared_take(x->env->shared, &p->ticket, asks.items, asks.count, on_shared))
        return follow(p, p->ticket.verdict, w);
    p->wait = w;
    return GATE_WAIT;
}

static void leave(void *user, unsigned number, int tried) {
    const target_limits *t = user;
    pass *p = t->passes[number];
    if (!p) return;
    if (p->wait) {
        p->wait = NULL;
        shared_cancel(&p->ticket);
        return;
    }
    p->tried = tried;
    if (tried == GATE_NOT_TRIED)
        settle(p, &(limit_used){0});
    else
        leave_place(p);
}

/* A try's figures are filled in when the call is over (stage_price.c). A target that was never sent
 * anything was not asked. */
void target_limits_settle(target_limits *t) {
    const exchange *x = t->x;
    const call_report r = x->call ? call_get_report(x->call) : (call_report){.answered = -1};
    for (unsigned i = 0; i < t->count; i++) {
        pass *p = t->passes[i];
        if (!p || p->tried == GATE_NOT_TRIED) continue;
        const attempt_record *try = &r.tries[p->tried];
        const token_usage *usage = p->tried == r.answered ? &x->record.usage : &try->usage;
        settle(p, &(limit_used){.asked = try->sent_us > 0,
                                .goes_on = p->tried == r.answered && limit_goes_on(x),
                                .tokens = usage->total > 0 ? usage->total : 0,
                                .nano = try->cost_nano > 0 ? try->cost_nano : 0});
    }
}

target_limits *target_limits_new(exchange *x, const limit_asks *own) {
    target_limits *t = arena_alloc(&x->arena, sizeof *t);
    *t = (target_limits){.gate = {.user = t, .enter = enter, .leave = leave}, .x = x, .own = own};
    x->gate = &t->gate;
    return t;
}
