/* A server on its own loop and thread, with a handler that does what the path says, and a client of
 * blocking sockets in the test's thread. Every wait of the client ends after GIVE_UP_S: a broken
 * server fails a test and does not hang it. */
#ifndef WEIR_UNIT_SERVER_FIXTURE_H
#define WEIR_UNIT_SERVER_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/server.h"

enum { GIVE_UP_S = 20, PENDING_BYTES = 32 * 1024 };

typedef struct fixture {
    loop loop;
    http_server *server;
    http_bind bind;
    http_server_limits limits;
    uv_thread_t thread;
    uv_mutex_t lock; /* of what follows */
    uv_cond_t news;
    buf log;               /* "head /x;", "request /x;", "gone /x;", "done /x;", "refused 400;" */
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
    note(f, "gone", path_of(r));
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

static inline void handle_refused(void *user, error_id id, const char *why, buf *ret_body) {
    fixture *f = user;
    assert_true(*why);
    buf_addf(ret_body, "{\"error\":\"%s\"}", why);
    note(f, "refused", span_cstr(error_get(id)->name));
}

static const http_server_ops handler_ops = {handle_head, handle_request, handle_gone,
                                            handle_room, handle_done,    handle_refused};

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

/* ---- the client ---- */

static inline void bound_waits(int fd) {
    struct timeval patience = {.tv_sec = GIVE_UP_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static inline int dial_port(uint16_t port) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    bound_waits(fd);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0) return fd;
    (void)close(fd);
    return -1;
}

static inline int dial(fixture *f) {
    int fd = dial_port(f->bind.port);
    assert_true(fd >= 0);
    return fd;
}

static inline void send_bytes(int fd, span bytes) {
    while (bytes.len) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        assert_true(n > 0);
        bytes = span_slice(bytes, (size_t)n, bytes.len);
    }
}

static inline void send_text(int fd, const char *text) {
    send_bytes(fd, span_cstr(text));
}

/* A GET of that path. */
static inline void get(int fd, const char *path) {
    char text[300];
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path);
    send_text(fd, text);
}

/* Everything until the peer closes, or resets (ret_reset may be NULL). */
static inline char *read_all(int fd, bool *ret_reset) {
    buf b = BUF_EMPTY;
    ssize_t n;
    while ((n = recv(fd, buf_reserve(&b, 65536), 65536, 0)) > 0)
        buf_grow(&b, (size_t)n);
    if (n < 0 && errno != ECONNRESET) fail_msg("the server does not close: %s", buf_cstr(&b));
    if (ret_reset) *ret_reset = n < 0;
    char *text = strdup(buf_cstr(&b));
    buf_done(&b);
    return text;
}

/* One answer off a connection that stays open. */
typedef struct answer {
    int status;
    bool keep_alive;
    bool chunked;
    bool ended;
    int64_t length;
    size_t headers;
    char connection[20];
    char date[40];
    buf body;
} answer;

static inline bool answer_on_head(void *user, const http_head *h) {
    answer *a = user;
    a->status = h->status;
    a->keep_alive = h->keep_alive;
    a->chunked = h->chunked;
    a->length = h->content_length;
    span connection = http_header_get(h->headers, SPAN_OF("connection"));
    span date = http_header_get(h->headers, SPAN_OF("date"));
    (void)snprintf(a->connection, sizeof a->connection, "%.*s", SPAN_ARG(connection));
    (void)snprintf(a->date, sizeof a->date, "%.*s", SPAN_ARG(date));
    return true;
}

static inline bool answer_on_body(void *user, span piece) {
    buf_add(&((answer *)user)->body, piece);
    return true;
}

static inline bool answer_on_end(void *user) {
    ((answer *)user)->ended = true;
    return false;
}

static const http_codec_ops answer_ops = {answer_on_head, answer_on_body, answer_on_end};

static inline answer read_answer_of(int fd, bool to_head) {
    answer a = {0};
    http_codec *c = http_codec_new(HTTP_CODEC_RESPONSE, &test_limits.head, &answer_ops, &a);
    if (to_head) http_codec_expect_head_answer(c);
    while (!a.ended) {
        /* Byte by byte, so that nothing of the next answer is taken. */
        char byte;
        ssize_t n = recv(fd, &byte, 1, 0);
        if (n <= 0) {
            assert_int_equal(n, 0);
            assert_true(http_codec_eof(c));
            break;
        }
        size_t used;
        if (http_codec_feed(c, span_from(&byte, 1), &used) == HTTP_FEED_BAD)
            fail_msg("the answer is malformed");
    }
    http_codec_free(c);
    return a;
}

static inline answer read_answer(int fd) {
    return read_answer_of(fd, false);
}

static inline void check_answer(int fd, int status, const char *body) {
    answer a = read_answer(fd);
    assert_int_equal(a.status, status);
    if (body) assert_span(buf_span(&a.body), body);
    buf_done(&a.body);
}

/* The peer has closed and nothing more came. */
static inline void check_closed(int fd) {
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    (void)close(fd);
}

#endif
