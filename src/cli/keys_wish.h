/* cli/keys_wish.h: what `weir keys create` and `set` are told a key is to be, from their options to
 * the API's object. Messages go to stderr.
 */
#ifndef WEIR_CLI_KEYS_WISH_H
#define WEIR_CLI_KEYS_WISH_H

#include "cli/keys_place.h"

enum {
    OPT_CONFIG,
    OPT_JSON,
    OPT_EXPIRES,
    OPT_MODELS,
    OPT_ENDPOINTS,
    OPT_ADDRESSES,
    OPT_LIMIT,
    OPT_OWNER,
    OPT_ENVIRONMENT,
    OPT_TAG,
    OPT_METADATA,
    OPT_OPTION,
    OPT_NAME,
};

#define RIGHTS_ROWS                                                                                \
    KEYS_CONFIG_ROW, KEYS_JSON_ROW,                                                                \
        {0, "expires", "WHEN", "In 30d, at an instant or a date, or never"},                       \
        {0, "models", "A,B", "That it may ask for; a * at the end: any rest", .repeatable = true}, \
        {0, "endpoints", "A,B", "That it may call: /v1/embeddings", .repeatable = true},           \
        {0, "addresses", "CIDR,…", "That it may call from: 10.0.0.0/8", .repeatable = true},       \
        {0, "limit", "KIND=N/PERIOD", "requests, tokens, spend, or parallel=N",                    \
         .repeatable = true},                                                                      \
        {0, "owner", "TEXT", "A person or team"},                                                  \
        {0, "environment", "TEXT", "Of server.environment"},                                       \
        {0, "tag", "NAME=VALUE", "That its calls are marked with", .repeatable = true},            \
        {0, "metadata", "NAME=VALUE", "Whatever else is to be noted", .repeatable = true}, {       \
        0, "option", "PATH=VALUE", "Any other of clients[]: guard.in=block", .repeatable = true    \
    }

/* In the arena. An exit code. */
MUST_USE int keys_read_wish(const cli_args *args, key_wish_kind kind, arena *a, key_wish *ret);

#endif
