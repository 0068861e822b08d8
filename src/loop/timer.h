/* loop/timer.h: a hierarchical wheel of one-millisecond ticks. Pure: the caller owns the clock.
 *
 * Starting and stopping cost O(1) and no system call; a timer is a member of the object it times.
 * Not thread-safe: one wheel per event loop.
 *
 * timers_advance() takes a timer off the wheel before it calls it, so the callback may start it
 * again, stop any other timer, or free the object that holds it.
 */
#ifndef WEIR_LOOP_TIMER_H
#define WEIR_LOOP_TIMER_H

#include "base/list.h"

#include <stdint.h>

typedef struct timer timer;
typedef void timer_fn(timer *t);

struct timer {
    list link;
    int64_t due_ms;
    timer_fn *fire;
};

enum { TIMER_LEVELS = 5, TIMER_SLOTS = 64 }; /* 64^5 ms is more than 12 days; later is clamped */

typedef struct timers {
    list slots[TIMER_LEVELS][TIMER_SLOTS];
    uint64_t used[TIMER_LEVELS]; /* a bit per slot that may hold timers */
    int64_t now_ms;
    size_t count;
} timers;

void timers_init(timers *w, int64_t now_ms);

void timer_init(timer *t, timer_fn *fire);
/* (Re)starts t to fire at due_ms; one that is due already fires at the next advance. */
void timer_start(timers *w, timer *t, int64_t due_ms);
/* Idempotent. */
void timer_stop(timers *w, timer *t);
static inline bool timer_active(const timer *t) {
    return !list_empty(&t->link);
}

/* Fires, in order of due_ms to the tick, all that is due at now_ms. now_ms never goes back. */
void timers_advance(timers *w, int64_t now_ms);
/* When timers_advance() must next be called: a time no later than the earliest due one, or
 * INT64_MAX when no timer is active. */
int64_t timers_next_ms(const timers *w);

#endif
