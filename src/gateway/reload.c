#include "gateway/reload.h"

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/acts.h"
#include "gateway/breakers.h"
#include "gateway/budgets.h"
#include "gateway/foreseen.h"
#include "gateway/key_keeper.h"
#include "gateway/parts.h"
#include "gateway/refused_keys.h"
#include "gateway/token_keeper.h"
#include "gateway/watch.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 1000,  /* between two looks at the watched files */
    SETTLE_MS = 100, /* a change is read once nothing has changed for so long */
    RETRY_MS = 5 * 1000,
    RETRY_MOST_MS = 5 * 60 * 1000,
};

typedef enum reload_state {
    RELOAD_IDLE,
    RELOAD_LOADING,
    RELOAD_OPENING,
    RELOAD_APPLYING
} reload_state;

struct reload {
    gateway *gateway;
    gateway_load_fn *load;
    void *user;
    reload_state state;
    bool again; /* asked for while one was under way */
    bool stopped;
    watch watch;
    timer look;
    timer settle;
    timer refresh;
    unsigned failures; /* reloads in a row that came to nothing */

    /* of the reload under way */
    uv_work_t work;
    int64_t began_us; /* wall clock */
    config *read;     /* counted; NULL: it has problems */
    config_problems problems;
    buf why;
    snapshot *next;
    listeners *next_listeners;
    unsigned opened;  /* workers that listen at the new addresses */
    unsigned applied; /* workers in which it is in force */
};

/* ---- messages to workers and back ---- */

/* An order to one worker; the same memory carries its answer back. */
typedef struct order {
    reload *reload;
    worker *worker;
    snapshot *snapshot;
    listeners *old, *fresh;
    int err;
    size_t at; /* the listener that err is about */
} order;

static void send_order(reload *r, unsigned index, void (*fn)(loop *l, void *arg)) {
    order *o = mem_zalloc(sizeof *o);
    *o = (order){
        .reload = r,
        .worker = &r->gateway->workers[index],
        .snapshot = snapshot_ref(r->next),
        .old = listeners_ref(r->gateway->listeners),
        .fresh = listeners_ref(r->next_listeners),
    };
    loop_post(&o->worker->loop, fn, o);
}

static void answer_order(order *o, void (*fn)(loop *l, void *arg)) {
    loop_post(&o->reload->gateway->loop, fn, o);
}

static void order_free(order *o) {
    snapshot_unref(o->snapshot);
    listeners_unref(o->old);
    listeners_unref(o->fresh);
    free(o);
}

/* ---- how it ends ---- */

int64_t reload_due_ms(int64_t refresh_ms, unsigned failures) {
    int64_t due_ms = failures ? RETRY_MS : refresh_ms;
    for (unsigned i = 1; i < failures && due_ms < RETRY_MOST_MS; i++)
        due_ms *= 2;
    if (failures && due_ms > RETRY_MOST_MS) due_ms = RETRY_MOST_MS;
    return due_ms < refresh_ms ? due_ms : refresh_ms;
}

static void schedule_refresh(reload *r) {
    int64_t every_ms = config_refresh_ms(r->gateway->snapshot->config);
    if (every_ms > 0)
        loop_timer_start(&r->gateway->loop, &r->refresh, reload_due_ms(every_ms, r->failures));
}

/* Those of the configuration that is in force; and those of one that came to nothing, which may be
 * missing one of them. */
static void watch_files(reload *r, bool ok) {
    const span *now, *named = r->problems.paths;
    size_t count = config_watch_paths(r->gateway->snapshot->config, &now);
    size_t named_count = r->problems.path_count;
    if (r->read) named_count = config_watch_paths(r->read, &named);
    if (ok) named_count = 0;
    span *all = mem_zalloc_array(count + named_count + 1, sizeof *all);
    for (size_t i = 0; i < count + named_count; i++)
        all[i] = i < count ? now[i] : named[i - count];
    watch_set(&r->watch, all, count + named_count, r->began_us);
    free(all);
}

static void note(gateway *g, bool ok) {
    atomic_fetch_add_explicit(ok ? &g->reloads_ok : &g->reloads_failed, 1, memory_order_relaxed);
    atomic_store_explicit(&g->reload_failed, !ok, memory_order_relaxed);
    atomic_store_explicit(&g->reloaded_ms, g->loop.now_ms, memory_order_relaxed);
}

/* Back to idle, with nothing of the reload left over. */
static void finish(reload *r, bool ok) {
    gateway *g = r->gateway;
    span outcome = ok ? SPAN_OF("ok") : SPAN_OF("failed");
    metric_add(metrics_series(g->shard, METRIC_RELOADS, &outcome), 1);
    note(g, ok);
    watch_files(r, ok);
    r->failures = ok ? 0 : r->failures + 1;
    config_unref(r->read);
    r->read = NULL;
    snapshot_unref(r->next);
    listeners_unref(r->next_listeners);
    config_problems_done(&r->problems);
    buf_done(&r->why);
    r->next = NULL;
    r->next_listeners = NULL;
    r->state = RELOAD_IDLE;
    if (r->stopped) {
        gateway_reload_ended(g);
        return;
    }
    notify_ready(&g->notifier, ok ? "Serving" : "Serving; the last reload failed, see the log");
    schedule_refresh(r);
    if (r->again) reload_ask(r);
}

static void add_number(char text[static 12], unsigned value, span *ret) {
    buf b = BUF_EMPTY;
    buf_add_u64(&b, value);
    memcpy(text, b.ptr, b.len);
    *ret = span_from(text, b.len);
    buf_done(&b);
}

/* All problems in one sentence, and the place of the first. */
static void log_problems(reload *r) {
    const config_problems *p = &r->problems;
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "the configuration stays as it was: ");
    for (size_t i = 0; i < p->count; i++) {
        const config_problem *item = &p->items[i];
        if (i) buf_add_cstr(&text, "; ");
        if (item->line)
            buf_addf(&text, "%.*s:%u:%u: ", SPAN_ARG(item->file), item->line, item->column);
        buf_add(&text, item->text);
    }
    char line[12], column[12];
    log_field fields[3] = {{"file", p->items[0].file}, {.key = "line"}, {.key = "column"}};
    add_number(line, p->items[0].line, &fields[1].value);
    add_number(column, p->items[0].column, &fields[2].value);
    log_event(r->gateway->log, LEVEL_ERROR, "config_reload_failed", buf_span(&text), fields,
              p->items[0].line ? 3 : 1);
    buf_done(&text);
}

static void log_why(reload *r) {
    buf text = BUF_EMPTY;
    buf_addf(&text, "the configuration stays as it was: %.*s", SPAN_ARG(buf_span(&r->why)));
    log_event(r->gateway->log, LEVEL_ERROR, "config_reload_failed", buf_span(&text), NULL, 0);
    buf_done(&text);
}

static void note_act(const reload *r, const char *outcome) {
    const config *c = r->gateway->snapshot->config;
    act_note(r->gateway->acts, &(act){.who = SPAN_OF("operator"),
                                      .what = SPAN_OF("reload"),
                                      .subject = c->path,
                                      .outcome = outcome});
}

static void say_refused(reload *r) {
    note_act(r, "refused");
    if (r->problems.count)
        log_problems(r);
    else
        log_why(r);
}

/* One that was given up because weir ends was not refused, and nobody waits for it any more. */
static void fail(reload *r) {
    if (!r->stopped) say_refused(r);
    finish(r, false);
}

static void log_success(reload *r) {
    gateway *g = r->gateway;
    const config *now = g->snapshot->config;
    log_field file = {"file", now->path};
    log_event(g->log, LEVEL_INFO, "config_reloaded", SPAN_OF("the configuration has been reloaded"),
              &file, now->path.len ? 1 : 0);
    for (size_t i = 0; i < now->warning_count; i++)
        log_event(g->log, LEVEL_WARN, "config_warning", now->warnings[i].text, NULL, 0);
    buf names = BUF_EMPTY;
    if (config_needs_restart(g->started, now, &names)) {
        log_field options = {"options", buf_span(&names)};
        log_event(g->log, LEVEL_WARN, "restart_needed",
                  SPAN_OF("some changed options take effect at the next start"), &options, 1);
    }
    buf_done(&names);
}

/* ---- applying ---- */

/* What is in the file was looked at when the snapshot was made. */
static void apply_tokens(gateway *g) {
    buf why = BUF_EMPTY;
    const log_field reason = {"reason", SPAN_OF("no thread"), false};
    if (!token_keeper_apply(g->tokens, g->snapshot->config, &why))
        log_event(g->log, LEVEL_ERROR, "token_keys_not_fetched",
                  SPAN_OF("The keys of the issuer of tokens cannot be fetched."), &reason, 1);
    buf_done(&why);
}

static void on_applied(loop *l, void *arg) {
    (void)l;
    order *o = arg;
    reload *r = o->reload;
    gateway *g = r->gateway;
    order_free(o);
    if (++r->applied < g->worker_count) return;
    snapshot *before = g->snapshot;
    listeners_unref(g->listeners);
    g->snapshot = snapshot_ref(r->next);
    breakers_forget(g->shard, before->config, g->snapshot->config);
    refused_keys_forget(g->shard, before->config);
    refused_keys_tell(g->shard, g->snapshot->config, g->targets);
    g->listeners = listeners_ref(r->next_listeners);
    gateway_bound_memory(g);
    foreseen_tell(g->shard, g->snapshot->config);
    gateway_probe(g);
    budgets_apply(g->budgets, g->snapshot->config);
    telemetry_apply(g->telemetry, g->snapshot);
    alerts_apply(g->alerts, g->snapshot);
    apply_tokens(g);
    logger_configure(g->logger, &g->snapshot->config->logs);
    note_act(r, "ok"); /* also where weir ends: it is in force for the calls that are left */
    if (!r->stopped) log_success(r);
    snapshot_unref(before);
    finish(r, true);
}

static void apply_order(loop *l, void *arg) {
    (void)l;
    order *o = arg;
    worker_apply(o->worker, o->snapshot, o->fresh);
    worker_unlisten(o->worker, o->old, o->fresh);
    answer_order(o, on_applied);
}

/* The ledger first: a worker whose journal may have less from now on looks at that when it hears of
 * the rest. */
static void apply(reload *r) {
    const gateway *g = r->gateway;
    r->state = RELOAD_APPLYING;
    r->applied = 0;
    if (g->ledger) ledger_configure(g->ledger, &r->next->config->ledger);
    for (unsigned i = 0; i < r->gateway->worker_count; i++)
        send_order(r, i, apply_order);
}

/* ---- opening ---- */

static void open_next(reload *r);

static void on_closed_again(loop *l, void *arg) {
    (void)l;
    order *o = arg;
    reload *r = o->reload;
    order_free(o);
    if (!--r->opened) fail(r);
}

static void close_again_order(loop *l, void *arg) {
    (void)l;
    order *o = arg;
    worker_unlisten(o->worker, o->fresh, o->old);
    answer_order(o, on_closed_again);
}

static void on_opened(loop *l, void *arg) {
    (void)l;
    order *o = arg;
    reload *r = o->reload;
    int err = o->err;
    if (err) listener_explain(o->fresh->items[o->at], err, &r->why);
    order_free(o);
    if (!err) {
        r->opened++;
        open_next(r);
    } else if (!r->opened) {
        fail(r);
    } else {
        unsigned opened = r->opened;
        for (unsigned i = 0; i < opened; i++)
            send_order(r, i, close_again_order);
    }
}

static void open_order(loop *l, void *arg) {
    (void)l;
    order *o = arg;
    o->err = worker_listen(o->worker, o->fresh, o->old, &o->at);
    answer_order(o, on_opened);
}

/* One worker after the other: the first finds out a free port, or makes the Unix socket. */
static void open_next(reload *r) {
    if (r->opened < r->gateway->worker_count) {
        send_order(r, r->opened, open_order);
        return;
    }
    for (size_t i = 0; i < r->next_listeners->count; i++)
        listener_bound(r->next_listeners->items[i]);
    apply(r);
}

/* ---- loading ---- */

static void load_work(uv_work_t *work) {
    reload *r = CONTAINER_OF(work, reload, work);
    config *c = r->read = r->load(r->user, &r->problems);
    if (!c) return;
    if (r->gateway->keys) c->store_has_keys = key_keeper_has_keys(r->gateway->keys);
    r->next = gateway_snapshot(c, &r->why);
}

static void on_loaded(uv_work_t *work, int status) {
    reload *r = CONTAINER_OF(work, reload, work);
    loop_enter(&r->gateway->loop);
    if (!r->next || status || r->stopped) {
        fail(r);
        return;
    }
    r->state = RELOAD_OPENING;
    r->opened = 0;
    r->next_listeners = listeners_new(r->next, r->gateway->listeners);
    open_next(r);
}

void reload_ask(reload *r) {
    if (r->stopped) return;
    if (r->state != RELOAD_IDLE) {
        r->again = true;
        return;
    }
    gateway *g = r->gateway;
    loop_timer_stop(&g->loop, &r->settle);
    loop_timer_stop(&g->loop, &r->refresh);
    r->again = false;
    r->state = RELOAD_LOADING;
    r->problems = (config_problems){0};
    r->why = BUF_EMPTY;
    r->began_us = clock_wall_us();
    (void)watch_changed(&r->watch); /* what is there now is what gets read */
    notify_reloading(&g->notifier, clock_mono_us());
    if (loop_work(&g->loop, &r->work, load_work, on_loaded)) on_loaded(&r->work, UV_ENOMEM);
}

/* ---- watching ---- */

static void on_look(timer *t) {
    reload *r = CONTAINER_OF(t, reload, look);
    loop_timer_start(&r->gateway->loop, t, LOOK_MS);
    if (r->state == RELOAD_IDLE && !timer_active(&r->settle) && watch_changed(&r->watch))
        loop_timer_start(&r->gateway->loop, &r->settle, SETTLE_MS);
}

static void on_settle(timer *t) {
    reload *r = CONTAINER_OF(t, reload, settle);
    if (watch_changed(&r->watch))
        loop_timer_start(&r->gateway->loop, t, SETTLE_MS);
    else
        reload_ask(r);
}

static void on_refresh(timer *t) {
    reload_ask(CONTAINER_OF(t, reload, refresh));
}

/* ---- life ---- */

reload *reload_new(gateway *g, gateway_load_fn *load, void *user) {
    reload *r = mem_zalloc(sizeof *r);
    r->gateway = g;
    r->load = load;
    r->user = user;
    watch_init(&r->watch);
    const span *paths;
    size_t count = config_watch_paths(g->snapshot->config, &paths);
    watch_set(&r->watch, paths, count, config_began_us(g->snapshot->config));
    timer_init(&r->look, on_look);
    timer_init(&r->settle, on_settle);
    timer_init(&r->refresh, on_refresh);
    return r;
}

void reload_start_watching(reload *r) {
    loop_timer_start(&r->gateway->loop, &r->look, LOOK_MS);
    schedule_refresh(r);
}

bool reload_stop(reload *r) {
    loop *l = &r->gateway->loop;
    r->stopped = true;
    loop_timer_stop(l, &r->look);
    loop_timer_stop(l, &r->settle);
    loop_timer_stop(l, &r->refresh);
    config_give_up_commands(true);
    /* A file that is being read may take its time; what comes of it is dropped. */
    return r->state == RELOAD_IDLE || r->state == RELOAD_LOADING;
}

void reload_free(reload *r) {
    watch_done(&r->watch);
    free(r);
}
