/* limit/internal.h: the limiter as its own files see it. Private to the room; under its lock. */
#ifndef WEIR_LIMIT_INTERNAL_H
#define WEIR_LIMIT_INTERNAL_H

#include "limit/counter.h"

#include <pthread.h>

struct limiter {
    pthread_mutex_t lock; /* of all below; held for a few instructions an ask */
    counter *counters;    /* those with one key are none or one; searched from key on */
    size_t cap;           /* a power of two, or 0; never more than half full between calls */
    size_t count;
    size_t hand; /* where samples are taken next */
    uint64_t dropped;
    unsigned doubts;             /* in a shared count */
    _Atomic uint32_t season;     /* of doubt; written under the lock, read by anybody */
    struct limit_queues *queues; /* lanes.h; NULL: nobody has ever waited */
};

void limit_queues_free(struct limit_queues *q);

/* Room for their counters, which asks[].counter name from now on. First of all, and again
 * whenever others may have asked since. */
void limiter_prepare(limiter *l, limit_ask *asks, size_t count, limit_now now);
limit_verdict limiter_judge(const limiter *l, const limit_ask *asks, size_t count, limit_now now);
/* Takes all, where that is the verdict, and tells what is left. */
void limiter_finish(limiter *l, limit_ask *asks, size_t count, bool taken, limit_now now);
void limiter_settle_all(limiter *l, const limit_ask *asks, size_t count, const limit_used *used,
                        limit_now now);
/* What its counter counts. */
counter limiter_look(const limiter *l, const limit_ask *a);

#endif
