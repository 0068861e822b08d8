/* base/secret_set.h: texts that nobody is to hear: all that is a secret between weir and one
 * provider, looked for at once in whatever comes from it.
 *
 * A secret is found as it stands, and as JSON may have escaped it ("\/", "\u002f", "\""), also
 * where that JSON is a string of another document ("\\u002f"), as deep as three: base/escapes.h.
 * One that is shorter than SECRET_LEN_MIN bytes is never looked for: it would match by chance.
 *
 * Looking costs the same for one secret and, as good as, for hundreds:
 * docs/decisions/0018-secrets.md has the figures. Immutable and shared by reference count; any
 * thread. Its bytes are wiped when it is freed. Where a set is asked for, NULL is one that has
 * nothing in it.
 *
 * Source   Wu and Manber, A fast algorithm for multi-pattern searching (1994): the table of shifts.
 */
#ifndef WEIR_BASE_SECRET_SET_H
#define WEIR_BASE_SECRET_SET_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"

enum { SECRET_LEN_MIN = 8 };

typedef struct secret_set secret_set;

/* Copies what the secrets say; those that are NULL, too short or there already are passed over.
 * NULL where nothing is left. */
MUST_USE secret_set *secret_set_new(secret *const *secrets, size_t count);
secret_set *secret_set_ref(secret_set *s);
/* NULL is allowed. The last one wipes and frees. */
void secret_set_unref(secret_set *s);

bool secret_set_found(const secret_set *s, span text);
/* Appends text to ret with "[redacted]" in the place of each secret. false: there is none, and ret
 * is as it was. What is JSON stays JSON where the secret stood in a string. */
MUST_USE bool secret_set_redact(const secret_set *s, span text, buf *ret);
/* The same: text itself where there is none, else a copy in the arena. */
span secret_set_without(const secret_set *s, span text, arena *a);

/* Whether one of them begins and ends so, with something in between. */
bool secret_set_shows(const secret_set *s, span begin, span end);

/* How many bytes at the end of text may be the beginning of a secret, which the bytes that come
 * next would complete, or make a longer one of one that is whole: what must be held back of a text
 * that comes in pieces (base/secret_window.h). */
size_t secret_set_begun(const secret_set *s, span text);
/* Whether text ends with so much of a secret's beginning that nobody says it by chance: all that
 * is known of it beforehand ("sk-proj-") is shorter. A third, and SECRET_PART_MIN bytes at least.
 */
enum { SECRET_PART_MIN = 12 };
bool secret_set_nearly(const secret_set *s, span text);

#endif
