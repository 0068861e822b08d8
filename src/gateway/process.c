#include "gateway/process.h"

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/acts.h"
#include "gateway/foreseen.h"
#include "gateway/key_keeper.h"
#include "gateway/mcp_watch.h"
#include "gateway/parts.h"
#include "gateway/budgets.h"
#include "gateway/prober.h"
#include "gateway/reload.h"
#include "gateway/token_keeper.h"
#include "gateway/worker.h"
#include "cache/far.h"
#include "ledger/doubt.h"
#include "limit/shared.h"
#include "tools/registry.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TICK_MS = 1000,
    CUT_MS = 1000,        /* for the last words to calls that were cut */
    STUCK_MS = 10 * 1000, /* a worker that has not turned its loop for so long is no sign of life */
    LOG_WAIT_MS = 1000,
};

/* ---- what is done each second, and after a reload ---- */

void gateway_bound_memory(gateway *g) {
    const config *c = g->snapshot->config;
    const size_t bytes = c->limits.memory_bytes;
    memory_bound_set(&g->memory, bytes, config_share(c, bytes));
    metric_set(metrics_series(g->shard, METRIC_MEMORY_LIMIT, NULL), (int64_t)bytes);
    cache_store_bound(g->cache->store, c->cache.on ? c->cache.memory_bytes : 0);
    similar_index_bound(cache_store_similar(g->cache->store),
                        c->cache.on && c->cache.semantic.on ? c->cache.semantic.entries : 0);
}

void gateway_probe(gateway *g) {
    if (g->phase != GATEWAY_SERVING) return;
    if (!g->client && !prober_wanted(g->snapshot->config)) return;
    if (!g->client) g->client = http_client_new(&g->loop, &upstream_limits);
    loop_snapshot *s = loop_snapshot_new(g->client, g->snapshot, g->targets);
    prober_apply(g->prober, s);
    loop_snapshot_unref(s);
}

static void stop_probing(gateway *g) {
    prober_stop(g->prober);
    budgets_stop(g->budgets);
    if (g->client) http_client_close(g->client);
}

static void on_tick(timer *t) {
    gateway *g = CONTAINER_OF(t, gateway, tick);
    gateway_tell_figures(g);
    loop_timer_start(&g->loop, t, TICK_MS);
}

/* The service manager hears from a process all of whose loops turn, or it does not. */
static void on_watchdog(timer *t) {
    gateway *g = CONTAINER_OF(t, gateway, watchdog);
    bool alive = true;
    for (unsigned i = 0; i < g->worker_count; i++) {
        int64_t last = atomic_load_explicit(&g->workers[i].alive_ms, memory_order_relaxed);
        if (g->loop.now_ms - last > STUCK_MS) alive = false;
    }
    if (alive) notify_alive(&g->notifier);
    loop_timer_start(&g->loop, t, g->notifier.watchdog_ms / 2);
}

static void on_end_of_turn(loop_hook *hook) {
    log_flush(CONTAINER_OF(hook, gateway, end_of_turn)->log);
}

/* ---- the way down: leave, drain, cut, close (phase.h) ---- */

static void drain_order(loop *l, void *arg) {
    (void)l;
    worker_drain(arg);
}

static void cut_order(loop *l, void *arg) {
    (void)l;
    worker_cut(arg);
}

static void close_order(loop *l, void *arg) {
    (void)l;
    worker_close(arg);
}

static void say_leaving(gateway *g) {
    log_event(g->log, LEVEL_INFO, "leaving",
              SPAN_OF("/health/ready says 503; connections are accepted for server.drain_delay"),
              NULL, 0);
}

static void say_draining(gateway *g) {
    log_event(g->log, LEVEL_INFO, "draining",
              SPAN_OF("no more connections are accepted; running calls may finish"), NULL, 0);
}

static void say_cut(gateway *g) {
    log_event(g->log, LEVEL_WARN, "drain_timeout",
              SPAN_OF("calls still run after server.drain; they are cut"), NULL, 0);
}

/* The one place where the phase changes. */
static void enter(gateway *g, gateway_phase phase) {
    const config_server *server = &g->snapshot->config->server;
    loop_timer_stop(&g->loop, &g->grace);
    atomic_store_explicit(&g->phase, phase, memory_order_relaxed);
    if (phase > GATEWAY_SERVING) stop_probing(g);
    if (phase > GATEWAY_DRAINING && g->ledger) ledger_leave(g->ledger);
    if (phase > GATEWAY_DRAINING) key_keeper_leave(g->keys);
    if (phase == GATEWAY_DRAINING)
        act_note(g->acts, &(act){.who = SPAN_OF("operator"),
                                 .what = SPAN_OF("stop"),
                                 .subject = SPAN_EMPTY,
                                 .outcome = "ok"});
    void (*order)(loop *, void *) = NULL;
    switch (phase) {
    case GATEWAY_STARTING:
    case GATEWAY_SERVING: return;
    case GATEWAY_LEAVING:
        say_leaving(g);
        loop_timer_start(&g->loop, &g->grace, server->drain_delay_ms);
        return;
    case GATEWAY_DRAINING:
        say_draining(g);
        order = drain_order;
        loop_timer_start(&g->loop, &g->grace, server->drain_ms);
        break;
    case GATEWAY_CUTTING:
        say_cut(g);
        order = cut_order;
        loop_timer_start(&g->loop, &g->grace, CUT_MS);
        break;
    case GATEWAY_CLOSING: order = close_order; break;
    }
    for (unsigned i = 0; i < g->worker_count; i++)
        loop_post(&g->workers[i].loop, order, &g->workers[i]);
}

static void close_all(gateway *g) {
    if (g->phase != GATEWAY_CLOSING) enter(g, GATEWAY_CLOSING);
}

static void on_grace(timer *t) {
    gateway *g = CONTAINER_OF(t, gateway, grace);
    enter(g, phase_after_time(g->phase));
}

void gateway_worker_idle(loop *l, void *arg) {
    (void)l;
    gateway *g = arg;
    if (++g->idle_workers == g->worker_count) close_all(g);
}

static const int signal_numbers[] = {SIGHUP, SIGTERM, SIGINT};

static void on_late_signal(uv_signal_t *handle, int number) {
    (void)handle;
    (void)number;
}

/* The last steps to the end are not to be cut short by a signal that asks for it; but libuv puts
 * the default action back when the last watcher of a signal goes. These go with the process alone.
 */
static void outlast_signals(void) {
    static uv_loop_t never_run;
    static uv_signal_t watchers[ARRAY_LEN(signal_numbers)];
    if (uv_loop_init(&never_run)) return;
    for (size_t i = 0; i < ARRAY_LEN(watchers); i++) {
        uv_signal_init(&never_run, &watchers[i]);
        uv_signal_start(&watchers[i], on_late_signal, signal_numbers[i]);
    }
}

static void close_signals(gateway *g) {
    outlast_signals();
    for (size_t i = 0; i < ARRAY_LEN(g->signals); i++)
        uv_close((uv_handle_t *)&g->signals[i], NULL);
}

/* The workers have ended: what they could not write is not written any more. */
static void say_dropped(gateway *g) {
    uint64_t calls = gateway_dropped_records(g);
    if (!calls) return;
    char many[LOG_NUMBER_MAX];
    const log_field fields[] = {log_number("calls", calls, many)};
    log_event(g->log, LEVEL_ERROR, "records_lost",
              SPAN_OF("Records waited in memory and could not be written before the end."), fields,
              ARRAY_LEN(fields));
}

static void end(void *arg) {
    gateway *g = arg;
    close_signals(g);
    loop_timer_stop(&g->loop, &g->tick);
    loop_timer_stop(&g->loop, &g->watchdog);
    loop_timer_stop(&g->loop, &g->grace);
    say_dropped(g);
    loop_stop(&g->loop);
    loop_timer_start(&g->loop, &g->leave, GATEWAY_LEAVE_MS);
}

static void on_leave(timer *t) {
    gateway *g = CONTAINER_OF(t, gateway, leave);
    if (!loop_leave(&g->loop)) loop_timer_start(&g->loop, t, GATEWAY_LEAVE_MS);
}

static void close_telemetry(void *arg) {
    gateway *g = arg;
    telemetry_close(g->telemetry, end, g);
}

void gateway_worker_closed(loop *l, void *arg) {
    (void)l;
    gateway *g = arg;
    if (++g->closed_workers == g->worker_count && g->phase == GATEWAY_CLOSING)
        alerts_close(g->alerts, close_telemetry, g);
}

/* ---- signals ---- */

static void obey_stop_signals(gateway *g) {
    for (; g->stop_signals; g->stop_signals--) {
        if (phase_ready(g->phase)) notify_stopping(&g->notifier);
        if (g->phase == GATEWAY_CLOSING) {
            alerts_cut(g->alerts); /* nothing else takes time */
            telemetry_cut(g->telemetry);
        }
        gateway_phase next = phase_after_stop(g->phase, g->snapshot->config->server.drain_delay_ms);
        if (next != g->phase) enter(g, next);
    }
}

void gateway_reload_ended(gateway *g) {
    obey_stop_signals(g);
}

static void on_signal(uv_signal_t *handle, int number) {
    gateway *g = handle->data;
    loop_enter(&g->loop);
    if (number == SIGHUP) {
        reload_ask(g->reload);
        return;
    }
    g->stop_signals++;
    /* Workers in the middle of a reload finish it first: that takes them no more than a turn. */
    if (reload_stop(g->reload)) obey_stop_signals(g);
}

/* Whoever made the gateway may have held one back since before it read the configuration. */
static void hear_reloads(void) {
    sigset_t hup;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    (void)pthread_sigmask(SIG_UNBLOCK, &hup, NULL);
}

static void start_signals(gateway *g) {
    signal(SIGPIPE, SIG_IGN); /* the reader of the log may leave */
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    for (size_t i = 0; i < ARRAY_LEN(g->signals); i++) {
        g->signals[i].data = g;
        uv_signal_init(&g->loop.uv, &g->signals[i]);
        uv_signal_start(&g->signals[i], on_signal, signal_numbers[i]);
    }
    g->signals_run = true;
    hear_reloads();
}

/* ---- life ---- */

static bool listen_all(gateway *g, buf *ret_why) {
    size_t at;
    for (unsigned i = 0; i < g->worker_count; i++) {
        int err = worker_listen(&g->workers[i], g->listeners, NULL, &at);
        if (!err) continue;
        listener_explain(g->listeners->items[at], err, ret_why);
        return false;
    }
    for (size_t i = 0; i < g->listeners->count; i++)
        listener_bound(g->listeners->items[i]);
    return true;
}

static bool init_workers(gateway *g, buf *ret_why) {
    unsigned count = g->snapshot->config->server.workers;
    g->workers = mem_zalloc_array(count, sizeof(worker));
    for (; g->worker_count < count; g->worker_count++) {
        int err = worker_init(&g->workers[g->worker_count], g, g->worker_count, g->snapshot);
        if (!err) continue;
        buf_addf(ret_why, "cannot start worker %u: %s", g->worker_count, uv_strerror(err));
        return false;
    }
    return true;
}

/* Needs the ledger: the configuration says so. */
static void begin_trail(gateway *g, const config *c) {
    enum { FILE_BYTES = 64 << 20 };
    const trail_settings settings = {.folder = ledger_folder(g->ledger),
                                     .node = ledger_node(g->ledger),
                                     .durable = c->ledger.sync == LEDGER_SYNC_MACHINE,
                                     .keep_ms = c->audit.keep_ms,
                                     .doubt_ms = CLOCK_DOUBT_MS,
                                     .file_bytes = FILE_BYTES,
                                     .key = c->audit.key,
                                     .log = ledger_import_log(g->ledger)};
    g->trail = trail_new(&settings);
    ledger_set_sink(g->ledger, trail_sink(g->trail));
    g->acts = ledger_writer_new(g->ledger, &g->loop, g->log);
}

static bool init(gateway *g, config *c, gateway_load_fn *load, void *user, buf *ret_why) {
    g->started_ms = clock_mono_ms();
    g->started_wall_us = clock_wall_us();
    g->metrics = metrics_new();
    g->shard = metrics_add_shard(g->metrics);
    g->logger = logger_new(&c->logs, STDERR_FILENO);
    g->log = logger_add_shard(g->logger);
    g->targets = target_table_new();
    g->limiter = limiter_new();
    g->cache = cache_new(0);
    memory_bound_init(&g->memory, 0, 0);
    gateway_bound_memory(g);
    foreseen_tell(g->shard, c);
    g->listeners = listeners_new(g->snapshot, NULL);
    g->reload = reload_new(g, load, user);
    g->prober = prober_new(&g->loop, g->log, g->shard);
    g->mcp_watch = mcp_watch_new(g->log, g->shard);
    g->telemetry = telemetry_new(&g->loop, g->metrics, g->shard, g->log);
    g->pauses = pauses_new();
    g->tokens = token_keeper_new(g->logger);
    g->alerts = alerts_new(&(alerts_env){&g->loop, g->shard, g->log, g->limiter, g->pauses});
    g->end_of_turn.run = on_end_of_turn;
    loop_add_hook(&g->loop, &g->end_of_turn);
    timer_init(&g->tick, on_tick);
    timer_init(&g->grace, on_grace);
    timer_init(&g->leave, on_leave);
    timer_init(&g->watchdog, on_watchdog);
    notifier_init(&g->notifier);
    start_signals(g); /* before anyone is told that it listens, and may so end it */
    if (c->ledger.on && !(g->ledger = ledger_open(&c->ledger, g->logger, ret_why))) return false;
    if (c->audit.on) begin_trail(g, c);
    g->budgets = budgets_new(&g->loop, g->log, g->ledger, g->limiter);
    if (g->ledger) g->keys = key_keeper_new(g->ledger, g->logger, g->budgets);
    if (g->keys) c->store_has_keys = key_keeper_has_keys(g->keys);
    if (c->shared.on && !(g->shared = shared_limits_new(c, g->limiter, ret_why))) return false;
    if (c->cache.store.on && !(g->far = cache_far_new(c, g->cache, ret_why))) return false;
    if (!token_keeper_apply(g->tokens, c, ret_why)) return false;
    return init_workers(g, ret_why) && listen_all(g, ret_why);
}

gateway *gateway_new(config *c, gateway_load_fn *load, void *user, buf *ret_why) {
    snapshot *s = gateway_snapshot(c, ret_why);
    if (!s) return NULL;
    gateway *g = mem_zalloc(sizeof *g);
    g->snapshot = s;
    g->started = config_ref(c);
    int err = loop_init(&g->loop, c->server.workers);
    if (err) {
        buf_addf(ret_why, "cannot start the event loop: %s", uv_strerror(err));
        snapshot_unref(s);
        config_unref(g->started);
        free(g);
        return NULL;
    }
    if (init(g, c, load, user, ret_why)) return g;
    const bool ended = gateway_free(g); /* nothing was begun on other threads yet */
    assert(ended);
    (void)ended;
    return NULL;
}

const char *gateway_address(const gateway *g, size_t index) {
    return index < g->listeners->count ? g->listeners->items[index]->text : NULL;
}

uint64_t gateway_dropped_records(gateway *g) {
    return g->ledger ? ledger_get_figures(g->ledger).dropped : 0;
}

bool gateway_run(gateway *g, buf *ret_why) {
    if (g->ledger && !ledger_start(g->ledger, ret_why)) return false;
    act_note(g->acts, &(act){.who = SPAN_OF("operator"),
                             .what = SPAN_OF("start"),
                             .subject = g->snapshot->config->path,
                             .outcome = "ok"});
    budgets_begin(g->budgets, g->snapshot->config);
    if (g->keys && g->acts) key_keeper_tell_acts(g->keys, &g->loop, g->acts);
    if (g->keys && !key_keeper_start(g->keys, ret_why)) return false;
    for (unsigned i = 0; i < g->worker_count; i++) {
        int err = worker_start(&g->workers[i]);
        if (!err) continue;
        buf_addf(ret_why, "cannot start a thread for worker %u: %s", i, uv_strerror(err));
        return false;
    }
    enter(g, GATEWAY_SERVING);
    reload_start_watching(g->reload);
    gateway_probe(g);
    telemetry_apply(g->telemetry, g->snapshot);
    alerts_apply(g->alerts, g->snapshot);
    loop_timer_start(&g->loop, &g->tick, 0);
    if (g->notifier.watchdog_ms)
        loop_timer_start(&g->loop, &g->watchdog, g->notifier.watchdog_ms / 2);
    notify_ready(&g->notifier, "Serving");
    loop_run(&g->loop);
    return true;
}

/* Brings down what gateway_run() did not: it never ran, or could not. */
static void close_early(gateway *g) {
    for (unsigned i = 0; i < g->worker_count; i++) {
        worker *w = &g->workers[i];
        if (w->thread) {
            loop_post(&w->loop, close_order, w);
        } else {
            worker_close(w);
            loop_run(&w->loop);
        }
    }
}

static void end_early(gateway *g) {
    if (g->signals_run) close_signals(g);
    budgets_stop(g->budgets);
    loop_stop(&g->loop);
    loop_run(&g->loop);
}

static void say_stopped(gateway *g) {
    log_event(g->log, LEVEL_INFO, "stopped", SPAN_OF("weir has stopped"), NULL, 0);
    log_flush(g->log);
}

static void free_watchers(gateway *g) {
    prober_free(g->prober);
    mcp_watch_free(g->mcp_watch);
    telemetry_free(g->telemetry);
    alerts_free(g->alerts);
}

/* Threads may still come back to what there is: it stays, but for what has a snapshot, with the
 * last of which what was started for tools ends. What has to outlive the process is brought where
 * it does; what the store does not take in time is in the journal. */
static void leave(gateway *g) {
    free_watchers(g);
    ledger_writer_free(g->acts);
    snapshot_unref(g->snapshot);
    tools_rest();
    ledger_catch_up(g->ledger);
    say_stopped(g);
    logger_wait(g->logger, LOG_WAIT_MS);
}

bool gateway_free(gateway *g) {
    bool ran = g->phase == GATEWAY_CLOSING, ended = true;
    if (!ran) close_early(g);
    for (unsigned i = 0; i < g->worker_count; i++)
        ended = worker_done(&g->workers[i]) && ended;
    if (!ran) end_early(g);
    if (ran) ended = ended && !loop_was_left(&g->loop) && token_keeper_rests(g->tokens);
    if (!ended) {
        leave(g);
        return false;
    }
    loop_timer_stop(&g->loop, &g->leave);
    free(g->workers);
    reload_free(g->reload);
    key_keeper_free(g->keys);
    budgets_free(g->budgets);
    free_watchers(g);
    pauses_free(g->pauses);
    token_keeper_free(g->tokens);
    http_client_free(g->client);
    ledger_writer_free(g->acts);
    loop_remove_hook(&g->end_of_turn);
    log_flush(g->log);
    loop_done(&g->loop);
    listeners_unref(g->listeners);
    snapshot_unref(g->snapshot);
    config_unref(g->started);
    tools_rest();
    target_table_free(g->targets);
    ledger_close(g->ledger); /* may have something to say */
    trail_free(g->trail);
    if (ran) say_stopped(g);
    log_flush(g->log);
    shared_limits_free(g->shared);
    limiter_free(g->limiter);
    cache_far_free(g->far);
    cache_free(g->cache);
    memory_bound_done(&g->memory);
    metrics_free(g->metrics);
    logger_free(g->logger, LOG_WAIT_MS);
    notifier_done(&g->notifier);
    free(g);
    return true;
}
