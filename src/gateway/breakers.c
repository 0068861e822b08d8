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
    int64_t now_ms;
    breaker_row *items;
    size_t count;
} rows;

/* The state's name is the target's, followed by the client's word where the target has no model. */
bool breakers_cover(const config_target *t, span state_name) {
    if (t->model.len || state_name.len == t->name.len) return span_eq(t->name, state_name);
    return span_starts(state_name, t->name) && state_name.ptr[t->name.len] == '/';
}

static void add_minute(breaker_row *row, budget_counts more) {
    row->minute.calls += more.calls;
    row->minute.extras += more.extras;
    row->minute.hedges += more.hedges;
}

/* A target with a model counts its calls itself, whoever else its words are asked through. */
static bool counts(const rows *r, const breaker_row *row, span state_name) {
    if (span_eq(row->target->name, state_name)) return true;
    for (size_t i = 0; i < r->count; i++)
        if (span_eq(r->items[i].target->name, state_name)) return false;
    return true;
}

static void note(void *user, target_state *s) {
    rows *r = user;
    unsigned apart;
    breaker_state state = target_breaker(s, &r->config->breaker, &apart);
    budget_counts minute = target_last_minute(s, r->now_ms);
    if (!config_has_several(r->config)) apart = 0; /* everybody is one */
    if (state == BREAKER_CLOSED && !apart && !minute.calls && !minute.extras) return;
    for (size_t i = 0; i < r->count; i++) {
        breaker_row *row = &r->items[i];
        if (!breakers_cover(row->target, target_name(s))) continue;
        if (counts(r, row, target_name(s))) add_minute(row, minute);
        if (state != BREAKER_CLOSED && row->state != BREAKER_IS_OPEN) row->state = state;
        if (apart > row->clients_apart) row->clients_apart = apart;
    }
}

/* Words that have not been answered yet are counted with their provider's strangers alone. */
static void note_strangers(target_table *targets, breaker_row *row, int64_t now_ms) {
    if (row->target->model.len) return;
    target_state *s = target_get_strangers(targets, row->target->provider->name);
    add_minute(row, target_last_minute(s, now_ms));
    target_unref(s);
}

size_t breakers_collect(const config *c, target_table *targets, int64_t now_ms,
                        breaker_row **ret_rows) {
    rows r = {.config = c, .now_ms = now_ms};
    r.count = unique_targets(c, &r.items);
    target_each(targets, note, &r);
    for (size_t i = 0; i < r.count; i++)
        note_strangers(targets, &r.items[i], now_ms);
    *ret_rows = r.items;
    return r.count;
}

void breakers_forget(metrics_shard *s, const config *before, const config *next) {
    breaker_row *old, *kept;
    const size_t count = unique_targets(before, &old), kept_count = unique_targets(next, &kept);
    for (size_t i = 0; i < count; i++) {
        if (bsearch(&old[i], kept, kept_count, sizeof *kept, by_name)) continue;
        metric_set(metrics_series(s, METRIC_BREAKER, &old[i].target->name), 0);
        metric_set(metrics_series(s, METRIC_BREAKER_CLIENTS, &old[i].target->name), 0);
    }
    free(old);
    free(kept);
}

const char *breaker_state_name(breaker_state s) {
    static const char *const names[] = {
        [BREAKER_CLOSED] = "closed", [BREAKER_IS_OPEN] = "open", [BREAKER_HALF_OPEN] = "half_open"};
    return names[s];
}
