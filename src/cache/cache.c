#include "cache/cache.h"

#include "base/mem.h"

#include <stdlib.h>

span cache_verdict_word(cache_verdict v) {
    static const span words[CACHE_VERDICTS] = {
        [CACHE_HIT] = SPAN("hit"),
        [CACHE_MISS] = SPAN("miss"),
        [CACHE_COALESCED] = SPAN("coalesced"),
        [CACHE_BYPASS] = SPAN("bypass"),
    };
    return words[v];
}

cache *cache_new(size_t most) {
    cache *c = mem_zalloc(sizeof *c);
    c->store = cache_store_new(most);
    c->flights = flights_new();
    return c;
}

void cache_free(cache *c) {
    if (!c) return;
    flights_free(c->flights);
    cache_store_free(c->store);
    free(c);
}

static void put(json_writer *w, const char *name, uint64_t value) {
    json_key(w, name);
    json_put_u64(w, value);
}

static uint64_t calls_of(const cache *c, cache_verdict v) {
    return atomic_load_explicit(&c->calls[v], memory_order_relaxed);
}

void cache_write_figures(cache *c, span store, buf *out) {
    const cache_store_figures f = cache_store_get_figures(c->store);
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    put(&w, "entries", f.entries);
    put(&w, "bytes", f.bytes);
    put(&w, "limit_bytes", f.most);
    put(&w, "in_flight", flights_open(c->flights));
    put(&w, "hits", calls_of(c, CACHE_HIT));
    put(&w, "misses", calls_of(c, CACHE_MISS));
    put(&w, "coalesced", calls_of(c, CACHE_COALESCED));
    put(&w, "bypassed", calls_of(c, CACHE_BYPASS));
    put(&w, "stored", f.stored);
    put(&w, "compared", similar_index_count(cache_store_similar(c->store)));
    put(&w, "evicted", f.evicted);
    put(&w, "expired", f.expired);
    if (store.len) {
        json_key(&w, "store");
        json_put_raw(&w, store);
    }
    json_close_object(&w);
}
