#include "access/key_hashes.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 512 };

/* All zero: it is free; no text is known that has that hash. */
typedef struct place {
    unsigned char plain[SHA256_LEN], keyed[SHA256_LEN];
} place;

struct key_hashes {
    place places[PLACES];
};

key_hashes *key_hashes_new(void) {
    return mem_zalloc(sizeof(key_hashes));
}

void key_hashes_free(key_hashes *t) {
    free(t);
}

static size_t index_of(const unsigned char *plain) {
    return (plain[0] | (size_t)plain[1] << 8) % PLACES;
}

const unsigned char *key_hashes_find(const key_hashes *t, const unsigned char plain[SHA256_LEN]) {
    const place *p = &t->places[index_of(plain)];
    const bool same = span_eq_secret(span_from((const char *)p->plain, SHA256_LEN),
                                     span_from((const char *)plain, SHA256_LEN));
    return same ? p->keyed : NULL;
}

void key_hashes_put(key_hashes *t, const unsigned char plain[SHA256_LEN],
                    const unsigned char keyed[SHA256_LEN]) {
    place *p = &t->places[index_of(plain)];
    memcpy(p->plain, plain, SHA256_LEN);
    memcpy(p->keyed, keyed, SHA256_LEN);
}
