#include "call/limits.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

void limits_done(limits *l) {
    free(l->items);
}

static void keep_last(limits *l) {
    int64_t last_ms = 0;
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].until_ms > last_ms) last_ms = l->items[i].until_ms;
    atomic_store_explicit(&l->last_ms, last_ms, memory_order_relaxed);
}

/* What is over goes, and what is known of this key. */
static void sweep(limits *l, uint64_t key, int64_t now_ms) {
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].key != key && l->items[i].until_ms > now_ms) l->items[kept++] = l->items[i];
    l->count = kept;
}

static bool is_told(const limits *l, uint64_t key, int64_t now_ms) {
    int64_t unused;
    return limits_look(l, key, now_ms, &unused) == KEY_RESTING;
}

void limits_add(limits *l, uint64_t key, int64_t after_ms, int64_t now_ms) {
    if (after_ms < 0 && is_told(l, key, now_ms)) return;
    int64_t rest_ms = after_ms < 0 ? LIMIT_UNTOLD_MS : after_ms;
    if (rest_ms > LIMIT_MOST_MS) rest_ms = LIMIT_MOST_MS;
    sweep(l, key, now_ms);
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 2;
        l->items = mem_realloc(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->count++] = (limit){key, now_ms + rest_ms, after_ms >= 0};
    keep_last(l);
}

key_readiness limits_look(const limits *l, uint64_t key, int64_t now_ms, int64_t *ret_wait_ms) {
    *ret_wait_ms = 0;
    for (size_t i = 0; i < l->count; i++) {
        const limit *it = &l->items[i];
        if (it->key != key || it->until_ms <= now_ms) continue;
        if (!it->told) return KEY_LAST;
        *ret_wait_ms = it->until_ms - now_ms;
        return KEY_RESTING;
    }
    return KEY_FREE;
}

bool limits_any(const limits *l, int64_t now_ms) {
    return now_ms < atomic_load_explicit(&l->last_ms, memory_order_relaxed);
}
