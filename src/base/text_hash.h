/* base/text_hash.h: a hash of texts under a secret, for tables in which nobody may make two texts
 * share a place, however he chooses them.
 *
 * Two texts have the same hash under one secret of 2^63, as long as nobody is told a hash: NH over
 * NH, each of Black, Halevi, Krawczyk, Krovetz and Rogaway ("UMAC: Fast and Secure Message
 * Authentication", CRYPTO '99), with words of 64 bits. Any thread; a secret is not changed.
 */
#ifndef WEIR_BASE_TEXT_HASH_H
#define WEIR_BASE_TEXT_HASH_H

#include "base/span.h"

enum { TEXT_HASH_MOST = 256 * 1024 }; /* bytes of a text */

/* 5 KiB. */
typedef struct text_secret text_secret;
MUST_USE text_secret *text_secret_new(void);
/* NULL is allowed. It is wiped. */
void text_secret_free(text_secret *s);

typedef struct text_hash {
    uint64_t high, low;
} text_hash;

/* text: of TEXT_HASH_MOST bytes at most. */
text_hash text_hash_of(const text_secret *s, span text);

static inline bool text_hash_eq(text_hash a, text_hash b) {
    return a.high == b.high && a.low == b.low;
}

/* A place in a table of so many: whose text it is among them. */
static inline size_t text_hash_place(text_hash t, uint64_t owner, size_t places) {
    return (size_t)((owner ^ t.high ^ t.low) * UINT64_C(0x9E3779B97F4A7C15) >> 32) % places;
}

#endif
