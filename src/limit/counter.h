/* limit/counter.h: what one limit has counted, and what follows for an ask. Private to the room.
 *
 * Pure. Times as in limit/gcra.h and limit/spend.h.
 */
#ifndef WEIR_LIMIT_COUNTER_H
#define WEIR_LIMIT_COUNTER_H

#include "limit/gcra.h"
#include "limit/limiter.h"
#include "limit/spend.h"

typedef struct counter {
    uint64_t key; /* 0: the place is free */
    limit_kind kind : 8;
    config_period per : 8; /* of SPEND */
    uint32_t epoch;        /* of SPEND: in which a shared count told it; 0: none has */
    union {
        gcra rate;
        spend spend;
        int64_t held; /* of PARALLEL */
    };
} counter;

gcra_rule counter_rule(config_quota q);
/* How long the ask must wait, as limit_verdict.wait_us; *ret_full: whether it must. */
int64_t counter_wait(const counter *c, const limit_ask *a, limit_now now, bool *ret_full);
/* a->left, a->reset_us. */
void counter_tell(const counter *c, limit_ask *a, limit_now now);
/* Of all that refuse, ask i does so, and for that long; v begins as taken. */
void counter_judge(limit_verdict *v, size_t i, int64_t wait_us);

#endif
