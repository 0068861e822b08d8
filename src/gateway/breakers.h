/* gateway/breakers.h: the configured targets with the state of their circuit breakers, each once.
 */
#ifndef WEIR_GATEWAY_BREAKERS_H
#define WEIR_GATEWAY_BREAKERS_H

#include "call/target.h"

/* Any thread. *ret_states is the caller's to free; returns how many there are. */
size_t breakers_collect(const config *c, target_table *targets, target_state ***ret_states);
const char *breaker_state_name(breaker_state s);

#endif
