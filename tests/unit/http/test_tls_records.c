/* Whose records go where. */
#include "unit.h"

#include "ends.h"

#include "certs.h"
#include "raw_tls.h"

static certs c;
static tls_context *server, *client;

static int setup(void **state) {
    (void)state;
    buf why = BUF_EMPTY;
    certs_begin(&c);
    server = tls_server_new(c.cert, c.key, &why);
    client = tls_client_new(span_cstr(c.ca), &why);
    assert_non_null(server);
    assert_non_null(client);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tls_context_unref(server);
    tls_context_unref(client);
    certs_end(&c);
    return 0;
}

/* Two ends that are at peace with each other, and behind a door of its own the odd peer's. */
typedef struct odd_fixture {
    fixture f;
    acceptor door;
    uint16_t port;
    end served;
    raw_tls odd;
    bool begun;
} odd_fixture;

static void on_odd(acceptor *door, int fd, const struct sockaddr_storage *from) {
    odd_fixture *o = CONTAINER_OF(door, odd_fixture, door);
    int much_room = 1024 * 1024;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &much_room, sizeof much_room);
    o->served.t = transport_accept(&o->f.l, fd, from, server, &ops, &o->served);
    assert_non_null(o->served.t);
}

static void finish(odd_fixture *o) {
    end_close(&o->served);
    acceptor_close(&o->door);
    finish_test(&o->f);
}

static odd_fixture *odd_of(end *e) {
    return CONTAINER_OF(e->f, odd_fixture, f);
}

static void finish_here(end *e) {
    finish(odd_of(e));
}

static const acceptor_ops door_ops = {.on_connection = on_odd};

static void begin_odd(odd_fixture *o) {
    *o = (odd_fixture){0};
    begin(&o->f);
    o->f.server_tls = server;
    o->f.client_tls = (transport_tls){client, SPAN_OF("weir.test"), o->f.port};
    o->served.f = &o->f;
    o->served.failing = finish_here;
    o->port = net_listen(&o->f.l, &o->door, &door_ops);
}

static void run_odd(odd_fixture *o) {
    run(&o->f);
    raw_end(&o->odd);
    assert_int_equal(o->served.told_after_close, 0);
    buf_done(&o->served.got);
    end_done(&o->f);
}

/* ---- one connection's records on another ---- */

static void wait_for_the_end(raw_tls *r) {
    while (raw_receive(r)) {}
}

/* OpenSSL answers one when it comes to the next record. */
static void raw_updates(raw_tls *r, size_t count) {
    for (size_t i = 0; i < count; i++)
        raw_update(r);
}

static void update_and_leave(raw_tls *r) {
    raw_updates(r, 3);
    SSL_shutdown(r->ssl);
    raw_flush(r);
    wait_for_the_end(r);
}

static void (*odd_script)(raw_tls *r);

/* The others have shaken hands. */
static void let_the_odd_one_come(end *e) {
    odd_fixture *o = odd_of(e);
    if (e->got.len < 5 || o->begun) return;
    o->begun = true;
    raw_begin(&o->odd, o->port, odd_script, o);
}

static void answer_the_other(end *served) {
    transport_write(served->f->server.t, SPAN_OF("good day"));
    transport_flush(served->f->server.t);
}

static void abort_and_answer_the_other(end *served) {
    served->closed = true;
    transport_abort(served->t);
    answer_the_other(served);
}

static void finish_at_good_day(end *e) {
    if (e->got.len == 8) finish_here(e);
}

static void begin_two(odd_fixture *o, void (*script)(raw_tls *r)) {
    begin_odd(o);
    odd_script = script;
    o->f.client.open = say_hello;
    o->f.server.data = let_the_odd_one_come;
    o->f.client.data = finish_at_good_day;
    o->f.client.failing = finish_here;
    connect_client(&o->f);
}

static void the_answer_of_one_that_left_stays_off_others(void **state) {
    (void)state;
    odd_fixture o;
    begin_two(&o, update_and_leave);
    o.served.failing = abort_and_answer_the_other;
    run(&o.f);
    raw_end(&o.odd);
    assert_string_equal(o.f.client.text, "");
    assert_span(buf_span(&o.f.client.got), "good day");
    end_done(&o.f);
}

static char heard[8];

static void update_and_ask(raw_tls *r) {
    raw_updates(r, 3);
    raw_write(r, 1);
    raw_flush(r);
    heard[raw_read(r, heard, sizeof heard - 1)] = '\0';
    wait_for_the_end(r);
}

static void answer_both(end *served) {
    answer_the_other(served);
    transport_write(served->t, SPAN_OF("ok"));
    transport_flush(served->t);
}

/* Whoever hears of data may write anywhere. */
static void the_answer_of_one_that_asked_is_its_own(void **state) {
    (void)state;
    odd_fixture o;
    begin_two(&o, update_and_ask);
    o.served.data = answer_both;
    run_odd(&o);
    assert_string_equal(o.f.client.text, "");
    assert_int_equal(o.f.client.failed, 0);
    assert_string_equal(heard, "ok");
}

/* ---- in between much that is sent ---- */

static void ask_and_read_all(raw_tls *r) {
    char *got = mem_alloc(MUCH);
    size_t len = 0;
    for (size_t n = 1, turn = 0; n && len < MUCH; len += n, turn++) {
        if (turn % 8 == 0) {
            raw_updates(r, 2);
            raw_write(r, 2048);
            raw_flush(r);
        }
        n = raw_read(r, got + len, MUCH - len);
    }
    bool same = len == MUCH && memcmp(got, much, MUCH) == 0;
    free(got);
    if (!same) return;
    raw_write(r, 2);
    SSL_shutdown(r->ssl);
    raw_flush(r);
    wait_for_the_end(r);
}

static void send_much_once(end *served) {
    if (served->f->step++) return;
    span all = span_from(much, MUCH);
    transport_writev(served->t, &all, 1);
}

static void answers_keep_their_place_among_much(void **state) {
    (void)state;
    odd_fixture o;
    begin_odd(&o);
    much = pattern(MUCH);
    o.served.data = send_much_once;
    raw_begin(&o.odd, o.port, ask_and_read_all, NULL);
    run(&o.f);
    raw_end(&o.odd);
    assert_int_equal(o.served.why, TRANSPORT_EOF);
    assert_int_equal(o.served.got.len % 2048, 2);
    buf_done(&o.served.got);
    end_done(&o.f);
    free(much);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_of_one_that_left_stays_off_others),
        cmocka_unit_test(the_answer_of_one_that_asked_is_its_own),
        cmocka_unit_test(answers_keep_their_place_among_much),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
