#include "guard/known.h"

#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>

typedef unsigned __int128 sum128;

enum { BLOCK = 1024, WORDS = BLOCK / 8, PAIR = 16, BLOCKS = KNOWN_MOST / BLOCK };

struct guard_known {
    uint64_t secret[WORDS];     /* of a block */
    uint64_t above[2 * BLOCKS]; /* of the hashes of blocks */
    known_text places[KNOWN_PLACES];
};

guard_known *guard_known_new(void) {
    guard_known *k = mem_zalloc(sizeof *k);
    random_bytes(k->secret, sizeof k->secret);
    random_bytes(k->above, sizeof k->above);
    return k;
}

void guard_known_free(guard_known *k) {
    if (!k) return;
    mem_wipe(k, offsetof(struct guard_known, places));
    free(k);
}

static inline sum128 product(uint64_t a, uint64_t b, const uint64_t secret[2]) {
    return (sum128)(a + secret[0]) * (b + secret[1]);
}

static inline sum128 pair_at(const char *p, const uint64_t secret[2]) {
    uint64_t words[2];
    memcpy(words, p, sizeof words);
    return product(words[0], words[1], secret);
}

/* Up to BLOCK bytes, of which the last pair of words is filled up with zeros. */
static sum128 hash_block(const guard_known *k, span block) {
    sum128 sum = 0;
    size_t at = 0;
    for (; block.len - at >= PAIR; at += PAIR)
        sum += pair_at(block.ptr + at, k->secret + at / 8);
    if (at == block.len) return sum;
    char last[PAIR] = {0};
    memcpy(last, block.ptr + at, block.len - at);
    return sum + pair_at(last, k->secret + at / 8);
}

/* The length tells texts apart that zeros would make the same. */
known_text guard_known_text(const guard_known *k, uint64_t owner, span text) {
    sum128 sum = text.len;
    for (size_t i = 0; i * BLOCK < text.len; i++) {
        const sum128 block = hash_block(k, span_slice(text, i * BLOCK, (i + 1) * BLOCK));
        sum += product((uint64_t)(block >> 64), (uint64_t)block, k->above + 2 * i);
    }
    return (known_text){owner, (uint64_t)(sum >> 64), (uint64_t)sum};
}

static size_t place_of(known_text t) {
    return (size_t)((t.owner ^ t.high ^ t.low) * UINT64_C(0x9E3779B97F4A7C15) >> 32) % KNOWN_PLACES;
}

bool guard_known_has(const guard_known *k, known_text t) {
    const known_text *there = &k->places[place_of(t)];
    return there->owner == t.owner && there->high == t.high && there->low == t.low;
}

void guard_known_add(guard_known *k, known_text t) {
    k->places[place_of(t)] = t;
}
