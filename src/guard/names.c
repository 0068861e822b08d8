#include "guard/guard.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { BYTES_MAX = 256 << 10 }; /* of values and originals: a call of one client has no more */

typedef struct named {
    uint64_t hash;
    char *bytes; /* placeholder, label, value, original, one behind the other */
    uint32_t name_len, label_len, value_len, original_len;
    unsigned number; /* 0: of a label whose values are too many */
} named;

/* Numbers of a label that somebody else has given. */
typedef struct taken {
    span label;
    unsigned up_to;
} taken;

struct guard_names {
    named *items;
    size_t count, cap;
    size_t size; /* of all bytes */
    taken *taken;
    size_t taken_count;
};

guard_names *guard_names_new(void) {
    return mem_zalloc(sizeof(guard_names));
}

static size_t size_of(const named *n) {
    return (size_t)n->name_len + n->label_len + n->value_len + n->original_len;
}

void guard_names_free(guard_names *n) {
    if (!n) return;
    for (size_t i = 0; i < n->count; i++) {
        mem_wipe(n->items[i].bytes, size_of(&n->items[i]));
        free(n->items[i].bytes);
    }
    free(n->taken);
    free(n->items);
    free(n);
}

static span name_of(const named *n) {
    return span_from(n->bytes, n->name_len);
}
static span label_of(const named *n) {
    return span_from(n->bytes + n->name_len, n->label_len);
}
static span value_of(const named *n) {
    return span_from(n->bytes + n->name_len + n->label_len, n->value_len);
}
static span original_of(const named *n) {
    return span_from(n->bytes + n->name_len + n->label_len + n->value_len, n->original_len);
}

/* The one of a label and a value, which is put back or is not; without a value: of a label whose
 * values are too many. */
static named *find(const guard_names *n, span label, span value, bool numbered, bool put_back) {
    uint64_t hash = hash_span(value);
    for (size_t i = 0; i < n->count; i++) {
        named *item = &n->items[i];
        if (item->hash == hash && (item->number != 0) == numbered &&
            (item->original_len != 0) == put_back && span_eq(label_of(item), label) &&
            span_eq(value_of(item), value))
            return item;
    }
    return NULL;
}

static taken *find_taken(const guard_names *n, span label) {
    for (size_t i = 0; i < n->taken_count; i++)
        if (span_eq(n->taken[i].label, label)) return &n->taken[i];
    return NULL;
}

void guard_names_take(guard_names *n, span label, unsigned up_to) {
    taken *t = find_taken(n, label);
    if (!t) {
        n->taken = mem_realloc(n->taken, (n->taken_count + 1) * sizeof *n->taken);
        t = &n->taken[n->taken_count++];
        *t = (taken){.label = label};
    }
    if (t->up_to < up_to) t->up_to = up_to;
}

static unsigned next_number(const guard_names *n, span label) {
    const taken *t = n->taken_count ? find_taken(n, label) : NULL;
    unsigned last = t ? t->up_to : 0;
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i].number > last && span_eq(label_of(&n->items[i]), label))
            last = n->items[i].number;
    return last + 1;
}

static span add(guard_names *n, span label, span value, span original, unsigned number) {
    char name[GUARD_PLACEHOLDER_MAX + 1];
    int len = number ? snprintf(name, sizeof name, "[%.*s_%u]", SPAN_ARG(label), number)
                     : snprintf(name, sizeof name, "[%.*s]", SPAN_ARG(label));
    if (len < 0 || (size_t)len >= sizeof name) len = sizeof name - 1; /* a label is no longer */
    if (n->count == n->cap) {
        n->cap = n->cap ? 2 * n->cap : 8;
        n->items = mem_realloc(n->items, n->cap * sizeof *n->items);
    }
    named *item = &n->items[n->count++];
    *item = (named){.hash = hash_span(value),
                    .name_len = (uint32_t)len,
                    .label_len = (uint32_t)label.len,
                    .value_len = (uint32_t)value.len,
                    .original_len = (uint32_t)original.len,
                    .number = number};
    item->bytes = mem_alloc(size_of(item));
    n->size += size_of(item);
    span parts[] = {span_from(name, (size_t)len), label, value, original};
    char *at = item->bytes;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].len) memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return name_of(item);
}

span guard_names_give(guard_names *n, const guard_rule *rule, span value, span original) {
    named *known = find(n, rule->label, value, true, original.len > 0);
    if (known) return name_of(known);
    const unsigned number = next_number(n, rule->label);
    bool room = n->count < GUARD_NAMES_MAX && n->size + value.len + original.len <= BYTES_MAX &&
                number <= GUARD_NUMBER_MAX;
    if (room) return add(n, rule->label, value, original, number);
    known = find(n, rule->label, SPAN_EMPTY, false, false);
    return known ? name_of(known) : add(n, rule->label, SPAN_EMPTY, SPAN_EMPTY, 0);
}

bool guard_names_put_back(const guard_names *n) {
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i].original_len) return true;
    return false;
}

static bool may_be_in_name(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Where what begins with "[" at `at` and may be a name ends: behind its "]". 0: it is none. */
static size_t name_end(span text, size_t at) {
    size_t i = at + 1;
    while (i < text.len && i - at < GUARD_PLACEHOLDER_MAX && may_be_in_name(text.ptr[i]))
        i++;
    return i < text.len && text.ptr[i] == ']' ? i + 1 : 0;
}

static const named *named_as(const guard_names *n, span name) {
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i].number && span_eq(name_of(&n->items[i]), name)) return &n->items[i];
    return NULL;
}

size_t guard_names_find(const guard_names *n, span text, size_t from, size_t *ret_len,
                        span *ret_original) {
    for (size_t at = span_find(text, from, '['); at < text.len; at = span_find(text, at + 1, '[')) {
        size_t end = name_end(text, at);
        const named *item = end ? named_as(n, span_slice(text, at, end)) : NULL;
        if (!item || !item->original_len) continue;
        *ret_len = end - at;
        *ret_original = original_of(item);
        return at;
    }
    return text.len;
}

size_t guard_names_begun(const guard_names *n, span text) {
    size_t from = text.len > GUARD_PLACEHOLDER_MAX ? text.len - GUARD_PLACEHOLDER_MAX : 0;
    size_t at = text.len;
    while (at > from && text.ptr[at - 1] != '[')
        at--;
    if (at == from) return 0;
    span begun = span_slice(text, at - 1, text.len);
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i].original_len && name_of(&n->items[i]).len > begun.len &&
            span_starts(name_of(&n->items[i]), begun))
            return begun.len;
    return 0;
}
