/* gateway/breakers.h: the configured targets, each once, with the state of their circuit breakers
 * and what they were asked of late.
 *
 * They are asked as a call asks them: of what the configuration names (call/named_targets.h), and
 * of what clients have named. A target without a model of its own stands for as many as clients
 * name; it is shown with the worst state among them, so that the list is as long as the
 * configuration and tells no client's words.
 */
#ifndef WEIR_GATEWAY_BREAKERS_H
#define WEIR_GATEWAY_BREAKERS_H

#include "call/target.h"
#include "observe/metrics.h"

typedef struct breaker_row {
    const config_target *target;
    breaker_state state;
    unsigned clients_apart; /* clients for which alone it is not closed */
    budget_counts minute;   /* of the last one; without a model: of all words that no other has */
} breaker_row;

/* Any thread. *ret_rows is the caller's to free; returns how many there are. */
size_t breakers_collect(const config *c, target_table *targets, int64_t now_ms,
                        breaker_row **ret_rows);
/* Whether the state of that name is one of the target's: its own, or of a word where the target has
 * no model. */
bool breakers_cover(const config_target *t, span state_name);
const char *breaker_state_name(breaker_state s);

/* Of a configuration that is in force no more: the gauges of its targets that the next one has are
 * told anew, and those of the others show no breaker any more. */
void breakers_forget(metrics_shard *s, const config *before, const config *next);

#endif
