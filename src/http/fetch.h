/* http/fetch.h: one request by a thread that has nothing else to do meanwhile.
 *
 * Blocks; any thread that runs no loop. A proxy of the environment lies before all but this
 * machine, unless the spec says otherwise.
 */
#ifndef WEIR_HTTP_FETCH_H
#define WEIR_HTTP_FETCH_H

#include "base/buf.h"
#include "config/config.h"
#include "http/message.h"

/* Longer answers are refused: a summary may have 10,000 groups. */
enum { FETCH_BYTES_MAX = 32 * 1024 * 1024 };

typedef struct fetch_spec {
    const config_url *url; /* whom; its own path is not asked for */
    span path;             /* "/health", with query */
    http_headers headers;
    span body;          /* a POST with this; a null ptr: a GET */
    span ca_file;       /* PEM; empty: the system's authorities */
    span proxy;         /* as config_provider.proxy; empty: the environment decides */
    int64_t timeout_ms; /* for all of it */
} fetch_spec;

typedef struct fetched {
    int status; /* 0: nothing answered, and why says why */
    int64_t ms; /* how long it took */
    buf body;   /* as far as there is an answer */
    buf why;    /* for people: "connection refused" */
} fetched;

/* fetched_done() always follows. */
void fetch(const fetch_spec *spec, fetched *ret);
void fetched_done(fetched *f);

#endif
