/* base/secret.h: a key or token. It cannot be printed by accident and is wiped when freed.
 *
 * Immutable and shared by reference count; any thread. The bytes are reached through
 * secret_reveal() alone, so that a search for that name shows every use. What others say is
 * searched for many at once: base/secret_set.h.
 */
#ifndef WEIR_BASE_SECRET_H
#define WEIR_BASE_SECRET_H

#include "base/span.h"

typedef struct secret secret;

/* Copies bytes; the caller wipes its own copy. */
MUST_USE secret *secret_new(span bytes);
secret *secret_ref(secret *s);
/* NULL is allowed. The last one wipes and frees. */
void secret_unref(secret *s);

/* For writing into a request to its owner. Never for logs or errors. */
span secret_reveal(const secret *s);
/* Of the same bytes; NULL is like NULL alone. */
bool secret_eq(const secret *a, const secret *b);
/* "Bearer " and the bytes, without a copy that would have to be wiped too. */
span secret_reveal_bearer(const secret *s);

#endif
