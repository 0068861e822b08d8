/* limit/owed.h: what calls have used while a shared count was away, to be told it when it is back.
 * Private to the room.
 *
 * By limit, of which it keeps OWED_MAX: what calls use beyond these is lost to it. Requests and
 * tokens count for less as time goes by, as they do in any rate, and so does what is given back of
 * them: a reserve would have run out meanwhile. Money of a period that is over is not told any
 * more. One thread's.
 */
#ifndef WEIR_LIMIT_OWED_H
#define WEIR_LIMIT_OWED_H

#include "limit/gcra.h"
#include "limit/limiter.h"

enum { OWED_MAX = 4096 };

/* Zero at first. */
typedef struct owed {
    uint64_t *keys; /* limit_ask.counter of each */
    struct owed_sum *sums;
    size_t count, cap;
} owed;

void owed_done(owed *o);
/* a: no PARALLEL; as the limiter has taken it; copied. amount: below 0 where something is given
 * back. */
void owed_add(owed *o, const limit_ask *a, int64_t amount, limit_now now);
/* Of SPEND nano, below 0 where it is given back; else rate. */
typedef struct owed_amount {
    int64_t nano;
    gcra_debt rate;
    bool back, none;
} owed_amount;
/* One of them, which stays until owed_drop_last(). NULL: there is none. */
const limit_ask *owed_last(owed *o, limit_now now, owed_amount *ret_amount);
void owed_drop_last(owed *o);

#endif
