/* exchange/limit_told.h: what a client is told of what limits it. In the exchange's arena.
 *
 * Source   platform.openai.com/docs/guides/rate-limits, "Rate limits in headers".
 */
#ifndef WEIR_EXCHANGE_LIMIT_TOLD_H
#define WEIR_EXCHANGE_LIMIT_TOLD_H

#include "exchange/limit_asks.h"

/* x-ratelimit-* and x-weir-budget-* of whatever is answered: of each kind the limit of which the
 * least is left; what a run's step is told, the run's client is, too. by: one beside these; NULL:
 * none. */
void limit_tell(exchange *x, const limit_asks *asks, const limit_ask *by);
/* The refusal by that limit, wait_us as the limiter says it. retry_after_ms: -1: never. */
weir_error limit_error(exchange *x, const limit_ask *by, int64_t wait_us);
/* weir_limited_total. */
void limit_count(const exchange *x, const limit_ask *by);

#endif
