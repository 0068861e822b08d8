#include "sim/server.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

/* Generous bounds: the simulator is asked by one's own programs. */
static const http_server_limits limits = {
    .head = {.head_bytes = 64 << 10, .url_bytes = 8 << 10, .headers = 200},
    .body_bytes = 32 << 20,
    .pending_bytes = 64 << 10,
    .connections = 50000,
    .header_timeout_ms = 30000,
    .body_timeout_ms = 60000,
    .idle_timeout_ms = 300000,
};

struct sim_server {
    loop *loop;
    http_server *http;
    sim_settings settings;
    buf key; /* what settings.key shows */
    sim_counts *counts;
    uint64_t serial;
};

/* One request that is being answered. */
typedef struct sim_run {
    sim_server *server;
    http_request *request;
    sim_plan plan;
    sim_step step;  /* the next */
    int64_t due_ms; /* when it is to happen */
    timer timer;
} sim_run;

/* Does the next step; false when it was the last. */
static bool do_step(sim_run *c) {
    http_headers headers = {c->plan.headers, c->plan.header_count};
    switch (c->step.kind) {
    case SIM_STEP_ANSWER:
        http_answer(c->request, c->plan.status, headers, c->step.bytes);
        return false;
    case SIM_STEP_HEAD: http_answer_head(c->request, c->plan.status, headers); return true;
    case SIM_STEP_PIECE: http_answer_piece(c->request, c->step.bytes); return true;
    case SIM_STEP_END: http_answer_end(c->request); return false;
    case SIM_STEP_CUT: http_answer_abort(c->request); return false;
    case SIM_STEP_SILENCE: return false;
    }
    return false;
}

static void take_step(sim_run *c) {
    c->step = sim_plan_next(&c->plan);
    c->due_ms += c->step.pause_ms;
}

/* Does what is due. Steps keep to their own times, so a late turn does not slow a stream down. */
static void go_on(sim_run *c) {
    loop *l = c->server->loop;
    while (!http_answer_full(c->request)) {
        if (c->due_ms > l->now_ms) {
            loop_timer_start(l, &c->timer, c->due_ms - l->now_ms);
            return;
        }
        if (!do_step(c)) return;
        take_step(c);
    }
}

static void on_timer(timer *t) {
    go_on(CONTAINER_OF(t, sim_run, timer));
}

static void on_request(void *user, http_request *r) {
    sim_server *s = user;
    const http_head *head = http_request_head(r);
    sim_request request = {
        .method = head->method,
        .method_text = head->method_text,
        .path = head->path,
        .headers = head->headers,
        .body = http_request_body(r),
        .wall_us = clock_wall_us(),
        .serial = s->serial++,
    };
    sim_run *c = mem_alloc(sizeof *c);
    c->server = s;
    c->request = r;
    c->due_ms = s->loop->now_ms;
    timer_init(&c->timer, on_timer);
    sim_plan_init(&c->plan, &s->settings, &request, s->counts);
    http_request_drop_body(r);
    http_request_set_user(r, c);
    take_step(c);
    go_on(c);
}

static void on_head(void *user, http_request *r) {
    (void)user;
    (void)r;
}

/* A reader that held the stream back does not get what it missed in one gush. */
static void on_room(void *user, http_request *r) {
    (void)user;
    sim_run *c = http_request_user(r);
    if (!c || timer_active(&c->timer)) return;
    if (c->due_ms < c->server->loop->now_ms) c->due_ms = c->server->loop->now_ms;
    go_on(c);
}

static void on_gone(void *user, http_request *r) {
    (void)user;
    sim_run *c = http_request_user(r);
    if (c) loop_timer_stop(c->server->loop, &c->timer);
}

static void on_done(void *user, http_request *r) {
    (void)user;
    sim_run *c = http_request_user(r);
    if (!c) return;
    loop_timer_stop(c->server->loop, &c->timer);
    sim_plan_done(&c->plan);
    free(c);
}

static void on_refused(void *user, const http_refusal *what, buf *ret_body) {
    (void)user;
    const error_row *row = error_get(what->id);
    buf_add_cstr(ret_body, "{\"error\":{\"message\":");
    json_write_string(ret_body, what->why);
    buf_addf(ret_body, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}\n", row->type, row->code);
}

static const http_server_ops ops = {on_head, on_request, on_gone, on_room,
                                    on_done, on_refused, NULL};

sim_server *sim_server_start(loop *l, const sim_settings *settings, http_bind *bind, int *ret_err) {
    sim_server *s = mem_zalloc(sizeof *s);
    s->loop = l;
    s->settings = *settings;
    buf_add(&s->key, settings->key);
    s->settings.key = buf_span(&s->key);
    s->serial = rng_u64(&l->rng);
    s->counts = mem_zalloc(sizeof *s->counts);
    s->http = http_server_new(l, &limits, &ops, s);
    int err = http_server_listen(s->http, bind);
    if (!err) return s;
    *ret_err = err;
    sim_server_free(s);
    return NULL;
}

void sim_server_stop(sim_server *s) {
    http_server_close(s->http);
}

void sim_server_free(sim_server *s) {
    if (!s) return;
    http_server_free(s->http);
    free(s->counts);
    if (s->key.ptr) mem_wipe(s->key.ptr, s->key.len);
    buf_done(&s->key);
    free(s);
}

/* ---- A thread of its own ---- */

struct sim_thread {
    loop loop;
    sim_server *server;
    uv_thread_t thread;
};

static void run_thread(void *arg) {
    sim_thread *t = arg;
    loop_run(&t->loop);
}

static void stop_posted(loop *l, void *server) {
    sim_server_stop(server);
    loop_stop(l);
}

sim_thread *sim_thread_start(const sim_settings *settings, http_bind *bind, int *ret_err) {
    sim_thread *t = mem_zalloc(sizeof *t);
    int err = loop_init(&t->loop, 0);
    if (err) goto no_loop;
    t->server = sim_server_start(&t->loop, settings, bind, &err);
    if (!t->server) goto no_server;
    err = uv_thread_create(&t->thread, run_thread, t);
    if (!err) return t;
    stop_posted(&t->loop, t->server);
    loop_run(&t->loop);
    sim_server_free(t->server);
no_server:
    loop_done(&t->loop);
no_loop:
    free(t);
    *ret_err = err;
    return NULL;
}

void sim_thread_stop(sim_thread *t) {
    if (!t) return;
    loop_post(&t->loop, stop_posted, t->server);
    uv_thread_join(&t->thread);
    sim_server_free(t->server);
    loop_done(&t->loop);
    free(t);
}
