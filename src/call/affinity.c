#include "call/affinity.h"

#include "base/hash.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Index into entries; 0: none. */
typedef uint32_t ref;

typedef struct entry {
    uint64_t hash;
    affinity_place place;
    int64_t until_ms;
    ref next;         /* of its bucket */
    ref newer, older; /* by use; of the first entry, which is none, the oldest and the newest */
} entry;

struct affinity {
    pthread_mutex_t lock; /* of all below; held for a few instructions */
    _Atomic unsigned count;
    _Atomic bool has_objects;
    unsigned most; /* that there is room for: entries and buckets are as many, and one */
    entry *entries;
    ref *buckets;
};

affinity *affinity_new(void) {
    affinity *t = mem_zalloc(sizeof *t);
    (void)pthread_mutex_init(&t->lock, NULL);
    return t;
}

void affinity_free(affinity *t) {
    if (!t) return;
    (void)pthread_mutex_destroy(&t->lock);
    free(t->entries);
    free(t->buckets);
    free(t);
}

bool affinity_is_empty(const affinity *t) {
    return !atomic_load_explicit(&t->count, memory_order_relaxed);
}

bool affinity_has_objects(const affinity *t) {
    return atomic_load_explicit(&t->has_objects, memory_order_relaxed);
}

/* ---- one entry ---- */

static ref *bucket_of(affinity *t, uint64_t hash) {
    return &t->buckets[hash % t->most];
}

static ref find(affinity *t, uint64_t hash) {
    if (!t->most) return 0;
    ref at = *bucket_of(t, hash);
    while (at && t->entries[at].hash != hash)
        at = t->entries[at].next;
    return at;
}

static void out_of_line(affinity *t, ref at) {
    entry *e = &t->entries[at];
    t->entries[e->newer].older = e->older;
    t->entries[e->older].newer = e->newer;
}

/* As the newest. */
static void into_line(affinity *t, ref at) {
    entry *first = &t->entries[0], *e = &t->entries[at];
    e->newer = 0;
    e->older = first->older;
    t->entries[first->older].newer = at;
    first->older = at;
}

static void touch(affinity *t, ref at, int64_t until_ms) {
    t->entries[at].until_ms = until_ms;
    out_of_line(t, at);
    into_line(t, at);
}

static void out_of_bucket(affinity *t, ref at) {
    ref *link = bucket_of(t, t->entries[at].hash);
    while (*link != at)
        link = &t->entries[*link].next;
    *link = t->entries[at].next;
}

/* A free one, or that which was used longest ago. */
static ref take(affinity *t) {
    unsigned count = atomic_load_explicit(&t->count, memory_order_relaxed);
    if (count < t->most) {
        atomic_store_explicit(&t->count, count + 1, memory_order_relaxed);
        return count + 1;
    }
    ref oldest = t->entries[0].newer;
    out_of_line(t, oldest);
    out_of_bucket(t, oldest);
    return oldest;
}

static void add(affinity *t, uint64_t hash, affinity_place place, int64_t until_ms) {
    ref at = take(t);
    ref *bucket = bucket_of(t, hash);
    t->entries[at] = (entry){.hash = hash, .place = place, .until_ms = until_ms, .next = *bucket};
    *bucket = at;
    into_line(t, at);
}

/* ---- its size ---- */

/* What is kept moves, the oldest first, so that the newest stay. Untouched pages take no memory. */
static void make_room(affinity *t, unsigned most) {
    entry *old = t->entries;
    free(t->buckets);
    t->entries = mem_zalloc_array((size_t)most + 1, sizeof *t->entries);
    t->buckets = mem_zalloc_array(most, sizeof *t->buckets);
    t->most = most;
    atomic_store_explicit(&t->count, 0, memory_order_relaxed);
    for (ref at = old ? old[0].newer : 0; at; at = old[at].newer)
        add(t, old[at].hash, old[at].place, old[at].until_ms);
    free(old);
}

/* ---- the door ---- */

static bool is_kept(const config_affinity *policy, span id) {
    return policy->ids && id.len && id.len <= AFFINITY_ID_MAX;
}

void affinity_put(affinity *t, const config_affinity *policy, span id, affinity_place place,
                  bool is_object, int64_t now_ms) {
    if (!is_kept(policy, id)) return;
    uint64_t hash = hash_span(id);
    if (is_object) atomic_store_explicit(&t->has_objects, true, memory_order_relaxed);
    (void)pthread_mutex_lock(&t->lock);
    if (t->most < policy->ids) make_room(t, policy->ids);
    ref at = find(t, hash);
    if (at) {
        t->entries[at].place = place;
        touch(t, at, now_ms + policy->keep_ms);
    } else {
        add(t, hash, place, now_ms + policy->keep_ms);
    }
    (void)pthread_mutex_unlock(&t->lock);
}

bool affinity_find(affinity *t, const config_affinity *policy, span id, int64_t now_ms,
                   affinity_place *ret) {
    if (!is_kept(policy, id) || affinity_is_empty(t)) return false;
    uint64_t hash = hash_span(id);
    (void)pthread_mutex_lock(&t->lock);
    ref at = find(t, hash);
    bool found = at && t->entries[at].until_ms > now_ms;
    if (found) {
        *ret = t->entries[at].place;
        touch(t, at, now_ms + policy->keep_ms);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return found;
}
