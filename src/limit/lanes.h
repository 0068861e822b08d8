/* limit/lanes.h: who waits for which counter, in what order. A queue is there for a counter while
 * somebody waits for it; in it each holder has a lane for his calls, and the lanes have turns. What
 * is made of that is queue.c's.
 *
 * Under the limiter's lock. A waiter belongs to whoever waits; queues, lanes and holders go when
 * the last of theirs does.
 */
#ifndef WEIR_LIMIT_LANES_H
#define WEIR_LIMIT_LANES_H

#include "limit/queue.h"

enum { LIMIT_BUCKETS = 1024 };

/* Of one counter. There while somebody waits in it. */
typedef struct limit_queue {
    list link;    /* in its bucket */
    list all;     /* limit_queues.all */
    list stirred; /* limit_queues.stirred, or in no list */
    uint64_t counter;
    uint64_t since; /* of the quota: the latest configuration that anybody came with; 0: none */
    int64_t quota;
    list lanes; /* the first has the turn */
    size_t waiting;
    int64_t amount; /* what they ask for together */
    limit_watch *watch;
    int64_t due_us;
} limit_queue;

/* There while it has any calls that wait, in whatever queue. */
typedef struct limit_holder {
    list link; /* limit_queues.holders */
    uint64_t id;
    unsigned weight, waiting;
    list waiters; /* as they came */
} limit_holder;

/* The calls of one holder in one queue. There while it has any. */
typedef struct limit_lane {
    list link; /* limit_queue.lanes */
    list hash; /* in its bucket */
    limit_queue *queue;
    limit_holder *of;
    list waiters;
    unsigned count;
    unsigned had; /* in its turn */
} limit_lane;

typedef struct limit_queues {
    list queues[LIMIT_BUCKETS], lanes[LIMIT_BUCKETS];
    list all, holders;
    list stirred; /* to be served before the lock is given back */
    unsigned waiting;
    uint64_t number;
} limit_queues;

MUST_USE limit_queues *limit_queues_new(void);

/* NULL: nobody waits for it. */
limit_queue *limit_queue_find(const limit_queues *all, uint64_t counter);
/* One in which nobody waits. */
void limit_queue_free(limit_queue *q);
/* It is to be served before the lock is given back. */
void limit_queue_stir(limit_queues *all, limit_queue *q);
/* A later configuration's quota is what all wait for, who have it of an earlier one. */
void limit_queue_learn(limit_queues *all, limit_queue *q, const limit_ask *a);

/* NULL: he has no call that waits. */
limit_holder *limit_holder_find(const limit_queues *all, uint64_t id);
/* The waiter's, made where he has none. His weight is what his last call says: a reload may have
 * changed it. */
limit_holder *limit_holder_get(limit_queues *all, const limit_waiter *w);

/* NULL: he has no call in that queue. */
limit_lane *limit_lane_find(limit_queues *all, const limit_queue *q, uint64_t holder);

/* Into the queue of its ask `at`, behind those of its lane that came before it; and out of it. Both
 * stir that. */
void limit_queue_put(limit_queues *all, limit_waiter *w, size_t at);
void limit_queue_take(limit_queues *all, limit_waiter *w);

#endif
