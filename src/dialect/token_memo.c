#include "dialect/token_memo.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

typedef struct counted {
    uint64_t owner; /* and its family */
    text_hash hash;
    uint64_t hundredths;
} counted;

struct token_memo {
    text_secret *secret;
    counted places[MEMO_PLACES];
};

token_memo *token_memo_new(void) {
    token_memo *m = mem_zalloc(sizeof *m);
    m->secret = text_secret_new();
    return m;
}

void token_memo_free(token_memo *m) {
    if (!m) return;
    text_secret_free(m->secret);
    free(m);
}

/* The text with what is to be known of it: all but its count. */
static counted look_at(const token_memo *m, uint64_t owner, token_family family, json_value text) {
    const uint64_t whose[] = {owner, (uint64_t)family};
    return (counted){.owner = hash_span(span_from((const char *)whose, sizeof whose)),
                     .hash = text_hash_of(m->secret, text.raw)};
}

static size_t place_of(const counted *c) {
    return text_hash_place(c->hash, c->owner, MEMO_PLACES);
}

static bool is_same(const counted *a, const counted *b) {
    return a->owner == b->owner && text_hash_eq(a->hash, b->hash);
}

uint64_t token_memo_count(token_memo *m, uint64_t owner, token_family family, json_value text) {
    counted c = look_at(m, owner, family, text);
    counted *there = &m->places[place_of(&c)];
    if (is_same(there, &c)) return there->hundredths;
    token_count count = tokens_begin(family);
    tokens_add_value(&count, text);
    c.hundredths = count.hundredths;
    *there = c;
    return c.hundredths;
}

bool token_memo_knows(const token_memo *m, uint64_t owner, token_family family, json_value text,
                      uint64_t *ret_hundredths) {
    const counted c = look_at(m, owner, family, text);
    const counted *there = &m->places[place_of(&c)];
    if (!is_same(there, &c)) return false;
    *ret_hundredths = there->hundredths;
    return true;
}
