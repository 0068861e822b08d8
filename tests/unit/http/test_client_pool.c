/* Many calls: connections bounded and queued for, by origin and name. */
#include "unit.h"

#include "pool.h"
#include "silent.h"

/* ---- bounds ---- */

static void numbered(peer *p, int fd, int n) {
    (void)n;
    buf request;
    while (peer_read(fd, &request)) {
        pthread_mutex_lock(&p->lock);
        int number = ++p->requests;
        pthread_mutex_unlock(&p->lock);
        char raw[100];
        snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d", number);
        buf_done(&request);
        peer_send(fd, raw);
    }
}

static void a_queue_in_order(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, numbered);
    calls_begin(&c);
    c.spec.max_connections = 1;
    calls_to(&c, p.port);
    for (int i = 0; i < 20; i++)
        calls_get(&c);
    assert_int_equal(http_client_get_stats(c.client).open, 1);
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(peer_accepted(&p), 1);
    for (int i = 0; i < 20; i++) {
        char want[8];
        snprintf(want, sizeof want, "%02d", i + 1);
        assert_span(buf_span(&c.notes[i].body), want);
    }
    calls_end(&c);
}

static void no_more_connections_than_allowed(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, answer_all);
    calls_begin(&c);
    c.spec.max_connections = 3;
    calls_to(&c, p.port);
    for (int i = 0; i < 30; i++)
        calls_get(&c);
    assert_int_equal(http_client_get_stats(c.client).open, 3);
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(peer_accepted(&p), 3);
    for (int i = 0; i < 30; i++)
        assert_int_equal(c.notes[i].ends, 1);
    calls_end(&c);
}

/* A place that a failed connection leaves goes to the next who waits. */
static void answer_but_the_first(peer *p, int fd, int n) {
    if (n == 0)
        answer_one(fd, "");
    else
        answer_all(p, fd, n);
}

static void a_failure_makes_room(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, answer_but_the_first);
    calls_begin(&c);
    c.spec.max_connections = 1;
    calls_to(&c, p.port);
    for (int i = 0; i < 3; i++)
        calls_get(&c);
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(c.notes[0].kind, HTTP_FAIL_RESET);
    assert_int_equal(c.notes[1].ends, 1);
    assert_int_equal(c.notes[2].ends, 1);
    assert_int_equal(peer_accepted(&p), 2);
    calls_end(&c);
}

static void silent_first(peer *p, int fd, int n) {
    if (n == 0)
        peer_sees_close(fd), peer_sees_close(fd);
    else
        answer_all(p, fd, n);
}

static void silent(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    answer_one(fd, "");
    peer_sees_close(fd);
}

static void cancel_first(noted *n) {
    calls_cancel(&n->c->notes[0]);
}

static void waiting_too_long_for_a_place(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, silent);
    calls_begin(&c);
    c.spec.max_connections = 1;
    calls_to(&c, p.port);
    calls_get(&c);
    http_call_spec spec = plain_get();
    spec.connect_ms = 30;
    noted *n = calls_send(&c, &spec);
    n->at_fail = cancel_first;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(n->kind, HTTP_FAIL_SHORT);
    assert_string_equal(n->text, "all 1 connections were busy for 30 ms");
    calls_end(&c);
}

static void cancel_the_busy_and_one_that_waits(noted *n) {
    calls_cancel(n);
    calls_cancel(&n->c->notes[1]);
}

static void cancelling_makes_room(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, silent_first);
    calls_begin(&c);
    c.spec.max_connections = 1;
    calls_to(&c, p.port);
    for (int i = 0; i < 4; i++)
        calls_get(&c);
    c.notes[0].at_sent = cancel_the_busy_and_one_that_waits;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(c.notes[1].ends + c.notes[1].fails + c.notes[1].sent, 0);
    assert_int_equal(c.notes[2].ends, 1);
    assert_int_equal(c.notes[3].ends, 1);
    calls_end(&c);
}

/* Ends of calls begin new calls, on the connection that has just become free. */
static void a_call_from_on_end_takes_the_connection(void **state) {
    (void)state;
    calls c;
    assert_int_equal(in_sequence(&c, answer_all, CALLS_MAX), 1);
    calls_end(&c);
}

/* ---- origins ---- */

static void origins_are_found_again(void **state) {
    (void)state;
    calls c;
    calls_begin(&c);
    calls_to(&c, 80);
    http_origin *same = http_client_origin(c.client, &c.spec);
    assert_ptr_equal(same, c.origin);
    c.spec.port = 81;
    http_origin *other = http_client_origin(c.client, &c.spec);
    assert_ptr_not_equal(other, c.origin);
    http_origin_unref(same);
    http_origin_unref(other);
    calls_stop(&c);
    calls_run(&c);
}

static void unref_origin(noted *n) {
    http_origin_unref(n->c->origin);
    n->c->origin = NULL;
}

/* The configuration goes while a call runs: it ends well, and its connection goes with it. */
static void an_origin_outlives_its_references(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, answer_all);
    calls_begin(&c);
    calls_to(&c, p.port);
    timer_init(&c.timer, end_when_pool_is_empty);
    c.keep_running = true;
    noted *n = calls_get(&c);
    n->at_head = unref_origin;
    n->at_end = watch_pool;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(n->ends, 1);
    calls_end(&c);
}

static void an_origin_outlives_its_client(void **state) {
    (void)state;
    calls c;
    calls_begin(&c);
    calls_to(&c, 80);
    http_client_close(c.client);
    loop_stop(&c.l);
    calls_run(&c);
    http_origin_unref(c.origin);
}

/* ---- names ---- */

static void a_name_with_several_addresses(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, answer_all);
    calls_begin(&c);
    c.spec.host = SPAN_OF("localhost"); /* perhaps ::1 too, where nobody listens */
    calls_to(&c, p.port);
    calls_get(&c);
    calls_get(&c);
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(c.notes[0].ends, 1);
    assert_int_equal(c.notes[1].ends, 1);
    calls_end(&c);
}

static void a_name_that_nobody_has(void **state) {
    (void)state;
    calls c;
    calls_begin(&c);
    c.spec.host = SPAN_OF("no name"); /* refused without asking the network */
    calls_to(&c, 80);
    noted *a = calls_get(&c), *b = calls_get(&c);
    calls_run(&c);
    assert_int_equal(a->kind, HTTP_FAIL_CONNECT);
    assert_int_equal(b->kind, HTTP_FAIL_CONNECT);
    assert_string_equal(a->text,
                        "the name no name could not be looked up: unknown node or service");
    calls_end(&c);
}

static void closing_while_a_name_is_looked_up(void **state) {
    (void)state;
    calls c;
    calls_begin(&c);
    c.spec.host = SPAN_OF("localhost");
    calls_to(&c, 80);
    noted *n = calls_get(&c);
    calls_stop(&c);
    calls_run(&c);
    assert_int_equal(n->ends + n->fails, 0);
}

static void connecting_too_long(void **state) {
    (void)state;
    silent_listener s;
    calls c;
    silent_begin(&s, "127.0.0.1", 0);
    calls_begin(&c);
    calls_to(&c, silent_port(&s));
    http_call_spec spec = plain_get();
    spec.connect_ms = 40;
    noted *n = calls_send(&c, &spec);
    calls_run(&c);
    assert_int_equal(n->kind, HTTP_FAIL_CONNECT_TIMEOUT);
    assert_string_equal(n->text, "connecting took longer than 40 ms");
    calls_end(&c);
    silent_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_in_order),
        cmocka_unit_test(no_more_connections_than_allowed),
        cmocka_unit_test(a_failure_makes_room),
        cmocka_unit_test(waiting_too_long_for_a_place),
        cmocka_unit_test(cancelling_makes_room),
        cmocka_unit_test(a_call_from_on_end_takes_the_connection),
        cmocka_unit_test(origins_are_found_again),
        cmocka_unit_test(an_origin_outlives_its_references),
        cmocka_unit_test(an_origin_outlives_its_client),
        cmocka_unit_test(a_name_with_several_addresses),
        cmocka_unit_test(a_name_that_nobody_has),
        cmocka_unit_test(closing_while_a_name_is_looked_up),
        cmocka_unit_test(connecting_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
