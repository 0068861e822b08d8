/* Many calls: connections used again, bounded, queued for, and found dead. */
#include "unit.h"

#include "calls.h"
#include "peer.h"

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static bool answer_one(int fd, const char *raw) {
    buf request;
    if (!peer_read(fd, &request)) return false;
    buf_done(&request);
    peer_send(fd, raw);
    return true;
}

static void answer_all(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    while (answer_one(fd, ok)) {}
}

/* ---- one after the other ---- */

static int to_send;

static void send_next(noted *n) {
    if (n->c->count < to_send) calls_get(n->c);
}

/* Sends count calls, each when the one before has ended; returns the connections it took. */
static int in_sequence(calls *c, peer_script *script, int count) {
    peer p;
    peer_begin(&p, script);
    calls_begin(c);
    calls_to(c, p.port);
    to_send = count;
    for (int i = 0; i < count; i++) {
        c->notes[i].at_end = send_next;
        c->notes[i].at_fail = send_next;
    }
    calls_get(c);
    calls_run(c);
    peer_end(&p);
    assert_int_equal(c->over, count);
    return peer_accepted(&p);
}

static void a_connection_is_used_again(void **state) {
    (void)state;
    calls c;
    assert_int_equal(in_sequence(&c, answer_all, 10), 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(c.notes[i].ends, 1);
        assert_int_equal(c.notes[i].facts.reused, i > 0);
        assert_span(buf_span(&c.notes[i].body), "ok");
    }
    calls_end(&c);
}

static const char *raw_answer;

static void answer_raw_all(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    while (answer_one(fd, raw_answer)) {}
}

static void answers_that_end_a_connection(void **state) {
    (void)state;
    const char *const raw[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", /* more than asked for
                                                                              */
    };
    for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
        calls c;
        raw_answer = raw[i];
        assert_int_equal(in_sequence(&c, answer_raw_all, 3), 3);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(c.notes[k].ends, 1);
            assert_false(c.notes[k].facts.reused);
            assert_span(buf_span(&c.notes[k].body), "ok");
        }
        calls_end(&c);
    }
}

/* ---- dead when used again ---- */

static int deaths; /* how many connections die at their second request */
static bool hard;  /* by a reset */
static const char *last_words;

static void die_at_the_second(peer *p, int fd, int n) {
    if (n >= deaths) {
        answer_all(p, fd, n);
        return;
    }
    answer_one(fd, ok);
    answer_one(fd, last_words);
    if (hard) peer_reset(fd);
}

static void a_dead_connection_is_replaced_in_silence(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        calls c;
        deaths = 1;
        hard = i;
        last_words = "";
        assert_int_equal(in_sequence(&c, die_at_the_second, 3), 2);
        for (int k = 0; k < 3; k++) {
            assert_string_equal(c.notes[k].text, "");
            assert_int_equal(c.notes[k].ends, 1);
            assert_int_equal(c.notes[k].heads, 1);
        }
        assert_false(c.notes[1].facts.reused);
        assert_true(c.notes[2].facts.reused);
        calls_end(&c);
    }
}

static void die_at_once_after_the_first(peer *p, int fd, int n) {
    (void)p;
    if (n == 0) answer_one(fd, ok);
    answer_one(fd, "");
}

static void replaced_once_only(void **state) {
    (void)state;
    calls c;
    assert_int_equal(in_sequence(&c, die_at_once_after_the_first, 2), 2);
    assert_int_equal(c.notes[1].fails, 1);
    assert_int_equal(c.notes[1].kind, HTTP_FAIL_RESET);
    calls_end(&c);
}

static void not_replaced_after_a_byte(void **state) {
    (void)state;
    calls c;
    deaths = 1;
    hard = false;
    last_words = "H";
    assert_int_equal(in_sequence(&c, die_at_the_second, 2), 1);
    assert_int_equal(c.notes[1].fails, 1);
    assert_int_equal(c.notes[1].kind, HTTP_FAIL_RESET);
    calls_end(&c);
}

enum { WORK_MS = 1200, LARGE = 30 * 1000 * 1000 };

static void answer_one_work_on_the_next(peer *p, int fd, int n) {
    if (n) {
        answer_all(p, fd, n);
        return;
    }
    answer_one(fd, ok);
    answer_one(fd, "");
    (void)usleep(WORK_MS * 1000);
    if (hard) peer_reset(fd);
}

/* It may be at it still, and is paid. */
static void not_replaced_when_the_peer_has_had_it_for_long(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        calls c;
        hard = i;
        assert_int_equal(in_sequence(&c, answer_one_work_on_the_next, 2), 1);
        assert_int_equal(c.notes[1].fails, 1);
        assert_int_equal(c.notes[1].kind, HTTP_FAIL_RESET);
        assert_int_equal(c.stats.dead_on_reuse, 0);
        calls_end(&c);
    }
}

static void read_most_of_it(peer *p, int fd, int n) {
    static char bytes[65536];
    char line[3];
    size_t left = LARGE;
    (void)p;
    if (n == 0) {
        answer_one(fd, ok);
        (void)recv(fd, line, sizeof line, MSG_WAITALL);
        (void)usleep(WORK_MS * 1000);
        peer_reset(fd);
        return;
    }
    while (recv(fd, line, 1, 0) == 1 && line[0] != '\r') {}
    for (ssize_t got; left > 2 * sizeof bytes && (got = recv(fd, bytes, sizeof bytes, 0)) > 0;)
        left -= (size_t)got;
    peer_send(fd, ok);
    while (recv(fd, bytes, sizeof bytes, 0) > 0) {}
}

static char *large;

static void send_large(noted *n) {
    http_call_spec spec = plain_get();
    span body = span_from(large, LARGE);
    spec.method = SPAN_OF("POST");
    spec.body = &body;
    spec.body_count = 1;
    (void)calls_send(n->c, &spec);
}

/* Nobody can work on what is not there yet, however long it has been on its way. */
static void replaced_while_it_is_being_sent(void **state) {
    (void)state;
    peer p;
    calls c;
    large = mem_zalloc(LARGE);
    peer_begin(&p, read_most_of_it);
    calls_begin(&c);
    calls_to(&c, p.port);
    calls_get(&c)->at_end = send_large;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(peer_accepted(&p), 2);
    assert_string_equal(c.notes[1].text, "");
    assert_int_equal(c.notes[1].ends, 1);
    assert_int_equal(c.stats.dead_on_reuse, 1);
    calls_end(&c);
    free(large);
}

/* ---- dead while idle ---- */

static void answer_and_close(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    answer_one(fd, ok);
}

static void send_when_noticed(timer *t) {
    calls *c = CONTAINER_OF(t, calls, timer);
    if (http_client_get_stats(c->client).open) {
        loop_timer_start(&c->l, t, 1);
        return;
    }
    calls_get(c);
    c->keep_running = false;
}

static void watch_pool(noted *n) {
    loop_timer_start(&n->c->l, &n->c->timer, 0);
}

static void one_that_dies_idle_is_noticed(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, answer_and_close);
    calls_begin(&c);
    calls_to(&c, p.port);
    timer_init(&c.timer, send_when_noticed);
    c.keep_running = true;
    calls_get(&c)->at_end = watch_pool;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(peer_accepted(&p), 2);
    assert_int_equal(c.notes[1].ends, 1);
    assert_false(c.notes[1].facts.reused);
    calls_end(&c);
}

static void end_when_pool_is_empty(timer *t) {
    calls *c = CONTAINER_OF(t, calls, timer);
    if (http_client_get_stats(c->client).open)
        loop_timer_start(&c->l, t, 1);
    else
        calls_stop(c);
}

static void idle_connections_are_closed_in_time(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, answer_all); /* never closes by itself */
    http_client_limits limits = calls_limits;
    limits.pool_idle_ms = 30;
    calls_begin_with(&c, &limits);
    calls_to(&c, p.port);
    timer_init(&c.timer, end_when_pool_is_empty);
    c.keep_running = true;
    calls_get(&c)->at_end = watch_pool;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(c.notes[0].ends, 1);
    calls_end(&c);
}

/* A server that says good-bye with a 408 on an idle connection, and does not even close. */
static void speak_unasked(peer *p, int fd, int n) {
    (void)n;
    answer_one(fd, ok);
    peer_await(p, 1);
    peer_send(fd, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    peer_sees_close(fd);
}

static void watch_and_let_speak(noted *n) {
    watch_pool(n);
    peer_reach(n->c->peer, 1);
}

static void unasked_bytes_end_an_idle_connection(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, speak_unasked);
    calls_begin(&c);
    calls_to(&c, p.port);
    timer_init(&c.timer, end_when_pool_is_empty);
    c.keep_running = true;
    c.peer = &p;
    calls_get(&c)->at_end = watch_and_let_speak;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(c.notes[0].ends, 1);
    calls_end(&c);
}

/* ---- an answer that comes before the request is out ---- */

enum { LONG = 8 * 1024 * 1024 };

static void answer_early(peer *p, int fd, int n) {
    if (n > 0) {
        answer_all(p, fd, n);
        return;
    }
    char head[16];
    if (recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head) return;
    peer_send(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    peer_reach(p, 1);
    peer_await(p, 2);
}

static void let_peer_close(noted *n) {
    peer_reach(n->c->peer, 2);
    send_next(n);
}

static void an_early_answer_ends_the_connection(void **state) {
    (void)state;
    char *body = mem_zalloc(LONG);
    span pieces[] = {span_from(body, LONG)};
    peer p;
    calls c;
    peer_begin(&p, answer_early);
    calls_begin(&c);
    calls_to(&c, p.port);
    http_call_spec spec = plain_get();
    spec.method = SPAN_OF("POST");
    spec.body = pieces;
    spec.body_count = 1;
    noted *n = calls_send(&c, &spec);
    c.peer = &p;
    to_send = 2;
    n->at_end = let_peer_close;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(peer_accepted(&p), 2);
    assert_int_equal(c.notes[1].ends, 1);
    assert_int_equal(c.stats.reuses, 0);
    assert_string_equal(n->text, "");
    assert_int_equal(n->status, 413);
    assert_int_equal(n->sent, 0);
    assert_int_equal(n->ends, 1);
    calls_end(&c);
    free(body);
}

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

/* A listener whose queue is full: connecting hangs. */
static void connecting_too_long(void **state) {
    (void)state;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fill[4];
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&addr, sizeof addr);
    }
    calls c;
    calls_begin(&c);
    calls_to(&c, ntohs(addr.sin_port));
    http_call_spec spec = plain_get();
    spec.connect_ms = 40;
    noted *n = calls_send(&c, &spec);
    calls_run(&c);
    assert_int_equal(n->kind, HTTP_FAIL_CONNECT_TIMEOUT);
    assert_string_equal(n->text, "connecting took longer than 40 ms");
    calls_end(&c);
    for (size_t i = 0; i < ARRAY_LEN(fill); i++)
        close(fill[i]);
    close(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(answers_that_end_a_connection),
        cmocka_unit_test(a_dead_connection_is_replaced_in_silence),
        cmocka_unit_test(not_replaced_when_the_peer_has_had_it_for_long),
        cmocka_unit_test(replaced_while_it_is_being_sent),
        cmocka_unit_test(replaced_once_only),
        cmocka_unit_test(not_replaced_after_a_byte),
        cmocka_unit_test(one_that_dies_idle_is_noticed),
        cmocka_unit_test(idle_connections_are_closed_in_time),
        cmocka_unit_test(unasked_bytes_end_an_idle_connection),
        cmocka_unit_test(an_early_answer_ends_the_connection),
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
