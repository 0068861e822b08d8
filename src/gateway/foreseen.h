/* gateway/foreseen.h: what may happen under a configuration, as series at 0.
 *
 * Prometheus' increase and rate see an event only where the series was there before it: the
 * first failure of a target would else be seen by nobody. Of what is configured all outcomes that
 * weir has words for are there from the start, as far as half of each family's places go
 * (observe/metrics.h). The main thread's.
 */
#ifndef WEIR_GATEWAY_FORESEEN_H
#define WEIR_GATEWAY_FORESEEN_H

#include "config/config.h"
#include "observe/metrics.h"

void foreseen_tell(metrics_shard *s, const config *c);

#endif
