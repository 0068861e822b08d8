/* Finding, keeping and forgetting what is known of targets. */
#include "call/target_internal.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

enum { BUCKETS = 1024 };

/* States that nobody holds; who was given back last is last. */
typedef struct idle_line {
    list states;
    size_t count, most;
} idle_line;

struct target_table {
    pthread_mutex_t lock; /* of all below; held for a few instructions */
    target_state *buckets[BUCKETS];
    idle_line answered, unanswered;
    key_table *keys;
    health_table *health;
    secret_table *secrets;
    affinity *affinity;
    shortages *shortages;
};

/* ---- one state ---- */

static target_state *state_new(target_table *t, span name, uint64_t hash, bool strangers) {
    target_state *s = mem_zalloc(sizeof *s);
    s->table = t;
    s->hash = hash;
    s->name = mem_strndup(name.ptr, name.len);
    s->name_len = name.len;
    s->strangers = strangers;
    (void)pthread_mutex_init(&s->lock, NULL);
    breaker_init(&s->breaker, 0);
    return s;
}

static void state_free(target_state *s) {
    (void)pthread_mutex_destroy(&s->lock);
    breaker_done(&s->breaker);
    budget_done(&s->budget);
    limits_done(&s->limits);
    free(s->name);
    free(s);
}

span target_name(const target_state *s) {
    return span_from(s->name, s->name_len);
}

/* ---- the table ---- */

target_table *target_table_new(void) {
    target_table *t = mem_zalloc(sizeof *t);
    (void)pthread_mutex_init(&t->lock, NULL);
    t->answered.most = TARGETS_MAX;
    t->unanswered.most = TARGETS_UNANSWERED_MAX;
    list_init(&t->answered.states);
    list_init(&t->unanswered.states);
    t->keys = key_table_new();
    t->health = health_table_new();
    t->secrets = secret_table_new();
    t->affinity = affinity_new();
    t->shortages = shortages_new();
    return t;
}

void target_table_free(target_table *t) {
    if (!t) return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (target_state *next, *s = t->buckets[i]; s; s = next) {
            next = s->next;
            state_free(s);
        }
    }
    key_table_free(t->keys);
    health_table_free(t->health);
    secret_table_free(t->secrets);
    affinity_free(t->affinity);
    shortages_free(t->shortages);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

key_table *target_table_keys(target_table *t) {
    return t->keys;
}

health_table *target_table_health(target_table *t) {
    return t->health;
}

secret_table *target_table_secrets(target_table *t) {
    return t->secrets;
}

affinity *target_affinity(target_table *t) {
    return t->affinity;
}

shortages *target_table_shortages(target_table *t) {
    return t->shortages;
}

/* ---- under its lock ---- */

static void lock(target_table *t) {
    (void)pthread_mutex_lock(&t->lock);
}

static void unlock(target_table *t) {
    (void)pthread_mutex_unlock(&t->lock);
}

static target_state *find(const target_table *t, span name, uint64_t hash, bool strangers) {
    for (target_state *s = t->buckets[hash % BUCKETS]; s; s = s->next)
        if (s->hash == hash && s->strangers == strangers && span_eq(target_name(s), name)) return s;
    return NULL;
}

static void hold(target_state *s) {
    if (s->refs++) return;
    list_remove(&s->idle);
    s->in_line->count--;
}

static target_state *add(target_table *t, span name, uint64_t hash, bool strangers) {
    target_state *s = state_new(t, name, hash, strangers);
    target_state **bucket = &t->buckets[hash % BUCKETS];
    s->refs = 1;
    s->next = *bucket;
    *bucket = s;
    return s;
}

/* Returns what has to go for it; NULL: nothing. */
static target_state *let_go(target_table *t, target_state *s) {
    idle_line *line = target_has_answered(s) ? &t->answered : &t->unanswered;
    s->in_line = line;
    list_push_back(&line->states, &s->idle);
    if (line->count++ < line->most) return NULL;
    line->count--;
    target_state *oldest = LIST_ENTRY(list_pop_front(&line->states), target_state, idle);
    target_state **link = &t->buckets[oldest->hash % BUCKETS];
    while (*link != oldest)
        link = &(*link)->next;
    *link = oldest->next;
    return oldest;
}

/* ---- the door ---- */

static target_state *get(target_table *t, span name, bool strangers) {
    uint64_t hash = hash_span(name);
    lock(t);
    target_state *s = find(t, name, hash, strangers);
    if (s)
        hold(s);
    else
        s = add(t, name, hash, strangers);
    unlock(t);
    return s;
}

target_state *target_get(target_table *t, span name) {
    return get(t, name, false);
}

target_state *target_get_strangers(target_table *t, span provider) {
    return get(t, provider, true);
}

void target_unref(target_state *s) {
    if (!s) return;
    target_table *t = s->table;
    lock(t);
    target_state *gone = --s->refs ? NULL : let_go(t, s);
    unlock(t);
    if (gone) state_free(gone);
}

void target_each(target_table *t, void (*fn)(void *user, target_state *s), void *user) {
    for (size_t i = 0; i < BUCKETS; i++) { /* calls do not wait for all of them */
        lock(t);
        for (target_state *s = t->buckets[i]; s; s = s->next)
            if (!s->strangers) fn(user, s);
        unlock(t);
    }
}
