#include "base/text_hash.h"

#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>

typedef unsigned __int128 sum128;

enum { BLOCK = 1024, WORDS = BLOCK / 8, PAIR = 16, BLOCKS = TEXT_HASH_MOST / BLOCK };

struct text_secret {
    uint64_t block[WORDS];
    uint64_t above[2 * BLOCKS]; /* of the hashes of blocks */
};

text_secret *text_secret_new(void) {
    text_secret *s = mem_alloc(sizeof *s);
    random_bytes(s, sizeof *s);
    return s;
}

void text_secret_free(text_secret *s) {
    if (!s) return;
    mem_wipe(s, sizeof *s);
    free(s);
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
static sum128 hash_block(const text_secret *s, span block) {
    sum128 sum = 0;
    size_t at = 0;
    for (; block.len - at >= PAIR; at += PAIR)
        sum += pair_at(block.ptr + at, s->block + at / 8);
    if (at == block.len) return sum;
    char last[PAIR] = {0};
    memcpy(last, block.ptr + at, block.len - at);
    return sum + pair_at(last, s->block + at / 8);
}

/* The length tells texts apart that zeros would make the same. */
text_hash text_hash_of(const text_secret *s, span text) {
    sum128 sum = text.len;
    for (size_t i = 0; i * BLOCK < text.len; i++) {
        const sum128 block = hash_block(s, span_slice(text, i * BLOCK, (i + 1) * BLOCK));
        sum += product((uint64_t)(block >> 64), (uint64_t)block, s->above + 2 * i);
    }
    return (text_hash){(uint64_t)(sum >> 64), (uint64_t)sum};
}
