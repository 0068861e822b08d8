/* call/health.h: whether each provider is up, as its health path tells (providers.NAME.health).
 *
 * The decision, health_count(), is pure. What comes of it is shared: told by the one
 * thread that asks the providers, and looked at by all loops, one atomic read a target.
 * Counted, and known by the provider's name, its URL and that path: it survives a reload for as
 * long as they are configured.
 *
 * It decides in which order targets are asked (call/slots.h), and no more: a provider that is down
 * is asked where nobody else is left.
 */
#ifndef WEIR_CALL_HEALTH_H
#define WEIR_CALL_HEALTH_H

#include "config/config.h"

typedef enum health { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN } health;

/* All zero: nothing is known. */
typedef struct health_run {
    health is;
    unsigned against; /* checks in a row that say otherwise */
} health_run;

/* One check more. The first decides by itself, then as many in a row as the policy says. Returns
 * whether it changes what is known. */
bool health_count(health_run *r, const config_health *policy, bool passed);

typedef struct health_table health_table;
typedef struct health_state health_state;

MUST_USE health_table *health_table_new(void);
/* All states have been given back. */
void health_table_free(health_table *t);

/* Finds or makes, with a reference. NULL: that provider has no health path. Any thread. */
MUST_USE health_state *health_get(health_table *t, const config_provider *p);
void health_unref(health_state *s); /* NULL is allowed */

/* NULL: unknown. Any thread. */
health health_look(const health_state *s);
/* "up", "down", "unknown" */
const char *health_word(health h);

/* What has come of a check, by the one thread that asks; why it failed is for people. Returns as
 * health_count(). */
bool health_report(health_state *s, const config_health *policy, bool passed, span why);

/* Why the last check failed; empty: it passed, or there was none. Any thread. Adds it to out. */
void health_add_why(health_state *s, buf *out);

#endif
