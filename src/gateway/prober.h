/* gateway/prober.h: asks each provider that has a health path (providers.NAME.health) whether it is
 * up, beside calls, and tells call/health.h what came of it.
 *
 * One for the process, on the main thread's loop, so that a provider is asked as often whatever
 * number of workers there is. A check is a GET as a call would make it: the same TLS, proxy,
 * headers and, since some servers want it even there, key. 2xx within health.timeout passes; a
 * redirect is followed no more than a call's. What weir itself is short of says nothing of the
 * provider.
 *
 * A check that passes ends the rest of the provider's open breakers early (breaker_hasten()); one
 * that fails opens none: calls do that.
 */
#ifndef WEIR_GATEWAY_PROBER_H
#define WEIR_GATEWAY_PROBER_H

#include "call/loop_snapshot.h"
#include "observe/log.h"
#include "observe/metrics.h"

typedef struct prober prober;

/* Whether there is anything to ask under that configuration. */
bool prober_wanted(const config *c);

/* Asks nobody yet. */
MUST_USE prober *prober_new(loop *l, log_shard *log, metrics_shard *shard);
/* Those of this snapshot are asked from now on, and no others: what is new at once, what was asked
 * already in its turn. Takes a reference. */
void prober_apply(prober *p, loop_snapshot *s);
/* Gives up what is under way and asks nobody any more. What is known stays known. */
void prober_stop(prober *p);
void prober_free(prober *p); /* NULL is allowed */

#endif
