#include "base/needles.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    LONG = 24,       /* from here on a needle is of the second group */
    GRAM = 4,        /* bytes that are looked at in a step */
    WINDOW_MAX = 96, /* longer steps pay no more, and make the table fuller */
    BITS_MIN = 12,
    BITS_MAX = 16,
    SPARSE = 4, /* places of a table for each that is taken, at least */
};

/* ---- a single one ---- */

/* From the most to the less common in JSON and English; what is not here is rarer. */
static const char common[] = " etaoinsrhldcu\"mfpgwyb:,vk-.0123456789{}[]_/jxqzTAISEC";

static size_t rarest(span bytes) {
    size_t best = 0, best_rank = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        const char *known = bytes.ptr[i] ? strchr(common, bytes.ptr[i]) : NULL;
        size_t rank = known ? (size_t)(known - common) + 1 : sizeof common;
        if (rank <= best_rank) continue;
        best = i;
        best_rank = rank;
    }
    return best;
}

/* Every event of a stream is searched: memchr for a rare byte is several times as fast as memmem.
 */
static size_t find_single(const needles *n, span text, size_t from) {
    span item = n->items[0];
    for (size_t at = from + n->rare; at < text.len; at++) {
        at = span_find(text, at, item.ptr[n->rare]);
        if (at == text.len || text.len - (at - n->rare) < item.len) break;
        if (span_starts(span_slice(text, at - n->rare, text.len), item)) return at - n->rare;
    }
    return text.len;
}

/* ---- narrowing ---- */

/* The first of [from, to) whose byte at depth is not below byte; each is longer than depth. */
static size_t lower(const needles *n, size_t from, size_t to, size_t depth, unsigned byte) {
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if ((unsigned char)n->items[middle].ptr[depth] < byte)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

bool needles_take(const needles *n, needle_range *r, unsigned char byte, bool *ret_whole) {
    /* The one that ends here sorts first. */
    if (r->from < r->to && n->items[r->from].len == r->depth) r->from++;
    size_t from = lower(n, r->from, r->to, r->depth, byte);
    size_t to = lower(n, from, r->to, r->depth, byte + 1u);
    *r = (needle_range){from, to, r->depth + 1};
    *ret_whole = from < to && n->items[from].len == r->depth;
    return from < to;
}

/* How long the longest is that stands there; 0: none does. */
static size_t longest_at(const needles *n, span text, size_t at) {
    needle_range range = needles_all(n);
    size_t longest = 0;
    bool whole = false;
    for (size_t i = at; i < text.len; i++) {
        if (!needles_take(n, &range, (unsigned char)text.ptr[i], &whole)) break;
        if (whole) longest = range.depth;
    }
    return longest;
}

/* ---- several ---- */

static inline size_t place_of(const char *gram, unsigned bits) {
    uint32_t value;
    memcpy(&value, gram, sizeof value);
    return (uint32_t)(value * 2654435761u) >> (32 - bits);
}

static size_t find_of(const needles *n, const needle_group *g, span text, size_t from) {
    for (size_t end = from + g->window; end <= text.len;) {
        unsigned far = g->far[place_of(text.ptr + end - GRAM, g->bits)];
        if (!far) {
            if (longest_at(n, text, end - g->window)) return end - g->window;
            far = 1;
        }
        end += far;
    }
    return text.len;
}

static __attribute__((noinline)) size_t find_several(const needles *n, span text, size_t from,
                                                     size_t *ret_len) {
    size_t best = text.len;
    for (size_t i = 0; i < NEEDLE_GROUPS; i++) {
        if (!n->groups[i].far) continue;
        size_t at = find_of(n, &n->groups[i], text, from);
        if (at < best) best = at;
    }
    if (best < text.len) *ret_len = longest_at(n, text, best);
    return best;
}

size_t needles_find(const needles *n, span text, size_t from, size_t *ret_len) {
    if (text.len < n->shortest) return text.len;
    if (n->count > 1) return find_several(n, text, from, ret_len);
    *ret_len = n->items[0].len;
    return find_single(n, text, from);
}

/* ---- its life ---- */

static bool is_of(const needle_group *groups, const needle_group *g, span item) {
    return (item.len >= LONG) == (g != groups);
}

static void note_item(needle_group *g, span item) {
    for (size_t end = GRAM; end <= g->window; end++) {
        unsigned char *far = &g->far[place_of(item.ptr + end - GRAM, g->bits)];
        size_t left = g->window - end;
        if (left < *far) *far = (unsigned char)left;
    }
}

static void make_group(const needles *n, needle_group *g) {
    size_t count = 0;
    g->window = WINDOW_MAX;
    for (size_t i = 0; i < n->count; i++) {
        if (!is_of(n->groups, g, n->items[i])) continue;
        count++;
        if (n->items[i].len < g->window) g->window = n->items[i].len;
    }
    if (!count) return;
    while (g->window > NEEDLE_LEN_MIN && count * g->window > (1u << BITS_MAX) / SPARSE)
        g->window--;
    for (g->bits = BITS_MIN; g->bits < BITS_MAX && count * g->window > (1u << g->bits) / SPARSE;)
        g->bits++;
    size_t size = (size_t)1 << g->bits;
    g->far = mem_alloc(size);
    memset(g->far, (int)(g->window - GRAM + 1), size);
    for (size_t i = 0; i < n->count; i++)
        if (is_of(n->groups, g, n->items[i])) note_item(g, n->items[i]);
}

static int by_bytes(const void *a, const void *b) {
    const span *x = a, *y = b;
    size_t both = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->ptr, y->ptr, both);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void drop_repeats(needles *n) {
    size_t kept = 0;
    for (size_t i = 0; i < n->count; i++)
        if (!kept || !span_eq(n->items[kept - 1], n->items[i])) n->items[kept++] = n->items[i];
    n->count = kept;
}

static void add_byte(uint64_t set[256 / 64], unsigned char byte) {
    set[byte / 64] |= (uint64_t)1 << byte % 64;
}

static void note_bytes(needles *n, span item) {
    if (item.len < n->shortest || !n->shortest) n->shortest = item.len;
    if (item.len > n->longest) n->longest = item.len;
    add_byte(n->begins, (unsigned char)item.ptr[0]);
    for (size_t i = 0; i < item.len; i++)
        add_byte(n->bytes, (unsigned char)item.ptr[i]);
}

void needles_init(needles *n, const span *items, size_t count) {
    *n = (needles){.count = count};
    for (size_t i = 0; i < count; i++)
        n->size += items[i].len;
    n->memory = mem_alloc(n->size);
    n->items = mem_zalloc_array(count, sizeof *n->items);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        n->items[i] = span_from(n->memory + used, items[i].len);
        memcpy(n->memory + used, items[i].ptr, items[i].len);
        used += items[i].len;
    }
    qsort(n->items, count, sizeof *n->items, by_bytes);
    drop_repeats(n);
    for (size_t i = 0; i < n->count; i++)
        note_bytes(n, n->items[i]);
    n->rare = rarest(n->items[0]);
    if (n->count == 1) return;
    for (size_t i = 0; i < NEEDLE_GROUPS; i++)
        make_group(n, &n->groups[i]);
}

void needles_done(needles *n) {
    for (size_t i = 0; i < NEEDLE_GROUPS; i++)
        free(n->groups[i].far);
    mem_wipe(n->memory, n->size);
    free(n->memory);
    free(n->items);
}
