/* config/option.h: what an option is. The options themselves are the tables in options_file.c
 * and options.c.
 *
 * One row is everything about an option: the parser, the checks, the default, the messages,
 * `weir check --explain`, the example file and the reference page all come from it. Limits and
 * defaults are in the option's own notation, as a user writes and reads them.
 *
 * Options are read once a start and once a reload: what reads, checks and writes them is COLD, and
 * so small rather than fast. libweir has all of it, since a program may bring any configuration.
 *
 * A scope is a mapping of the file that fills one struct: the file itself, one provider, one
 * client. Within a scope paths are dotted: "retry.base" is base in the mapping retry.
 */
#ifndef WEIR_CONFIG_OPTION_H
#define WEIR_CONFIG_OPTION_H

#include "config/config.h"
#include "config/yaml.h"

typedef struct reader reader;
typedef struct option option;

/* What `weir check --explain` may tell of a value in which a ${…} stands: what that comes to may be
 * a secret. */
typedef enum option_tells {
    TELLS_TEXT,  /* a text, or several: as they stand in the file, ${…} and all */
    TELLS_PLACE, /* where something is: (set), as what stands beside the ${…} may be secret, too */
    TELLS_VALUE,  /* a number, a word, or what has no ${…}: what it comes to */
    TELLS_SECRET, /* that it is there, however it was written */
    TELLS_PARTS,  /* options of its own, each by itself */
} option_tells;

/* How values of one kind are read and written. */
typedef struct option_type {
    const char *name;     /* in the reference: "duration" */
    const char *expected; /* after "expected": "a duration such as 250ms, 5s or 10m" */
    /* Reads node into *field, or reports and leaves it. name is the full path, for messages. */
    bool (*read)(reader *r, const option *o, span name, const yaml_node *node, void *field);
    /* Writes *field in flow style, on the line of its name. NULL: it is written in explain.c or
     * explain_parts.c. */
    void (*write)(const option *o, const void *field, buf *out);
    option_tells tells;
} option_type;

struct option {
    const char *path;
    const option_type *type;
    size_t offset;        /* of the field in the scope's struct */
    const char *standard; /* the default; NULL: none is needed, or the sentence says which */
    const char *min;      /* NULL: none */
    const char *max;
    const char *zero;         /* a word that stands for 0: "off", "auto" */
    const char *const *words; /* of an enumeration, in the order of its values, NULL at the end */
    bool required;
    bool inherits; /* 0, which cannot be written, stands for what a wider scope says; of words the
                      first, which need not be written */
    bool restart;  /* takes effect at the next start, not at a reload */
    const char *sentence;
};

typedef struct option_scope {
    const char *name;  /* "" the file; "providers.NAME" */
    const char *about; /* for the reference */
    const option *options;
    size_t count;
} option_scope;

/* A key written as a mapping, while it is read. */
typedef struct config_key_source {
    span sha256;   /* of a client's key */
    secret *value; /* of a provider's key: the key itself; counted */
    unsigned weight;
    span file;
    char **argv; /* NULL at the end */
    int64_t refresh_ms;
    int64_t timeout_ms;
} config_key_source;

extern const option_scope scope_file;
extern const option_scope scope_listener;
extern const option_scope scope_provider;
extern const option_scope scope_key;    /* a provider's */
extern const option_scope scope_secret; /* any other that weir has to have as it is */
extern const option_scope scope_model;
extern const option_scope scope_target;
extern const option_scope scope_client;
extern const option_scope scope_rights; /* of a client: without name and key (rights.h) */
extern const option_scope scope_client_key;
extern const option_scope scope_guard_rule;
extern const option_scope scope_limit;
extern const option_scope scope_webhook;
extern const option_scope scope_redis;
extern const option_scope scope_cache_store;
extern const option_scope scope_price;
extern const option_scope scope_price_service;
extern const option_scope scope_price_tier;
extern const option_scope scope_price_hours;
extern const option_scope scope_tool;
/* All of them, in the order of the reference; NULL at the end. */
extern const option_scope *const option_scopes[];

/* The option of that path, or NULL. */
const option *option_find(const option_scope *scope, span path);
/* true when path is a mapping that holds options: "retry". */
bool option_is_section(const option_scope *scope, span path);

/* ---- plain types: types.c ---- */
extern const option_type type_duration; /* int64_t, ms */
extern const option_type type_size;     /* size_t, bytes */
extern const option_type type_ratio;    /* double, 0…1 */
extern const option_type type_count;    /* unsigned */
extern const option_type type_integer;  /* int64_t */
extern const option_type type_number;   /* double */
extern const option_type type_bool;     /* bool */
extern const option_type type_text;     /* span */
extern const option_type type_word;     /* an enumeration */
extern const option_type type_texts;    /* span *items; size_t count */
/* A section that can be switched: `breaker: off`, or a mapping, which switches it on. */
extern const option_type type_section; /* bool */

/* ---- types with a file of their own ---- */
extern const option_type type_after;  /* hedge.c: after_ms and after_quantile */
extern const option_type type_listen; /* listen.c */
extern const option_type type_address;
extern const option_type type_providers; /* providers.c */
extern const option_type type_url;
extern const option_type type_headers;
extern const option_type type_proxy;
extern const option_type type_path;      /* health.c: span, of a request line; may be empty */
extern const option_type type_store;     /* store.c: span, checked */
extern const option_type type_file;      /* files.c: span, a path, checked */
extern const option_type type_keys;      /* keys.c: secret ** and count */
extern const option_type type_argv;      /* keys.c */
extern const option_type type_key_value; /* keys.c: secret * */
extern const option_type type_models;    /* models.c */
extern const option_type type_targets;
extern const option_type type_target_name;
extern const option_type type_admin_keys; /* admin.c */
extern const option_type type_endpoint;   /* telemetry.c */
extern const option_type type_telemetry_headers;
extern const option_type type_resource;
extern const option_type type_prices; /* prices.c */
extern const option_type type_money;  /* int64_t, nano units */
extern const option_type type_price_tiers;
extern const option_type type_price_service;
extern const option_type type_price_hours;
extern const option_type type_time_of_day; /* int64_t, minutes */
extern const option_type type_amount;      /* functions.c: int64_t, nano units; 0: off */
extern const option_type type_quotas;      /* quota.c: config_quotas */
extern const option_type type_spend_quotas;
extern const option_type type_limit_rules;
extern const option_type type_networks; /* labels.c: cidr *items; size_t count */
extern const option_type type_labels;   /* config_header *items; size_t count */
extern const option_type type_tags;     /* likewise */
extern const option_type type_instant;  /* int64_t, wall time in µs */
extern const option_type type_tools;    /* tools.c */
extern const option_type type_tool_url;
extern const option_type type_tool_pairs;
extern const option_type type_tool_command;
extern const option_type type_tool_folder;
extern const option_type type_tool_sandbox;
extern const option_type type_json;        /* json.c: span, JSON text of an object */
extern const option_type type_guard_rules; /* guard.c: config_guard_rules */
extern const option_type type_guard_files;
extern const option_type type_guard_actions;
extern const option_type type_guard_show;
extern const option_type type_clients;   /* clients.c */
extern const option_type type_audit_key; /* audit.c: secret * */
extern const option_type type_redis;     /* redis.c: config_redis */
extern const option_type type_redis_address;
extern const option_type type_redis_password;
extern const option_type type_cache_store;    /* cache.c: config_redis, of a config_cache */
extern const option_type type_client_keys;    /* unsigned char (*)[32] and count */
extern const option_type type_jwks;           /* auth.c: config_jwt, from its url on */
extern const option_type type_jwt_algorithms; /* unsigned, a bit each */
extern const option_type type_webhooks;       /* alerts.c: config_webhook *items; size_t count */
extern const option_type type_webhook_url;
extern const option_type type_webhook_secret;
extern const option_type type_alert_events; /* unsigned, a bit per alert_kind */
extern const option_type type_thresholds;   /* config_thresholds */

#endif
