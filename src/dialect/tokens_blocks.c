#include "dialect/tokens_blocks.h"

#include "base/marks.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define RANGE(from, to, run) [(from)...(to)] = (run)
const unsigned char token_runs[256] = {
    RANGE(0x00, 0x08, RUN_SIGNS), ['\t'] = RUN_BLANKS,           ['\n'] = RUN_NEWLINES,
    RANGE(0x0B, 0x0C, RUN_SIGNS), ['\r'] = RUN_NEWLINES,         RANGE(0x0E, 0x1F, RUN_SIGNS),
    [' '] = RUN_BLANKS,           RANGE('!', '/', RUN_SIGNS),    RANGE('0', '9', RUN_DIGITS),
    RANGE(':', '@', RUN_SIGNS),   RANGE('A', 'Z', RUN_CAPITALS), RANGE('[', '`', RUN_SIGNS),
    RANGE('a', 'z', RUN_SMALL),   RANGE('{', 0x7F, RUN_SIGNS),   RANGE(0x80, 0xFF, RUN_WIDE),
};

/* A bit for each byte of a block, by what it is one of. */
typedef struct classes {
    uint64_t small, capitals, digits, blanks, newlines, wide;
} classes;

/* What a processor does in its own way. */
typedef classes classes_of(const unsigned char p[BLOCK_BYTES]);
typedef unsigned ones_in(uint64_t bits);

#define INLINED static inline __attribute__((always_inline))

/* ---- sixteen bytes at a time ---- */

INLINED classes classes_sixteen(const unsigned char p[BLOCK_BYTES]) {
    classes all = {0};
#pragma GCC unroll 4
    for (size_t i = 0; i < BLOCK_BYTES; i += sizeof(bytes16)) {
        bytes16 b;
        memcpy(&b, p + i, sizeof b);
        all.small |= marks((bytes16)(b - 'a' < 26)) << i;
        all.capitals |= marks((bytes16)(b - 'A' < 26)) << i;
        all.digits |= marks((bytes16)(b - '0' < 10)) << i;
        all.blanks |= marks((bytes16)((b == ' ') | (b == '\t'))) << i;
        all.newlines |= marks((bytes16)((b == '\n') | (b == '\r'))) << i;
        all.wide |= marks((bytes16)(b > 0x7F)) << i;
    }
    return all;
}

INLINED unsigned ones_added(uint64_t bits) {
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

/* ---- thirty-two ---- */

#ifdef __x86_64__

#define WIDE __attribute__((target("avx2,bmi,popcnt")))

WIDE INLINED uint64_t marks32(__m256i found) {
    return (uint32_t)_mm256_movemask_epi8(found);
}

/* Bytes from `first` on, `count` of them. */
WIDE INLINED __m256i in_range(__m256i v, char first, char count) {
    const __m256i at = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(at, _mm256_set1_epi8((char)(count - 1))), at);
}

WIDE INLINED __m256i is_either(__m256i v, char a, char b) {
    return _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(a)),
                           _mm256_cmpeq_epi8(v, _mm256_set1_epi8(b)));
}

WIDE INLINED classes classes_thirty_two(const unsigned char p[BLOCK_BYTES]) {
    classes all = {0};
#pragma GCC unroll 2
    for (size_t i = 0; i < BLOCK_BYTES; i += sizeof(__m256i)) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
        const uint64_t letters =
            marks32(in_range(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), 'a', 26));
        const uint64_t lower = marks32(_mm256_slli_epi16(v, 2)); /* bit 5 of each byte */
        all.small |= (letters & lower) << i;
        all.capitals |= (letters & ~lower) << i;
        all.digits |= marks32(in_range(v, '0', 10)) << i;
        all.blanks |= marks32(is_either(v, ' ', '\t')) << i;
        all.newlines |= marks32(is_either(v, '\n', '\r')) << i;
        all.wide |= marks32(v) << i;
    }
    return all;
}

WIDE INLINED unsigned ones_counted(uint64_t bits) {
    return (unsigned)__builtin_popcountll(bits);
}

#endif

/* ---- either ---- */

/* Ends of so many ones in a row. */
INLINED uint64_t rows_of_3(uint64_t ones) {
    return ones & ones << 1 & ones << 2;
}
INLINED uint64_t rows_of_7(uint64_t ones) {
    ones &= ones << 1;
    ones &= ones << 2;
    return ones & ones << 3;
}
INLINED uint64_t rows_of_16(uint64_t ones) {
    ones &= ones << 1;
    ones &= ones << 2;
    ones &= ones << 4;
    return ones & ones << 8;
}
_Static_assert(LETTERS_FREE == 7 && DIGITS_EACH == 3 && SIGNS_EACH == 3 && NEWLINES_EACH == 16,
               "as rows are told");

/* Of runs that begin there, every so many after the first; ends: of so many that go on. */
INLINED unsigned groups(uint64_t begun, uint64_t ends, unsigned each, ones_in *ones) {
    unsigned n = 0;
    while (ends && (begun = begun << each & ends) != 0)
        n += ones(begun);
    return n;
}

INLINED uint64_t begins_of(uint64_t runs) {
    return runs & ~(runs << 1);
}

/* What stands before a block: each 0 or 1. */
typedef struct before {
    uint64_t glue;    /* a letter or a digit */
    uint64_t initial; /* a capital by itself */
    uint64_t blank;
} before;

/* All runs but the last of n bytes, the first of which begins one. They are in p[0 … 63]. Returns
 * how many bytes that were: none where one run takes all, or what stands there is wide. */
INLINED size_t take_block(size_t pieces[PIECES_OF_ASCII], before *b, const unsigned char *p,
                          size_t n, classes_of *classify, ones_in *ones) {
    const classes is = classify(p);
    if (is.wide) {
        const size_t plain = (size_t)__builtin_ctzll(is.wide);
        if (plain < n) n = plain;
    }
    if (!n) return 0;
    const uint64_t in = ~UINT64_C(0) >> (BLOCK_BYTES - n);
    const uint64_t letters = is.small | is.capitals, plain = letters | is.digits;
    const uint64_t signs = ~(plain | is.blanks | is.newlines);
    const uint64_t small = begins_of(is.small), capitals = begins_of(is.capitals),
                   digits = begins_of(is.digits), blanks = begins_of(is.blanks),
                   newlines = begins_of(is.newlines), sign = begins_of(signs);
    const uint64_t begun = (small | capitals | digits | blanks | newlines | sign) & in;
    const unsigned last = BLOCK_BYTES - 1 - (unsigned)__builtin_clzll(begun);
    if (!last) return 0;
    const uint64_t counted = (UINT64_C(1) << last) - 1;

    /* A capital by itself begins the word of the small letters behind it. */
    const uint64_t initial = capitals & ~(is.capitals >> 1);
    const uint64_t behind = small & (initial << 1 | b->initial);
    const uint64_t words = ((small & ~behind) | capitals) & counted;
    pieces[PIECE_WORD] += ones(words);
    pieces[PIECE_GLUED] += ones(words & (plain << 1 | b->glue));
    pieces[PIECE_LETTER] += ones(rows_of_7(letters & ~words & counted));

    const uint64_t numbers = digits & counted;
    if (numbers) {
        pieces[PIECE_BLANK] += ones(numbers & (is.blanks << 1 | b->blank));
        pieces[PIECE_DIGITS] +=
            ones(numbers) + groups(numbers, rows_of_3(is.digits & counted), DIGITS_EACH, ones);
    }
    pieces[PIECE_SIGNS] += ones(sign & counted);
    pieces[PIECE_BLANKS] += ones(blanks << 1 & is.blanks & counted);
    pieces[PIECE_MORE] += groups(sign, rows_of_3(signs & counted), SIGNS_EACH, ones);
    if (is.newlines) {
        pieces[PIECE_NEWLINES] += ones(newlines & counted);
        pieces[PIECE_MORE] +=
            groups(newlines, rows_of_16(is.newlines & counted), NEWLINES_EACH, ones);
    }
    b->glue = plain >> (last - 1) & 1;
    b->initial = initial >> (last - 1) & 1;
    b->blank = is.blanks >> (last - 1) & 1;
    return last;
}

INLINED size_t take_blocks(token_blocks *b, const unsigned char *p, size_t n, classes_of *classify,
                           ones_in *ones) {
    before state = {
        .glue = b->run == RUN_SMALL || b->run == RUN_CAPITALS || b->run == RUN_DIGITS,
        .initial = b->run == RUN_CAPITALS && b->length == 1,
        .blank = b->run == RUN_BLANKS,
    };
    size_t at = 0, taken = BLOCK_WORTH;
    while (taken >= BLOCK_WORTH && n - at >= BLOCK_BYTES) {
        taken = take_block(b->pieces, &state, p + at, BLOCK_BYTES, classify, ones);
        at += taken;
    }
    if (taken >= BLOCK_WORTH && n - at >= BLOCK_WORTH) {
        unsigned char copy[BLOCK_BYTES] = {0};
        memcpy(copy, p + at, n - at);
        at += take_block(b->pieces, &state, copy, n - at, classify, ones);
    }
    if (!at) return 0;
    b->run = token_runs[p[at - 1]];
    b->length = state.initial ? 1 : 2; /* nobody asks for more of a run that is over */
    return at;
}

#ifdef __x86_64__

WIDE static size_t take_wide(token_blocks *b, const unsigned char *p, size_t n) {
    return take_blocks(b, p, n, classes_thirty_two, ones_counted);
}

bool token_blocks_can_be_wide(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("popcnt");
}

size_t token_blocks_take(token_blocks *b, const unsigned char *p, size_t n, bool wide) {
    return wide ? take_wide(b, p, n) : take_blocks(b, p, n, classes_sixteen, ones_added);
}

#else

bool token_blocks_can_be_wide(void) {
    return false;
}

size_t token_blocks_take(token_blocks *b, const unsigned char *p, size_t n, bool wide) {
    (void)wide;
    return take_blocks(b, p, n, classes_sixteen, ones_added);
}

#endif
