/* One worker of a gateway on a thread of its own: the real door, and rows of the test's before the
 * gateway's. For the client of http/wire.h. */
#ifndef WEIR_TEST_GATE_H
#define WEIR_TEST_GATE_H

#include "unit.h"

#include "gateway/door.h"
#include "gateway/parts.h"
#include "gateway/routes.h"
#include "gateway/worker.h"
#include "http/wire.h"

#include <fcntl.h>

typedef struct gate {
    gateway gateway;
    worker worker;
    config *config;
    const route *rows;
    size_t row_count;
    http_server_ops ops; /* the door's, but for the head */
    http_bind at;
    int log_fd;
    uv_mutex_t lock; /* of what follows */
    uv_cond_t news;
    buf said; /* "begin /x;" */
    bool errand_done;
    bool closed; /* the test's thread alone */
} gate;

static inline gate *gate_of(const request *q) {
    return CONTAINER_OF(q->w, gate, worker);
}

/* ---- what is said ---- */

static inline void gate_note(gate *g, const char *what) {
    uv_mutex_lock(&g->lock);
    buf_addf(&g->said, "%s;", what);
    uv_cond_broadcast(&g->news);
    uv_mutex_unlock(&g->lock);
}

static inline void gate_forget(gate *g) {
    uv_mutex_lock(&g->lock);
    buf_clear(&g->said);
    uv_mutex_unlock(&g->lock);
}

/* Until that has been said, and nothing else. */
static inline void gate_expect(gate *g, const char *want) {
    uv_mutex_lock(&g->lock);
    while (g->said.len < strlen(want))
        if (uv_cond_timedwait(&g->news, &g->lock, GIVE_UP_S * (uint64_t)1000000000))
            fail_msg("never came: %s; said was: %s", want, buf_cstr(&g->said));
    assert_string_equal(buf_cstr(&g->said), want);
    uv_mutex_unlock(&g->lock);
}

/* ---- its thread ---- */

typedef struct gate_errand {
    gate *gate;
    void (*run)(gate *g, void *arg);
    void *arg;
} gate_errand;

static inline void gate_run_errand(loop *l, void *arg) {
    (void)l;
    gate_errand *e = arg;
    e->run(e->gate, e->arg);
    uv_mutex_lock(&e->gate->lock);
    e->gate->errand_done = true;
    uv_cond_broadcast(&e->gate->news);
    uv_mutex_unlock(&e->gate->lock);
}

/* Runs that on the worker's thread, and waits for it. */
static inline void gate_do(gate *g, void (*run)(gate *g, void *arg), void *arg) {
    gate_errand e = {g, run, arg};
    g->errand_done = false;
    loop_post(&g->worker.loop, gate_run_errand, &e);
    uv_mutex_lock(&g->lock);
    while (!g->errand_done)
        uv_cond_wait(&g->news, &g->lock);
    uv_mutex_unlock(&g->lock);
}

/* ---- reload ---- */

static inline config *gate_config(const char *yaml) {
    config_problems problems = {0};
    config *c = config_parse(span_cstr(yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    assert_non_null(c);
    return c;
}

static inline snapshot *gate_snapshot(const char *yaml) {
    buf why = BUF_EMPTY;
    config *c = gate_config(yaml);
    snapshot *s = gateway_snapshot(c, &why);
    config_unref(c);
    assert_non_null(s);
    return s;
}

static inline void gate_apply(gate *g, void *yaml) {
    listeners none = {0};
    snapshot *s = gate_snapshot(yaml);
    worker_apply(&g->worker, s, &none);
    snapshot_unref(s);
}

/* What was in force lives on in those alone who hold it. */
static inline void gate_reload(gate *g, const char *yaml) {
    gate_do(g, gate_apply, (void *)yaml);
}

/* ---- life ---- */

static inline void gate_on_head(void *user, http_request *r) {
    worker *w = user;
    gate *g = CONTAINER_OF(w, gate, worker);
    span path = http_request_head(r)->path;
    for (size_t i = 0; i < g->row_count; i++)
        if (span_eq(g->rows[i].path, path)) {
            door_take(w, r, &g->rows[i]);
            return;
        }
    door_ops.on_head(user, r);
}

static const http_server_limits gate_limits = {
    .head = {.head_bytes = 4096, .url_bytes = 1024, .headers = 30, .trailer_bytes = 512},
    .body_bytes = 4096,
    .pending_bytes = 32 * 1024,
    .connections = 50,
    .header_timeout_ms = 60000,
    .body_timeout_ms = 60000,
    .idle_timeout_ms = 60000,
};

static inline void gate_start(gate *g, const char *yaml, const route *rows, size_t count) {
    *g = (gate){
        .rows = rows, .row_count = count, .ops = door_ops, .at = {.host = SPAN("127.0.0.1")}};
    uv_mutex_init(&g->lock);
    uv_cond_init(&g->news);
    snapshot *s = gate_snapshot(yaml);
    gateway *gw = &g->gateway;
    g->log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    gw->metrics = metrics_new();
    gw->logger = logger_new(&s->config->logs, g->log_fd);
    gw->targets = target_table_new();
    memory_bound_init(&gw->memory, s->config->limits.memory_bytes, UINT64_MAX);
    assert_int_equal(loop_init(&gw->loop, 1), 0);
    assert_int_equal(worker_init(&g->worker, gw, 0, s), 0);
    snapshot_unref(s);
    http_server_free(g->worker.server);
    g->ops.on_head = gate_on_head;
    g->worker.server = http_server_new(&g->worker.loop, &gate_limits, &g->ops, &g->worker);
    assert_int_equal(http_server_listen(g->worker.server, &g->at), 0);
    assert_int_equal(worker_start(&g->worker), 0);
}

static inline void gate_close_worker(gate *g, void *arg) {
    (void)arg;
    worker_close(&g->worker);
}

/* Everything is closed from now on; gate_free() waits for the end. */
static inline void gate_close(gate *g) {
    if (!g->closed) gate_do(g, gate_close_worker, NULL);
    g->closed = true;
}

static inline void gate_free(gate *g) {
    assert_true(worker_done(&g->worker));
    loop_done(&g->gateway.loop);
    target_table_free(g->gateway.targets);
    memory_bound_done(&g->gateway.memory);
    metrics_free(g->gateway.metrics);
    logger_free(g->gateway.logger, 1000);
    close(g->log_fd);
    buf_done(&g->said);
    uv_cond_destroy(&g->news);
    uv_mutex_destroy(&g->lock);
}

static inline int gate_dial(const gate *g) {
    int fd = dial_port(g->at.port);
    assert_true(fd >= 0);
    return fd;
}

static inline void gate_count(gate *g, void *ret_count) {
    *(unsigned *)ret_count = http_server_connections(g->worker.server);
}

/* Until it has seen all of its clients leave. */
static inline void gate_await_empty(gate *g) {
    unsigned count;
    do
        gate_do(g, gate_count, &count);
    while (count);
}

#endif
