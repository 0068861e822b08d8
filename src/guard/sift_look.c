/* Looking by what sift_init() has built. */
#include "base/marks.h"
#include "guard/sift_window.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

static inline bytes16 vector_at(const void *p) {
    bytes16 v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Places whose byte is one by itself. */
static uint64_t ones_of(const sift *s, const char *p) {
    uint64_t places = 0;
    for (unsigned k = 0; k < SIFT_BLOCK; k += SIFT_VECTOR) {
        const bytes16 block = vector_at(p + k);
        bytes16 found = {0};
        for (unsigned i = 0; i < s->range_count; i++)
            found |=
                (bytes16)(block - vector_at(s->ranges[i].first) < vector_at(s->ranges[i].count));
        places |= marks(found) << k;
    }
    return places;
}

/* A bit for each place at which a letter stands; *ret_others: for each with what is neither that
 * nor plain. */
static inline uint64_t letters_of(const sift *s, const char *p, uint64_t *ret_others) {
    const bytes16 a = vector_at(s->plain[0]), b = vector_at(s->plain[1]),
                  c = vector_at(s->plain[2]);
    uint64_t letters = 0, plain = 0;
#pragma GCC unroll 4
    for (unsigned k = 0; k < SIFT_BLOCK; k += SIFT_VECTOR) {
        const bytes16 block = vector_at(p + k);
        letters |= marks((bytes16)((block | 0x20) - 'a' < 26)) << k;
        plain |= marks((bytes16)((block == a) | (block == b) | (block == c))) << k;
    }
    *ret_others = ~(letters | plain);
    return letters;
}

static inline uint64_t within_at(const sift *s, const char *p) {
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return s->within[hash(w | (uint32_t)FOLD)];
}

/* Within words: what is looked up at a stride-th place tells of it and those before it, as many as
 * there are from one to the next; from the last one back. */
static inline uint64_t within_of(const sift *s, const char *p, unsigned stride) {
    uint64_t places = 0;
#pragma GCC unroll 16
    for (unsigned at = SIFT_BLOCK; at; at -= 4)
        for (unsigned k = 0; k < 4; k += stride)
            places = places << stride | within_at(s, p + at - k);
    return places << 1 | within_at(s, p) >> (stride - 1);
}

/* Of those places, where three bytes may begin one: how many. Mostly few, and none can be
 * foretold: so there is no branch. */
static inline unsigned begun_of(const sift *s, const char *p, uint64_t places,
                                uint8_t ret[SIFT_BLOCK]) {
    unsigned n = 0;
    for (; places; places &= places - 1) {
        const size_t i = (size_t)__builtin_ctzll(places);
        uint32_t w;
        memcpy(&w, p + i, sizeof w);
        ret[n] = (uint8_t)i;
        n += s->begun[hash(w | (uint32_t)FOLD)];
    }
    return n;
}

static inline bool may_begin(const sift *s, const char *p) {
    const uint64_t w = window_at(p) | FOLD;
    const sift_slot *slot = &s->slots[hash(w)];
    return !((w ^ slot->value) & slot->mask);
}

/* before: a letter stands before the block. */
static uint64_t places_of(const sift *s, const char *p, bool before) {
    uint8_t begun[SIFT_BLOCK];
    uint64_t others, within = 0;
    const uint64_t letters = letters_of(s, p, &others);
    if (s->stride == SIFT_STRIDE)
        within = within_of(s, p, SIFT_STRIDE);
    else if (s->stride)
        within = s->stride == 2 ? within_of(s, p, 2) : within_of(s, p, 1);
    uint64_t places = others || s->letters ? ones_of(s, p) : 0;
    const unsigned n = begun_of(s, p, (letters & ~(letters << 1 | before)) | within, begun);
    for (unsigned i = 0; i < n; i++)
        places |= (uint64_t)may_begin(s, p + begun[i]) << begun[i];
    return places;
}

/* Whether a letter stands before the block. */
static inline bool stands_letter(const sifting *s) {
    return s->block && is_letter((unsigned char)s->text.ptr[s->block - 1]);
}

/* The block, with as many bytes behind it as are compared. */
static inline const char *block_of(const sifting *s, char room[SIFT_TAIL]) {
    const char *p = s->text.ptr + s->block;
    const size_t left = s->text.len - s->block;
    if (left >= SIFT_TAIL) return p;
    memset(room, 0, SIFT_TAIL);
    memcpy(room, p, left);
    return room;
}

#ifdef __x86_64__

#define WIDE __attribute__((target("avx2,bmi")))

WIDE static inline __m256i load32(const void *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}

WIDE static inline __m256i at_halves(const sift_halves *h, __m256i v) {
    const __m256i mask = _mm256_set1_epi8(15);
    const __m256i low = _mm256_and_si256(v, mask),
                  high = _mm256_and_si256(_mm256_srli_epi16(v, 4), mask);
    return _mm256_and_si256(_mm256_shuffle_epi8(load32(h->low), low),
                            _mm256_shuffle_epi8(load32(h->high), high));
}

WIDE static inline uint64_t marks32(__m256i found) {
    return (uint32_t)_mm256_movemask_epi8(found);
}

WIDE static inline uint64_t zeros32(__m256i v) {
    return marks32(_mm256_cmpeq_epi8(v, _mm256_setzero_si256()));
}

WIDE static inline uint64_t letters32(__m256i v) {
    const __m256i at =
        _mm256_sub_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
    return marks32(_mm256_cmpeq_epi8(_mm256_min_epu8(at, _mm256_set1_epi8(25)), at));
}

/* Where a word begins that is short and has a blank behind it, as far as the block shows. */
static inline uint64_t short_words(uint64_t letters, uint64_t blanks) {
    return blanks >> 1 | (letters >> 1 & (blanks >> 2 | (letters >> 2 & blanks >> 3)));
}

WIDE static inline uint64_t places_wide(const sift *s, const char *p, bool before) {
    uint8_t begun[SIFT_BLOCK];
    uint64_t letters = 0, blanks = 0, within_not = 0, begin_not = 0, ones_not = 0, high = 0;
#pragma GCC unroll 2
    for (unsigned k = 0; k < SIFT_BLOCK; k += 32) {
        const __m256i v = load32(p + k);
        const __m256i sets =
            _mm256_and_si256(_mm256_and_si256(at_halves(&s->begins[0], v),
                                              at_halves(&s->begins[1], load32(p + k + 1))),
                             at_halves(&s->begins[2], load32(p + k + 2)));
        letters |= letters32(v) << k;
        blanks |= marks32(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(' '))) << k;
        ones_not |= zeros32(at_halves(&s->ones, v)) << k;
        within_not |= zeros32(_mm256_and_si256(sets, _mm256_set1_epi8((char)SIFT_WITHIN))) << k;
        begin_not |= zeros32(sets) << k;
        high |= marks32(v) << k;
    }
    const uint64_t words = letters & ~(letters << 1 | before);
    const uint64_t may = (words & ~(short_words(letters, blanks) & begin_not)) | ~within_not;
    uint64_t places = ~ones_not | (s->high ? high : 0);
    const unsigned n = begun_of(s, p, may, begun);
    for (unsigned i = 0; i < n; i++)
        places |= (uint64_t)may_begin(s, p + begun[i]) << begun[i];
    return places;
}

/* From a block on, the first that has a place. */
WIDE static void look_wide(sifting *s) {
    char room[SIFT_TAIL];
    for (; s->block < s->tail; s->block += SIFT_BLOCK) {
        s->places = places_wide(s->sift, block_of(s, room), stands_letter(s));
        if (s->places) return;
    }
}

#define WIDEST __attribute__((target("avx512f,avx512bw,avx512vbmi,bmi")))

WIDEST static inline __m512i load64(const void *p) {
    return _mm512_loadu_si512(p);
}

/* What each byte of ASCII has, in two registers. */
typedef struct bytes64 {
    __m512i low, high;
} bytes64;

WIDEST static inline bytes64 bytes64_of(const sift_bytes *b) {
    return (bytes64){load64(b->bits), load64(b->bits + 64)};
}

/* Of a byte that is no ASCII what its seven lower bits have. */
WIDEST static inline __m512i at_bytes(bytes64 b, __m512i v) {
    return _mm512_permutex2var_epi8(b.low, v, b.high);
}

/* The sets that all bytes from each place on are of. */
WIDEST static inline __m512i told_at(const bytes64 told[SIFT_TOLD], const char *p) {
    const __m512i a = at_bytes(told[0], load64(p)), b = at_bytes(told[1], load64(p + 1)),
                  c = at_bytes(told[2], load64(p + 2)), d = at_bytes(told[3], load64(p + 3));
    return _mm512_and_si512(_mm512_and_si512(a, b), _mm512_and_si512(c, d));
}

WIDEST static inline uint64_t bits64(__m512i v, unsigned bits) {
    return _mm512_test_epi8_mask(v, _mm512_set1_epi8((char)bits));
}

WIDEST static inline uint64_t letters64(__m512i v) {
    const __m512i at =
        _mm512_sub_epi8(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
    return _mm512_cmplt_epu8_mask(at, _mm512_set1_epi8(26));
}

/* From a block on, the first that has a place. The tables stay in registers from block to block:
 * to read them for each takes longer than to look. */
WIDEST static void look_widest(sifting *s) {
    const sift *f = s->sift;
    const bytes64 signs = bytes64_of(&f->signs);
    bytes64 some[SIFT_TOLD], rest[SIFT_TOLD];
#pragma GCC unroll 4
    for (unsigned k = 0; k < SIFT_TOLD; k++) {
        some[k] = bytes64_of(&f->told[0][k]);
        rest[k] = bytes64_of(&f->told[1][k]);
    }
    const uint64_t all_high = f->high ? UINT64_MAX : 0;
    char room[SIFT_TAIL];
    for (; s->block < s->tail; s->block += SIFT_BLOCK) {
        const char *p = block_of(s, room);
        const __m512i v = load64(p), first = told_at(some, p), last = told_at(rest, p);
        const uint64_t letters = letters64(v), high = bits64(v, 0x80);
        const uint64_t words = letters & ~(letters << 1 | stands_letter(s));
        uint64_t may = (bits64(first, 0xFF) | bits64(last, 0xFF & ~SIFT_TOLD_WITHIN)) & words;
        may |= bits64(last, SIFT_TOLD_WITHIN);
        s->places = (bits64(at_bytes(signs, v), 1) & ~high) | (high & all_high);
        for (; may; may &= may - 1) {
            const unsigned i = (unsigned)__builtin_ctzll(may);
            if (may_begin(f, p + i)) s->places |= UINT64_C(1) << i;
        }
        if (s->places) return;
    }
}

#endif

static void look_sixteen(sifting *s) {
    char room[SIFT_TAIL];
    for (; s->block < s->tail; s->block += SIFT_BLOCK) {
        s->places = places_of(s->sift, block_of(s, room), stands_letter(s));
        if (s->places) return;
    }
}

static void look(sifting *s) {
    switch (s->sift->width) {
#ifdef __x86_64__
    case 64: look_widest(s); break;
    case 32: look_wide(s); break;
#endif
    default: look_sixteen(s);
    }
}

size_t sift_next(sifting *s, size_t from) {
    if (from >= s->tail) return from;
    if (from >= s->block + SIFT_BLOCK || from < s->block) {
        s->block = from;
        s->places = 0;
        look(s);
    }
    if (from > s->block) s->places &= ~UINT64_C(0) << (from - s->block);
    if (!s->places && s->block < s->tail) {
        s->block += SIFT_BLOCK;
        look(s);
    }
    if (!s->places) return s->tail;
    const size_t place = s->block + (size_t)__builtin_ctzll(s->places);
    return place < s->tail ? place : s->tail;
}

/* A state stands for the places in which a literal may have begun, of which the first is as far
 * back as it is deep: where one does begin in none of them, the state tells nothing. */
size_t sift_run(sifting *s, const automaton *a, size_t at, uint16_t *state) {
    const unsigned char *p = (const unsigned char *)s->text.ptr;
    unsigned now = *state;
    size_t next = sift_next(s, at - a->depths[now]);
    while (at < s->tail) {
        if (next < at - a->depths[now]) next = sift_next(s, at - a->depths[now]);
        if (next > at) {
            at = next;
            now = 0;
            if (at == s->tail) break;
        }
        now = a->next[now << a->shift | a->classes[p[at++]]];
        if (now >= a->first_hit) break;
    }
    *state = (uint16_t)now;
    return at;
}
