/* Two ends of one connection on one loop, which note what they are told and do what a test wants.
 */
#ifndef WEIR_TEST_ENDS_H
#define WEIR_TEST_ENDS_H

#include "net.h"

#include "http/tls.h"

#include <stdio.h>

/* One end of a connection: notes what it is told, and does what the test wants of it. */
typedef struct end {
    struct fixture *f;
    transport *t;
    buf got;
    int opened, sent, failed, left, told_after_close;
    bool closed;
    transport_fail why;
    char text[200];
    void (*open)(struct end *e);
    void (*data)(struct end *e);
    void (*when_sent)(struct end *e);
    void (*failing)(struct end *e);
    void (*leaving)(struct end *e);
} end;

typedef struct fixture {
    loop l;
    acceptor listener;
    uint16_t port;
    end client, server;
    timer timer;
    int step;
    tls_context *server_tls; /* NULL: plain */
    transport_tls client_tls;
} fixture;

static inline void end_close(end *e) {
    if (e->closed || !e->t) return;
    e->closed = true;
    transport_close(e->t);
}

static inline void finish_test(fixture *f) {
    end_close(&f->client);
    end_close(&f->server);
    loop_timer_stop(&f->l, &f->timer);
    acceptor_close(&f->listener);
    loop_stop(&f->l);
}

static inline void note(end *e) {
    if (e->closed) e->told_after_close++;
}

static inline void on_open(void *user) {
    end *e = user;
    note(e);
    e->opened++;
    if (e->open) e->open(e);
}

static inline void on_data(void *user, span bytes) {
    end *e = user;
    note(e);
    buf_add(&e->got, bytes);
    if (e->data) e->data(e);
}

static inline void on_sent(void *user) {
    end *e = user;
    note(e);
    e->sent++;
    if (e->when_sent) e->when_sent(e);
}

static inline void on_fail(void *user, transport_fail why, const char *text) {
    end *e = user;
    note(e);
    e->failed++;
    e->why = why;
    snprintf(e->text, sizeof e->text, "%s", text);
    if (e->failing)
        e->failing(e);
    else
        finish_test(e->f);
}

static inline void on_left(void *user) {
    end *e = user;
    note(e);
    e->left++;
    if (e->leaving) e->leaving(e);
}

static const transport_ops ops = {on_open, on_data, on_sent, on_fail, on_left};

static inline void on_accept(acceptor *listener, int fd, const struct sockaddr_storage *from) {
    fixture *f = CONTAINER_OF(listener, fixture, listener);
    assert_null(f->server.t);
    f->server.t = transport_accept(&f->l, fd, from, f->server_tls, &ops, &f->server);
    assert_non_null(f->server.t);
    if (f->server.open) f->server.open(&f->server);
}

static const acceptor_ops listener_ops = {.on_connection = on_accept};

static inline void begin(fixture *f) {
    *f = (fixture){.client.f = f, .server.f = f};
    assert_int_equal(loop_init(&f->l, 0), 0);
    f->port = net_listen(&f->l, &f->listener, &listener_ops);
    timer_init(&f->timer, NULL);
}

/* At path instead of a port; to be called before anybody has connected. */
static inline void listen_at(fixture *f, const char *path) {
    acceptor_close(&f->listener);
    uv_run(&f->l.uv, UV_RUN_NOWAIT);
    net_listen_unix(&f->l, &f->listener, &listener_ops, path);
}

static inline void connect_to(fixture *f, const struct sockaddr_storage *addrs, size_t count) {
    transport_target target = {.addresses = addrs, .address_count = count, .tls = f->client_tls};
    f->client.t = transport_connect(&f->l, &target, &ops, &f->client);
    assert_int_equal(f->client.opened + f->client.failed, 0); /* never calls back at once */
}

static inline void connect_client(fixture *f) {
    struct sockaddr_storage addr = net_addr("127.0.0.1", f->port);
    connect_to(f, &addr, 1);
}

static inline void run(fixture *f) {
    loop_run(&f->l);
    loop_done(&f->l);
    assert_int_equal(f->client.told_after_close, 0);
    assert_int_equal(f->server.told_after_close, 0);
}

static inline void end_done(fixture *f) {
    buf_done(&f->client.got);
    buf_done(&f->server.got);
}

/* Each test has a listener and the ends of one connection to it, which is still to be made. */
static inline int ends_set_up(void **state) {
    static fixture f;
    begin(&f);
    *state = &f;
    return 0;
}

static inline int ends_tear_down(void **state) {
    end_done(*state);
    return 0;
}

/* Connects, and lets the ends do what they are to do until one finishes the test. */
static inline void converse(fixture *f) {
    connect_client(f);
    run(f);
}

/* ---- what ends do ---- */

static inline void say_hello(end *e) {
    transport_write(e->t, SPAN_OF("hel"));
    buf_add_cstr(transport_out(e->t), "lo");
    transport_wrote(e->t);
    assert_int_equal(transport_pending(e->t), 5);
}

static inline void answer_hello(end *e) {
    if (e->got.len < 5 || e->f->step++) return;
    transport_write(e->t, SPAN_OF("good day"));
}

static inline void end_at_good_day(end *e) {
    if (e->got.len == 8) finish_test(e->f);
}

static inline void greet(fixture *f) {
    f->client.open = say_hello;
    f->server.data = answer_hello;
    f->client.data = end_at_good_day;
}

static inline void close_here(end *e) {
    finish_test(e->f);
}

static inline void close_client(timer *t) {
    finish_test(CONTAINER_OF(t, fixture, timer));
}

static inline void stay(end *e) {
    (void)e;
}

/* ---- much, to a reader that is slow ---- */

enum { MUCH = 6 * 1024 * 1024, PIECES = 50 };

static inline char *pattern(size_t len) {
    char *bytes = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    return bytes;
}

static char *much;
static span pieces[PIECES];

static inline void cut_pieces(span all) {
    size_t from = 0;
    for (size_t i = 0; i < PIECES; i++) {
        size_t to = i + 1 == PIECES ? all.len : from + all.len / PIECES - (i % 7);
        pieces[i] = span_slice(all, from, to);
        from = to;
    }
}

static inline void resume_server(timer *t) {
    transport_resume(CONTAINER_OF(t, fixture, timer)->server.t);
}

static inline void end_when_all_is_there(fixture *f) {
    if (f->server.got.len == MUCH && f->client.sent) finish_test(f);
}

static inline void read_slowly(end *e) {
    fixture *f = e->f;
    if (f->step++ < 20) {
        transport_pause(e->t);
        loop_timer_start(&f->l, &f->timer, 1);
    }
    end_when_all_is_there(f);
}

static inline void note_all_out(end *e) {
    assert_int_equal(transport_pending(e->t), 0);
    end_when_all_is_there(e->f);
}

/* Lent pieces between gathered bytes and large writes keep their order, whatever the kernel takes.
 */
static inline void send_in_every_way(end *e) {
    transport_write(e->t, pieces[0]);
    transport_lend(e->t, pieces + 1, 20);
    transport_lend(e->t, pieces + 21, 5); /* a second loan: the first is copied */
    transport_flush(e->t);
    transport_writev(e->t, pieces + 26, 3); /* something is in flight */
    transport_lend(e->t, pieces + 29, 1);
    transport_write(e->t, pieces[30]);
    transport_writev(e->t, pieces + 31, PIECES - 31 - 10);
    transport_lend(e->t, pieces + PIECES - 10, 10);
    assert_true(transport_pending(e->t) > 0);
}

static inline void write_at_once(end *e) {
    transport_writev(e->t, pieces, 10);
    transport_writev(e->t, pieces + 10, PIECES - 10);
}

static inline void lend_all(end *e) {
    transport_lend(e->t, pieces, PIECES);
}

static unsigned keepers_freed;

static inline void free_keeper(byte_keeper *k) {
    free(k);
    keepers_freed++;
}

/* Of each kept text the keeper is its own, and freed when it is with the kernel. */
static inline void keep_three(end *e, size_t at) {
    byte_keeper *k = mem_alloc(sizeof *k);
    *k = keeper_with(free_keeper);
    transport_write_kept(e->t, &(kept_text){pieces[at], pieces[at + 1], pieces[at + 2], k});
    keeper_unref(k);
}

static inline void keep_much(end *e) {
    transport_write(e->t, pieces[0]);
    keep_three(e, 1);
    transport_write(e->t, pieces[4]);
    transport_writev(e->t, pieces + 5, 3);
    keep_three(e, 8);
    keep_three(e, 11);
    transport_lend(e->t, pieces + 14, 6); /* behind kept ones: copied */
    size_t sum = 0;
    for (size_t i = 0; i < 20; i++)
        sum += pieces[i].len;
    assert_int_equal(transport_pending(e->t), sum);
    assert_int_equal(keepers_freed, 0);
    span rest = span_from(pieces[20].ptr, (size_t)(much + MUCH - pieces[20].ptr));
    byte_keeper *k = mem_alloc(sizeof *k);
    *k = keeper_with(free_keeper);
    transport_write_kept(e->t, &(kept_text){SPAN_EMPTY, rest, SPAN_EMPTY, k});
    keeper_unref(k);
}

/* On a fixture that has begun. */
static inline void much_arrives(fixture *f, void (*send)(end *e)) {
    much = pattern(MUCH);
    cut_pieces(span_from(much, MUCH));
    timer_init(&f->timer, resume_server);
    f->client.open = send;
    f->client.when_sent = note_all_out;
    f->server.data = read_slowly;
    connect_client(f);
    run(f);
    assert_int_equal(f->server.got.len, MUCH);
    assert_memory_equal(f->server.got.ptr, much, MUCH);
    assert_true(f->step > 20);
    end_done(f);
    free(much);
}

#endif
