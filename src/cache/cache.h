/* cache/cache.h: what a process keeps of its answers, for all of its loops: those that are stored,
 * and those that are still in flight. */
#ifndef WEIR_CACHE_CACHE_H
#define WEIR_CACHE_CACHE_H

#include "cache/flights.h"
#include "cache/store.h"

/* What became of a call that the cache was asked for. */
typedef enum cache_verdict {
    CACHE_NOT_ASKED, /* its model is not cached */
    CACHE_HIT,
    CACHE_MISS,
    CACHE_COALESCED, /* it heard the answer to another call */
    CACHE_BYPASS,    /* neither looked up nor stored */
    CACHE_VERDICTS
} cache_verdict;
/* "hit": of headers, records and metrics; empty: CACHE_NOT_ASKED. */
span cache_verdict_word(cache_verdict v);

typedef struct cache {
    cache_store *store;
    flights *flights;
    atomic_ullong calls[CACHE_VERDICTS]; /* so far */
} cache;

MUST_USE cache *cache_new(size_t most);
/* NULL is allowed. No call may be at it. */
void cache_free(cache *c);

/* {"entries": …}: for GET /admin/v1/cache. store: JSON about what several weirs share; empty: they
 * share nothing. */
void cache_write_figures(cache *c, span store, buf *out);

#endif
