/* config/price.h: what tokens cost (prices:), as it is configured. */
#ifndef WEIR_CONFIG_PRICE_H
#define WEIR_CONFIG_PRICE_H

#include "base/span.h"

/* What has a price of its own: prices.def. */
typedef enum config_rate {
#define X(id, name, sentence) RATE_##id,
#include "config/prices.def"
#undef X
    CONFIG_RATES
} config_rate;
extern const span config_rate_names[CONFIG_RATES];

/* Nano units of the prices' currency for 1,000,000 tokens; -1: no price of its own. */
typedef struct config_rates {
    int64_t nano[CONFIG_RATES];
} config_rates;
enum { CONFIG_DAY_MINUTES = 24 * 60 };
#define CONFIG_RATE_MAX ((int64_t)1000 * 1000 * 1000 * 1000 * 1000) /* a million units */

/* In force, for all of its tokens, for a call whose prompt has more tokens than that. */
typedef struct config_tier {
    int64_t above;
    config_rates rates; /* with what it has of the tier below */
} config_tier;

/* A provider's tiers of service that have prices of their own: services.def. */
typedef enum config_service {
    SERVICE_STANDARD,
#define X(id, name) SERVICE_##id,
#include "config/services.def"
#undef X
    CONFIG_SERVICES
} config_service;

extern const span config_service_names[CONFIG_SERVICES];

typedef struct config_price config_price;
struct config_price {
    span pattern; /* of "provider/model" or of the model alone; a * at its end: any rest */
    config_rates rates;
    const config_tier *tiers; /* by `above`, upwards */
    size_t tier_count;
    /* With what each has of the standard one, its own tiers apart; NULL: costs what that costs. */
    const config_price *services[CONFIG_SERVICES];
    const struct config_hours *hours; /* the first that holds counts */
    size_t hour_count;
};

/* In force from one time of each day to another, in UTC: minutes since midnight, up to 1440. One
 * that ends before it begins goes over midnight. */
typedef struct config_hours {
    int64_t from, to;
    config_price price; /* with what it has of the one at other hours, its own tiers apart */
} config_hours;

#endif
