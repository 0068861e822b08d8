/* http/loop.h: one event loop with what every connection on it shares.
 *
 * A loop belongs to one thread: everything that hangs on it is touched by that thread alone.
 * The exceptions are loop_post() and loop_stop(), which any thread may call.
 *
 * The order of one turn: the clock is read once; timers fire; sockets are read; end-of-turn hooks
 * run in the order they were added (the journal writes before the connections do); connections
 * that have something to say write it, each in one system call.
 */
#ifndef WEIR_HTTP_LOOP_H
#define WEIR_HTTP_LOOP_H

#include "base/list.h"
#include "base/random.h"
#include "base/timer.h"

#include <uv.h>

typedef struct loop loop;

/* A hook at the end of each turn. Owned by the caller. */
typedef struct loop_hook {
    list link;
    void (*run)(struct loop_hook *hook);
} loop_hook;

struct loop {
    uv_loop_t uv;
    timers timers;
    int64_t now_ms;  /* monotonic, read once a turn */
    int64_t now_us;  /* the same instant */
    rng rng;
    list hooks;
    list dirty;      /* connections with unwritten output */
    char *read_buf;  /* one for all sockets of the loop: parsers leave nothing in it */
    size_t read_cap; /* 64 KiB */
    unsigned index;  /* which worker, from 0 */
    /* private to loop.c */
    uv_timer_t wheel_timer;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t wake;
    int64_t wheel_armed_ms;
    uv_mutex_t posted_lock;
    list posted;
    bool stopping;
};

MUST_USE int loop_init(loop *l, unsigned index); /* 0 or a negative libuv error */
/* Runs until loop_stop() and every handle is closed. */
void loop_run(loop *l);
/* Ends loop_run() at the end of the turn; whoever has handles open closes them first. */
void loop_stop(loop *l);
void loop_done(loop *l);

void loop_add_hook(loop *l, loop_hook *hook);
void loop_remove_hook(loop_hook *hook);

/* Runs fn(arg) on the loop's thread, soon. Any thread. */
void loop_post(loop *l, void (*fn)(loop *l, void *arg), void *arg);

/* The precise time, for measuring weir's own share; one vDSO call. */
int64_t loop_exact_us(const loop *l);

static inline void loop_timer_start(loop *l, timer *t, int64_t after_ms) {
    timer_start(&l->timers, t, l->now_ms + (after_ms > 0 ? after_ms : 0));
}
static inline void loop_timer_stop(loop *l, timer *t) {
    timer_stop(&l->timers, t);
}

#endif
