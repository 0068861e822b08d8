/* limit/desk.h: where the calls of one loop ask for what limits them, and wait for it.
 *
 * The clocks and the timer of limit/queue.h, and its way from one loop to another. Whoever waits
 * hears of it in a turn of the loop, never from inside one of these functions.
 *
 * Threads  the loop's.
 */
#ifndef WEIR_LIMIT_DESK_H
#define WEIR_LIMIT_DESK_H

#include "limit/queue.h"
#include "loop/loop.h"

/* Stays where it is until the loop is done. */
typedef struct limit_desk {
    limit_watch watch;
    loop *loop;
    timer due;
    void (*told)(limit_waiter *w);             /* it waits no more; its verdict says why */
    void (*moved)(limit_waiter *w, size_t at); /* it waits for that of its asks from now on */
} limit_desk;

void limit_desk_init(limit_desk *d, limiter *l, loop *on, void (*told)(limit_waiter *w),
                     void (*moved)(limit_waiter *w, size_t at));
/* None of its calls waits any more. */
void limit_desk_done(limit_desk *d);

/* limit/queue.h says what these do. The waiter's watch is set here; it waits for that long at most.
 */
limit_verdict limit_desk_join(limit_desk *d, limit_waiter *w, int64_t patience_us);
limit_verdict limit_desk_give_up(limit_desk *d, limit_waiter *w);
void limit_desk_leave(limit_desk *d, limit_waiter *w);
void limit_desk_settle(limit_desk *d, const limit_ask *asks, size_t count, const limit_used *used);

#endif
