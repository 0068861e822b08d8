#include "gateway/refused_keys.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- rows ---- */

static size_t sent(const config_provider *p) {
    return p->auth == AUTH_NONE ? 0 : p->key_count;
}

static size_t rows_of(const config_provider *p) {
    return sent(p) ? sent(p) : 1;
}

static size_t lay(const config *c, key_row **ret_rows) {
    size_t all = 0, count = 0;
    for (size_t i = 0; i < c->provider_count; i++)
        all += rows_of(&c->providers[i]);
    key_row *rows = mem_zalloc_array(all + 1, sizeof *rows);
    for (size_t i = 0; i < c->provider_count; i++)
        for (size_t k = 0; k < rows_of(&c->providers[i]); k++)
            rows[count++] = (key_row){.provider = &c->providers[i], .number = k + 1};
    *ret_rows = rows;
    return count;
}

static void look_up(key_row *row, key_table *known) {
    const config_provider *p = row->provider;
    key_state *k = key_get(known, p->name, sent(p) ? p->keys[row->number - 1] : NULL);
    row->refused = key_get_refusal(k, &row->refusal);
    row->times = key_get_times(k);
    key_unref(k);
}

size_t refused_keys_collect(const config *c, target_table *targets, key_row **ret_rows) {
    size_t count = lay(c, ret_rows);
    for (size_t i = 0; i < count; i++)
        look_up(&(*ret_rows)[i], target_table_keys(targets));
    return count;
}

/* ---- /health ---- */

static void write_row(json_writer *w, const key_row *row) {
    json_open_object(w);
    json_key(w, "provider");
    json_put_string(w, row->provider->name);
    json_key(w, "key");
    json_put_i64(w, (int64_t)row->number);
    json_key(w, "status");
    json_put_i64(w, row->refusal.status);
    json_key(w, "code");
    if (row->refusal.code_len)
        json_put_string(w, span_from(row->refusal.code, row->refusal.code_len));
    else
        json_put_null(w);
    json_close_object(w);
}

void refused_keys_write(json_writer *w, const config *c, target_table *targets) {
    key_row *rows;
    size_t count = refused_keys_collect(c, targets, &rows);
    json_key(w, "refused_keys");
    json_open_array(w);
    for (size_t i = 0; i < count; i++)
        if (rows[i].refused) write_row(w, &rows[i]);
    json_close_array(w);
    free(rows);
}

/* ---- the gauges ---- */

/* Seconds of the wall clock; 0: never. */
static int64_t wall_of(int64_t mono_ms) {
    return mono_ms ? (clock_wall_us() / 1000 - (clock_mono_ms() - mono_ms)) / 1000 : 0;
}

static void set_gauges(metrics_shard *s, const key_row *row) {
    char number[24];
    int len = snprintf(number, sizeof number, "%zu", row->number);
    const span labels[] = {row->provider->name, span_from(number, (size_t)len)};
    metric_set(metrics_series(s, METRIC_KEY_REFUSED, labels), row->refused);
    metric_set(metrics_series(s, METRIC_KEY_SINCE, labels), row->times.since_us / 1000000);
    metric_set(metrics_series(s, METRIC_KEY_USED, labels), wall_of(row->times.used_ms));
}

void refused_keys_tell(metrics_shard *s, const config *c, target_table *targets) {
    key_row *rows;
    size_t count = refused_keys_collect(c, targets, &rows);
    for (size_t i = 0; i < count; i++)
        set_gauges(s, &rows[i]);
    free(rows);
}

void refused_keys_forget(metrics_shard *s, const config *c) {
    key_row *rows;
    size_t count = lay(c, &rows);
    for (size_t i = 0; i < count; i++)
        set_gauges(s, &rows[i]);
    free(rows);
}
