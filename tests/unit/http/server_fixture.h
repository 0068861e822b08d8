/* A server on its own loop and thread, with a handler that does what the path says, for the client
 * of wire.h. */
#ifndef WEIR_UNIT_SERVER_FIXTURE_H
#define WEIR_UNIT_SERVER_FIXTURE_H

#include <sys/un.h>

#include "base/mem.h"
#include "http/server.h"
#include "wire.h"

enum { PENDING_BYTES = 32 * 1024 };

typedef struct fixture {
    loop loop;
    http_server *server;
    http_bind bind;
    http_server_limits limits;
    uv_thread_t thread;
    uv_mutex_t lock; /* of what follows */
    uv_cond_t news;
    buf log; /* "head /x;", "request /x;", "gone /x;", "left /x;", "done /x;", "refused 400;" */
    http_request *waiting; /* of /wait: the loop's thread alone touches it */
    size_t flood_left;
    bool answering; /* the loop's thread is inside http_answer() */
    bool closed;
} fixture;

static const http_server_limits test_limits = {
    .head = {.head_bytes = 4096, .url_bytes = 1024, .headers = 30, .trailer_bytes = 512},
    .body_bytes = 100000,
    .pending_bytes = PENDING_BYTES,
    .connections = 50,
    .header_timeout_ms = 60000,
    .body_timeout_ms = 60000,
    .idle_timeout_ms = 60000,
};

/* ---- the log ---- */

static inline void note(fixture *f, const char *what, span path) {
    uv_mutex_lock(&f->lock);
    buf_addf(&f->log, "%s %.*s;", what, SPAN_ARG(path));
    uv_cond_broadcast(&f->news);
    uv_mutex_unlock(&f->lock);
}

static inline bool log_has(fixture *f, const char *text) {
    uv_mutex_lock(&f->lock);
    bool has = strstr(buf_cstr(&f->log), text);
    uv_mutex_unlock(&f->lock);
    return has;
}

static inline void wait_log(fixture *f, const char *text) {
    uv_mutex_lock(&f->lock);
    while (!strstr(buf_cstr(&f->log), text))
        if (uv_cond_timedwait(&f->news, &f->lock, GIVE_UP_S * (uint64_t)1000000000))
            fail_msg("never came: %s; the log is: %s", text, buf_cstr(&f->log));
    uv_mutex_unlock(&f->lock);
}

static inline void check_log(fixture *f, const char *want) {
    wait_log(f, want);
    uv_mutex_lock(&f->lock);
    assert_string_equal(buf_cstr(&f->log), want);
    uv_mutex_unlock(&f->lock);
}

static inline void clear_log(fixture *f) {
    uv_mutex_lock(&f->lock);
    buf_clear(&f->log);
    uv_mutex_unlock(&f->lock);
}

/* ---- the handler ---- */

static const http_header json_type = {SPAN("content-type"), SPAN("application/json")};

static inline span path_of(http_request *r) {
    return http_request_head(r)->path;
}

static inline bool path_is(http_request *r, const char *path) {
    return span_eq(path_of(r), span_cstr(path));
}

static inline void answer_text(http_request *r, int status, span body) {
    http_answer(r, status, (http_headers){&json_type, 1}, body);
}

static inline void handle_head(void *user, http_request *r) {
    fixture *f = user;
    note(f, "head", path_of(r));
    if (path_is(r, "/nowhere")) answer_text(r, 404, SPAN_OF("nowhere"));
    if (path_is(r, "/small")) http_request_limit_body(r, 10);
    if (path_is(r, "/kept")) f->waiting = r;
    if (path_is(r, "/mine")) http_request_set_holder(r, 1);
    if (path_is(r, "/yours")) http_request_set_holder(r, 2);
}

static inline void stream_start(http_request *r) {
    http_answer_head(r, 200, (http_headers){&json_type, 1});
}

static inline void stream_numbers(http_request *r) {
    stream_start(r);
    http_answer_piece(r, SPAN_OF("one "));
    http_answer_piece(r, SPAN_EMPTY);
    http_answer_piece(r, SPAN_OF("two "));
    http_answer_piece(r, SPAN_OF("three"));
    http_answer_end(r);
}

static inline void flood(fixture *f, http_request *r) {
    static char piece[7000];
    memset(piece, 'f', sizeof piece);
    while (f->flood_left && !http_answer_full(r)) {
        size_t n = f->flood_left < sizeof piece ? f->flood_left : sizeof piece;
        http_answer_piece(r, span_from(piece, n));
        f->flood_left -= n;
    }
    if (!f->flood_left) http_answer_end(r);
}

static inline void answer_big(http_request *r) {
    uint64_t n = 0;
    assert_true(span_u64(http_request_head(r)->query, &n));
    char *bytes = malloc(n);
    memset(bytes, 'b', n);
    answer_text(r, 200, span_from(bytes, n));
    free(bytes);
}

static inline void handle_request(void *user, http_request *r) {
    fixture *f = user;
    note(f, "request", path_of(r));
    if (path_is(r, "/echo") || path_is(r, "/small")) {
        answer_text(r, 200, http_request_body(r));
    } else if (path_is(r, "/stream")) {
        stream_numbers(r);
    } else if (path_is(r, "/abort")) {
        stream_start(r);
        http_answer_piece(r, SPAN_OF("half"));
        http_answer_abort(r);
    } else if (path_is(r, "/broken")) {
        stream_start(r);
        http_answer_piece(r, SPAN_OF("sorry"));
        http_answer_break(r);
    } else if (path_is(r, "/broken-before")) {
        http_answer_break(r); /* has nothing to be told behind */
        http_answer_abort(r);
    } else if (path_is(r, "/abort-early")) {
        http_answer_abort(r);
    } else if (path_is(r, "/flood")) {
        stream_start(r);
        flood(f, r);
    } else if (path_is(r, "/big")) {
        answer_big(r);
    } else if (path_is(r, "/both")) {
        /* A large answer while another request's is complete but not yet told. */
        http_request *other = f->waiting;
        answer_text(other, 200, SPAN_OF("at last"));
        f->answering = true;
        answer_big(r);
        f->answering = false;
    } else if (path_is(r, "/empty")) {
        http_answer(r, 204, (http_headers){0}, SPAN_EMPTY);
    } else if (path_is(r, "/wait")) {
        f->waiting = r;
        note(f, "waiting", path_of(r));
    } else if (path_is(r, "/wait-stream")) {
        f->waiting = r;
        stream_start(r);
        http_answer_piece(r, SPAN_OF("begun"));
        note(f, "waiting", path_of(r));
    } else {
        answer_text(r, 200, path_of(r));
    }
}

static inline void handle_gone(void *user, http_request *r) {
    fixture *f = user;
    if (f->waiting == r) f->waiting = NULL;
    note(f, http_request_is_slow(r) ? "left" : "gone", path_of(r));
    http_answer_piece(r, SPAN_OF("to nobody"));
}

static inline void handle_room(void *user, http_request *r) {
    flood(user, r);
}

static inline void handle_done(void *user, http_request *r) {
    fixture *f = user;
    if (f->waiting == r) f->waiting = NULL;
    assert_true(http_request_peer(r).len > 0);
    if (f->answering) note(f, "nested", path_of(r));
    note(f, "done", path_of(r));
}

static inline void handle_refused(void *user, const http_refusal *what, buf *ret_body) {
    fixture *f = user;
    assert_true(what->why.len && what->request_id.len && what->peer.len);
    buf_addf(ret_body, "{\"error\":\"%.*s\"}", SPAN_ARG(what->why));
    note(f, "refused", span_cstr(error_get(what->id)->name));
}

static inline void handle_no_handshake(void *user, span peer, http_handshake_end how,
                                       const char *text) {
    static const span words[] = {[HANDSHAKE_FAILED] = SPAN("failed"),
                                 [HANDSHAKE_LOST] = SPAN("lost"),
                                 [HANDSHAKE_SLOW] = SPAN("slow")};
    assert_true(peer.len && *text);
    note(user, "handshake", words[how]);
}

static const http_server_ops handler_ops = {handle_head,        handle_request, handle_gone,
                                            handle_room,        handle_done,    handle_refused,
                                            handle_no_handshake};

/* ---- its thread ---- */

static inline void run_loop(void *arg) {
    loop_run(&((fixture *)arg)->loop);
}

static inline void fixture_init(fixture *f, const http_server_limits *limits) {
    *f = (fixture){.limits = limits ? *limits : test_limits};
    uv_mutex_init(&f->lock);
    uv_cond_init(&f->news);
    assert_int_equal(loop_init(&f->loop, 0), 0);
    f->server = http_server_new(&f->loop, &f->limits, &handler_ops, f);
    f->bind = (http_bind){.host = SPAN("127.0.0.1")};
}

static inline void fixture_run(fixture *f) {
    assert_int_equal(uv_thread_create(&f->thread, run_loop, f), 0);
}

static inline void fixture_start(fixture *f, const http_server_limits *limits) {
    fixture_init(f, limits);
    assert_int_equal(http_server_listen(f->server, &f->bind), 0);
    assert_true(f->bind.port > 0);
    fixture_run(f);
}

/* Runs fn on the loop's thread and waits for it. */
typedef struct errand {
    fixture *f;
    void (*fn)(fixture *f);
    bool done;
} errand;

static inline void run_errand(loop *l, void *arg) {
    (void)l;
    errand *e = arg;
    e->fn(e->f);
    uv_mutex_lock(&e->f->lock);
    e->done = true;
    uv_cond_broadcast(&e->f->news);
    uv_mutex_unlock(&e->f->lock);
}

static inline void on_loop(fixture *f, void (*fn)(fixture *f)) {
    errand e = {.f = f, .fn = fn};
    loop_post(&f->loop, run_errand, &e);
    uv_mutex_lock(&f->lock);
    while (!e.done)
        uv_cond_wait(&f->news, &f->lock);
    uv_mutex_unlock(&f->lock);
}

static inline void close_server(fixture *f) {
    if (!f->closed) http_server_close(f->server);
    f->closed = true;
}

static inline void stop_loop(fixture *f) {
    close_server(f);
    loop_stop(&f->loop);
}

static inline void fixture_done(fixture *f) {
    if (f->thread) {
        on_loop(f, stop_loop);
        uv_thread_join(&f->thread);
    }
    http_server_free(f->server);
    loop_done(&f->loop);
    uv_cond_destroy(&f->news);
    uv_mutex_destroy(&f->lock);
    buf_done(&f->log);
}

static inline void answer_waiting(fixture *f) {
    if (http_answer_started(f->waiting))
        http_answer_end(f->waiting);
    else
        answer_text(f->waiting, 200, SPAN_OF("at last"));
}

static inline int dial(fixture *f) {
    int fd = dial_port(f->bind.port);
    assert_true(fd >= 0);
    return fd;
}

#endif
