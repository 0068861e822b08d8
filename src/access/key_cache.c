#include "access/key_cache.h"

#include "base/list.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

typedef struct node {
    struct node *next; /* of its slot */
    list link;         /* in the order of the second chance */
    unsigned char hash[SHA256_LEN];
    bool used;
    key_entry entry;
} node;

/* Those of one kind, with a bound of their own: strangers, of which anybody can make more, drive
 * out nobody who is known. */
typedef struct kind {
    list order; /* the next to go first */
    size_t count, most;
} kind;

struct key_cache {
    pthread_mutex_t lock;
    node **slots;
    size_t slot_count; /* a power of two */
    kind known, strangers;
    uint64_t season;
};

key_cache *key_cache_new(size_t known, size_t strangers) {
    key_cache *t = mem_zalloc(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->slot_count = FIRST_SLOTS;
    t->slots = mem_zalloc_array(t->slot_count, sizeof *t->slots);
    t->known.most = known;
    t->strangers.most = strangers;
    list_init(&t->known.order);
    list_init(&t->strangers.order);
    return t;
}

static kind *kind_of(key_cache *t, const key_entry *e) {
    return e->standing == KEY_UNKNOWN ? &t->strangers : &t->known;
}

static node **slot_of(key_cache *t, const unsigned char *hash) {
    uint64_t at;
    memcpy(&at, hash, sizeof at);
    return &t->slots[at & (t->slot_count - 1)];
}

/* Where the pointer to it stands; where it would, if it is not there. Every byte is looked at. */
static node **place_of(key_cache *t, const unsigned char *hash) {
    const span wanted = span_from((const char *)hash, SHA256_LEN);
    node **at = slot_of(t, hash);
    while (*at && !span_eq_secret(wanted, span_from((const char *)(*at)->hash, SHA256_LEN)))
        at = &(*at)->next;
    return at;
}

static void take_out(key_cache *t, node **at) {
    node *n = *at;
    *at = n->next;
    list_remove(&n->link);
    kind_of(t, &n->entry)->count--;
    access_key_unref(n->entry.key);
    free(n);
}

static void grow(key_cache *t) {
    node **old = t->slots;
    const size_t count = t->slot_count;
    t->slot_count *= 2;
    t->slots = mem_zalloc_array(t->slot_count, sizeof *t->slots);
    for (size_t i = 0; i < count; i++)
        for (node *n = old[i], *next; n; n = next) {
            node **at = slot_of(t, n->hash);
            next = n->next;
            n->next = *at;
            *at = n;
        }
    free(old);
}

static void make_room(key_cache *t, kind *k) {
    while (k->count >= k->most) {
        node *n = LIST_ENTRY(list_pop_front(&k->order), node, link);
        if (n->used) {
            n->used = false;
            list_push_back(&k->order, &n->link);
        } else {
            take_out(t, place_of(t, n->hash));
        }
    }
}

static void put_in(key_cache *t, const unsigned char *hash, key_entry entry) {
    kind *k = kind_of(t, &entry);
    make_room(t, k);
    if (t->known.count + t->strangers.count >= t->slot_count) grow(t);
    node *n = mem_zalloc(sizeof *n), **at = slot_of(t, hash);
    memcpy(n->hash, hash, SHA256_LEN);
    n->entry = entry;
    n->next = *at;
    *at = n;
    list_push_back(&k->order, &n->link);
    k->count++;
}

bool key_cache_find(key_cache *t, const unsigned char hash[SHA256_LEN], key_entry *ret) {
    pthread_mutex_lock(&t->lock);
    node *n = *place_of(t, hash);
    if (n) {
        n->used = true;
        *ret = n->entry;
        access_key_ref(ret->key);
    }
    pthread_mutex_unlock(&t->lock);
    return n != NULL;
}

uint64_t key_cache_season(key_cache *t) {
    pthread_mutex_lock(&t->lock);
    const uint64_t season = t->season;
    pthread_mutex_unlock(&t->lock);
    return season;
}

void key_cache_put(key_cache *t, const unsigned char hash[SHA256_LEN], key_entry entry,
                   uint64_t season) {
    pthread_mutex_lock(&t->lock);
    const bool late = season != t->season;
    node **at = late ? NULL : place_of(t, hash);
    if (at && *at) take_out(t, at);
    if (!late) put_in(t, hash, entry);
    pthread_mutex_unlock(&t->lock);
    if (late) access_key_unref(entry.key);
}

void key_cache_drop(key_cache *t, const unsigned char hash[SHA256_LEN]) {
    pthread_mutex_lock(&t->lock);
    t->season++;
    node **at = place_of(t, hash);
    if (*at) take_out(t, at);
    pthread_mutex_unlock(&t->lock);
}

static void clear(key_cache *t) {
    for (size_t i = 0; i < t->slot_count; i++)
        while (t->slots[i])
            take_out(t, &t->slots[i]);
}

void key_cache_clear(key_cache *t) {
    pthread_mutex_lock(&t->lock);
    t->season++;
    clear(t);
    pthread_mutex_unlock(&t->lock);
}

size_t key_cache_count(key_cache *t) {
    pthread_mutex_lock(&t->lock);
    size_t count = t->known.count + t->strangers.count;
    pthread_mutex_unlock(&t->lock);
    return count;
}

void key_cache_free(key_cache *t) {
    if (!t) return;
    clear(t);
    free(t->slots);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
