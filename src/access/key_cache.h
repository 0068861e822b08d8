/* access/key_cache.h: what is known of keys that were asked for: by their hash, whose each is, or
 * why it is nobody's. Bounded: what has not been used for longest goes first (second chance), and
 * is looked up again when it is used again. Hashes are keyed (key_store.h), so that nobody chooses
 * where one stands.
 *
 * One for all threads, under a short lock.
 */
#ifndef WEIR_ACCESS_KEY_CACHE_H
#define WEIR_ACCESS_KEY_CACHE_H

#include "access/caller.h"
#include "base/hash.h"

typedef enum key_standing {
    KEY_GOOD,
    KEY_ROTATED, /* counts until until_us, and no longer */
    KEY_GONE,    /* it was revoked */
    KEY_UNKNOWN, /* nobody's */
} key_standing;

typedef struct key_entry {
    key_standing standing;
    int64_t until_us; /* wall time; of KEY_ROTATED */
    access_key *key;  /* counted; NULL of KEY_GONE and KEY_UNKNOWN */
} key_entry;

typedef struct key_cache key_cache;

/* known: entries of keys that exist; strangers: of those that do not. */
MUST_USE key_cache *key_cache_new(size_t known, size_t strangers);
void key_cache_free(key_cache *t); /* NULL is allowed */

/* false: nothing is known. ret->key is the caller's to give back. */
MUST_USE bool key_cache_find(key_cache *t, const unsigned char hash[SHA256_LEN], key_entry *ret);
/* Another one whenever something was dropped or cleared: to be asked for before what is put is
 * looked up. */
uint64_t key_cache_season(key_cache *t);
/* In place of what is there. Takes over the reference. What was looked up in an earlier season may
 * be what has changed since, and is not kept. */
void key_cache_put(key_cache *t, const unsigned char hash[SHA256_LEN], key_entry entry,
                   uint64_t season);
void key_cache_drop(key_cache *t, const unsigned char hash[SHA256_LEN]);
/* All of them. */
void key_cache_clear(key_cache *t);
size_t key_cache_count(key_cache *t);

#endif
