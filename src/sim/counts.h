/* sim/counts.h: how often a request has failed, for wishes like "fail three times". A
 * fixed table: under more keys than it holds, the longest untouched are forgotten.
 *
 * Not thread-safe: one per simulator.
 */
#ifndef WEIR_SIM_COUNTS_H
#define WEIR_SIM_COUNTS_H

#include "base/span.h"

enum { SIM_COUNTS_SETS = 1024, SIM_COUNTS_WAYS = 4 };

typedef struct sim_count {
    uint64_t key;
    uint64_t touched; /* 0: free */
    unsigned fails;
} sim_count;

typedef struct sim_counts {
    sim_count slots[SIM_COUNTS_SETS][SIM_COUNTS_WAYS];
    uint64_t clock;
} sim_counts;

/* A zeroed table is empty. true: this try is one of the first `times` and fails; false: enough, and
 * the key is forgotten, so that the next try counts as the first again. */
bool sim_counts_fails(sim_counts *c, uint64_t key, unsigned times);

#endif
