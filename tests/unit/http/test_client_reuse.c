/* Connections that are used again, or found dead when they should be. */
#include "unit.h"

#include "pool.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
