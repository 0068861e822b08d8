/* guard/sift.h: where in a text one of many literals may begin, told without a step of an automaton
 * for each byte: most texts have next to none of them.
 *
 * Sixty-four places are looked at together:
 * - A byte that is a literal, or that is no letter and begins one, is a place. Of such bytes there
 *   are a few ranges; where there are more, what stands between some of them counts as well.
 * - Of literals that count only where no letter stands before, the first three bytes are looked up
 *   where a word begins; with 32 bytes at a time not where that word is short, and such as begin
 *   with it are told like those that may begin within one; with 64 only where four bytes are of
 *   one set.
 * - Of those that may begin within a word (`password`, in `dbpassword`) each has three bytes in a
 *   row at every second or fourth place, if it is long enough: only those are looked up.
 * Where three bytes are those of one, as many as eight are compared. It says "may" too often and
 * never too seldom, as letters' cases are folded by a bit that folds other bytes as well.
 * The last bytes of a text that does not go on are looked at in a copy that goes on with NUL.
 *
 * Immutable once built; any thread. Embedded in its set.
 */
#ifndef WEIR_GUARD_SIFT_H
#define WEIR_GUARD_SIFT_H

#include "guard/automaton.h"

enum {
    SIFT_HASHES = 4096,
    SIFT_RANGES = 8,
    SIFT_PLAIN = 3,
    SIFT_STRIDE = 4,
    SIFT_HASHED = 3, /* bytes of a literal that are looked up */
    SIFT_VECTOR = 16,
    SIFT_LITERALS = 1024, /* with more nearly every place is one, and none is sifted */
    SIFT_BLOCK = 64,      /* places that are looked at together */
    /* Bytes that a block is compared with; so many are not sifted at the end of a text that goes
     * on: more than LITERAL_MAX. */
    SIFT_TAIL = SIFT_BLOCK + 8,
    SIFT_LEAST = 5 * LITERAL_MAX, /* texts that are shorter are not worth it */
    SIFT_LEAST_ENDED = 32,        /* of those that do not go on */
};

/* What those literals have in common that begin with bytes of one hash. */
typedef struct sift_slot {
    uint64_t value, mask;
} sift_slot;

/* Up to eight sets of bytes, a bit each: a byte is of those that both its halves are of. Twice, as
 * a vector of 32 bytes is looked up. */
typedef struct sift_halves {
    uint8_t low[2 * SIFT_VECTOR], high[2 * SIFT_VECTOR];
} sift_halves;

/* The sets of those that may begin within a word, and of those that a word of up to three letters
 * with a blank behind it may begin. */
enum { SIFT_WITHIN = 0xF0, SIFT_SHORT = 0x0F, SIFT_SETS = 4 /* of each */ };

/* The same, of sixty-four at a time: exact of ASCII, of which each byte has bits of its own. Nearly
 * all sets are of those that count where a word begins; the last ones of those that may begin
 * within one, which are fewer and longer. */
enum {
    SIFT_ASCII = 128,
    SIFT_TOLD = 4, /* bytes of a literal that are told */
    SIFT_TOLD_SETS = 16,
    SIFT_TOLD_WORDS = 14,
    SIFT_TOLD_WITHIN = 0xC0 /* the last ones, of the second eight */
};

typedef struct sift_bytes {
    uint8_t bits[SIFT_ASCII];
} sift_bytes;

/* Bytes from first on, each as often as a vector has places. */
typedef struct sift_range {
    uint8_t first[SIFT_VECTOR], count[SIFT_VECTOR];
} sift_range;

typedef struct sift {
    bool on;
    unsigned range_count;
    sift_range ranges[SIFT_RANGES];         /* of bytes that are places by themselves */
    bool letters;                           /* letters are among them */
    uint8_t plain[SIFT_PLAIN][SIFT_VECTOR]; /* bytes that are often there and are none of them */
    unsigned stride;                        /* within words; 0: no literal begins there */
    uint8_t within[SIFT_HASHES];            /* bit stride - 1 - k: one that may begin within a word
                                               has three bytes with this hash from its k-th on */
    unsigned width;                         /* 16, 32 or 64 bytes at a time */
    bool high;                              /* bytes that are no ASCII are among the places */
    sift_halves ones, begins[SIFT_HASHED];  /* bytes that are places; those with which some begin:
                                                SIFT_WITHIN, SIFT_SHORT */
    sift_bytes signs, told[SIFT_TOLD_SETS / 8][SIFT_TOLD]; /* the same, of 64 */
    uint8_t begun[SIFT_HASHES]; /* 1: with three bytes of this hash one begins */
    sift_slot slots[SIFT_HASHES];
} sift;

/* Stays off where the literals are too many. Empty ones are passed over. */
void sift_init(sift *s, const literal *literals, size_t count);

/* A text at whose places is looked from its begin on. */
typedef struct sifting {
    const sift *sift;
    span text;
    size_t tail;  /* where what is not sifted begins */
    size_t block; /* where the block begins of which `places` are those that are left */
    uint64_t places;
} sifting;

/* ended: it does not go on, and is sifted to its end. */
static inline sifting sifting_of(const sift *s, span text, bool ended) {
    const size_t tail = text.len > SIFT_TAIL ? text.len - SIFT_TAIL : 0;
    return (sifting){.sift = s, .text = text, .tail = ended ? text.len : tail, .block = SIZE_MAX};
}
/* The first place at or after `from` where a literal may begin and count; each of what is not
 * sifted is one, as the text may go on. `from` never falls. */
size_t sift_next(sifting *s, size_t from);
/* automaton_run() of those literals over the text as far as s->tail, from at on, but for where none
 * begins: returns the index behind the last byte of one, or s->tail. */
size_t sift_run(sifting *s, const automaton *a, size_t at, uint16_t *state);

#endif
