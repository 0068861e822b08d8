/* call/target_internal.h: a target's state as its two files see it; not a door.
 *
 * target_table.c finds, keeps and forgets states; target.c asks and tells one.
 */
#ifndef WEIR_CALL_TARGET_INTERNAL_H
#define WEIR_CALL_TARGET_INTERNAL_H

#include "base/list.h"
#include "call/limits.h"
#include "call/target.h"

#include <pthread.h>
#include <stdatomic.h>

/* Recent times to first content, for the quantile of `hedge`. */
enum { SAMPLES = 128, SAMPLES_NEEDED = 20, SAMPLES_STALE = 16 };

typedef struct latencies {
    uint32_t ms[SAMPLES];
    unsigned count;     /* since the start; the newest is at (count - 1) % SAMPLES */
    double smoothed_ms; /* means something once count > 0 */
    double quantile;    /* the one that quantile_ms was worked out for */
    int64_t quantile_ms;
    uint64_t quantile_at; /* count when that was done; 0: never */
} latencies;

struct target_state {
    target_table *table;
    uint64_t hash;
    char *name;
    size_t name_len;
    bool strangers;

    /* Under the table's lock. */
    target_state *next; /* in its bucket */
    unsigned refs;
    list idle; /* while nobody holds it: its place in that line */
    struct idle_line *in_line;

    _Atomic unsigned habits;
    _Atomic int64_t answered_ms; /* when an attempt last succeeded; 0: never */
    pthread_mutex_t lock; /* of all below; held for a few instructions, never across a call out */
    breaker breaker;
    budget budget;
    latencies latencies;
    limits limits;
};

#endif
