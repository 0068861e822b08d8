/* gateway/refused_keys.h: the configured keys of all providers, each with whether its provider
 * refuses it, since when weir has it and when it was used last (call/key.h). A provider that is
 * sent no key has one row all the same: it may ask for one.
 */
#ifndef WEIR_GATEWAY_REFUSED_KEYS_H
#define WEIR_GATEWAY_REFUSED_KEYS_H

#include "call/target.h"
#include "json/json.h"
#include "observe/metrics.h"

typedef struct key_row {
    const config_provider *provider;
    size_t number; /* from 1, as configured and as the log counts */
    bool refused;
    key_refusal refusal; /* where it is */
    key_times times;
} key_row;

/* Any thread. *ret_rows is the caller's to free; returns how many there are. */
size_t refused_keys_collect(const config *c, target_table *targets, key_row **ret_rows);

/* The member `refused_keys` of /health. */
void refused_keys_write(json_writer *w, const config *c, target_table *targets);

/* The gauges; and, of a configuration that is in force no more, that none of its keys is refused,
 * or there. */
void refused_keys_tell(metrics_shard *s, const config *c, target_table *targets);
void refused_keys_forget(metrics_shard *s, const config *c);

#endif
