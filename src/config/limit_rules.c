/* Limits by name: found in as many steps as the number of rules has binary digits.
 *
 * Of the patterns whose text a name begins with all stand before the name in the order of bytes,
 * and each of them is the beginning of whatever stands between it and the name. So they are the
 * last one before the name, or what that one begins with, and so on.
 */
#include "config/reader.h"

#include <stdlib.h>
#include <string.h>

/* Of a pattern with a * at its end. */
static span stem_of(const config_limit_rule *r) {
    return span_slice(r->pattern, 0, r->pattern.len - 1);
}

static bool is_open(const config_limit_rule *r) {
    return span_ends(r->pattern, SPAN_OF("*"));
}

static int compare(span a, span b) {
    const size_t both = a.len < b.len ? a.len : b.len;
    const int order = both ? memcmp(a.ptr, b.ptr, both) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* ---- making ---- */

COLD static int by_pattern(const void *a, const void *b) {
    return compare((*(const config_limit_rule *const *)a)->pattern,
                   (*(const config_limit_rule *const *)b)->pattern);
}

COLD static int by_stem(const void *a, const void *b) {
    return compare(stem_of(((const config_limit_prefix *)a)->rule),
                   stem_of(((const config_limit_prefix *)b)->rule));
}

/* The longest of the patterns up to at (plus one) that text begins with, plus one; 0: none. */
static uint32_t longest_of(const config_limit_rules *r, uint32_t at, span text) {
    while (at && !span_starts(text, stem_of(r->open[at - 1].rule)))
        at = r->open[at - 1].wider;
    return at;
}

COLD void limit_rules_index(config_limit_rules *r, arena *a) {
    r->exact = arena_alloc(a, (r->count + 1) * sizeof *r->exact);
    r->open = arena_alloc(a, (r->count + 1) * sizeof *r->open);
    for (size_t i = 0; i < r->count; i++) {
        if (is_open(&r->items[i]))
            r->open[r->open_count++] = (config_limit_prefix){.rule = &r->items[i]};
        else
            r->exact[r->exact_count++] = &r->items[i];
    }
    qsort(r->exact, r->exact_count, sizeof *r->exact, by_pattern);
    qsort(r->open, r->open_count, sizeof *r->open, by_stem);
    for (uint32_t i = 0; i < r->open_count; i++)
        r->open[i].wider = longest_of(r, i, stem_of(r->open[i].rule));
}

/* ---- finding ---- */

static const config_limit_rule *find_exact(const config_limit_rules *r, span name) {
    size_t from = 0, to = r->exact_count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        const int order = compare(r->exact[middle]->pattern, name);
        if (!order) return r->exact[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

/* How many patterns stand before the name, or are it. */
static uint32_t count_before(const config_limit_rules *r, span name) {
    size_t from = 0, to = r->open_count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (compare(stem_of(r->open[middle].rule), name) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    return (uint32_t)from;
}

const config_limit_rule *config_find_limit(const config_limit_rules *r, span name) {
    const config_limit_rule *exact = find_exact(r, name);
    if (exact) return exact;
    const uint32_t at = longest_of(r, count_before(r, name), name);
    return at ? r->open[at - 1].rule : NULL;
}
