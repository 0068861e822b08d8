/* config/auth.h: who says who calls, beside weir's own keys (auth:). */
#ifndef WEIR_CONFIG_AUTH_H
#define WEIR_CONFIG_AUTH_H

#include "config/tool.h"

/* jwt_algorithms.def */
enum { CONFIG_JWT_ALGORITHMS = 10 };
const char *config_jwt_algorithm(unsigned i);

/* Tokens of an issuer's, which are as good as a client's key. */
typedef struct config_jwt {
    config_tool_url url; /* of the issuer's keys; text empty: they are in a file */
    span file;           /* a path; with text */
    span text;           /* of that file */
    bool on;             /* either is there */
    span issuer;
    span *audiences; /* any of them */
    size_t audience_count;
    unsigned algorithms; /* a bit for each */
    int64_t leeway_ms;
    int64_t refresh_ms; /* of what is behind a URL */
    int64_t timeout_ms;
    span ca_file;                      /* empty: the system's authorities */
    span client, user, limits, models; /* names of claims; empty: none is looked for */
    uint64_t generation;               /* tells one reading of the configuration from another */
} config_jwt;

#endif
