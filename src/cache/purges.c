#include "cache/purges.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct noted {
    char *model, *client;
    int64_t older_ms, at_ms;
} noted;

struct purges {
    atomic_ullong count;
    pthread_mutex_t lock; /* of what follows */
    noted last[PURGES_KEPT];
};

bool cache_purge_means(const cache_purge *which, const purge_facts *of, int64_t now_ms) {
    span model = which->model;
    const bool open = span_ends(model, SPAN_OF("*"));
    if (open) model.len--;
    if (which->model.len && !(open ? span_starts(of->model, model) : span_eq(of->model, model)))
        return false;
    if (which->client.len && !span_eq(of->client, which->client)) return false;
    return !which->older_ms || now_ms - of->asked_ms > which->older_ms;
}

purges *purges_new(void) {
    purges *p = mem_zalloc(sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

static void forget(noted *n) {
    free(n->model);
    free(n->client);
}

void purges_free(purges *p) {
    if (!p) return;
    for (size_t i = 0; i < PURGES_KEPT; i++)
        forget(&p->last[i]);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

uint64_t purges_count(const purges *p) {
    return atomic_load_explicit(&p->count, memory_order_acquire);
}

void purges_note(purges *p, const cache_purge *which, int64_t now_ms) {
    pthread_mutex_lock(&p->lock);
    const uint64_t count = purges_count(p);
    noted *n = &p->last[count % PURGES_KEPT];
    forget(n);
    *n = (noted){.model = mem_strndup(which->model.ptr, which->model.len),
                 .client = mem_strndup(which->client.ptr, which->client.len),
                 .older_ms = which->older_ms,
                 .at_ms = now_ms};
    atomic_store_explicit(&p->count, count + 1, memory_order_release);
    pthread_mutex_unlock(&p->lock);
}

static bool is_meant(const noted *n, const purge_facts *of) {
    const cache_purge which = {span_cstr(n->model), span_cstr(n->client), n->older_ms};
    return cache_purge_means(&which, of, n->at_ms);
}

bool purges_mean(purges *p, uint64_t count, const purge_facts *of) {
    if (purges_count(p) == count) return false;
    pthread_mutex_lock(&p->lock);
    const uint64_t now = purges_count(p);
    bool meant = now - count > PURGES_KEPT;
    for (uint64_t i = count; i < now && !meant; i++)
        meant = is_meant(&p->last[i % PURGES_KEPT], of);
    pthread_mutex_unlock(&p->lock);
    return meant;
}
