#include "ledger/sums.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

static int64_t known(int64_t value) {
    return value > 0 ? value : 0;
}

static bool is_successful(const ledger_call *c) {
    return span_eq(c->outcome, SPAN_OF("ok"));
}

static bool is_cached(const ledger_call *c) {
    return span_eq(c->cache, SPAN_OF("hit"));
}

/* Who asked nobody, and was given nothing by the cache, has used nothing: what the record of a run
 * tells its steps used, which have records of their own. */
static bool is_of_steps(const ledger_call *c) {
    return c->attempts == 0 && !c->cache.len;
}

static int64_t used(const ledger_call *c, int64_t value) {
    return is_of_steps(c) ? 0 : known(value);
}

/* Money of a currency that counts in millions comes near to what there are numbers for. */
static int64_t plus(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

void sums_add(sums *s, const sums *more) {
#define X(name, of) s->name = plus(s->name, more->name);
#include "ledger/sums.def"
#undef X
}

sums sums_of(const ledger_call *c) {
    return (sums){
#define X(name, of) .name = (of),
#include "ledger/sums.def"
#undef X
    };
}

/* ---- the table ---- */

enum { FIRST_ROWS = 16 };

void sums_table_init(sums_table *t) {
    *t = (sums_table){0};
    arena_init(&t->arena, 0);
}

void sums_table_done(sums_table *t) {
    arena_done(&t->arena);
    free(t->rows);
    free(t->index);
}

static uint64_t hash_of(const sums_key *k) {
    const span parts[] = {k->client, k->user, k->model, k->target, k->tags};
    uint64_t h = (uint64_t)k->hour;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        h = h * 0x9E3779B97F4A7C15u + hash_span(parts[i]);
    return h ^ h >> 32;
}

static bool is_same(const sums_key *a, const sums_key *b) {
    return a->hour == b->hour && span_eq(a->client, b->client) && span_eq(a->user, b->user) &&
           span_eq(a->model, b->model) && span_eq(a->target, b->target) &&
           span_eq(a->tags, b->tags);
}

/* Where the key's row is named, or may be. */
static uint32_t *place_of(const sums_table *t, const sums_key *key) {
    size_t at = hash_of(key) & (t->index_size - 1);
    while (t->index[at] && !is_same(&t->rows[t->index[at] - 1].key, key))
        at = (at + 1) & (t->index_size - 1);
    return &t->index[at];
}

static void grow(sums_table *t) {
    t->cap = t->cap ? 2 * t->cap : FIRST_ROWS;
    t->rows = mem_realloc(t->rows, t->cap * sizeof *t->rows);
    free(t->index);
    t->index_size = 2 * t->cap;
    t->index = mem_zalloc_array(t->index_size, sizeof *t->index);
    for (size_t i = 0; i < t->count; i++)
        *place_of(t, &t->rows[i].key) = (uint32_t)i + 1;
}

bool sums_table_add(sums_table *t, const sums_key *key, const sums *s, size_t most) {
    if (t->count == t->cap) grow(t);
    uint32_t *place = place_of(t, key);
    if (!*place && t->count >= most) return false;
    if (!*place) {
        t->rows[t->count] = (sums_row){.key = {.hour = key->hour,
                                               .client = arena_dup(&t->arena, key->client),
                                               .user = arena_dup(&t->arena, key->user),
                                               .model = arena_dup(&t->arena, key->model),
                                               .target = arena_dup(&t->arena, key->target),
                                               .tags = arena_dup(&t->arena, key->tags)}};
        *place = (uint32_t)++t->count;
    }
    sums_add(&t->rows[*place - 1].sums, s);
    return true;
}

void sums_table_count(sums_table *t, const ledger_call *c) {
    const sums_key key = {.hour = c->timestamp_us / HOUR_US,
                          .client = c->client,
                          .user = c->user,
                          .model = c->model,
                          .target = c->target,
                          .tags = c->tags};
    const sums s = sums_of(c);
    (void)sums_table_add(t, &key, &s, SIZE_MAX);
}

static int compare_spans(span a, span b) {
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_rows(const void *left, const void *right) {
    const sums_key *a = &((const sums_row *)left)->key, *b = &((const sums_row *)right)->key;
    int order = (a->hour > b->hour) - (a->hour < b->hour);
    if (!order) order = compare_spans(a->client, b->client);
    if (!order) order = compare_spans(a->user, b->user);
    if (!order) order = compare_spans(a->model, b->model);
    if (!order) order = compare_spans(a->target, b->target);
    return order ? order : compare_spans(a->tags, b->tags);
}

void sums_table_sort(sums_table *t) {
    if (t->count) qsort(t->rows, t->count, sizeof *t->rows, compare_rows);
}
