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
    const config *config;
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
    unsigned apart;
    breaker_state state = target_breaker(s, &r->config->breaker, &apart);
    if (r->config->client_count < 2) apart = 0; /* everybody is one */
    if (state == BREAKER_CLOSED && !apart) return;
    for (size_t i = 0; i < r->count; i++) {
        breaker_row *row = &r->items[i];
        if (!belongs(row->target, target_name(s))) continue;
        if (row->state != BREAKER_IS_OPEN) row->state = state;
        if (apart > row->clients_apart) row->clients_apart = apart;
    }
}

size_t breakers_collect(const config *c, target_table *targets, breaker_row **ret_rows) {
    rows r = {.config = c};
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
