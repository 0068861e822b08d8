#include "limit/desk.h"

#include "base/clock.h"

static limit_now now_of(const limit_desk *d) {
    return (limit_now){loop_exact_us(d->loop), clock_wall_us()};
}

/* The timer rings no later than something is due; too early it costs a look. */
static void set_timer(limit_desk *d) {
    const int64_t due_us = d->watch.due_us;
    if (due_us == INT64_MAX) return;
    const int64_t due_ms = due_us / 1000 + 1;
    if (!timer_active(&d->due) || due_ms < d->due.due_ms)
        timer_start(&d->loop->timers, &d->due, due_ms);
}

static void serve(limit_desk *d) {
    limiter_serve(&d->watch, now_of(d));
    set_timer(d);
}

static void on_due(timer *t) {
    serve(CONTAINER_OF(t, limit_desk, due));
}

static void on_wake(loop *l, void *arg) {
    limit_desk *d = arg;
    (void)l;
    serve(d);
    size_t at;
    for (limit_waiter *w; (w = limiter_next_moved(&d->watch, &at));)
        d->moved(w, at);
    for (limit_waiter *w; (w = limiter_next_told(&d->watch));)
        d->told(w);
}

static void wake(limit_watch *w) {
    limit_desk *d = CONTAINER_OF(w, limit_desk, watch);
    loop_post(d->loop, on_wake, d);
}

void limit_desk_init(limit_desk *d, limiter *l, loop *on, void (*told)(limit_waiter *w),
                     void (*moved)(limit_waiter *w, size_t at)) {
    *d = (limit_desk){.loop = on, .told = told, .moved = moved};
    limit_watch_init(&d->watch, l, wake);
    timer_init(&d->due, on_due);
}

void limit_desk_done(limit_desk *d) {
    loop_timer_stop(d->loop, &d->due);
    limit_watch_done(&d->watch);
}

limit_verdict limit_desk_join(limit_desk *d, limit_waiter *w, int64_t patience_us) {
    const limit_now now = now_of(d);
    w->watch = &d->watch;
    w->until_us = now.mono_us + patience_us;
    limit_verdict v = limiter_join(w, now);
    set_timer(d);
    return v;
}

limit_verdict limit_desk_give_up(limit_desk *d, limit_waiter *w) {
    limit_verdict v = limiter_give_up(w, now_of(d));
    set_timer(d);
    return v;
}

void limit_desk_leave(limit_desk *d, limit_waiter *w) {
    limiter_leave(w, now_of(d));
    set_timer(d);
}

void limit_desk_settle(limit_desk *d, const limit_ask *asks, size_t count, const limit_used *used) {
    limiter_settle_at(&d->watch, asks, count, used, now_of(d));
    set_timer(d);
}
