/* base/secret.h: a key or token. It cannot be printed by accident and is wiped when freed.
 *
 * Immutable and shared by reference count; any thread. The bytes are reached through
 * secret_reveal() alone, so that a search for that name shows every use.
 */
#ifndef WEIR_BASE_SECRET_H
#define WEIR_BASE_SECRET_H

#include "base/buf.h"

typedef struct secret secret;

/* Copies bytes; the caller wipes its own copy. */
MUST_USE secret *secret_new(span bytes);
secret *secret_ref(secret *s);
/* NULL is allowed. The last one wipes and frees. */
void secret_unref(secret *s);

/* For writing into a request to its owner. Never for logs or errors. */
span secret_reveal(const secret *s);
/* "Bearer " and the bytes, without a copy that would have to be wiped too. */
span secret_reveal_bearer(const secret *s);

/* Whether text holds the secret, as it is or as JSON may escape it ("\/", "\u002f"). A secret
 * shorter than 8 bytes is never found: it would match by chance. NULL is allowed, and found
 * nowhere. */
bool secret_found(const secret *s, span text);
/* How many bytes at the end of text may be the beginning of the secret, as it is or escaped, which
 * the bytes that come next would complete: what must be held back of a text that comes in pieces.
 * text holds no whole one. */
size_t secret_begun(const secret *s, span text);
/* Replaces each such occurrence by "[redacted]"; used on what a provider says. */
void secret_redact(const secret *s, buf *text);

#endif
