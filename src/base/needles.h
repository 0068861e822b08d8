/* base/needles.h: many byte strings looked for at once. Inside base/, for secret_set.c.
 *
 * A single one is looked for by the byte of it that texts have least. Of several, each step looks
 * at four bytes of the text and at a table that says how far the nearest place is where one of them
 * may end: in most texts nearly as far as they are long, however many they are. Short ones have a
 * table of their own, so that they do not make the steps of all others short.
 *
 * Immutable; any thread. Owns its bytes, and wipes them.
 */
#ifndef WEIR_BASE_NEEDLES_H
#define WEIR_BASE_NEEDLES_H

#include "base/span.h"

/* Those that are as long as their group's first says, and shorter than the next group's. */
typedef struct needle_group {
    size_t window;      /* bytes of each that count for the table: its first ones */
    unsigned bits;      /* of the table's index */
    unsigned char *far; /* by a hash of four bytes: how far to go on; NULL: the group is empty */
} needle_group;

enum { NEEDLE_GROUPS = 2 };

typedef struct needles {
    span *items; /* sorted by their bytes, none twice */
    size_t count;
    size_t shortest, longest;
    size_t rare; /* of a single one: index of the byte that is looked for */
    needle_group groups[NEEDLE_GROUPS];
    uint64_t begins[256 / 64]; /* the bytes that one of them begins with */
    uint64_t bytes[256 / 64];  /* those that one of them has anywhere */
    char *memory;
    size_t size;
} needles;

/* Copies the items, which are at least NEEDLE_LEN_MIN bytes long; at least one. */
enum { NEEDLE_LEN_MIN = 8 };
void needles_init(needles *n, const span *items, size_t count);
void needles_done(needles *n);

/* Where one of them stands next in text at or after `from`, and how long the longest is that does;
 * text.len: nowhere. */
size_t needles_find(const needles *n, span text, size_t from, size_t *ret_len);

static inline bool needles_byte_in(const uint64_t set[256 / 64], unsigned char byte) {
    return set[byte / 64] >> byte % 64 & 1;
}

/* Those that begin with the bytes that were taken so far. */
typedef struct needle_range {
    size_t from, to; /* of the items */
    size_t depth;    /* bytes taken */
} needle_range;

static inline needle_range needles_all(const needles *n) {
    return (needle_range){0, n->count, 0};
}
/* One more byte. false: none goes on with it. Where one of them ends with it, *ret_whole. */
MUST_USE bool needles_take(const needles *n, needle_range *r, unsigned char byte, bool *ret_whole);

#endif
