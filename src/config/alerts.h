/* config/alerts.h: what people are told of by itself (alerts:), and where. */
#ifndef WEIR_CONFIG_ALERTS_H
#define WEIR_CONFIG_ALERTS_H

#include "base/secret.h"
#include "config/tool.h"

/* alert_kinds.def */
typedef enum alert_kind {
#define X(id, name, level, again, sentence) ALERT_##id,
#include "config/alert_kinds.def"
#undef X
    ALERT_KINDS
} alert_kind;
const char *alert_kind_name(alert_kind k); /* "budget.threshold" */

typedef enum config_webhook_format { WEBHOOK_JSON, WEBHOOK_SLACK } config_webhook_format;

typedef struct config_webhook {
    config_tool_url url; /* a secret, but for where it is */
    config_webhook_format format;
    secret *secret;  /* signs; counted; NULL: nothing does */
    unsigned events; /* a bit per alert_kind */
    bool allow_private;
    span ca_file; /* empty: the system's authorities */
} config_webhook;

enum { ALERT_THRESHOLDS_MAX = 8, ALERT_WEBHOOKS_MAX = 16 };

typedef struct config_thresholds {
    double items[ALERT_THRESHOLDS_MAX]; /* upwards */
    size_t count;
} config_thresholds;

/* What the guard must have done at least. */
typedef enum config_alert_guard {
    ALERT_GUARD_OFF,
    ALERT_GUARD_BLOCK,
    ALERT_GUARD_REDACT,
    ALERT_GUARD_FLAG
} config_alert_guard;

typedef struct config_alerts {
    bool on;
    config_webhook *webhooks;
    size_t webhook_count;
    config_thresholds budget;
    int64_t key_expiry_ms; /* 0: off */
    /* Unusual use: */
    int64_t learn_ms;      /* of a client's first calls: nothing is unusual yet */
    double factor;         /* so many times the busiest minute of its past */
    unsigned rate_least;   /* calls a minute, below which no rate is unusual; 0: off */
    int64_t spend_least;   /* nano units a minute likewise */
    double errors_share;   /* of a model's calls that fail */
    unsigned errors_least; /* calls, fewer of which say nothing; 0: off */
    int64_t errors_ms;
    unsigned same; /* of one request, within same_ms, are a loop; 0: off */
    int64_t same_ms;
    bool pause; /* of a client that is in a loop */
    config_alert_guard guard;
    int64_t again_ms;
    int64_t timeout_ms; /* of a delivery */
    unsigned a_minute;  /* deliveries to one webhook */
    unsigned queue;     /* alerts that may wait for one webhook */
} config_alerts;

#endif
