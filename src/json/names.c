#include "json/names.h"

#include "base/hash.h"
#include "base/mem.h"
#include "json/escape.h"

#include <stdlib.h>

/* Value of json_name.next at the end of a chain. */
#define CHAIN_END UINT32_MAX

/* Before the first thing is put on the heap. */
static void own(json_names *n) {
    if (n->owns) return;
    n->owns = true;
    n->buckets = NULL;
    n->bucket_count = 0;
    n->listed = 0;
    arena_init(&n->unescaped, 0);
}

void json_names_free(json_names *n) {
    if (n->stack != n->first) free(n->stack);
    free(n->buckets);
    arena_done(&n->unescaped);
}

COLD static void grow_stack(json_names *n) {
    uint32_t cap = n->cap < n->most / 2 ? n->cap * 2 : n->most;
    json_name *old = n->stack == n->first ? NULL : n->stack;
    json_name *grown = mem_realloc(old, cap * sizeof *grown);
    if (!old) memcpy(grown, n->first, sizeof n->first);
    n->stack = grown;
    n->cap = cap;
}

static void list_name(json_names *n, uint32_t at) {
    uint32_t *bucket = &n->buckets[n->stack[at].mark & (n->bucket_count - 1)];
    n->stack[at].next = *bucket;
    *bucket = at;
}

COLD static void grow_table(json_names *n) {
    free(n->buckets);
    n->bucket_count = n->bucket_count ? n->bucket_count * 4 : 256;
    n->buckets = mem_alloc(n->bucket_count * sizeof *n->buckets);
    memset(n->buckets, 0xFF, n->bucket_count * sizeof *n->buckets); /* CHAIN_END everywhere */
    for (uint32_t i = 0; i < n->count; i++)
        if (n->stack[i].next != JSON_NAME_UNLISTED) list_name(n, i);
}

static void enter_table(json_names *n, uint32_t at, uint64_t hash) {
    if (n->listed == n->bucket_count) grow_table(n);
    n->stack[at].mark = hash;
    list_name(n, at);
    n->listed++;
}

static bool in_table(const json_names *n, uint32_t base, span text, uint64_t hash) {
    uint32_t at = n->buckets[hash & (n->bucket_count - 1)];
    for (; at != CHAIN_END && at >= base; at = n->stack[at].next)
        if (n->stack[at].mark == hash && span_eq(n->stack[at].text, text)) return true;
    return false;
}

static bool add_to_large(json_names *n, uint32_t base, span text) {
    if (n->count - base == JSON_NAMES_FEW)
        for (uint32_t i = base; i < n->count; i++)
            enter_table(n, i, hash_span(n->stack[i].text));
    uint64_t hash = hash_span(text);
    if (in_table(n, base, text, hash)) return false;
    n->stack[n->count] = (json_name){.text = text, .next = JSON_NAME_UNLISTED};
    enter_table(n, n->count, hash);
    n->count++;
    return true;
}

static span unescape_name(json_names *n, span inner) {
    char *text = arena_alloc(&n->unescaped, inner.len);
    return span_from(text, json_unescape(inner, text));
}

bool json_names_add_rare(json_names *n, uint32_t base, span inner, bool escaped) {
    if (json_names_full(n)) return false;
    own(n);
    if (n->count == n->cap) grow_stack(n);
    span text = escaped ? unescape_name(n, inner) : inner;
    if (n->count - base >= JSON_NAMES_FEW) return add_to_large(n, base, text);
    return json_names_add_small(n, base, text, text.ptr + text.len);
}

void json_names_drop_large(json_names *n, uint32_t base) {
    for (uint32_t i = n->count; i-- > base;)
        n->buckets[n->stack[i].mark & (n->bucket_count - 1)] = n->stack[i].next;
    n->listed -= n->count - base;
}
