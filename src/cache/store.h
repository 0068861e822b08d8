/* cache/store.h: the answers that are kept in memory, by their key.
 *
 * Bounded in bytes, everything included, with what is being recorded meanwhile (cache/recording.h):
 * what is stored makes room for that. Which answers stay is told by S3-FIFO: a new one begins in a
 * short queue, and only one that is asked for again gets into the long one, so that what is asked
 * once passes through without pushing out what is asked often. docs/decisions has the figures.
 *
 * Threads  any. Sharded by the key; one short lock for what is asked or put.
 * Units    *_ms of the monotonic clock.
 */
#ifndef WEIR_CACHE_STORE_H
#define WEIR_CACHE_STORE_H

#include "base/arena.h"
#include "cache/key.h"
#include "cache/purges.h"
#include "cache/recording.h"
#include "cache/similar.h"
#include "observe/record.h"

typedef struct cache_store cache_store;

/* most: bytes. */
MUST_USE cache_store *cache_store_new(size_t most);
/* No reader may be at it. */
void cache_store_free(cache_store *s);
/* A new bound, from now on. */
void cache_store_bound(cache_store *s, size_t most);
cache_room *cache_store_room(cache_store *s);
/* Drops what is stored until all is within the bound. false: what is being recorded alone is beyond
 * it. */
bool cache_store_trim(cache_store *s);

/* What a document says of itself, so that it need not be read to be given. */
typedef struct cached_facts {
    bool known;     /* else it is read */
    unsigned sorts; /* as its event's (dialect/answer.h) */
    token_usage usage;
    size_t usage_at, usage_len; /* that object, in the document */
    char reason[32];            /* for which it ended, NUL-terminated */
} cached_facts;

/* Of one question the answer in events and the one as a document are two. Texts are borrowed. */
typedef struct cached_answer {
    recording *said;  /* whole; of cache_store_find() the caller's own reference */
    similar *similar; /* of its question; NULL: none. Of cache_store_find(): NULL */
    cache_key key;
    bool stream;
    span model;         /* the client's word */
    span client;        /* whose answer it was; empty: nobody's */
    span target;        /* "openai/gpt-4o-mini": who gave it */
    bool usage_asked;   /* STREAM: the usage chunk is in it where the provider tells one */
    cached_facts facts; /* of a document */
    double similarity;  /* of its question to the one that was answered; 0: it is that one */
    uint64_t purges;    /* cache_store_purges(), when its call was made */
    int64_t asked_ms;   /* that was then */
    int64_t stored_ms, expires_ms;
} cached_answer;

/* In the place of what is there by that key; a reference of its own. Not, where a purge since
 * a->purges means it. */
void cache_store_put(cache_store *s, const cached_answer *a);
/* Which answer will do. */
typedef struct cache_want {
    cache_key key;
    bool stream;        /* the form that was asked for */
    bool either;        /* the other will do, where that is not there */
    bool usage;         /* of a stream: it must have been asked for its usage chunk */
    int64_t max_age_ms; /* -1: any that has not expired */
} cache_want;

/* Texts of *ret are in the arena. *ret_seen, told in any case: as long as cache_store_seen() says
 * the same, another look would find no more. */
MUST_USE bool cache_store_find(cache_store *s, const cache_want *want, int64_t now_ms, arena *a,
                               cached_answer *ret, uint64_t *ret_seen);
uint64_t cache_store_seen(cache_store *s, const cache_key *key);

/* Of the answers in it. */
similar_index *cache_store_similar(cache_store *s);

/* How many purges there were so far. */
uint64_t cache_store_purges(cache_store *s);
/* How many were dropped. What is asked for already and fits is not kept either, when it comes. */
size_t cache_store_purge(cache_store *s, const cache_purge *which, int64_t now_ms);

typedef struct cache_store_figures {
    uint64_t entries;
    uint64_t bytes; /* with what is being recorded */
    uint64_t most;
    uint64_t stored, evicted, expired; /* so far */
} cache_store_figures;
cache_store_figures cache_store_get_figures(cache_store *s);

#endif
