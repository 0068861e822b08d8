#include "gateway/vitals.h"

#include "gateway/breakers.h"
#include "gateway/refused_keys.h"
#include "gateway/resting_keys.h"

#include <stdlib.h>

static void put_count(json_writer *json, const char *key, int64_t count) {
    json_key(json, key);
    json_put_i64(json, count);
}

static void put_open(json_writer *json, worker *w) {
    static const struct {
        const char *key;
        metric_id id;
    } gauges[] = {{"calls", METRIC_OPEN_CALLS},
                  {"streams", METRIC_OPEN_STREAMS},
                  {"connections", METRIC_OPEN_CONNECTIONS}};
    worker_figures(w);
    json_key(json, "open");
    json_open_object(json);
    for (size_t i = 0; i < ARRAY_LEN(gauges); i++)
        put_count(json, gauges[i].key, metrics_total(w->gateway->metrics, gauges[i].id));
    json_close_object(json);
}

static void put_reloads(json_writer *json, const worker *w) {
    const gateway *g = w->gateway;
    int64_t last_ms = atomic_load_explicit(&g->reloaded_ms, memory_order_relaxed);
    json_key(json, "reloads");
    json_open_object(json);
    put_count(json, "ok", atomic_load_explicit(&g->reloads_ok, memory_order_relaxed));
    put_count(json, "failed", atomic_load_explicit(&g->reloads_failed, memory_order_relaxed));
    if (last_ms) {
        bool failed = atomic_load_explicit(&g->reload_failed, memory_order_relaxed);
        json_key(json, "last");
        json_put_string(json, failed ? SPAN_OF("failed") : SPAN_OF("ok"));
        int64_t ago_ms = w->loop.now_ms - last_ms; /* of another thread's clock reading */
        put_count(json, "last_seconds_ago", ago_ms > 0 ? ago_ms / 1000 : 0);
    }
    json_close_object(json);
}

static void put_target(json_writer *json, const breaker_row *row) {
    json_open_object(json);
    json_key(json, "name");
    json_put_string(json, row->target->name);
    json_key(json, "breaker");
    json_put_string(json, span_cstr(breaker_state_name(row->state)));
    if (row->clients_apart) put_count(json, "open_for_clients", row->clients_apart);
    json_key(json, "last_minute");
    json_open_object(json);
    put_count(json, "calls", row->minute.calls);
    put_count(json, "extra", row->minute.extras);
    json_close_object(json);
    json_close_object(json);
}

static void put_targets(json_writer *json, const worker *w) {
    breaker_row *rows;
    size_t count = breakers_collect(worker_config(w), w->env.targets, w->loop.now_ms, &rows);
    json_key(json, "targets");
    json_open_array(json);
    for (size_t i = 0; i < count; i++)
        put_target(json, &rows[i]);
    json_close_array(json);
    free(rows);
}

/* Those that are asked whether they are up. */
static void put_providers(json_writer *json, const worker *w) {
    const config *c = worker_config(w);
    json_key(json, "providers");
    json_open_array(json);
    for (size_t i = 0; i < c->provider_count; i++) {
        health_state *s = w->env.snapshot->items[i].health;
        buf why = BUF_EMPTY;
        if (!s) continue;
        json_open_object(json);
        json_key(json, "name");
        json_put_string(json, c->providers[i].name);
        json_key(json, "health");
        json_put_string(json, span_cstr(health_word(health_look(s))));
        health_add_why(s, &why);
        if (why.len) {
            json_key(json, "detail");
            json_put_string(json, buf_span(&why));
        }
        json_close_object(json);
        buf_done(&why);
    }
    json_close_array(json);
}

void vitals_write(json_writer *json, worker *w) {
    put_count(json, "uptime_seconds", (w->loop.now_ms - w->gateway->started_ms) / 1000);
    put_open(json, w);
    put_reloads(json, w);
    put_targets(json, w);
    put_providers(json, w);
    refused_keys_write(json, worker_config(w), w->env.targets);
    resting_keys_write(json, worker_config(w), w->env.targets, w->loop.now_ms);
}
