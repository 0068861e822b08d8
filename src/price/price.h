/* price/price.h: what the tokens of one attempt cost.
 *
 * Money is integer nano units (billionths) of the one currency that prices are in. Each attempt is
 * rounded once, half up, from the exact sum of its parts; what a call costs is the sum of its
 * attempts. Pure.
 *
 * A detail (cached, reasoning …) is priced as such, and what is left of its total at the total's
 * own price. Whether a detail is part of its total or stands beside it differs between providers:
 * rules.def.
 */
#ifndef WEIR_PRICE_PRICE_H
#define WEIR_PRICE_PRICE_H

#include "config/config.h"
#include "observe/record.h"

typedef enum price_details {
    DETAILS_WITHIN, /* parts of the total */
    DETAILS_BESIDE, /* not counted in it */
    DETAILS_BY_SUM  /* within, unless what the provider says is the sum of all needs them beside */
} price_details;

typedef struct price_rule {
    price_details prompt;     /* cached, cache_write */
    price_details completion; /* reasoning */
} price_rule;

/* Of a provider's kind (config/kinds.def); never NULL. */
const price_rule *price_rule_of(span kind);

/* at_us: wall time. -1: it cannot be told, as the usage is not known, or as there are tokens
 * without a price. */
int64_t price_cost(const config_price *p, const price_rule *rule, const token_usage *u,
                   int64_t at_us);

/* a + b, at most INT64_MAX. Neither is below 0. */
int64_t price_add(int64_t a, int64_t b);

#endif
