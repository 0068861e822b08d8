#include "alert/pauses.h"

#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct paused {
    buf client, why;
    int64_t since_us;
} paused;

struct pauses {
    atomic_uint count;
    pthread_mutex_t lock;
    paused items[PAUSES_MAX];
};

pauses *pauses_new(void) {
    pauses *p = mem_zalloc(sizeof *p);
    (void)pthread_mutex_init(&p->lock, NULL);
    return p;
}

static void lock(pauses *p) {
    (void)pthread_mutex_lock(&p->lock);
}

static void unlock(pauses *p) {
    (void)pthread_mutex_unlock(&p->lock);
}

static void forget(paused *item) {
    buf_done(&item->client);
    buf_done(&item->why);
}

void pauses_free(pauses *p) {
    if (!p) return;
    for (unsigned i = 0; i < p->count; i++)
        forget(&p->items[i]);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

/* The lock is held; as many as there are: none of that name. */
static unsigned find(const pauses *p, span client) {
    unsigned i = 0;
    while (i < p->count && !span_eq(buf_span(&p->items[i].client), client))
        i++;
    return i;
}

pause_word pauses_add(pauses *p, span client, span why, int64_t wall_us) {
    lock(p);
    const pause_word word = find(p, client) < p->count ? PAUSE_STANDS
                            : p->count < PAUSES_MAX    ? PAUSE_BEGUN
                                                       : PAUSE_FULL;
    if (word == PAUSE_BEGUN) {
        paused *item = &p->items[p->count];
        *item = (paused){.since_us = wall_us};
        buf_add(&item->client, client);
        buf_add(&item->why, why);
        p->count++;
    }
    unlock(p);
    return word;
}

bool pauses_end(pauses *p, span client) {
    lock(p);
    const unsigned i = find(p, client);
    const bool found = i < p->count;
    if (found) {
        forget(&p->items[i]);
        p->items[i] = p->items[--p->count];
    }
    unlock(p);
    return found;
}

bool pauses_has(pauses *p, span client) {
    if (!atomic_load_explicit(&p->count, memory_order_relaxed)) return false;
    lock(p);
    const bool found = find(p, client) < p->count;
    unlock(p);
    return found;
}

void pauses_write(pauses *p, buf *out) {
    json_writer w = json_writer_of(out);
    lock(p);
    json_open_array(&w);
    for (unsigned i = 0; i < p->count; i++) {
        char at[CLOCK_RFC3339_LEN + 1];
        clock_rfc3339(p->items[i].since_us, at);
        json_open_object(&w);
        json_key(&w, "client");
        json_put_string(&w, buf_span(&p->items[i].client));
        json_key(&w, "since");
        json_put_string(&w, span_cstr(at));
        json_key(&w, "reason");
        json_put_string(&w, buf_span(&p->items[i].why));
        json_close_object(&w);
    }
    json_close_array(&w);
    unlock(p);
}
