#include "json/names.h"

#include "base/hash.h"
#include "base/mem.h"
#include "json/lex.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Values of json_name.next that are no number of a name. */
static const uint32_t CHAIN_END = UINT32_MAX, NOT_LISTED = UINT32_MAX - 1;

void json_names_init(json_names *n) {
    n->stack = n->first;
    n->count = 0;
    n->cap = JSON_NAMES_INLINE;
    n->buckets = NULL;
    n->bucket_count = 0;
    n->listed = 0;
    arena_init(&n->unescaped, 0);
}

void json_names_done(json_names *n) {
    if (n->stack != n->first) free(n->stack);
    free(n->buckets);
    arena_done(&n->unescaped);
}

static void grow_stack(json_names *n) {
    uint32_t cap = n->cap * 2;
    json_name *old = n->stack == n->first ? NULL : n->stack;
    json_name *grown = mem_realloc(old, cap * sizeof *grown);
    if (!old) memcpy(grown, n->first, sizeof n->first);
    n->stack = grown;
    n->cap = cap;
}

/* Cheap and no secret: it only spares comparisons among at most JSON_NAMES_FEW names. The same for
 * equal texts wherever they stand. */
static inline uint64_t fingerprint(span text, const char *doc_end) {
    uint64_t head = 0;
    if (text.len >= 8) {
        uint64_t tail;
        memcpy(&head, text.ptr, 8);
        memcpy(&tail, text.ptr + text.len - 8, 8);
        return (head ^ (tail << 7 | tail >> 57)) + text.len;
    }
    if (text.len == 0) return 0;
    /* One load of eight bytes where the document has them, the surplus shifted out. */
    memcpy(&head, text.ptr, doc_end - text.ptr >= 8 ? 8 : text.len);
    return le64toh(head) << (64 - 8 * text.len);
}

static void list_name(json_names *n, uint32_t at) {
    uint32_t *bucket = &n->buckets[n->stack[at].mark & (n->bucket_count - 1)];
    n->stack[at].next = *bucket;
    *bucket = at;
}

static void grow_table(json_names *n) {
    free(n->buckets);
    n->bucket_count = n->bucket_count ? n->bucket_count * 4 : 256;
    n->buckets = mem_alloc(n->bucket_count * sizeof *n->buckets);
    memset(n->buckets, 0xFF, n->bucket_count * sizeof *n->buckets); /* CHAIN_END everywhere */
    for (uint32_t i = 0; i < n->count; i++)
        if (n->stack[i].next != NOT_LISTED) list_name(n, i);
}

static void enter_table(json_names *n, uint32_t at) {
    if (n->listed == n->bucket_count) grow_table(n);
    n->stack[at].mark = hash_span(n->stack[at].text);
    list_name(n, at);
    n->listed++;
}

static bool in_table(const json_names *n, uint32_t base, span text) {
    uint64_t hash = hash_span(text);
    uint32_t at = n->buckets[hash & (n->bucket_count - 1)];
    for (; at != CHAIN_END && at >= base; at = n->stack[at].next)
        if (n->stack[at].mark == hash && span_eq(n->stack[at].text, text)) return true;
    return false;
}

static bool add_to_large(json_names *n, uint32_t base, span text) {
    if (n->count - base == JSON_NAMES_FEW)
        for (uint32_t i = base; i < n->count; i++)
            enter_table(n, i);
    if (in_table(n, base, text)) return false;
    if (n->count == n->cap) grow_stack(n);
    n->stack[n->count] = (json_name){.text = text, .next = NOT_LISTED};
    enter_table(n, n->count++);
    return true;
}

static span unescape_name(json_names *n, span inner) {
    char *text = arena_alloc(&n->unescaped, inner.len);
    return span_from(text, json_unescape(inner, text));
}

bool json_names_add(json_names *n, uint32_t base, span inner, bool escaped, const char *doc_end) {
    span text = inner;
    if (escaped) {
        text = unescape_name(n, inner);
        doc_end = text.ptr + text.len;
    }
    if (n->count - base >= JSON_NAMES_FEW) return add_to_large(n, base, text);
    uint64_t mark = fingerprint(text, doc_end);
    for (uint32_t i = base; i < n->count; i++)
        if (n->stack[i].mark == mark && span_eq(n->stack[i].text, text)) return false;
    if (n->count == n->cap) grow_stack(n);
    n->stack[n->count++] = (json_name){.text = text, .mark = mark, .next = NOT_LISTED};
    return true;
}

void json_names_drop(json_names *n, uint32_t base) {
    if (n->count - base > JSON_NAMES_FEW) {
        for (uint32_t i = n->count; i-- > base;)
            n->buckets[n->stack[i].mark & (n->bucket_count - 1)] = n->stack[i].next;
        n->listed -= n->count - base;
    }
    n->count = base;
}
