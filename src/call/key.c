#include "call/key.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"

#include <pthread.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { REST_FIRST_MS = 1000, REST_MOST_MS = 60 * 1000, FORBIDDEN_FREE = 2 };

struct key_state {
    list link; /* in its table; under the table's lock, like refs */
    key_table *table;
    uint64_t id;
    unsigned refs;
    _Atomic unsigned in_row;  /* refusals since it was last taken */
    _Atomic int64_t until_ms; /* when its rest is over; 0: it has none */
    _Atomic int64_t used_ms;  /* 0: never */
    int64_t since_us;         /* does not change */
    pthread_mutex_t lock;     /* of changes of those and of what follows */
    bool told;                /* since it was last taken: that it is refused */
    int64_t told_ms;
    uint64_t client; /* of the first refusal in the row */
    bool by_several; /* the row is that of several clients, or no 403s */
    key_refusal last;
};

/* A few per provider: a list will do. */
struct key_table {
    pthread_mutex_t lock;
    list states;
};

int64_t key_rest_ms(int status, unsigned in_row) {
    unsigned free = status == 403 ? FORBIDDEN_FREE : 0;
    if (in_row <= free) return 0;
    int64_t rest_ms = REST_FIRST_MS;
    for (unsigned i = free + 1; i < in_row && rest_ms < REST_MOST_MS; i++)
        rest_ms *= 2;
    return rest_ms < REST_MOST_MS ? rest_ms : REST_MOST_MS;
}

/* ---- the table ---- */

key_table *key_table_new(void) {
    key_table *t = mem_zalloc(sizeof *t);
    (void)pthread_mutex_init(&t->lock, NULL);
    list_init(&t->states);
    return t;
}

void key_table_free(key_table *t) {
    if (!t) return;
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

/* Seeded for this process alone, so that it tells nothing about the key. The same key of two
 * providers is two keys. */
static uint64_t id_of(span provider, const secret *key) {
    uint64_t of[2] = {hash_span(provider), key ? hash_span(secret_reveal(key)) : 0};
    return hash_span(span_from((const char *)of, sizeof of));
}

static key_state *find(key_table *t, uint64_t id) {
    for (list *node = t->states.next; node != &t->states; node = node->next) {
        key_state *k = LIST_ENTRY(node, key_state, link);
        if (k->id == id) return k;
    }
    return NULL;
}

static key_state *add(key_table *t, uint64_t id) {
    key_state *k = mem_zalloc(sizeof *k);
    k->table = t;
    k->id = id;
    k->since_us = clock_wall_us();
    (void)pthread_mutex_init(&k->lock, NULL);
    list_push_back(&t->states, &k->link);
    return k;
}

key_state *key_get(key_table *t, span provider, const secret *key) {
    uint64_t id = id_of(provider, key);
    (void)pthread_mutex_lock(&t->lock);
    key_state *k = find(t, id);
    if (!k) k = add(t, id);
    k->refs++;
    (void)pthread_mutex_unlock(&t->lock);
    return k;
}

void key_unref(key_state *k) {
    if (!k) return;
    key_table *t = k->table;
    (void)pthread_mutex_lock(&t->lock);
    bool last = --k->refs == 0;
    if (last) list_remove(&k->link);
    (void)pthread_mutex_unlock(&t->lock);
    if (!last) return;
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

uint64_t key_id(const key_state *k) {
    return k->id;
}

/* ---- one key ---- */

static unsigned in_row(const key_state *k) {
    return atomic_load_explicit(&k->in_row, memory_order_relaxed);
}

static void count(key_state *k, unsigned refusals) {
    atomic_store_explicit(&k->in_row, refusals, memory_order_relaxed);
}

static int64_t rests_until(const key_state *k) {
    return atomic_load_explicit(&k->until_ms, memory_order_relaxed);
}

static void rest(key_state *k, int64_t until_ms) {
    atomic_store_explicit(&k->until_ms, until_ms, memory_order_relaxed);
}

key_readiness key_look(const key_state *k, int64_t now_ms) {
    return now_ms >= rests_until(k) ? KEY_FREE : KEY_LAST;
}

/* In many calls a millisecond one of them writes. */
static void note_use(key_state *k, int64_t now_ms) {
    if (atomic_load_explicit(&k->used_ms, memory_order_relaxed) != now_ms)
        atomic_store_explicit(&k->used_ms, now_ms, memory_order_relaxed);
}

key_times key_get_times(const key_state *k) {
    return (key_times){k->since_us, atomic_load_explicit(&k->used_ms, memory_order_relaxed)};
}

void key_take(key_state *k, int64_t now_ms) {
    note_use(k, now_ms);
    if (!rests_until(k)) return;
    (void)pthread_mutex_lock(&k->lock);
    int64_t until_ms = rests_until(k);
    if (until_ms && now_ms >= until_ms) rest(k, now_ms + key_rest_ms(k->last.status, in_row(k)));
    (void)pthread_mutex_unlock(&k->lock);
}

static void note(key_refusal *r, int status, span code) {
    *r = (key_refusal){.status = status};
    for (size_t i = 0; i < code.len && r->code_len < KEY_CODE_MAX; i++)
        r->code[r->code_len++] = code.ptr[i] > ' ' && code.ptr[i] < 0x7f ? code.ptr[i] : '?';
}

/* One more in the row. However many 403s one client alone brings, the key may be used. */
static void count_refusal(key_state *k, int status, uint64_t client) {
    if (!in_row(k)) {
        k->client = client;
        k->by_several = false;
    }
    k->by_several |= !client || client != k->client || status != 403;
    unsigned most = k->by_several ? UINT_MAX : FORBIDDEN_FREE;
    if (in_row(k) < most) count(k, in_row(k) + 1);
}

bool key_refused(key_state *k, int status, span code, uint64_t client, int64_t now_ms) {
    (void)pthread_mutex_lock(&k->lock);
    note(&k->last, status, code);
    count_refusal(k, status, client);
    int64_t rest_ms = key_rest_ms(status, in_row(k));
    if (rest_ms) rest(k, now_ms + rest_ms);
    bool tell = !k->told_ms || now_ms - k->told_ms >= KEY_TOLD_MS;
    if (tell) k->told_ms = now_ms;
    k->told |= tell;
    (void)pthread_mutex_unlock(&k->lock);
    return tell;
}

bool key_accepted(key_state *k) {
    if (!in_row(k)) return false;
    (void)pthread_mutex_lock(&k->lock);
    bool news = k->told;
    count(k, 0);
    k->told = false;
    rest(k, 0);
    (void)pthread_mutex_unlock(&k->lock);
    return news;
}

bool key_get_refusal(key_state *k, key_refusal *ret) {
    (void)pthread_mutex_lock(&k->lock);
    bool refused = rests_until(k) != 0;
    if (refused) *ret = k->last;
    (void)pthread_mutex_unlock(&k->lock);
    return refused;
}
