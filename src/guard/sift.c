#include "guard/sift.h"

enum { COMPARED = 8, HASHED = 3 };

#define FOLD UINT64_C(0x2020202020202020)

typedef uint8_t bytes16 __attribute__((vector_size(SIFT_VECTOR)));
typedef uint64_t words2 __attribute__((vector_size(SIFT_VECTOR)));

_Static_assert((int)SIFT_TAIL >= (int)LITERAL_MAX, "what may go on behind the text is not sifted");

/* Of the three lowest bytes alone: the product's lower bits, which no others reach. */
static inline uint32_t hash(uint64_t window) {
    return ((uint32_t)window * (0x9E3779B1u << 8)) >> (32 - 14);
}
_Static_assert(SIFT_HASHES == 1 << 14, "as hash() has it");

static uint64_t window_at(const char *p) {
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* ---- building ---- */

static void add_window(sift *s, uint64_t value, uint64_t mask) {
    const uint32_t h = hash(value);
    sift_slot *slot = &s->slots[h % SIFT_SLOTS];
    s->begun[h] = 1;
    if (slot->mask != 0 || slot->value != 0)
        slot->mask &= mask & ~(slot->value ^ value);
    else
        slot->mask = mask;
    slot->value = value;
}

static void add_literal(sift *s, span text) {
    uint64_t value = 0, mask = 0;
    for (size_t i = 0; i < text.len && i < COMPARED; i++) {
        value |= (uint64_t)((unsigned char)text.ptr[i] | 0x20) << 8 * i;
        mask |= UINT64_C(0xFF) << 8 * i;
    }
    if (text.len >= HASHED) {
        add_window(s, value, mask);
        return;
    }
    for (uint64_t c = 0; c < 256; c++) /* whatever stands behind two */
        if (c & 0x20) add_window(s, value | c << 16, mask);
}

/* false: there are too many. */
static bool add_ranges(sift *s, const bool ones[256]) {
    for (unsigned first = 0, end; first < 256; first = end + 1) {
        for (end = first; end < 256 && ones[end];)
            end++;
        if (end == first) continue;
        if (s->range_count == SIFT_RANGES || end - first > UINT8_MAX) return false;
        sift_range *r = &s->ranges[s->range_count++];
        memset(r->first, (int)first, sizeof r->first);
        memset(r->count, (int)(end - first), sizeof r->count);
    }
    return true;
}

void sift_init(sift *s, const literal *literals, size_t count) {
    bool ones[256] = {false};
    *s = (sift){0};
    if (count > SIFT_LITERALS) return;
    if (window_at("\1\0\0\0\0\0\0\0") != 1) return; /* a window's first byte is its lowest */
    for (size_t i = 0; i < count; i++) {
        const span text = literals[i].text;
        if (text.len > 1) add_literal(s, text);
        if (text.len != 1) continue;
        const unsigned char c = (unsigned char)text.ptr[0], lower = c | 0x20;
        ones[c] = true;
        if (lower >= 'a' && lower <= 'z') ones[lower] = ones[lower & ~0x20u] = true;
    }
    s->on = add_ranges(s, ones);
}

/* ---- looking ---- */

/* Places of sixteen whose byte is a literal by itself. */
static inline uint64_t ones_of(const sift *s, const char *p) {
    bytes16 block, found = {0};
    memcpy(&block, p, sizeof block);
    for (unsigned i = 0; i < s->range_count; i++) {
        bytes16 first, count;
        memcpy(&first, s->ranges[i].first, sizeof first);
        memcpy(&count, s->ranges[i].count, sizeof count);
        found |= (bytes16)(block - first < count);
    }
    const words2 words = (words2)found;
    uint64_t places = 0;
    if (!(words[0] | words[1])) return 0;
    for (unsigned i = 0; i < SIFT_VECTOR; i++)
        places |= (uint64_t)(found[i] & 1) << i;
    return places;
}

/* Places whose first bytes may be a literal's, from the last one back: a window of eight has those
 * of four. */
static inline uint64_t begun_of(const sift *s, const char *p) {
    uint64_t places = 0;
    for (const char *at = p + SIFT_BLOCK; at > p;) {
        at -= 4;
        const uint64_t w = window_at(at) | FOLD;
        places = places * 2 + s->begun[hash(w >> 24)];
        places = places * 2 + s->begun[hash(w >> 16)];
        places = places * 2 + s->begun[hash(w >> 8)];
        places = places * 2 + s->begun[hash(w)];
    }
    return places;
}

static bool may_begin(const sift *s, const char *p) {
    const uint64_t w = window_at(p) | FOLD;
    const sift_slot *slot = &s->slots[hash(w) % SIFT_SLOTS];
    return !((w ^ slot->value) & slot->mask);
}

static uint64_t places_of(const sift *s, const char *p) {
    uint64_t places = 0;
    for (unsigned i = 0; i < SIFT_BLOCK; i += SIFT_VECTOR)
        places |= ones_of(s, p + i) << i;
    for (uint64_t begun = begun_of(s, p); begun; begun &= begun - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(begun);
        places |= (uint64_t)may_begin(s, p + i) << i;
    }
    return places;
}

size_t sift_next(sifting *s, size_t from) {
    const size_t tail = s->text.len > SIFT_TAIL ? s->text.len - SIFT_TAIL : 0;
    if (from >= tail) return from;
    if (from >= s->block + SIFT_BLOCK || from < s->block) {
        s->block = from;
        s->places = places_of(s->sift, s->text.ptr + from);
    }
    s->places &= ~UINT64_C(0) << (from - s->block);
    while (!s->places) {
        s->block += SIFT_BLOCK;
        if (s->block >= tail) return tail;
        s->places = places_of(s->sift, s->text.ptr + s->block);
    }
    const size_t place = s->block + (size_t)__builtin_ctzll(s->places);
    return place < tail ? place : tail;
}
