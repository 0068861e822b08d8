/* config/quota.h: limits of how much in how long, as they are configured. */
#ifndef WEIR_CONFIG_QUOTA_H
#define WEIR_CONFIG_QUOTA_H

#include "base/buf.h"

#include <stdint.h>

typedef enum config_period {
    PERIOD_SECOND,
    PERIOD_MINUTE,
    PERIOD_HOUR,
    PERIOD_DAY,
    PERIOD_MONTH, /* of the calendar; where it must have a length, 30 days */
    CONFIG_PERIODS
} config_period;
extern const span config_period_names[CONFIG_PERIODS]; /* "s", "m", "h", "d", "month" */
int64_t config_period_us(config_period per);

typedef struct config_quota {
    int64_t amount; /* at least 1; of money: nano units of the prices' currency */
    config_period per;
} config_quota;

enum { QUOTAS_MAX = 4 };

/* Each for a period of its own. */
typedef struct config_quotas {
    config_quota items[QUOTAS_MAX];
    unsigned count; /* 0: none */
} config_quotas;

/* What one of something (a client, a user, an address, a model …) may have. */
typedef struct config_limit_set {
    config_quotas requests;
    config_quotas tokens;
    config_quotas spend; /* PERIOD_DAY and PERIOD_MONTH alone */
    unsigned parallel;   /* calls at a time; 0: any */
} config_limit_set;

bool config_limits_anything(const config_limit_set *s);
/* As it would stand in the file: {requests: 60/m, parallel: 8}. */
void config_limits_write(const config_limit_set *s, buf *out);

/* Limits for what a name matches: a model, a target, a tag. */
typedef struct config_limit_rule {
    span pattern; /* a * at its end: any rest */
    config_limit_set limits;
} config_limit_rule;

/* A pattern with a * at its end, by what stands before that. */
typedef struct config_limit_prefix {
    const config_limit_rule *rule;
    uint32_t wider; /* the longest of the others that this one begins with, plus one; 0: none */
} config_limit_prefix;

typedef struct config_limit_rules {
    config_limit_rule *items; /* as written */
    size_t count;
    /* For config_find_limit(), each in the order of its bytes. */
    const config_limit_rule **exact;
    config_limit_prefix *open;
    size_t exact_count, open_count;
} config_limit_rules;

/* The rule for that name: the exact one, else that of the longest pattern; NULL: none. Asked for
 * each tag of a call: some binary steps, however many rules there are. */
const config_limit_rule *config_find_limit(const config_limit_rules *r, span name);

#endif
