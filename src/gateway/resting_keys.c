#include "gateway/resting_keys.h"

#include "base/mem.h"
#include "gateway/breakers.h"

#include <stdlib.h>

typedef struct search {
    key_table *known;
    int64_t now_ms;
    resting_key *items;
    size_t count;
} search;

static size_t sent(const config_provider *p) {
    return p->auth == AUTH_NONE ? 0 : p->key_count;
}

static size_t rows_of(const config_target *t) {
    return sent(t->provider) ? sent(t->provider) : 1;
}

/* One row for each key of each target, also of those that do not rest. */
static void lay(const breaker_row *targets, size_t count, search *s) {
    size_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += rows_of(targets[i].target);
    s->items = mem_zalloc_array(all + 1, sizeof *s->items);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < rows_of(targets[i].target); k++)
            s->items[s->count++] = (resting_key){.target = targets[i].target, .number = k + 1};
}

static void look(search *s, resting_key *row, target_state *state) {
    const config_provider *p = row->target->provider;
    key_state *k = key_get(s->known, p->name, sent(p) ? p->keys[row->number - 1] : NULL);
    int64_t wait_ms;
    bool rests = target_look_key(state, k, s->now_ms, &wait_ms) == KEY_RESTING;
    if (rests && wait_ms > row->wait_ms) row->wait_ms = wait_ms;
    key_unref(k);
}

static bool is_named(const search *s, span state_name) {
    for (size_t i = 0; i < s->count; i++)
        if (span_eq(s->items[i].target->name, state_name)) return true;
    return false;
}

static void note(void *user, target_state *state) {
    search *s = user;
    if (!target_limits_any(state, s->now_ms)) return;
    bool named = is_named(s, target_name(state));
    for (size_t i = 0; i < s->count; i++) {
        const config_target *t = s->items[i].target;
        if (named ? span_eq(t->name, target_name(state)) : breakers_cover(t, target_name(state)))
            look(s, &s->items[i], state);
    }
}

size_t resting_keys_collect(const config *c, target_table *targets, int64_t now_ms,
                            resting_key **ret_rows) {
    breaker_row *all;
    search s = {.known = target_table_keys(targets), .now_ms = now_ms};
    size_t count = breakers_collect(c, targets, now_ms, &all);
    lay(all, count, &s);
    free(all);
    target_each(targets, note, &s);
    size_t kept = 0;
    for (size_t i = 0; i < s.count; i++)
        if (s.items[i].wait_ms > 0) s.items[kept++] = s.items[i];
    *ret_rows = s.items;
    return kept;
}

void resting_keys_write(json_writer *w, const config *c, target_table *targets, int64_t now_ms) {
    resting_key *rows;
    size_t count = resting_keys_collect(c, targets, now_ms, &rows);
    json_key(w, "resting_keys");
    json_open_array(w);
    for (size_t i = 0; i < count; i++) {
        json_open_object(w);
        json_key(w, "target");
        json_put_string(w, rows[i].target->name);
        json_key(w, "key");
        json_put_i64(w, (int64_t)rows[i].number);
        json_key(w, "seconds");
        json_put_i64(w, (rows[i].wait_ms + 999) / 1000);
        json_close_object(w);
    }
    json_close_array(w);
    free(rows);
}
