/* gateway/resting_keys.h: the configured keys that have had their share of a target for now
 * (call/limits.h): nothing is sent there with one until the provider said that it may.
 *
 * A target without a model of its own stands for the words that clients name and no other target
 * has, by the longest rest among them.
 */
#ifndef WEIR_GATEWAY_RESTING_KEYS_H
#define WEIR_GATEWAY_RESTING_KEYS_H

#include "call/target.h"
#include "json/json.h"

typedef struct resting_key {
    const config_target *target;
    size_t number; /* from 1, as configured and as the log counts */
    int64_t wait_ms;
} resting_key;

/* Those that rest, by target and number. Any thread. *ret_rows is the caller's to free; returns how
 * many there are. */
size_t resting_keys_collect(const config *c, target_table *targets, int64_t now_ms,
                            resting_key **ret_rows);

/* The member `resting_keys` of /health. */
void resting_keys_write(json_writer *w, const config *c, target_table *targets, int64_t now_ms);

#endif
