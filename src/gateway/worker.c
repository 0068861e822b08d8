#include "gateway/worker.h"

#include "audit/body.h"
#include "exchange/plan.h"
#include "gateway/body_limit.h"
#include "gateway/door.h"
#include "gateway/plan.h"
#include "gateway/listener_tls.h"
#include "cache/far.h"
#include "cache/memo.h"
#include "limit/shared.h"
#include "loop/aside.h"
#include "tools/runner.h"

#include <limits.h>
#include <sys/resource.h>

enum {
    TICK_MS = 1000,
    /* Log lines are handed over so late: waking their writer for every call would cost each more
     * than the line does, on this core or another. */
    LOG_MS = 20,
    /* What may wait in memory for a reader that is slower than its provider. */
    PENDING_BYTES = 64 * 1024,
};

/* ---- figures ---- */

static void set_gauge(worker *w, metric_id id, const span *labels, int64_t value) {
    metric_set(metrics_series(w->env.metrics, id, labels), value);
}

void worker_figures(worker *w) {
    http_client_stats stats = http_client_get_stats(w->client);
    unsigned busy = stats.open > stats.idle ? stats.open - stats.idle : 0;
    set_gauge(w, METRIC_OPEN_CALLS, NULL, w->env.open);
    set_gauge(w, METRIC_WAITING_CALLS, NULL, w->limit_desk.watch.waiting);
    set_gauge(w, METRIC_OPEN_STREAMS, NULL, w->env.streams);
    set_gauge(w, METRIC_OPEN_CONNECTIONS, NULL, http_server_connections(w->server));
    set_gauge(w, METRIC_MEMORY_HELD, NULL, (int64_t)w->loop.memory.used);
    set_gauge(w, METRIC_UPSTREAM_CONNECTIONS, (span[]){SPAN("busy")}, busy);
    set_gauge(w, METRIC_UPSTREAM_CONNECTIONS, (span[]){SPAN("idle")}, stats.idle);
    metric_add(metrics_series(w->env.metrics, METRIC_UPSTREAM_CONNECTS, NULL),
               stats.connects - w->connects_told);
    w->connects_told = stats.connects;
}

static void on_tick(timer *t) {
    worker *w = CONTAINER_OF(t, worker, tick);
    worker_figures(w);
    atomic_store_explicit(&w->alive_ms, w->loop.now_ms, memory_order_relaxed);
    loop_timer_start(&w->loop, t, TICK_MS);
}

/* ---- start and end ---- */

static void on_leave(timer *t) {
    worker *w = CONTAINER_OF(t, worker, leave);
    if (!loop_leave(&w->loop)) loop_timer_start(&w->loop, t, GATEWAY_LEAVE_MS);
}

/* Everything is closed and no call runs: the loop may end. */
static void finish(worker *w) {
    w->closing = false;
    loop_timer_stop(&w->loop, &w->tick);
    loop_timer_stop(&w->loop, &w->log_due);
    log_flush(w->env.log);
    if (w->env.limit_desk) limit_desk_done(w->env.limit_desk);
    exchange_env_done(&w->env);
    body_packer_free(w->env.packer);
    tool_runner_close(w->env.tools);
    ledger_writer_free(w->env.ledger);
    shared_link_free(w->env.shared);
    far_link_free(w->env.far);
    key_memo_free(w->env.memo);
    key_hashes_free(w->key_hashes);
    telemetry_writer_free(w->env.telemetry);
    alert_writer_free(w->env.alerts);
    catalog_free(w->catalog);
    w->catalog = NULL;
    loop_snapshot_unref(w->env.snapshot);
    http_client_close(w->client);
    loop_stop(&w->loop);
    loop_timer_start(&w->loop, &w->leave, GATEWAY_LEAVE_MS);
    loop_post(&w->gateway->loop, gateway_worker_closed, w->gateway);
}

static void on_log_due(timer *t) {
    log_flush(CONTAINER_OF(t, worker, log_due)->env.log);
}

static void on_end_of_turn(loop_hook *hook) {
    worker *w = CONTAINER_OF(hook, worker, end_of_turn);
    if (log_waits(w->env.log) && !timer_active(&w->log_due))
        loop_timer_start(&w->loop, &w->log_due, LOG_MS);
    if (w->closing && !w->env.open && !w->lookups) finish(w);
}

static unsigned address_connections(const config_server *s) {
    unsigned told = s->max_connections_per_address, some = s->max_connections / 8;
    return told ? told : s->max_connections - some;
}

/* The first that no client gets. */
static unsigned descriptors(const config *c) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT_MAX) return 0;
    return (unsigned)(limit.rlim_cur - config_kept_descriptors(c, limit.rlim_cur));
}

static http_server_limits server_limits(const config *c) {
    return (http_server_limits){
        .head = {.head_bytes = c->limits.head_bytes,
                 .url_bytes = c->limits.url_bytes,
                 .headers = c->limits.headers},
        .body_bytes = body_limit_of(c, NULL).bytes,
        .pending_bytes = PENDING_BYTES,
        .connections = c->server.max_connections,
        .address_connections = address_connections(&c->server),
        .client_connections = (unsigned)config_share(c, c->server.max_connections),
        .descriptors = descriptors(c),
        .header_timeout_ms = c->server.header_timeout_ms,
        .body_timeout_ms = c->server.body_timeout_ms,
        .body_rate = c->server.body_rate,
        .body_total_ms = c->server.body_total_ms,
        .idle_timeout_ms = c->server.idle_timeout_ms,
    };
}

int worker_init(worker *w, gateway *g, unsigned index, snapshot *s) {
    *w = (worker){.gateway = g};
    int err = loop_init(&w->loop, index);
    if (err) return err;
    w->loop.memory.bound = &g->memory;
    aside_lane_init(&w->questions);
    timer_init(&w->tick, on_tick);
    timer_init(&w->log_due, on_log_due);
    timer_init(&w->leave, on_leave);
    w->client = http_client_new(&w->loop, &upstream_limits);
    w->env = (exchange_env){
        .loop = &w->loop,
        .plan = &gateway_plan,
        .snapshot = loop_snapshot_new(w->client, s, g->targets),
        .targets = g->targets,
        .limiter = g->limiter,
        .cache = g->cache,
        .desk = flight_desk_new(&w->loop),
        .metrics = metrics_add_shard(g->metrics),
        .log = logger_add_shard(g->logger),
    };
    if (g->limiter) {
        limit_desk_init(&w->limit_desk, g->limiter, &w->loop, stage_limit_told, stage_limit_moved);
        w->env.limit_desk = &w->limit_desk;
    }
    if (g->ledger) {
        w->env.ledger = ledger_writer_new(g->ledger, &w->loop, w->env.log);
        w->env.runs = g->ledger;
        w->env.runs_lane = &w->questions;
    }
    w->env.proves = g->trail != NULL;
    if (g->trail && s->config->audit.bodies == AUDIT_BODIES_REDACTED)
        w->env.packer = body_packer_new();
    w->env.audit_key = g->trail ? trail_key(g->trail) : NULL;
    if (g->keys) w->key_hashes = key_hashes_new();
    if (g->shared) w->env.shared = shared_link_new(g->shared, &w->loop, w->env.log, w->env.metrics);
    w->env.far = far_link_new(g->far, &w->loop, w->env.log, w->env.metrics);
    w->env.telemetry = telemetry_writer_new(g->telemetry, &w->loop);
    w->env.alerts = alert_writer_new(g->alerts, &w->loop);
    w->env.pauses = g->pauses;
    w->env.tools = tool_runner_new(&w->loop, w->client);
    exchange_env_init(&w->env);
    w->refusals = (refusals){.loop = &w->loop, .log = w->env.log, .metrics = w->env.metrics};
    mcp_desk_init(&w->mcp, w);
    w->catalog = catalog_new(&w->loop, w->env.log);
    http_server_limits limits = server_limits(s->config);
    w->server = http_server_new(&w->loop, &limits, &door_ops, w);
    w->end_of_turn.run = on_end_of_turn;
    loop_add_hook(&w->loop, &w->end_of_turn);
    loop_timer_start(&w->loop, &w->tick, TICK_MS);
    atomic_init(&w->alive_ms, w->loop.now_ms);
    return 0;
}

static void run(void *arg) {
    worker *w = arg;
    loop_run(&w->loop);
}

int worker_start(worker *w) {
    return uv_thread_create(&w->thread, run, w);
}

bool worker_done(worker *w) {
    if (w->thread) uv_thread_join(&w->thread);
    if (loop_was_left(&w->loop)) return false;
    loop_timer_stop(&w->loop, &w->leave);
    http_server_free(w->server);
    http_client_free(w->client);
    loop_remove_hook(&w->end_of_turn);
    loop_done(&w->loop);
    tool_runner_free(w->env.tools);
    flight_desk_free(w->env.desk);
    return true;
}

/* ---- listeners ---- */

int worker_listen(worker *w, const listeners *set, const listeners *old, size_t *ret_at) {
    int taken = w->loop.index ? 0 : listeners_probe(set, old, ret_at);
    if (taken) return taken;
    for (size_t i = 0; i < set->count; i++) {
        listener *l = set->items[i];
        if (old && listeners_have(old, l)) continue;
        int err = http_server_listen(w->server, &l->bind);
        if (!err) continue;
        *ret_at = i;
        for (size_t k = 0; k < i; k++)
            if (!old || !listeners_have(old, set->items[k]))
                http_server_unlisten(w->server, &set->items[k]->bind);
        return err;
    }
    return 0;
}

void worker_unlisten(worker *w, const listeners *set, const listeners *but) {
    for (size_t i = 0; i < set->count; i++)
        if (!listeners_have(but, set->items[i]))
            http_server_unlisten(w->server, &set->items[i]->bind);
}

/* ---- reload and drain ---- */

void worker_apply(worker *w, snapshot *s, const listeners *set) {
    http_server_limits limits = server_limits(s->config);
    http_server_set_limits(w->server, &limits);
    for (size_t i = 0; i < set->count; i++)
        http_server_set_tls(w->server, &set->items[i]->bind, snapshot_listener_tls(s, i));
    loop_snapshot *old = w->env.snapshot;
    w->env.snapshot = loop_snapshot_new(w->client, s, w->env.targets);
    loop_snapshot_unref(old);
    mcp_desk_look(&w->mcp);
}

static void on_idle(void *user) {
    worker *w = user;
    loop_post(&w->gateway->loop, gateway_worker_idle, w->gateway);
}

void worker_drain(worker *w) {
    mcp_desk_end(&w->mcp);
    http_server_drain(w->server, on_idle);
}

void worker_cut(worker *w) {
    w->env.closing = true;
    exchange_env_fail_all(&w->env, ERR_DRAINING);
}

void worker_close(worker *w) {
    mcp_desk_end(&w->mcp);
    http_server_close(w->server);
    w->closing = true;
}
