#include "guard/sift.h"

#include "base/marks.h"

#include <limits.h>
#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { COMPARED = 8, HASHED = SIFT_HASHED, SHORT = SIFT_HASHED /* letters of a word */ };

#define FOLD UINT64_C(0x2020202020202020)

_Static_assert((int)SIFT_TAIL >= (int)LITERAL_MAX, "what may go on behind the text is not sifted");

/* Of the three lowest bytes alone: the product's lower bits, which no others reach. */
static inline uint32_t hash(uint64_t window) {
    return ((uint32_t)window * (0x9E3779B1u << 8)) >> (32 - 12);
}
_Static_assert(SIFT_HASHES == 1 << 12, "as hash() has it");

static inline uint64_t window_at(const char *p) {
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static inline bool is_letter(unsigned char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* ---- building ---- */

static void add_window(sift *s, uint64_t value, uint64_t mask) {
    const uint32_t h = hash(value);
    sift_slot *slot = &s->slots[h];
    s->begun[h] = 1;
    if (slot->mask != 0 || slot->value != 0)
        slot->mask &= mask & ~(slot->value ^ value);
    else
        slot->mask = mask;
    slot->value = value;
}

static uint64_t folded(span text, uint64_t *ret_mask) {
    uint64_t value = 0;
    *ret_mask = 0;
    for (size_t i = 0; i < text.len && i < COMPARED; i++) {
        value |= (uint64_t)((unsigned char)text.ptr[i] | 0x20) << 8 * i;
        *ret_mask |= UINT64_C(0xFF) << 8 * i;
    }
    return value;
}

static void add_literal(sift *s, span text) {
    uint64_t mask;
    const uint64_t value = folded(text, &mask);
    if (text.len >= HASHED) {
        add_window(s, value, mask);
        return;
    }
    for (uint64_t c = 0; c < 256; c++) /* whatever stands behind two */
        if (c & 0x20) add_window(s, value | c << 16, mask);
}

/* One that may begin within a word: some three bytes of it stand at a place that is looked at. */
static void add_within(sift *s, span text) {
    uint64_t mask;
    for (unsigned k = 0; k < s->stride; k++) {
        const uint8_t bit = (uint8_t)(1u << (s->stride - 1 - k));
        const uint64_t value = folded(span_slice(text, k, k + HASHED), &mask);
        if (text.len >= HASHED) s->within[hash(value)] |= bit;
        for (uint64_t c = 0; text.len < HASHED && c < 256; c++)
            if (c & 0x20) s->within[hash(value | c << 16)] |= bit;
    }
}

/* How far apart may be what is looked at within words, for one of so many bytes. */
static unsigned stride_of(size_t len) {
    for (unsigned stride = SIFT_STRIDE; stride > 1; stride /= 2)
        if (len >= HASHED + stride - 1) return stride;
    return 1;
}

static bool is_within(const literal *l) {
    return l->text.len > 1 && !l->parted && is_letter((unsigned char)l->text.ptr[0]);
}

/* How often a byte stands in texts, by and large: what it costs to call it a place. */
static unsigned weight_of(unsigned byte) {
    if (byte == ' ' || is_letter((unsigned char)byte)) return 1000;
    if (byte < ' ' || byte > '~') return byte == '\n' ? 50 : 1;
    return byte == ',' || byte == '.' ? 100 : byte >= '0' && byte <= '9' ? 50 : 10;
}

typedef struct bounds {
    unsigned first, end;
} bounds;

/* The two ranges between which the least stands that is none become one. */
static void join_two(bounds *all, unsigned *count) {
    unsigned best = 0, least = UINT_MAX;
    for (unsigned i = 0; i + 1 < *count; i++) {
        unsigned weight = 0;
        for (unsigned byte = all[i].end; byte < all[i + 1].first; byte++)
            weight += weight_of(byte);
        if (weight >= least) continue;
        least = weight;
        best = i;
    }
    all[best].end = all[best + 1].end;
    --*count;
    memmove(all + best + 1, all + best + 2, (*count - best - 1) * sizeof *all);
}

/* Where they are too many some are wider than they need to be. false: all bytes are. */
static bool add_ranges(sift *s, const bool ones[256]) {
    bounds all[128];
    unsigned count = 0;
    for (unsigned first = 0, end; first < 256; first = end + 1) {
        for (end = first; end < 256 && ones[end];)
            end++;
        if (end > first) all[count++] = (bounds){first, end};
    }
    while (count > SIFT_RANGES)
        join_two(all, &count);
    for (unsigned i = 0; i < count; i++) {
        sift_range *r = &s->ranges[i];
        if (all[i].end - all[i].first > UINT8_MAX) return false;
        memset(r->first, (int)all[i].first, sizeof r->first);
        memset(r->count, (int)(all[i].end - all[i].first), sizeof r->count);
    }
    s->range_count = count;
    return true;
}

static void choose_plain(sift *s, const bool ones[256]) {
    static const unsigned char often[SIFT_PLAIN] = {' ', ',', '.'};
    for (size_t i = 0; i < SIFT_PLAIN; i++)
        memset(s->plain[i], ones[often[i]] ? 'a' : often[i], SIFT_VECTOR); /* 'a' adds nothing */
}

/* ---- thirty-two bytes at a time ---- */

static void add_halves(sift_halves *h, unsigned low, unsigned high, uint8_t bit) {
    for (unsigned i = 0; i < 2; i++) {
        h->low[SIFT_VECTOR * i + low] |= bit;
        h->high[SIFT_VECTOR * i + high] |= bit;
    }
}

/* Exact, of ASCII. */
static void choose_ones(sift *s, const bool ones[256]) {
    for (unsigned byte = 0; byte < 256; byte++) {
        if (byte < 0x80)
            add_halves(&s->ones, byte & 15, 0, ones[byte] ? (uint8_t)(1u << byte / 16) : 0);
        s->high |= byte >= 0x80 && ones[byte];
    }
    for (unsigned i = 0; i < 2 * SIFT_VECTOR; i++)
        s->ones.high[i] = i % SIFT_VECTOR < 8 ? (uint8_t)(1u << i % SIFT_VECTOR) : 0;
}

/* Sorted, those that begin alike are of one set. */
static int by_text(const void *a, const void *b) {
    const span x = (*(const literal *const *)a)->text, y = (*(const literal *const *)b)->text;
    for (size_t i = 0; i < x.len && i < y.len; i++) {
        const int differ = ((unsigned char)x.ptr[i] | 0x20) - ((unsigned char)y.ptr[i] | 0x20);
        if (differ) return differ;
    }
    return (x.len > y.len) - (x.len < y.len);
}

static void add_begin(sift *s, span text, uint8_t bit) {
    for (unsigned k = 0; k < HASHED; k++) {
        for (unsigned byte = 0; k >= text.len && byte < 16; byte++)
            add_halves(&s->begins[k], byte, byte, bit);
        if (k >= text.len) continue;
        const unsigned char c = (unsigned char)text.ptr[k];
        add_halves(&s->begins[k], c & 15, c >> 4, bit);
        if (is_letter(c)) add_halves(&s->begins[k], c & 15, (c ^ 0x20) >> 4, bit);
    }
}

/* One with which a word of up to SHORT letters and the blank behind it may begin. */
static bool is_short(const literal *l) {
    const span t = l->text;
    size_t letters = 0;
    if (t.len < 2 || !l->parted || !is_letter((unsigned char)t.ptr[0])) return false;
    while (letters <= SHORT && letters < t.len && is_letter((unsigned char)t.ptr[letters]))
        letters++;
    return letters <= SHORT && (letters == t.len || t.ptr[letters] == ' ');
}

/* Those that are alike as far as is told count as one, so that sets are of about one size. */
static void choose_begins(sift *s, const literal *literals, size_t count,
                          bool (*is)(const literal *l), uint8_t lowest) {
    const literal *all[SIFT_LITERALS];
    size_t found = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        if (is(&literals[i])) all[found++] = &literals[i];
    qsort(all, found, sizeof *all, by_text);
    for (size_t i = 0; i < found; i++)
        if (!n || !span_ieq(span_clip(all[i]->text, HASHED), span_clip(all[n - 1]->text, HASHED)))
            all[n++] = all[i];
    for (size_t i = 0; i < n; i++)
        add_begin(s, all[i]->text, (uint8_t)(lowest << i * SIFT_SETS / n));
}

void sift_init(sift *s, const literal *literals, size_t count) {
    bool ones[256] = {false};
    *s = (sift){0};
    if (count > SIFT_LITERALS) return;
    if (window_at("\1\0\0\0\0\0\0\0") != 1) return; /* a window's first byte is its lowest */
    for (size_t i = 0; i < count; i++) {
        const unsigned stride = stride_of(literals[i].text.len);
        if (is_within(&literals[i]) && (!s->stride || stride < s->stride)) s->stride = stride;
    }
    for (size_t i = 0; i < count; i++) {
        const span text = literals[i].text;
        if (!text.len) continue;
        const unsigned char c = (unsigned char)text.ptr[0], lower = c | 0x20;
        const bool letter = is_letter(c);
        if (letter && text.len > 1) add_literal(s, text);
        if (is_within(&literals[i])) add_within(s, text);
        if (text.len == 1 || !letter) ones[c] = true;
        if (text.len == 1 && letter) s->letters = ones[lower] = ones[lower & ~0x20u] = true;
    }
    choose_plain(s, ones);
    s->on = add_ranges(s, ones);
    choose_ones(s, ones);
    choose_begins(s, literals, count, is_within, SIFT_WITHIN & -SIFT_WITHIN);
    choose_begins(s, literals, count, is_short, SIFT_SHORT & -SIFT_SHORT);
#ifdef __x86_64__
    s->wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
#endif
}

/* ---- looking ---- */

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

#endif

static void look_sixteen(sifting *s) {
    char room[SIFT_TAIL];
    for (; s->block < s->tail; s->block += SIFT_BLOCK) {
        s->places = places_of(s->sift, block_of(s, room), stands_letter(s));
        if (s->places) return;
    }
}

static void look(sifting *s) {
#ifdef __x86_64__
    if (s->sift->wide) {
        look_wide(s);
        return;
    }
#endif
    look_sixteen(s);
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
