#include "gateway/breakers.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
    span x = ((const breaker_row *)a)->target->name, y = ((const breaker_row *)b)->target->name;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static size_t unique_targets(const config *c, breaker_row **ret_rows) {
    size_t all = 0, count = 0, kept = 0;
    for (size_t i = 0; i < c->model_count; i++)
        all += c->models[i].target_count;
    breaker_row *rows = mem_zalloc_array(all + 1, sizeof *rows);
    for (size_t i = 0; i < c->model_count; i++)
        for (size_t k = 0; k < c->models[i].target_count; k++)
            rows[count++].target = &c->models[i].targets[k];
    if (count) qsort(rows, count, sizeof *rows, by_name);
    for (size_t i = 0; i < count; i++)
        if (!kept || by_name(&rows[i], &rows[kept - 1])) rows[kept++] = rows[i];
    *ret_rows = rows;
    return kept;
}

typedef struct rows {
    breaker_row *items;
    size_t count;
} rows;

/* The state's name is the target's, followed by the client's word where the target has no model. */
static bool belongs(const config_target *t, span state_name) {
    if (t->model.len || state_name.len == t->name.len) return span_eq(t->name, state_name);
    return span_starts(state_name, t->name) && state_name.ptr[t->name.len] == '/';
}

static void note(void *user, target_state *s) {
    rows *r = user;
    breaker_state state = target_breaker(s);
    if (state == BREAKER_CLOSED) return;
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].state != BREAKER_IS_OPEN && belongs(r->items[i].target, target_name(s)))
            r->items[i].state = state;
}

size_t breakers_collect(const config *c, target_table *targets, breaker_row **ret_rows) {
    rows r;
    r.count = unique_targets(c, &r.items);
    target_each(targets, note, &r);
    *ret_rows = r.items;
    return r.count;
}

const char *breaker_state_name(breaker_state s) {
    static const char *const names[] = {
        [BREAKER_CLOSED] = "closed", [BREAKER_IS_OPEN] = "open", [BREAKER_HALF_OPEN] = "half_open"};
    return names[s];
}
