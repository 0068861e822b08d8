/* limit/gcra.h: so much in so long: the generic cell rate algorithm, exactly.
 *
 * A quota of N in a period lets N through at once, and from then on one more each period ÷ N, so
 * that there is no edge of a window at which twice as much goes through. Amounts may be larger than
 * one (tokens); what a call has used beyond its reserve is taken afterwards and may leave a debt.
 * State is one instant and a fraction of a microsecond: nothing is rounded, and the N+1st is the
 * first that is refused. A quota that is changed meanwhile keeps what was taken.
 *
 * Pure. Times are microseconds of the monotonic clock. All zero: nothing has been taken.
 * Source   ITU-T I.371, the virtual scheduling algorithm.
 */
#ifndef WEIR_LIMIT_GCRA_H
#define WEIR_LIMIT_GCRA_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct gcra {
    int64_t full_us; /* when nothing that was taken counts any more, if nothing more is */
    int64_t rest;    /* and this many n-ths of a microsecond later */
    int64_t n;       /* of the rule that it was last counted by: with another, as much is owed */
} gcra;

/* Both at least 1. */
typedef struct gcra_rule {
    int64_t n;         /* at most GCRA_MOST */
    int64_t period_us; /* at most 31 days */
} gcra_rule;

#define GCRA_MOST ((int64_t)1000 * 1000 * 1000 * 1000)
/* No debt is longer. */
#define GCRA_DEBT_MAX_US ((int64_t)366 * 86400 * 1000 * 1000)

/* How long until that much may be taken; 0: now; -1: never, as it is more than n. */
int64_t gcra_wait(const gcra *g, gcra_rule rule, int64_t amount, int64_t now_us);
/* The same of one who comes after others, who will have taken ahead by then. */
int64_t gcra_wait_after(const gcra *g, gcra_rule rule, int64_t ahead, int64_t amount,
                        int64_t now_us);
/* Whether or not there is room. amount >= 0. */
void gcra_take(gcra *g, gcra_rule rule, int64_t amount, int64_t now_us);
/* What was taken and not used. */
void gcra_give(gcra *g, gcra_rule rule, int64_t amount, int64_t now_us);
/* What is lacking where more is given back than there is: nothing counts in it otherwise. */
gcra gcra_turned(const gcra *g, gcra_rule rule, int64_t amount, int64_t now_us);
/* What counts now: microseconds of the rule, and n-ths of one. */
typedef struct gcra_debt {
    int64_t us, rest;
} gcra_debt;
gcra_debt gcra_owed(const gcra *g, gcra_rule rule, int64_t now_us);
/* What may be taken now. */
int64_t gcra_left(const gcra *g, gcra_rule rule, int64_t now_us);
/* Until all of n may; in microseconds, rounded up. */
int64_t gcra_until_full(const gcra *g, int64_t now_us);

#endif
