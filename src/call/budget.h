/* call/budget.h: how many extra calls a target may get: retries and hedges, by what it got over the
 * last minute. Pure: the caller owns the clock and the lock.
 *
 * Of several clients each is judged by its own first calls and extras, so that none spends what is
 * the others'. Together they get no more than the ratio of all first calls, and the floor of each.
 *
 * client: who calls, of several clients (config_client.holder); 0: everybody is one.
 */
#ifndef WEIR_CALL_BUDGET_H
#define WEIR_CALL_BUDGET_H

#include "base/holders.h"
#include "config/config.h"

/* Counts are kept in slices, which are dropped whole. */
enum { BUDGET_SLICES = 12, BUDGET_SLICE_MS = 60 * 1000 / BUDGET_SLICES };

/* Clients that are told apart. One that has been quiet for a minute makes room for another; where
 * there is none, those that come later are judged by what all get. */
enum { BUDGET_CLIENTS = 64 };

typedef struct budget_counts {
    unsigned calls, extras, hedges;
} budget_counts;

typedef struct budget_minute {
    int64_t slice; /* number of the newest slice, in BUDGET_SLICE_MS since the clock's start */
    budget_counts at[BUDGET_SLICES];
} budget_minute;

typedef struct budget_client {
    uint64_t client;
    budget_minute minute;
} budget_client;

/* All zero: nothing was counted. */
typedef struct budget {
    budget_minute all;
    holders clients; /* of budget_client */
} budget;

void budget_done(budget *b);
void budget_count_call(budget *b, uint64_t client, int64_t now_ms);
/* Extra calls may be at most budget_ratio of first calls; budget_floor are always allowed. */
bool budget_left(budget *b, const config_retry *policy, uint64_t client, int64_t now_ms);
void budget_take(budget *b, uint64_t client, int64_t now_ms);
/* Hedges may be at most at_most_ratio of first calls; one is always allowed. true takes a place. */
MUST_USE bool budget_take_hedge(budget *b, const config_hedge *policy, uint64_t client,
                                int64_t now_ms);
/* What all have got over the last minute. */
budget_counts budget_last_minute(budget *b, int64_t now_ms);
void budget_return_hedge(budget *b, uint64_t client, int64_t now_ms);

#endif
