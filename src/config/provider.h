/* config/provider.h: who is asked (providers:), and how: where it is, its keys, its deadlines. */
#ifndef WEIR_CONFIG_PROVIDER_H
#define WEIR_CONFIG_PROVIDER_H

#include "base/arena.h"
#include "base/secret.h"

/* Of the file, of a provider or of a model (0: none of its own), or in force for a target. */
typedef struct config_timeouts {
    int64_t connect_ms;
    int64_t first_byte_ms;     /* from the request's last byte to the answer's head */
    int64_t first_token_ms;    /* streams: from sending to the first content */
    int64_t between_events_ms; /* streams and bodies: between bytes after that */
    int64_t total_ms;          /* over all attempts; of the file or a model */
} config_timeouts;

typedef enum config_auth { AUTH_BEARER, AUTH_API_KEY, AUTH_NONE } config_auth;

/* Whether a stream's usage chunk is asked for where its client says nothing about it. */
typedef enum config_stream_usage { STREAM_USAGE_AUTO, STREAM_USAGE_NEVER } config_stream_usage;

/* What the bound of a chat completion's answer is called: OpenAI's old name, or its new one. */
typedef enum config_max_tokens {
    MAX_TOKENS_AS_SENT,
    MAX_TOKENS_OLD, /* max_tokens */
    MAX_TOKENS_NEW, /* max_completion_tokens */
} config_max_tokens;

/* Whether a completion's id is the provider's, or one of weir's own where those repeat. */
typedef enum config_completion_ids {
    COMPLETION_IDS_AS_SENT,
    COMPLETION_IDS_OWN
} config_completion_ids;

typedef struct config_url {
    span text; /* "https://api.openai.com/v1", no slash at the end */
    bool tls;  /* https */
    span host; /* without brackets */
    uint16_t port;
    span authority; /* for the Host header: the port only where it is not the scheme's own */
    span path;      /* "/v1", or empty; never ends in a slash */
    span unix_path; /* for unix:/path URLs: plain HTTP over that socket; else empty */
} config_url;

/* What the provider is asked now and then, beside calls, to learn whether it is up. */
typedef struct config_health {
    span path; /* from the root of its server, with a query; empty: it is not asked */
    int64_t every_ms;
    int64_t timeout_ms;
    unsigned failures;  /* in a row, until it is down */
    unsigned successes; /* in a row, until it is up again */
} config_health;

typedef struct config_header {
    span name;
    span value;
} config_header;

typedef struct config_provider {
    span name;
    span kind; /* a row of the provider table: "openai", "simulator" */
    config_url url;
    config_auth auth;       /* how the key is sent: `Authorization: Bearer` or `api-key:` */
    span api_version;       /* Azure: ?api-version=…; empty: none */
    secret **keys;          /* used in turn */
    unsigned *key_weights;  /* of each */
    size_t key_count;       /* 0: none is sent */
    config_header *headers; /* sent with every call */
    size_t header_count;
    span ca_file; /* PEM; empty: the system's store */
    span proxy;   /* http://host:port, "none", or empty: HTTPS_PROXY / NO_PROXY decide */
    unsigned max_connections; /* per worker */
    config_stream_usage stream_usage;
    config_max_tokens max_tokens;
    config_completion_ids ids;
    config_health health;
    config_timeouts timeouts; /* its own */
} config_provider;

/* Splits http(s)://host[:port][/path] or unix:/path. On failure *ret_why is a constant sentence. */
MUST_USE bool config_url_parse(span text, arena *a, config_url *ret, const char **ret_why);
/* What it ends in that is behind where an API begins, as "/chat/completions"; NULL: nothing. */
const char *config_url_call(const config_url *url);

#endif
