/* gateway/catalog.h: what a worker knows of the models that providers list, for GET /v1/models.
 *
 * Only providers that are asked for clients' own words are asked what they list: those of targets
 * without a model of their own, under patterns ("gpt-*", "*"). All at once, each with its key and a
 * short deadline, and not again for a while. One that is down or slow costs the others nothing: its
 * last list serves, or it is left out.
 *
 * Azure's providers (api_version) are not asked: what they list are not the deployments.
 *
 * Belongs to its worker's loop. Holds a few MB for each provider at most, as long as the
 * configuration has it.
 */
#ifndef WEIR_GATEWAY_CATALOG_H
#define WEIR_GATEWAY_CATALOG_H

#include "call/loop_snapshot.h"
#include "gateway/model_list.h"
#include "observe/log.h"

typedef struct catalog catalog;

/* Someone who waits for it. Embedded in what waits, zeroed at first. */
typedef struct catalog_wait {
    list link;
    const config *config; /* that it asked by */
    void (*ready)(struct catalog_wait *w);
} catalog_wait;

MUST_USE catalog *catalog_new(loop *l, log_shard *log);
/* Nobody who waits hears anything any more. NULL is allowed. */
void catalog_free(catalog *c);

/* true: what can be known is known. Else providers are being asked, and w->ready comes once, later,
 * unless catalog_leave() does. The snapshot outlives the wait. */
MUST_USE bool catalog_ask(catalog *c, loop_snapshot *s, catalog_wait *w);
/* Also where it does not wait. */
void catalog_leave(catalog_wait *w);

/* What that provider lists, as far as it is known; NULL: it is not. */
const model_list *catalog_find(const catalog *c, const config_provider *p);

/* Whether a target is asked for the client's own word, of a provider whose list tells which. */
bool catalog_serves(const config_target *t);

#endif
