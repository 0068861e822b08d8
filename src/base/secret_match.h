/* base/secret_match.h: whether a secret stands at a place of a text. Inside base/, for what looks
 * for them: secret_set.c, secret_redact.c, secret_window.c.
 *
 * What is said of a place depends on the bytes from there on alone. So whoever gets a text in
 * pieces, and keeps its end from the first place on where one may have begun, sees what is seen in
 * the whole.
 */
#ifndef WEIR_BASE_SECRET_MATCH_H
#define WEIR_BASE_SECRET_MATCH_H

#include "base/needles.h"
#include "base/secret_set.h"

#include <stdatomic.h>

struct secret_set {
    atomic_uint refs;
    needles needles;   /* without their own backslashes */
    size_t run;        /* backslashes before a byte that count */
    bool begins[256];  /* by a byte of a text: one of them may begin with it */
    bool telling[256]; /* by the byte behind a backslash: what they say may be of a secret */
};

typedef struct secret_match {
    size_t end;         /* of the longest that stands there; 0: none does */
    bool open;          /* what comes behind the text may complete one, or a longer one */
    needle_range range; /* open: which, and how much of them is there */
} secret_match;

secret_match secret_match_at(const secret_set *s, span text, size_t at);

static inline bool secret_may_begin(const secret_set *s, char byte) {
    return s->begins[(unsigned char)byte];
}
/* Nearly no text has one, and of nearly all that is seen here. s may be NULL. */
bool secret_may_be_in(const secret_set *s, span text);
/* Whether text has an escape that may stand within a secret. */
bool secret_may_be_escaped(const secret_set *s, span text);
/* Where the part of a secret begins that secret_set_nearly() speaks of; text.len: nowhere. */
size_t secret_part_at(const secret_set *s, span text);

#endif
