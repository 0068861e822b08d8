/* base/secret_hits.h: the parts of a text that have to go. Inside base/, for secret_redact.c and
 * secret_window.c.
 */
#ifndef WEIR_BASE_SECRET_HITS_H
#define WEIR_BASE_SECRET_HITS_H

#include "base/secret_match.h"

typedef struct secret_hit {
    size_t from, to;
} secret_hit;

/* In their order; none overlaps the next. {0} is none. */
typedef struct secret_hits {
    secret_hit *items;
    size_t count, cap;
} secret_hits;

/* One that does not begin before the last. What overlaps that, or repeats itself, is one. */
void secret_hits_add(secret_hits *h, size_t from, size_t to);
/* Adds what text has. */
void secret_hits_find(secret_hits *h, const secret_set *s, span text);
/* Appends text to ret with "[redacted]" in their place; first_told: with nothing in that of the
 * first. */
void secret_hits_write(const secret_hits *h, bool first_told, span text, buf *ret);
void secret_hits_done(secret_hits *h);

#endif
