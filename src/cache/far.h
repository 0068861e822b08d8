/* cache/far.h: answers that several weirs keep together, in a Redis or Valkey behind the memory of
 * each (cache.store).
 *
 * Who leads a flight looks there before he calls; what he finds is put into memory, where he and
 * those who follow him find it. What is stored in memory is written there too, and nobody waits for
 * that. Large answers are read and written on another thread.
 *
 * A server that is slow, full or away costs nothing but misses: nobody waits longer than its
 * timeout, and after three who have waited for nothing nobody asks for half a second, then for
 * twice as long each time, up to ten seconds. What it refuses to write is not sent again for a
 * second. What lies under a key and is no answer of this version (cache/value.h) is none.
 *
 * A purge is a rule that stands in the server for all weirs, each of which looks there once a
 * second: what it fits in their memories goes, and what it fits in the server counts for nothing.
 * The weir that purges takes it out of the server step by step.
 *
 * Keys: weir:cache:1:a:HASH:s (a stream) or :d (a document), and weir:cache:1:purges.
 *
 * Threads  cache_far is the process's; a far_link, and what is asked of it, belongs to its loop.
 */
#ifndef WEIR_CACHE_FAR_H
#define WEIR_CACHE_FAR_H

#include "cache/cache.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "redis/redis.h"

typedef struct cache_far cache_far;
typedef struct far_link far_link;

/* As c->cache.store says, which is on. of: outlives it. NULL: *ret_why says why not. */
MUST_USE cache_far *cache_far_new(config *c, cache *of, buf *ret_why);
void cache_far_free(cache_far *f); /* after its links; NULL is allowed */
/* {"server": …}. Any thread. */
void cache_far_write_figures(cache_far *f, buf *out);

/* A loop's; connects at once. log and shard outlive it. NULL where f is. */
MUST_USE far_link *far_link_new(cache_far *f, loop *l, log_shard *log, metrics_shard *shard);
/* Nobody may look, or wait for a purge, any more. NULL is allowed. */
void far_link_free(far_link *k);

/* ---- answers ---- */

/* Embedded in whoever looks. */
typedef struct far_look {
    redis_wait wait;
    far_link *link;
    struct far_reading *reading; /* on another thread; NULL: none is */
    cache_key key;
    bool stream, either;
    void (*done)(struct far_look *l, bool found);
} far_look;

/* true: done is called later, once, never before this returns; what was found is in memory by then.
 * false: there is none to ask. */
MUST_USE bool far_look_up(far_link *k, far_look *l, const cache_want *want,
                          void (*done)(far_look *l, bool found));
/* Afterwards done is not called. Idempotent. */
void far_look_cancel(far_look *l);

/* a->said is whole; all of *a is borrowed. */
void far_put(far_link *k, const cached_answer *a);

/* ---- purging ---- */

/* Told at most once. whole: all that fits was gone through; else the server went away meanwhile,
 * and count were dropped before. */
typedef void far_purged_fn(void *user, bool whole, uint64_t count);
typedef struct far_sweep far_sweep;
/* NULL: the server is away. Texts are copied. Never tells before it returns. */
MUST_USE far_sweep *far_purge(far_link *k, const cache_purge *which, far_purged_fn *done,
                              void *user);
/* Nobody wants to hear of it any more; it goes on. How many were dropped so far. */
uint64_t far_sweep_leave(far_sweep *s);

#endif
