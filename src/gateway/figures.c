/* What the metrics tell of the process as a whole, each second: what no worker counts. */
#include "gateway/breakers.h"
#include "gateway/key_keeper.h"
#include "gateway/mcp_watch.h"
#include "gateway/process.h"
#include "gateway/refused_keys.h"
#include "limit/shared.h"

#include <stdlib.h>

static void tell_breakers(gateway *g) {
    breaker_row *rows;
    size_t count = breakers_collect(g->snapshot->config, g->targets, g->loop.now_ms, &rows);
    for (size_t i = 0; i < count; i++) {
        const span *target = &rows[i].target->name;
        metric_set(metrics_series(g->shard, METRIC_BREAKER, target),
                   rows[i].state != BREAKER_CLOSED);
        metric_set(metrics_series(g->shard, METRIC_BREAKER_CLIENTS, target), rows[i].clients_apart);
        alerts_breaker(g->alerts, *target, rows[i].state != BREAKER_CLOSED);
    }
    free(rows);
}

static void tell_ledger(gateway *g) {
    if (!g->ledger) return;
    const ledger_figures f = ledger_get_figures(g->ledger);
    const struct {
        metric_id id;
        uint64_t value;
    } rows[] = {{METRIC_JOURNAL_BYTES, f.journal_bytes},
                {METRIC_JOURNAL_LIMIT, f.journal_limit},
                {METRIC_JOURNAL_UNWRITTEN, f.unwritten_bytes},
                {METRIC_JOURNAL_DAMAGED, f.damaged},
                {METRIC_STORE_AWAY, f.store_away},
                {METRIC_RECORDS, f.imported},
                {METRIC_INTERRUPTED, f.interrupted},
                {METRIC_UNRECORDED, f.lost},
                {METRIC_UNSYNCED, f.unsafe}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        metric_set(metrics_series(g->shard, rows[i].id, NULL), (int64_t)rows[i].value);
}

static void tell_keys(gateway *g) {
    if (g->keys)
        metric_set(metrics_series(g->shard, METRIC_KEYS_AWAY, NULL), key_keeper_is_away(g->keys));
}

static void tell_cache(gateway *g) {
    const cache_store_figures f = cache_store_get_figures(g->cache->store);
    metric_set(metrics_series(g->shard, METRIC_CACHE_ENTRIES, NULL), (int64_t)f.entries);
    metric_set(metrics_series(g->shard, METRIC_CACHE_BYTES, NULL), (int64_t)f.bytes);
    metric_set(metrics_series(g->shard, METRIC_CACHE_EVICTED, NULL), (int64_t)f.evicted);
}

void gateway_tell_figures(gateway *g) {
    uint64_t dropped = logger_dropped(g->logger);
    metric_add(metrics_series(g->shard, METRIC_LOG_DROPPED, NULL), dropped - g->log_dropped_told);
    g->log_dropped_told = dropped;
    tell_breakers(g);
    tell_ledger(g);
    tell_keys(g);
    tell_cache(g);
    mcp_watch_tick(g->mcp_watch, g->snapshot, g->loop.now_ms);
    telemetry_tell(g->telemetry);
    alerts_tick(g->alerts);
    refused_keys_tell(g->shard, g->snapshot->config, g->targets);
    if (g->shared)
        metric_set(metrics_series(g->shard, METRIC_SHARED_NODES, NULL),
                   shared_limits_nodes(g->shared));
}
