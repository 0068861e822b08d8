#include "cache/store.h"

#include "base/list.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    SHARDS = 16,
    FIRST_SLOTS = 64,
    SLOTS_EACH = 2, /* of an entry, at least */
    GHOSTS = 2048,  /* of each shard: whom it remembers to have put out of the short queue */
    ASKED_MAX = 3,
    SHORT_PERCENT = 10,
    FORESEEN_BYTES = 60 * 1024,
};

/* It goes cold, and what puts it out looks at no more of it than its first 64 bytes. */
typedef struct entry {
    list queue;
    uint64_t hash;
    size_t bytes;   /* of itself; what was said is counted by itself */
    unsigned asked; /* since it came into its queue, up to ASKED_MAX */
    bool is_long;   /* it is in the long queue */
    cached_answer a;
    char texts[];
} entry;

typedef struct ghost {
    uint32_t mark;
    uint32_t when;
} ghost;

/* Entries lie cold in memory: the hash beside them says which is to be looked at. */
typedef struct slot {
    uint64_t hash;
    entry *of; /* NULL: empty */
} slot;

typedef struct shard {
    pthread_mutex_t lock;
    slot *slots; /* whoever finds his own taken is in the next that was free; a power of two */
    size_t slot_count, count;
    list brief, lasting; /* the short queue and the long one; who came first is in front */
    size_t brief_bytes, lasting_bytes, lasting_count;
    ghost ghosts[GHOSTS];
    atomic_size_t *bytes; /* of both queues, to be seen without the lock; in its store */
    uint32_t put_out;     /* so many, so far */
    uint64_t stored, evicted, expired;
    _Atomic uint64_t seen; /* as stored, without the lock */
} shard;

struct cache_store {
    cache_room room;
    atomic_size_t foreseen; /* of its bytes: memory for them has been asked for */
    purges *purged;
    similar_index *similar;
    atomic_size_t bytes[SHARDS]; /* side by side: once memory is full each put looks at all */
    shard shards[SHARDS];
};

/* ---- one shard, locked ---- */

static size_t all_bytes(const entry *e) {
    return e->bytes + recording_bytes(e->a.said) + similar_bytes(e->a.similar);
}

/* The shard has been chosen by the rest. */
static size_t slot_of(const shard *h, uint64_t hash) {
    return hash / SHARDS & (h->slot_count - 1);
}

static size_t next_slot(const shard *h, size_t i) {
    return (i + 1) & (h->slot_count - 1);
}

static entry *find_entry(const shard *h, const cache_key *key, bool stream, uint64_t hash) {
    for (size_t i = slot_of(h, hash); h->slots[i].of; i = next_slot(h, i)) {
        entry *e = h->slots[i].of;
        if (h->slots[i].hash == hash && e->a.stream == stream && cache_key_eq(&e->a.key, key))
            return e;
    }
    return NULL;
}

static void link_entry(shard *h, entry *e, uint64_t hash) {
    size_t i = slot_of(h, hash);
    while (h->slots[i].of)
        i = next_slot(h, i);
    h->slots[i] = (slot){hash, e};
}

/* Those behind it that would not be found past an empty slot move up. */
static void unlink_entry(shard *h, const entry *e) {
    const size_t mask = h->slot_count - 1;
    size_t gap = slot_of(h, e->hash);
    while (h->slots[gap].of != e)
        gap = next_slot(h, gap);
    for (size_t i = next_slot(h, gap); h->slots[i].of; i = next_slot(h, i)) {
        if (((i - slot_of(h, h->slots[i].hash)) & mask) < ((i - gap) & mask)) continue;
        h->slots[gap] = h->slots[i];
        gap = i;
    }
    h->slots[gap].of = NULL;
}

static void enqueue(shard *h, entry *e, bool is_long) {
    e->is_long = is_long;
    e->asked = 0;
    list_push_back(is_long ? &h->lasting : &h->brief, &e->queue);
    *(is_long ? &h->lasting_bytes : &h->brief_bytes) += all_bytes(e);
    atomic_fetch_add_explicit(h->bytes, all_bytes(e), memory_order_relaxed);
    h->lasting_count += is_long;
}

static void dequeue(shard *h, entry *e) {
    list_remove(&e->queue);
    *(e->is_long ? &h->lasting_bytes : &h->brief_bytes) -= all_bytes(e);
    atomic_fetch_sub_explicit(h->bytes, all_bytes(e), memory_order_relaxed);
    h->lasting_count -= e->is_long;
}

static void entry_free(entry *e) {
    recording_unref(e->a.said);
    similar_unref(e->a.similar);
    free(e);
}

static void drop(cache_store *s, shard *h, entry *e) {
    unlink_entry(h, e);
    dequeue(h, e);
    h->count--;
    if (e->a.similar) similar_remove(s->similar, e->a.similar);
    atomic_fetch_sub_explicit(&s->room.used, e->bytes, memory_order_relaxed);
    entry_free(e);
}

static ghost *ghost_of(shard *h, uint64_t hash) {
    return &h->ghosts[hash / SHARDS % GHOSTS];
}

static void remember(shard *h, uint64_t hash) {
    *ghost_of(h, hash) = (ghost){(uint32_t)(hash >> 32) | 1u, h->put_out++};
}

/* It was put out of the short queue not long ago: as many have been since as the long one has. */
static bool is_remembered(shard *h, uint64_t hash) {
    const ghost *g = ghost_of(h, hash);
    return g->mark == ((uint32_t)(hash >> 32) | 1u) && h->put_out - g->when <= h->lasting_count + 1;
}

/* One goes, or goes on; false: there is none. */
static bool evict_brief(cache_store *s, shard *h) {
    if (list_empty(&h->brief)) return false;
    entry *e = LIST_ENTRY(h->brief.next, entry, queue);
    if (e->asked) {
        dequeue(h, e);
        enqueue(h, e, true);
        return true;
    }
    remember(h, e->hash);
    h->evicted++;
    drop(s, h, e);
    return true;
}

static bool evict_lasting(cache_store *s, shard *h) {
    if (list_empty(&h->lasting)) return false;
    entry *e = LIST_ENTRY(h->lasting.next, entry, queue);
    if (e->asked) { /* once more around, for as often as it was asked for */
        e->asked--;
        list_remove(&e->queue);
        list_push_back(&h->lasting, &e->queue);
        return true;
    }
    h->evicted++;
    drop(s, h, e);
    return true;
}

static bool evict_one(cache_store *s, shard *h) {
    const size_t all = h->brief_bytes + h->lasting_bytes;
    const bool brief = h->brief_bytes * 100 >= all * SHORT_PERCENT;
    if (brief) return evict_brief(s, h) || evict_lasting(s, h);
    return evict_lasting(s, h) || evict_brief(s, h);
}

static void grow(shard *h) {
    slot *before = h->slots;
    const size_t count = h->slot_count;
    h->slots = mem_zalloc_array(2 * count, sizeof *h->slots);
    h->slot_count = 2 * count;
    for (size_t i = 0; i < count; i++)
        if (before[i].of) link_entry(h, before[i].of, before[i].hash);
    free(before);
}

/* ---- the store ---- */

static bool is_beyond(const cache_store *s) {
    return atomic_load_explicit(&s->room.used, memory_order_relaxed) >
           atomic_load_explicit(&s->room.most, memory_order_relaxed);
}

/* NULL: all are empty. */
static shard *find_fullest(cache_store *s) {
    shard *fullest = NULL;
    size_t most = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        const size_t bytes = atomic_load_explicit(&s->bytes[i], memory_order_relaxed);
        if (bytes > most) most = bytes, fullest = &s->shards[i];
    }
    return fullest;
}

bool cache_store_trim(cache_store *s) {
    for (shard *h; is_beyond(s) && (h = find_fullest(s));) {
        pthread_mutex_lock(&h->lock);
        (void)evict_one(s, h);
        pthread_mutex_unlock(&h->lock);
    }
    return !is_beyond(s);
}

cache_store *cache_store_new(size_t most) {
    cache_store *s = mem_zalloc(sizeof *s);
    atomic_init(&s->room.most, most);
    s->purged = purges_new();
    s->similar = similar_index_new();
    for (size_t i = 0; i < SHARDS; i++) {
        shard *h = &s->shards[i];
        pthread_mutex_init(&h->lock, NULL);
        h->bytes = &s->bytes[i];
        list_init(&h->brief);
        list_init(&h->lasting);
        h->slot_count = FIRST_SLOTS;
        h->slots = mem_zalloc_array(FIRST_SLOTS, sizeof *h->slots);
    }
    return s;
}

void cache_store_free(cache_store *s) {
    if (!s) return;
    (void)cache_store_purge(s, &(cache_purge){0}, 0);
    purges_free(s->purged);
    similar_index_free(s->similar);
    for (size_t i = 0; i < SHARDS; i++) {
        free(s->shards[i].slots);
        pthread_mutex_destroy(&s->shards[i].lock);
    }
    free(s);
}

void cache_store_bound(cache_store *s, size_t most) {
    atomic_store_explicit(&s->room.most, most, memory_order_relaxed);
    (void)cache_store_trim(s);
}

similar_index *cache_store_similar(cache_store *s) {
    return s->similar;
}

cache_room *cache_store_room(cache_store *s) {
    return &s->room;
}

/* ---- in and out ---- */

static uint64_t hash_of(const cache_key *key) {
    return hash_span(span_from((const char *)key->bytes, sizeof key->bytes));
}

static span put_text(char **at, span text) {
    span kept = span_from(*at, text.len);
    if (text.len) memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return kept;
}

static entry *entry_of(const cached_answer *a, uint64_t hash) {
    const size_t bytes = sizeof(entry) + a->model.len + a->client.len + a->target.len;
    entry *e = mem_alloc(bytes);
    char *at = e->texts;
    *e = (entry){.hash = hash, .a = *a, .bytes = bytes};
    e->a.said = recording_ref(a->said);
    if (a->similar) (void)similar_ref(a->similar);
    e->a.model = put_text(&at, a->model);
    e->a.client = put_text(&at, a->client);
    e->a.target = put_text(&at, a->target);
    return e;
}

static purge_facts facts_of(const cached_answer *a) {
    return (purge_facts){a->model, a->client, a->asked_ms};
}

/* Locked: a purge is noted before it goes through the shard. */
static void add(cache_store *s, shard *h, entry *e) {
    const cached_answer *a = &e->a;
    const uint64_t hash = e->hash;
    entry *old = find_entry(h, &a->key, a->stream, hash);
    const bool is_long = old ? old->is_long : is_remembered(h, hash);
    if (old) drop(s, h, old);
    if (h->count * SLOTS_EACH >= h->slot_count) grow(h);
    link_entry(h, e, hash);
    h->count++;
    h->stored++;
    atomic_store_explicit(&h->seen, h->stored, memory_order_release);
    enqueue(h, e, is_long);
    if (a->similar) similar_add(s->similar, a->similar, &a->key);
}

/* Until memory is full, each answer is in more than was there before. */
static void foresee(cache_store *s) {
    const size_t used = atomic_load_explicit(&s->room.used, memory_order_relaxed);
    if (used < atomic_load_explicit(&s->foreseen, memory_order_relaxed)) return;
    atomic_store_explicit(&s->foreseen, used + FORESEEN_BYTES, memory_order_relaxed);
    if (used + FORESEEN_BYTES <= atomic_load_explicit(&s->room.most, memory_order_relaxed))
        mem_foresee(FORESEEN_BYTES);
}

void cache_store_put(cache_store *s, const cached_answer *a) {
    const uint64_t hash = hash_of(&a->key);
    const purge_facts facts = facts_of(a);
    shard *h = &s->shards[hash % SHARDS];
    entry *e = entry_of(a, hash);
    pthread_mutex_lock(&h->lock);
    const bool good = !purges_mean(s->purged, a->purges, &facts);
    if (good) {
        atomic_fetch_add_explicit(&s->room.used, e->bytes, memory_order_relaxed);
        add(s, h, e);
    }
    pthread_mutex_unlock(&h->lock);
    if (!good) entry_free(e);
    (void)cache_store_trim(s);
    foresee(s);
}

static bool will_do(const cached_answer *a, const cache_want *want, int64_t now_ms) {
    return (want->max_age_ms < 0 || now_ms - a->stored_ms <= want->max_age_ms) &&
           !(want->stream && a->stream && want->usage && !a->usage_asked);
}

/* In this form; NULL: none that will do. */
static entry *look(cache_store *s, shard *h, const cache_want *want, bool stream, uint64_t hash,
                   int64_t now_ms) {
    entry *e = find_entry(h, &want->key, stream, hash);
    if (e && e->a.expires_ms <= now_ms) {
        h->expired++;
        drop(s, h, e);
        return NULL;
    }
    return e && will_do(&e->a, want, now_ms) ? e : NULL;
}

uint64_t cache_store_seen(cache_store *s, const cache_key *key) {
    const shard *h = &s->shards[hash_of(key) % SHARDS];
    return atomic_load_explicit(&h->seen, memory_order_acquire);
}

bool cache_store_find(cache_store *s, const cache_want *want, int64_t now_ms, arena *a,
                      cached_answer *ret, uint64_t *ret_seen) {
    const uint64_t hash = hash_of(&want->key);
    shard *h = &s->shards[hash % SHARDS];
    pthread_mutex_lock(&h->lock);
    entry *e = look(s, h, want, want->stream, hash, now_ms);
    if (!e && want->either) e = look(s, h, want, !want->stream, hash, now_ms);
    if (e) {
        if (e->asked < ASKED_MAX) e->asked++;
        *ret = e->a;
        ret->said = recording_ref(e->a.said);
        ret->similar = NULL;
        ret->model = arena_dup(a, e->a.model);
        ret->client = arena_dup(a, e->a.client);
        ret->target = arena_dup(a, e->a.target);
    }
    *ret_seen = atomic_load_explicit(&h->seen, memory_order_relaxed);
    pthread_mutex_unlock(&h->lock);
    return e != NULL;
}

static size_t purge_queue(cache_store *s, shard *h, list *queue, const cache_purge *which,
                          int64_t now_ms) {
    size_t count = 0;
    LIST_FOREACH(queue, node) {
        entry *e = LIST_ENTRY(node, entry, queue);
        const purge_facts facts = facts_of(&e->a);
        if (!cache_purge_means(which, &facts, now_ms)) continue;
        drop(s, h, e);
        count++;
    }
    return count;
}

uint64_t cache_store_purges(cache_store *s) {
    return purges_count(s->purged);
}

size_t cache_store_purge(cache_store *s, const cache_purge *which, int64_t now_ms) {
    size_t count = 0;
    purges_note(s->purged, which, now_ms);
    for (size_t i = 0; i < SHARDS; i++) {
        shard *h = &s->shards[i];
        pthread_mutex_lock(&h->lock);
        count += purge_queue(s, h, &h->brief, which, now_ms);
        count += purge_queue(s, h, &h->lasting, which, now_ms);
        pthread_mutex_unlock(&h->lock);
    }
    return count;
}

cache_store_figures cache_store_get_figures(cache_store *s) {
    cache_store_figures f = {.bytes = atomic_load_explicit(&s->room.used, memory_order_relaxed),
                             .most = atomic_load_explicit(&s->room.most, memory_order_relaxed)};
    for (size_t i = 0; i < SHARDS; i++) {
        shard *h = &s->shards[i];
        pthread_mutex_lock(&h->lock);
        f.entries += h->count;
        f.stored += h->stored;
        f.evicted += h->evicted;
        f.expired += h->expired;
        pthread_mutex_unlock(&h->lock);
    }
    return f;
}
