/* exchange/target_limits.h: what targets may have (limits.target), asked whenever an attempt at one
 * begins: the gate of the exchange's call (call/gate.h).
 *
 * An attempt gives its place back when it is over; what it did not use of the rest when the
 * exchange ends, as it is known only then. Where limits are shared the call waits for the server's
 * word, at most as long as limit/shared.h lets anybody wait. In the exchange's arena.
 */
#ifndef WEIR_EXCHANGE_TARGET_LIMITS_H
#define WEIR_EXCHANGE_TARGET_LIMITS_H

#include "exchange/limit_asks.h"

typedef struct target_limits target_limits;

/* Becomes x->gate. own: what limits the call besides, for what is told. */
target_limits *target_limits_new(exchange *x, const limit_asks *own);
/* All attempts are over, and what they used is known. */
void target_limits_settle(target_limits *t);

#endif
