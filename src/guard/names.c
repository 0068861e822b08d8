#include "guard/guard.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { BYTES_MAX = 256 << 10 }; /* of values and originals: a call of one client has no more */

typedef struct named {
    uint64_t name_hash, value_hash; /* the latter of its label and its value */
    char *bytes;                    /* placeholder, label, value, original, one behind the other */
    uint32_t name_len, label_len, value_len, original_len;
    unsigned number; /* 0: of a label whose values are too many */
} named;

/* The last number of a label that was given, here or by somebody else. */
typedef struct numbered {
    span label;
    unsigned last;
} numbered;

/* Texts have as many placeholders as they like, so each is found at once: open addressing, at most
 * half full. A slot is an item's place + 1; 0: none. */
struct guard_names {
    named *items;
    size_t count, cap;
    uint32_t *by_name, *by_value; /* 2 * cap each */
    size_t size;                  /* of all bytes */
    bool put_back;                /* one has an original */
    numbered *labels;
    size_t label_count;
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
    free(n->labels);
    free(n->by_name);
    free(n->by_value);
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

/* ---- what is found at once ---- */

static uint64_t value_hash(span label, span value) {
    const uint64_t both[] = {hash_span(label), hash_span(value)};
    return hash_span(span_from((const char *)both, sizeof both));
}

static size_t slot_of(const guard_names *n, uint64_t hash) {
    return hash & (2 * n->cap - 1);
}

static size_t slot_behind(const guard_names *n, size_t slot) {
    return (slot + 1) & (2 * n->cap - 1);
}

static void note(const guard_names *n, uint32_t *slots, uint64_t hash, size_t place) {
    size_t slot = slot_of(n, hash);
    while (slots[slot])
        slot = slot_behind(n, slot);
    slots[slot] = (uint32_t)place + 1;
}

static void note_item(guard_names *n, size_t place) {
    note(n, n->by_name, n->items[place].name_hash, place);
    note(n, n->by_value, n->items[place].value_hash, place);
}

static void grow(guard_names *n) {
    n->cap = n->cap ? 2 * n->cap : 8;
    n->items = mem_realloc(n->items, n->cap * sizeof *n->items);
    free(n->by_name);
    free(n->by_value);
    n->by_name = mem_zalloc_array(2 * n->cap, sizeof *n->by_name);
    n->by_value = mem_zalloc_array(2 * n->cap, sizeof *n->by_value);
    for (size_t i = 0; i < n->count; i++)
        note_item(n, i);
}

/* The one of a label and a value, which is put back or is not; without a value: of a label whose
 * values are too many. */
static const named *find(const guard_names *n, span label, span value, bool is_numbered,
                         bool put_back) {
    const uint64_t hash = value_hash(label, value);
    if (!n->count) return NULL;
    for (size_t at = slot_of(n, hash); n->by_value[at]; at = slot_behind(n, at)) {
        const named *item = &n->items[n->by_value[at] - 1];
        if (item->value_hash == hash && (item->number != 0) == is_numbered &&
            (item->original_len != 0) == put_back && span_eq(label_of(item), label) &&
            span_eq(value_of(item), value))
            return item;
    }
    return NULL;
}

static const named *named_as(const guard_names *n, span name) {
    const uint64_t hash = hash_span(name);
    if (!n->count) return NULL;
    for (size_t at = slot_of(n, hash); n->by_name[at]; at = slot_behind(n, at)) {
        const named *item = &n->items[n->by_name[at] - 1];
        if (item->name_hash == hash && item->number && span_eq(name_of(item), name)) return item;
    }
    return NULL;
}

/* ---- what is given ---- */

static numbered *find_label(const guard_names *n, span label) {
    for (size_t i = 0; i < n->label_count; i++)
        if (span_eq(n->labels[i].label, label)) return &n->labels[i];
    return NULL;
}

/* label is borrowed. */
static void note_number(guard_names *n, span label, unsigned number) {
    numbered *l = find_label(n, label);
    if (!l) {
        n->labels = mem_realloc(n->labels, (n->label_count + 1) * sizeof *n->labels);
        l = &n->labels[n->label_count++];
        *l = (numbered){.label = label};
    }
    if (l->last < number) l->last = number;
}

void guard_names_take(guard_names *n, span label, unsigned up_to) {
    note_number(n, label, up_to);
}

static unsigned next_number(const guard_names *n, span label) {
    const numbered *l = find_label(n, label);
    return l ? l->last + 1 : 1;
}

static span add(guard_names *n, span label, span value, span original, unsigned number) {
    char name[GUARD_PLACEHOLDER_MAX + 1];
    int len = number ? snprintf(name, sizeof name, "[%.*s_%u]", SPAN_ARG(label), number)
                     : snprintf(name, sizeof name, "[%.*s]", SPAN_ARG(label));
    if (len < 0 || (size_t)len >= sizeof name) len = sizeof name - 1; /* a label is no longer */
    if (n->count == n->cap) grow(n);
    named *item = &n->items[n->count];
    *item = (named){.name_hash = hash_span(span_from(name, (size_t)len)),
                    .value_hash = value_hash(label, value),
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
    n->put_back |= original.len > 0;
    note_item(n, n->count++);
    if (number) note_number(n, label_of(item), number);
    return name_of(item);
}

span guard_names_give(guard_names *n, const guard_rule *rule, span value, span original) {
    const named *known = find(n, rule->label, value, true, original.len > 0);
    if (known) return name_of(known);
    if (n->count < GUARD_NAMES_MAX && n->size + value.len + original.len <= BYTES_MAX) {
        const unsigned number = next_number(n, rule->label);
        if (number <= GUARD_NUMBER_MAX) return add(n, rule->label, value, original, number);
    }
    known = find(n, rule->label, SPAN_EMPTY, false, false);
    return known ? name_of(known) : add(n, rule->label, SPAN_EMPTY, SPAN_EMPTY, 0);
}

guard_names *guard_names_copy(const guard_names *n) {
    guard_names *copy = guard_names_new();
    for (size_t i = 0; i < n->count; i++) {
        const named *item = &n->items[i];
        (void)add(copy, label_of(item), value_of(item), original_of(item), item->number);
    }
    return copy;
}

bool guard_names_put_back(const guard_names *n) {
    return n->put_back;
}

/* ---- what is put back ---- */

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
