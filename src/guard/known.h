/* guard/known.h: which texts nothing was found in before. A conversation is sent whole with each of
 * its turns, and a system prompt with each call: what was looked at is not looked at again. Inside
 * guard/.
 *
 * Of a text is kept whose it is, by which rules it was looked at, and a hash under a secret of the
 * memory's own (base/text_hash.h); nothing that it says, and nobody is told a hash.
 * What is known of one owner's texts is not known of another's: how soon a call is answered says
 * nothing of what others have sent.
 *
 * One per thread. 53 KiB.
 */
#ifndef WEIR_GUARD_KNOWN_H
#define WEIR_GUARD_KNOWN_H

#include "base/text_hash.h"

enum {
    KNOWN_LEAST = 256,           /* bytes: shorter texts are looked at as soon */
    KNOWN_MOST = TEXT_HASH_MOST, /* no text of a request that a loop looks at is longer */
    KNOWN_PLACES = 2048,
};

typedef struct guard_known guard_known;

MUST_USE guard_known *guard_known_new(void);
/* NULL is allowed. */
void guard_known_free(guard_known *k);

/* A text of an owner's. */
typedef struct known_text {
    uint64_t owner;
    text_hash hash;
} known_text;

/* owner: whose it is, by which rules, read how. text: of KNOWN_LEAST to KNOWN_MOST bytes. */
known_text guard_known_text(const guard_known *k, uint64_t owner, span text);
bool guard_known_has(const guard_known *k, known_text t);
/* In the place of another that would stand there. */
void guard_known_add(guard_known *k, known_text t);

#endif
