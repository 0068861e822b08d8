/* gateway/plan.h: what happens to a call at the gateway, in order: the product's table of contents.
 */
#ifndef WEIR_GATEWAY_PLAN_H
#define WEIR_GATEWAY_PLAN_H

#include "exchange/exchange.h"

extern const exchange_plan gateway_plan;
/* Of a tool that a client calls itself, as at /mcp. */
extern const exchange_plan tool_plan;

#endif
