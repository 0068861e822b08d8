/* guard/words.h: the words of a rule of which one must stand near a match, or none in it. Letters
 * of ASCII are of either case.
 *
 * Immutable; any thread. Words live in the arena that they were made in.
 */
#ifndef WEIR_GUARD_WORDS_H
#define WEIR_GUARD_WORDS_H

#include "base/arena.h"

typedef struct guard_words {
    const span *items;
    size_t count;
    uint64_t firsts[4]; /* a bit for each byte with which one begins */
    bool signs;         /* one begins with a byte of ASCII that is no letter */
} guard_words;

enum { WORDS_BLOCK = 64 };

/* Copies them. Empty ones stand nowhere. */
guard_words guard_words_of(const span *words, size_t count, arena *a);
/* A bit for each place of such a text where one may stand: few in a table of numbers. */
uint64_t guard_words_places(const guard_words *w, span text);
/* Whether one stands in the text, of WORDS_BLOCK bytes at most, where no letter stands before it;
 * of one that is written with `$` at its end (`rut$`), none behind it but a capital that goes on
 * from a small one (`rutCliente`). */
bool guard_words_near(const guard_words *w, span text);
/* Whether one stands anywhere in the text. */
bool guard_words_within(const guard_words *w, span text);

#endif
