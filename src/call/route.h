/* call/route.h: in which order the targets of a model are asked. Pure.
 *
 * order    as written.
 * weighted the first is drawn by weight; the rest follow by weight likewise.
 * fastest  by smoothed time to first content; a target never measured comes first (so that it is
 *          measured), and one call in twenty goes to another than the fastest, to keep its figure
 * fresh. A target that holds what the call names comes before all of them; those whose breaker is
 * open come behind all others, and behind them those whose provider is down.
 */
#ifndef WEIR_CALL_ROUTE_H
#define WEIR_CALL_ROUTE_H

#include "config/config.h"

typedef struct route_fact {
    int64_t latency_ms; /* -1: not measured */
    bool ready;         /* its breaker admits calls */
    bool holds;         /* its provider made what the call names (call/affinity.h) */
    bool down;          /* its provider does not answer health checks (call/health.h) */
} route_fact;

/* Writes a permutation of 0 … target_count-1. next_rnd returns uniform numbers in [0,1). */
void route_order(const config_model *model, const route_fact *facts, double (*next_rnd)(void *arg),
                 void *arg, unsigned char ret_order[CONFIG_TARGETS_MAX]);

#endif
