/* cache/policy.h: what a client says about the cache, and what may be in it. Pure; any thread.
 *
 * Source   RFC 9111 section 5.2.1 (Cache-Control in requests).
 */
#ifndef WEIR_CACHE_POLICY_H
#define WEIR_CACHE_POLICY_H

#include "config/config.h"
#include "http/message.h"

/* Of a request's headers. */
typedef struct cache_wish {
    bool no_cache;       /* asked anew, and the entry replaced */
    bool no_store;       /* neither looked up nor stored */
    bool only_if_cached; /* what is there, or nothing */
    int64_t max_age_ms;  /* -1: any */
    int64_t ttl_ms;      /* -1: the configuration's */
} cache_wish;

/* false: *ret_header has a value that is none: its name. Directives that are not known are passed
 * over, as RFC 9111 wants it. */
MUST_USE bool cache_wish_read(http_headers headers, cache_wish *ret, span *ret_header);

bool cache_has_model(const config_cache *c, span model);

/* What of a request says whether its answer may be kept. */
typedef struct cache_traits {
    double temperature; /* 1 where the request has none, as at the providers */
    bool has_tools;     /* that the model may call, or that the provider runs */
    bool several;       /* more than one answer is asked for */
    bool has_images;    /* or files, or sound */
    bool keeps_state;   /* it goes on with, or is to be, something that the provider keeps */
} cache_traits;
bool cache_may_keep(const config_cache *c, const cache_traits *t);

/* Whether an answer that ends for this reason is a whole one: of a choice, or of a response. */
bool cache_reason_is_whole(span reason);

#endif
