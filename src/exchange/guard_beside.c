/* Placeholders that a request has already: no value of it is given one of them. */
#include "exchange/guard.h"

#include "base/mem.h"

#include <stdlib.h>

enum { DIGITS_MAX = 9 }; /* of a number: none that is given has more */
_Static_assert((int)GUARD_NUMBER_MAX == 999999999, "as DIGITS_MAX has it");

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_label(char c) {
    return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/* "[EMAIL_12]": 12, and its label; else 0. */
static unsigned number_of(span text, span *ret_label) {
    size_t end = 1, digits;
    unsigned number = 0;
    while (end < text.len && end < GUARD_PLACEHOLDER_MAX && is_label(text.ptr[end]))
        end++;
    if (end == text.len || text.ptr[end] != ']') return 0;
    for (digits = end; digits > 1 && is_digit(text.ptr[digits - 1]);)
        digits--;
    if (digits < 3 || text.ptr[digits - 1] != '_' || end - digits > DIGITS_MAX) return 0;
    *ret_label = span_slice(text, 1, digits - 1);
    for (; digits < end; digits++)
        number = number * 10 + (unsigned)(text.ptr[digits] - '0');
    return number;
}

/* Placeholders that the request has: of each label the greatest number. */
typedef struct had {
    span label;
    unsigned most;
} had;

typedef struct all_had {
    had *items;
    size_t count, cap;
} all_had;

static int by_label(const void *a, const void *b) {
    const had *x = a, *y = b;
    if (x->label.len != y->label.len) return x->label.len < y->label.len ? -1 : 1;
    return memcmp(x->label.ptr, y->label.ptr, x->label.len);
}

static void add_had(all_had *all, had h) {
    if (all->count && span_eq(all->items[all->count - 1].label, h.label)) {
        had *last = &all->items[all->count - 1];
        if (last->most < h.most) last->most = h.most;
        return;
    }
    if (all->count == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 16;
        all->items = mem_realloc(all->items, all->cap * sizeof *all->items);
    }
    all->items[all->count++] = h;
}

/* However many there are, each label is gone through once. */
static all_had find_had(span body) {
    all_had all = {NULL, 0, 0};
    for (size_t at = 0; (at = span_find(body, at, '[')) < body.len; at++) {
        had h;
        h.most = number_of(span_slice(body, at, body.len), &h.label);
        if (h.most) add_had(&all, h);
    }
    if (all.count) qsort(all.items, all.count, sizeof *all.items, by_label);
    const size_t count = all.count;
    all.count = 0;
    for (size_t i = 0; i < count; i++)
        add_had(&all, all.items[i]); /* which joins those of one label */
    return all;
}

guard_names *guard_names_beside(span body, const guard_set *set) {
    all_had all = find_had(body);
    guard_names *n = NULL;
    for (size_t i = 0; all.count && i < guard_set_count(set); i++) {
        const guard_rule *rule = guard_set_rule(set, i);
        const had wanted = {rule->label, 0};
        const had *h = bsearch(&wanted, all.items, all.count, sizeof wanted, by_label);
        if (!h) continue;
        if (!n) n = guard_names_new();
        guard_names_take(n, rule->label, h->most);
    }
    free(all.items);
    return n;
}
