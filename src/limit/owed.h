/* limit/owed.h: money that calls have spent while a shared count was away, to be told it when it is
 * back. Private to the room.
 *
 * By budget, of which it keeps OWED_MAX: what more of them spend meanwhile is lost to it. What was
 * spent in a period that is over is not told any more. One thread's.
 */
#ifndef WEIR_LIMIT_OWED_H
#define WEIR_LIMIT_OWED_H

#include "limit/limiter.h"

enum { OWED_MAX = 4096 };

/* Zero at first. */
typedef struct owed {
    uint64_t *keys; /* limit_ask.counter of each */
    struct owed_sum *sums;
    size_t count, cap;
} owed;

void owed_done(owed *o);
/* a: of SPEND, as the limiter has taken it; copied. */
void owed_add(owed *o, const limit_ask *a, int64_t nano, int64_t wall_us);
/* One of them, which stays until owed_drop_last(). NULL: there is none. */
const limit_ask *owed_last(owed *o, int64_t wall_us, int64_t *ret_nano);
void owed_drop_last(owed *o);

#endif
