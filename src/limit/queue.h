/* limit/queue.h: calls that wait for what limits them, and who is next.
 *
 * A counter that somebody waits for has a queue, and in it each holder has a lane. Lanes take
 * turns, in each of which a holder gets as many calls as his weight; within a lane calls come in
 * the order in which they began to wait. Whose turn it is gets all that he asks for, or the queue
 * waits for him: nobody takes it before him who needs less, or has come only now. One who would
 * find room here but not at another of his counters goes on to the queue of that one. Whose wait
 * has become in vain, as a budget is used up meanwhile or others have used more than they had
 * taken, is put out when it is his turn.
 *
 * No more than a bound wait. Who comes when so many do takes the place of the last call of that
 * holder who has the most for his weight, where he himself has less: a queue that one holder has
 * filled keeps nobody else out.
 *
 * Time is the caller's. A watch is where the calls of one loop wait. Whoever changes a queue does
 * so at a watch, which from then on looks after it: by due_us it must come back (limiter_serve()).
 * A call that has waited to its end, served or put out, is told at its own watch, which is woken
 * and takes it (limiter_next_told()); so is one that goes on to another queue
 * (limiter_next_moved()).
 *
 * Owns     nothing of a waiter, which lies with whoever waits.
 * Threads  any; a watch's functions on its own thread. wake is called under the limiter's lock.
 */
#ifndef WEIR_LIMIT_QUEUE_H
#define WEIR_LIMIT_QUEUE_H

#include "base/list.h"
#include "limit/limiter.h"

typedef struct limit_watch limit_watch;
struct limit_watch {
    limiter *limiter;
    void (*wake)(limit_watch *w); /* it has calls to tell, or queues to look after; on any thread */
    int64_t due_us;               /* monotonic; INT64_MAX: nothing is due */
    unsigned waiting;             /* of its calls, those to be told included */
    /* private */
    list told, moved;
    bool woken; /* and has not looked since; under the lock, as the list is */
};

void limit_watch_init(limit_watch *w, limiter *l, void (*wake)(limit_watch *w));
/* None of its calls waits any more. Another looks after the queues that it looked after. */
void limit_watch_done(limit_watch *w);

typedef struct limit_waiter limit_waiter;
struct limit_waiter {
    /* The caller's, unchanged until it is over. */
    limit_watch *watch;
    limit_ask *asks;
    size_t count;
    uint64_t holder;  /* whose call it is */
    unsigned weight;  /* the holder's; at least 1 */
    unsigned most;    /* calls that may wait, of all holders together; 0: it does not wait */
    int64_t until_us; /* monotonic: it waits no longer */
    /* What has become of it, when it is told. */
    limit_verdict verdict;
    /* private */
    list link;  /* in a lane, or in its watch's told */
    list mine;  /* of its holder's, as they came */
    list moved; /* in its watch's, or in no list */
    struct limit_lane *lane;
    struct limit_holder *of;
    uint64_t number; /* the order in which they came */
    size_t at;       /* which ask it waits for */
    enum { LIMIT_OUT, LIMIT_QUEUED, LIMIT_TOLD } state;
};

/* Takes all at once, or waits, or is refused: also where it would have to wait beyond until_us, by
 * what those before it may take at most. wait_us is how long that is; 0 where nobody knows. */
limit_verdict limiter_join(limit_waiter *w, limit_now now);
/* It does not want to wait any longer: taken where it has just been served, else why not. */
limit_verdict limiter_give_up(limit_waiter *w, limit_now now);
/* It does not want anything any more: what it has got comes back. */
void limiter_leave(limit_waiter *w, limit_now now);
/* limiter_settle(), and whoever waits for what came back is served. */
void limiter_settle_at(limit_watch *at, const limit_ask *asks, size_t count, const limit_used *used,
                       limit_now now);
/* What is due, of the queues that it looks after; finds the next due_us. */
void limiter_serve(limit_watch *at, limit_now now);
/* One of its calls that waits for something else since its watch looked last: *ret_at is which ask.
 * NULL: no more. */
limit_waiter *limiter_next_moved(limit_watch *w, size_t *ret_at);
/* One of its calls that has waited to its end: its verdict says which. NULL: no more. */
limit_waiter *limiter_next_told(limit_watch *w);

#endif
