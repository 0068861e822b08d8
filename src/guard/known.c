#include "guard/known.h"

#include "base/mem.h"

#include <stdlib.h>

struct guard_known {
    text_secret *secret;
    known_text places[KNOWN_PLACES];
};

guard_known *guard_known_new(void) {
    guard_known *k = mem_zalloc(sizeof *k);
    k->secret = text_secret_new();
    return k;
}

void guard_known_free(guard_known *k) {
    if (!k) return;
    text_secret_free(k->secret);
    free(k);
}

known_text guard_known_text(const guard_known *k, uint64_t owner, span text) {
    return (known_text){owner, text_hash_of(k->secret, text)};
}

static size_t place_of(known_text t) {
    return text_hash_place(t.hash, t.owner, KNOWN_PLACES);
}

bool guard_known_has(const guard_known *k, known_text t) {
    const known_text *there = &k->places[place_of(t)];
    return there->owner == t.owner && text_hash_eq(there->hash, t.hash);
}

void guard_known_add(guard_known *k, known_text t) {
    k->places[place_of(t)] = t;
}
