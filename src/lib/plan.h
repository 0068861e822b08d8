/* lib/plan.h: what happens to a call of a program, in order. What is not named here is not linked.
 */
#ifndef WEIR_LIB_PLAN_H
#define WEIR_LIB_PLAN_H

#include "exchange/exchange.h"

extern const exchange_plan lib_plan;

#endif
