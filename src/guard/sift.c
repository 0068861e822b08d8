#include "guard/sift_window.h"

#include <limits.h>
#include <stdlib.h>

enum { COMPARED = 8, HASHED = SIFT_HASHED, SHORT = SIFT_HASHED /* letters of a word */ };

#define NO_WINDOW                                                                                  \
    UINT64_C(0x20) /* a slot's mask by which none is of its value, 0: all are folded */

_Static_assert((int)SIFT_TAIL >= (int)LITERAL_MAX, "what may go on behind the text is not sifted");

static void add_window(sift *s, uint64_t value, uint64_t mask) {
    const uint32_t h = hash(value);
    sift_slot *slot = &s->slots[h];
    slot->mask = s->begun[h] ? slot->mask & mask & ~(slot->value ^ value) : mask;
    slot->value = value;
    s->begun[h] = 1;
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

/* ---- sets, of thirty-two bytes at a time ---- */

static void add_halves(sift_halves *h, unsigned low, unsigned high, uint8_t bit) {
    for (unsigned i = 0; i < 2; i++) {
        h->low[SIFT_VECTOR * i + low] |= bit;
        h->high[SIFT_VECTOR * i + high] |= bit;
    }
}

/* Exact, of ASCII. */
static void choose_ones(sift *s, const bool ones[256]) {
    for (unsigned byte = 0; byte < 256; byte++) {
        if (byte >= SIFT_ASCII) {
            s->high |= ones[byte];
            continue;
        }
        s->signs.bits[byte] = ones[byte];
        add_halves(&s->ones, byte & 15, 0, ones[byte] ? (uint8_t)(1u << byte / 16) : 0);
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

static void add_begin(sift *s, span text, unsigned set) {
    const uint8_t bit = (uint8_t)(1u << set);
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

/* ---- sets, of sixty-four bytes at a time ---- */

static bool is_word(const literal *l) {
    return l->text.len > 1 && l->parted && is_letter((unsigned char)l->text.ptr[0]);
}

static void add_told(sift *s, span text, unsigned set) {
    const uint8_t bit = (uint8_t)(1u << set % 8);
    for (unsigned k = 0; k < SIFT_TOLD; k++) {
        uint8_t *bits = s->told[set / 8][k].bits;
        for (unsigned byte = 0; k >= text.len && byte < SIFT_ASCII; byte++)
            bits[byte] |= bit;
        if (k >= text.len) continue;
        const unsigned char c = (unsigned char)text.ptr[k];
        bits[c % SIFT_ASCII] |= bit;
        if (is_letter(c)) bits[c ^ 0x20] |= bit;
    }
}

/* ---- who is of which set ---- */

/* The literals of one kind are shared out among sets, by their first bytes. */
typedef struct share {
    bool (*is)(const literal *l);
    unsigned first, sets; /* the first set, and how many there are */
    size_t bytes;         /* of a literal, that are told apart */
    void (*add)(sift *s, span text, unsigned set);
} share;

/* By bytes: two that part within a character are two. */
static bool begin_alike(const literal *a, const literal *b, size_t bytes) {
    return span_ieq(span_slice(a->text, 0, bytes), span_slice(b->text, 0, bytes));
}

/* Those that are alike as far as is told count as one, so that sets are of about one size. */
static void share_out(sift *s, const literal *literals, size_t count, const share *way) {
    const literal *all[SIFT_LITERALS];
    size_t found = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        if (way->is(&literals[i])) all[found++] = &literals[i];
    qsort(all, found, sizeof *all, by_text);
    for (size_t i = 0; i < found; i++)
        if (!n || !begin_alike(all[i], all[n - 1], way->bytes)) all[n++] = all[i];
    for (size_t i = 0; i < n; i++)
        way->add(s, all[i]->text, way->first + (unsigned)(i * way->sets / n));
}

static const share shares[] = {
    {is_short, 0, SIFT_SETS, HASHED, add_begin},
    {is_within, SIFT_SETS, SIFT_SETS, HASHED, add_begin},
    {is_word, 0, SIFT_TOLD_WORDS, SIFT_TOLD, add_told},
    {is_within, SIFT_TOLD_WORDS, SIFT_TOLD_SETS - SIFT_TOLD_WORDS, SIFT_TOLD, add_told},
};

static unsigned width_here(void) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("bmi"))
        return 64;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) return 32;
#endif
    return 16;
}

void sift_init(sift *s, const literal *literals, size_t count) {
    bool ones[256] = {false};
    *s = (sift){0};
    for (size_t i = 0; i < ARRAY_LEN(s->slots); i++)
        s->slots[i].mask = NO_WINDOW;
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
    for (size_t i = 0; i < ARRAY_LEN(shares); i++)
        share_out(s, literals, count, &shares[i]);
    s->width = width_here();
}
