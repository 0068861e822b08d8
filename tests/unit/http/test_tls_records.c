/* Whose records go where, and what becomes of a peer that sends many of them for nothing. */
#include "unit.h"

#include "ends.h"

#include "raw_tls.h"
#include "tls_ends.h"

#include <stdatomic.h>

/* Two ends that are at peace with each other, and behind a door of its own the odd peer's. */
typedef struct odd_fixture {
    fixture f;
    acceptor door;
    uint16_t port;
    end served;
    raw_tls odd;
    bool begun;
    loop_hook hook;
    unsigned told, most_told; /* pieces of plain text, in this turn and in one of all */
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

/* ---- records without data ---- */

typedef struct row {
    size_t updates, bytes, times; /* so many updates, and then so many bytes of data, so often */
    bool borne;
} row;

static const row rows[] = {
    {16, 1, 1, true},       {17, 1, 1, false}, {2000, 0, 1, false}, {1, 1024, 200, true},
    {4, 4096, 50, true},    {1, 1, 16, true},  {1, 1, 40, false},   {16, 16384, 20, true},
    {20, 16384, 20, false}, {0, 1, 300, true},
};

/* In pieces of several reads, so that the bound does not depend on how they come. */
static void send_row(raw_tls *r) {
    const row *w = r->user;
    for (size_t i = 0; i < w->times; i++) {
        raw_updates(r, w->updates);
        if (w->bytes) raw_write(r, w->bytes);
        if (i % 3 == 0 && !raw_flush(r)) return;
    }
    SSL_shutdown(r->ssl);
    raw_flush(r);
    wait_for_the_end(r);
}

static void judge_row(const end *e, const row *w, const char *whose) {
    char why[120];
    snprintf(why, sizeof why, "TLS reading from %s failed: too many records without data", whose);
    if (w->borne) {
        assert_int_equal(e->got.len, w->bytes * w->times);
        assert_int_equal(e->why, TRANSPORT_EOF);
    } else {
        assert_int_equal(e->why, TRANSPORT_TLS);
        assert_string_equal(e->text, why);
    }
}

static void clients_that_send_them(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        odd_fixture o;
        begin_odd(&o);
        raw_begin(&o.odd, o.port, send_row, (void *)(uintptr_t)&rows[i]);
        run(&o.f);
        raw_end(&o.odd);
        judge_row(&o.served, &rows[i], "the client");
        buf_done(&o.served.got);
        end_done(&o.f);
    }
}

/* A server's tickets behind the handshake are two such records. */
static bool is_at_the_bound(const row *w) {
    return w->updates == 16 || w->times == 16;
}

static void servers_that_send_them(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        odd_fixture o;
        if (is_at_the_bound(&rows[i])) continue;
        begin_odd(&o);
        o.f.port = raw_serve(&o.odd, c.cert, c.key, send_row, (void *)(uintptr_t)&rows[i]);
        o.f.client.failing = finish_here;
        connect_client(&o.f);
        run(&o.f);
        raw_end(&o.odd);
        judge_row(&o.f.client, &rows[i], "weir.test");
        end_done(&o.f);
    }
}

/* ---- answers that wait ---- */

static void ask_and_read_nothing(raw_tls *r) {
    raw_write(r, 1);
    while (raw_flush(r)) {
        raw_update(r);
        raw_write(r, 1024);
    }
}

static void answers_do_not_gather_without_end(void **state) {
    (void)state;
    odd_fixture o;
    begin_odd(&o);
    much = pattern(MUCH);
    o.served.data = send_much_once;
    raw_begin(&o.odd, o.port, ask_and_read_nothing, NULL);
    run_odd(&o);
    assert_int_equal(o.served.why, TRANSPORT_TLS);
    assert_string_equal(o.served.text, "the peer does not read what it asks TLS for");
    free(much);
}

/* ---- many records in one turn ---- */

enum { SMALL_RECORDS = 20000 };

static atomic_bool all_sent;

static void send_small_records(raw_tls *r) {
    raw_write(r, 2);
    raw_flush(r);
    for (int i = 0; i < SMALL_RECORDS; i++)
        raw_write(r, 1);
    raw_flush(r);
    atomic_store(&all_sent, true);
    wait_for_the_end(r);
}

static void count_turn(loop_hook *hook) {
    odd_fixture *o = CONTAINER_OF(hook, odd_fixture, hook);
    if (o->told > o->most_told) o->most_told = o->told;
    o->told = 0;
}

/* What one turn finds has come all before it. */
static void resume_when_all_is_sent(timer *t) {
    odd_fixture *o = CONTAINER_OF(t, odd_fixture, f.timer);
    if (atomic_load(&all_sent))
        transport_resume(o->served.t);
    else
        loop_timer_start(&o->f.l, t, 1);
}

static void count_piece(end *served) {
    odd_fixture *o = odd_of(served);
    o->told++;
    if (served->got.len == 2) {
        transport_pause(served->t);
        loop_timer_start(&o->f.l, &o->f.timer, 1);
    }
    if (served->got.len == SMALL_RECORDS + 2) finish(o);
}

static void a_turn_takes_a_bounded_number_of_records(void **state) {
    (void)state;
    odd_fixture o;
    begin_odd(&o);
    atomic_store(&all_sent, false);
    timer_init(&o.f.timer, resume_when_all_is_sent);
    o.hook = (loop_hook){.run = count_turn};
    list_init(&o.hook.link);
    loop_add_hook(&o.f.l, &o.hook);
    o.served.data = count_piece;
    raw_begin(&o.odd, o.port, send_small_records, NULL);
    run_odd(&o);
    count_turn(&o.hook);
    /* One read beyond the bound, of 64 KiB: a record of one byte is 23 long. */
    assert_in_range(o.most_told, 1024, 1024 + 65536 / 23 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_of_one_that_left_stays_off_others),
        cmocka_unit_test(the_answer_of_one_that_asked_is_its_own),
        cmocka_unit_test(answers_keep_their_place_among_much),
        cmocka_unit_test(clients_that_send_them),
        cmocka_unit_test(servers_that_send_them),
        cmocka_unit_test(answers_do_not_gather_without_end),
        cmocka_unit_test(a_turn_takes_a_bounded_number_of_records),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
