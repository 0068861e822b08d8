#include "call/shortages.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { PLACES = 64 };

struct shortages {
    _Atomic int64_t told_ms[SHORTAGE_COUNT][PLACES]; /* 0: never */
};

shortages *shortages_new(void) {
    return mem_zalloc(sizeof(shortages));
}

void shortages_free(shortages *s) {
    free(s);
}

/* Of several workers that meet it at once, one finds what it has read unchanged. */
bool shortages_due(shortages *s, shortage what, span provider, int64_t now_ms) {
    size_t place = shortage_get(what)->everywhere ? 0 : hash_span(provider) % PLACES;
    _Atomic int64_t *at = &s->told_ms[what][place];
    int64_t told_ms = atomic_load_explicit(at, memory_order_relaxed);
    if (told_ms && now_ms < told_ms + SHORTAGE_LINE_MS) return false;
    return atomic_compare_exchange_strong(at, &told_ms, now_ms);
}
