#include "unit.h"

#include "http/server_internal.h"
#include "http_cases.h"
#include "server_fixture.h"

#include <poll.h>

static fixture f;

static int tear_down(void **state) {
    (void)state;
    fixture_done(&f);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    fixture_start(&f, NULL);
    return 0;
}

/* The error's answer, and then the end of the connection. */
static answer refused(int fd) {
    answer a = read_answer(fd);
    assert_string_equal(a.connection, "close");
    assert_true(span_starts(buf_span(&a.body), SPAN_OF("{\"error\":")));
    buf_done(&a.body);
    check_closed(fd);
    return a;
}

static void check_refused(const char *request, int status, const char *log) {
    int fd = dial(&f);
    send_text(fd, request);
    assert_int_equal(refused(fd).status, status);
    check_log(&f, log);
    clear_log(&f);
}

/* ---- sizes ---- */

static void too_large_bodies(void **state) {
    (void)state;
    check_refused("POST /small HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n", 413,
                  "head /small;refused BODY_TOO_LARGE;done /small;");
    check_refused("POST /small HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999999\r\n"
                  "Expect: 100-continue\r\n\r\n",
                  413, "head /small;refused BODY_TOO_LARGE;done /small;");
    check_refused("POST /small HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\n12345\r\n6\r\n678901",
                  413, "head /small;refused BODY_TOO_LARGE;done /small;");
    int fd = dial(&f);
    send_text(fd, "POST /small HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n1234567890");
    check_answer(fd, 200, "1234567890");
    (void)close(fd);
}

/* The answer arrives although the client goes on sending a body that nobody reads. */
static void the_error_is_not_lost_to_a_reset(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n");
    char *body = calloc(1, 1000000);
    send_bytes(fd, span_from(body, 1000000));
    free(body);
    assert_int_equal(refused(fd).status, 413);
}

static void too_large_heads(void **state) {
    (void)state;
    buf b = BUF_EMPTY;
    buf_addf(&b, "GET /%0*d HTTP/1.1\r\nHost: t\r\n\r\n", 1500, 0);
    check_refused(buf_cstr(&b), 414, "refused URL_TOO_LONG;");
    buf_clear(&b);
    buf_addf(&b, "GET / HTTP/1.1\r\nHost: t\r\nX: %0*d\r\n\r\n", 5000, 0);
    check_refused(buf_cstr(&b), 431, "refused HEAD_TOO_LARGE;");
    buf_clear(&b);
    buf_addf(&b, "GET / HTTP/1.1\r\nHost: t\r\n");
    for (int i = 0; i < 30; i++)
        buf_addf(&b, "X: y\r\n");
    check_refused(buf_cstr(&b), 431, "refused HEAD_TOO_LARGE;");
    buf_done(&b);
}

static void set_small_heads(fixture *fix) {
    fix->limits.head.head_bytes = 60;
    http_server_set_limits(fix->server, &fix->limits);
}

static void new_limits_hold_from_the_next_request(void **state) {
    (void)state;
    int fd = dial(&f), busy = dial(&f);
    get(fd, "/a");
    check_answer(fd, 200, "/a");
    get(busy, "/wait");
    wait_log(&f, "waiting /wait;");
    on_loop(&f, set_small_heads);
    on_loop(&f, answer_waiting);
    check_answer(busy, 200, "at last");
    const char *request =
        "GET /a HTTP/1.1\r\nHost: t\r\nX: 0123456789012345678901234567890123456789\r\n\r\n";
    send_text(fd, request);
    assert_int_equal(refused(fd).status, 431);
    send_text(busy, request);
    assert_int_equal(refused(busy).status, 431);
}

/* ---- framing ---- */

static void every_refused_form(void **state) {
    (void)state;
    http_cases cases = http_cases_load();
    for (size_t i = 0; i < cases.count; i++) {
        http_case *c = &cases.items[i];
        if (c->accept) continue;
        int fd = dial(&f);
        send_bytes(fd, buf_span(&c->bytes));
        answer a = refused(fd);
        if (a.status != c->number) fail_msg("%s: %d", c->name, a.status);
        wait_log(&f, "refused");
        if (log_has(&f, "request")) fail_msg("%s reached the handler", c->name);
        clear_log(&f);
    }
    http_cases_free(&cases);
}

static void a_refused_request_behind_a_good_one(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "GET /a HTTP/1.1\r\nHost: t\r\n\r\nGET /b HTTP/1.1\n\n");
    check_answer(fd, 200, "/a");
    assert_int_equal(refused(fd).status, 400);
    check_log(&f, "head /a;request /a;done /a;refused BAD_HTTP;");
}

static void bad_chunks_behind_an_early_answer(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /nowhere HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n");
    check_answer(fd, 404, "nowhere");
    check_closed(fd);
    check_log(&f, "head /nowhere;done /nowhere;");
}

static void a_refused_head_request_gets_no_body(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "HEAD /small HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n");
    char *all = read_all(fd, NULL);
    assert_true(span_starts(span_cstr(all), SPAN_OF("HTTP/1.1 413 ")));
    assert_true(span_ends(span_cstr(all), SPAN_OF("\r\n\r\n")));
    free(all);
    (void)close(fd);
}

/* ---- time ---- */

enum { SOON_MS = 30 };

static int set_up_quick(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.header_timeout_ms = limits.body_timeout_ms = limits.idle_timeout_ms = SOON_MS;
    fixture_start(&f, &limits);
    return 0;
}

static void slow_heads(void **state) {
    (void)state;
    check_refused("GET / HTTP/1.1\r\nHost", 408, "refused SLOW_REQUEST;");
}

/* Each time-out alone, on a connection that has served a request before. */
static void set_one_timeout(int64_t header_ms, int64_t body_ms) {
    http_server_limits limits = test_limits;
    limits.header_timeout_ms = header_ms;
    limits.body_timeout_ms = body_ms;
    fixture_start(&f, &limits);
}

static int set_up_quick_head(void **state) {
    (void)state;
    set_one_timeout(SOON_MS, test_limits.body_timeout_ms);
    return 0;
}

static int set_up_quick_body(void **state) {
    (void)state;
    set_one_timeout(test_limits.header_timeout_ms, SOON_MS);
    return 0;
}

enum { DRIP_MS = 500 };

static int set_up_dripping(void **state) {
    (void)state;
    set_one_timeout(test_limits.header_timeout_ms, DRIP_MS * 5 / 2);
    return 0;
}

static void slow_second_request(const char *request) {
    int fd = dial(&f);
    get(fd, "/a");
    check_answer(fd, 200, "/a");
    send_text(fd, request);
    assert_int_equal(refused(fd).status, 408);
}

static void a_slow_second_head(void **state) {
    (void)state;
    slow_second_request("GET / HTT");
}

static void a_slow_second_body(void **state) {
    (void)state;
    slow_second_request("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf");
}

/* The time is for silence: a body may take longer than it as long as it comes. */
static void a_body_that_keeps_coming(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\n");
    for (int i = 0; i < 4; i++) {
        (void)usleep(DRIP_MS * 1000 * 3 / 2);
        send_text(fd, "x");
    }
    check_answer(fd, 200, "xxxx");
    (void)close(fd);
}

static int set_up_paced(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.body_timeout_ms = DRIP_MS;
    limits.body_rate = 100 * 1000;
    fixture_start(&f, &limits);
    return 0;
}

/* Never silent for long, and ended all the same. */
static void a_body_that_trickles(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9000\r\n\r\n");
    while (!log_has(&f, "refused SLOW_REQUEST;")) {
        (void)send(fd, "x", 1, MSG_NOSIGNAL);
        (void)usleep(DRIP_MS * 1000 / 50);
    }
    assert_int_equal(refused(fd).status, 408);
    check_log(&f, "head /echo;refused SLOW_REQUEST;done /echo;");
}

static int set_up_total(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.body_total_ms = DRIP_MS;
    fixture_start(&f, &limits);
    return 0;
}

/* Until something comes, or there is nobody to send to. */
static void drip(int fd) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    for (int sent = 0; poll(&readable, 1, DRIP_MS / 50) == 0; sent++) {
        assert_true(sent < 2000);
        if (send(fd, "x", 1, MSG_NOSIGNAL) < 0) return;
    }
}

/* Chunks that are nothing but extensions, and trailers, make no more time of it. */
static void a_body_has_its_time_in_all(void **state) {
    (void)state;
    static const char *const forms[][2] = {
        {"Content-Length: 9000", "x"},
        {"Transfer-Encoding: chunked", "9;"},
        {"Transfer-Encoding: chunked", "1\r\nx\r\n0\r\nTrailer: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        int fd = dial(&f);
        char request[200];
        (void)snprintf(request, sizeof request, "POST /echo HTTP/1.1\r\nHost: t\r\n%s\r\n\r\n%s",
                       forms[i][0], forms[i][1]);
        send_text(fd, request);
        drip(fd);
        assert_int_equal(refused(fd).status, 408);
    }
}

static void so_has_one_that_nobody_wants(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 9000\r\n\r\n");
    check_answer(fd, 404, "nowhere");
    drip(fd);
    check_closed(fd);
}

/* What nobody wants is not waited for any longer. */
static void an_unwanted_body_that_trickles(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 9000\r\n\r\n");
    check_answer(fd, 404, "nowhere");
    for (int sent = 0; send(fd, "x", 1, MSG_NOSIGNAL) == 1; sent++) {
        assert_true(sent < 8000);
        (void)usleep(DRIP_MS * 1000 / 50);
    }
    (void)close(fd);
}

static void slow_bodies(void **state) {
    (void)state;
    check_refused("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf", 408,
                  "head /echo;refused SLOW_REQUEST;done /echo;");
    int fd = dial(&f);
    send_text(fd, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf");
    check_answer(fd, 404, "nowhere");
    check_closed(fd);
}

static void idle_connections(void **state) {
    (void)state;
    check_closed(dial(&f));
    int fd = dial(&f);
    get(fd, "/a");
    check_answer(fd, 200, "/a");
    check_closed(fd);
    check_log(&f, "head /a;request /a;done /a;");
}

/* The handler may take its time: that is not for the server to judge. */
static void slow_answers_are_no_fault_of_the_client(void **state) {
    (void)state;
    int fd = dial(&f);
    get(fd, "/wait-stream");
    wait_log(&f, "waiting /wait-stream;");
    (void)usleep(SOON_MS * 4000);
    on_loop(&f, answer_waiting);
    check_answer(fd, 200, "begun");
    (void)close(fd);
}

static void readers_that_take_nothing(void **state) {
    (void)state;
    f.flood_left = 100000000;
    int fd = dial(&f);
    get(fd, "/flood");
    check_log(&f, "head /flood;request /flood;left /flood;done /flood;");
    bool reset;
    char *all = read_all(fd, &reset);
    assert_true(reset);
    free(all);
    (void)close(fd);
}

static int set_up_brief(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.body_total_ms = 20 * SOON_MS;
    fixture_start(&f, &limits);
    return 0;
}

/* They are never still for long, but it would take them a minute to be done. */
static void readers_that_take_a_little_at_a_time(void **state) {
    (void)state;
    enum { TOTAL = 60000000, LITTLE = 64 * 1024 };
    int fd = dial(&f), little = LITTLE;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    get(fd, "/big?60000000");
    char *bytes = mem_alloc(LITTLE);
    size_t total = 0;
    ssize_t n;
    while ((n = recv(fd, bytes, LITTLE, 0)) > 0) {
        total += (size_t)n;
        (void)usleep(50 * 1000);
    }
    assert_int_equal(n, -1); /* a reset: it must not be taken for the whole */
    assert_in_range(total, 1, TOTAL / 2);
    free(bytes);
    (void)close(fd);
}

static int set_up_head(void **state) {
    (void)state;
    set_one_timeout(DRIP_MS, test_limits.body_timeout_ms);
    return 0;
}

enum { UNASKED = 60000000 };

/* As TLS does where the other side has it do so. */
static void write_unasked(fixture *fx) {
    char *bytes = mem_zalloc(UNASKED);
    const conn *c = LIST_ENTRY(fx->server->conns.next, conn, link);
    transport_write(c->io, span_from(bytes, UNASKED));
    free(bytes);
}

/* Output that belongs to no request buys a connection no time for its first. */
static void readers_that_have_asked_for_nothing(void **state) {
    (void)state;
    enum { LITTLE = 64 * 1024 };
    int fd = dial(&f), after = dial(&f), little = LITTLE;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    get(after, "/b");
    check_answer(after, 200, "/b"); /* both have been accepted, then */
    on_loop(&f, write_unasked);
    char *bytes = mem_alloc(LITTLE);
    size_t total = 0;
    for (ssize_t n; (n = recv(fd, bytes, LITTLE, 0)) > 0; total += (size_t)n)
        (void)usleep(20 * 1000);
    assert_in_range(total, 1, UNASKED / 2);
    free(bytes);
    (void)close(fd);
    (void)close(after);
}

/* ---- connections ---- */

static int set_up_narrow(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.connections = 2;
    fixture_start(&f, &limits);
    return 0;
}

static void connections_beyond_the_bound(void **state) {
    (void)state;
    int one = dial(&f), two = dial(&f);
    get(one, "/wait");
    wait_log(&f, "waiting /wait;");
    get(two, "/b");
    check_answer(two, 200, "/b");
    int three = dial(&f);
    char *all = read_all(three, NULL);
    assert_true(span_starts(span_cstr(all), SPAN_OF("HTTP/1.1 503 ")));
    assert_non_null(strstr(all, "\r\nretry-after: 1\r\n"));
    assert_non_null(strstr(all, "\r\nx-should-retry: true\r\n"));
    assert_non_null(strstr(all, "\r\nx-request-id: "));
    free(all);
    (void)close(three);
    (void)close(one);
    wait_log(&f, "done /wait;");
    int four = dial(&f);
    get(four, "/d");
    check_answer(four, 200, "/d");
    (void)close(two);
    (void)close(four);
}

int main(void) {
#define T(name, before) cmocka_unit_test_setup_teardown(name, before, tear_down)
    const struct CMUnitTest tests[] = {
        T(too_large_bodies, set_up),
        T(the_error_is_not_lost_to_a_reset, set_up),
        T(too_large_heads, set_up),
        T(new_limits_hold_from_the_next_request, set_up),
        T(every_refused_form, set_up),
        T(a_refused_request_behind_a_good_one, set_up),
        T(bad_chunks_behind_an_early_answer, set_up),
        T(a_refused_head_request_gets_no_body, set_up),
        T(slow_heads, set_up_quick),
        T(slow_bodies, set_up_quick),
        T(a_body_that_trickles, set_up_paced),
        T(a_body_has_its_time_in_all, set_up_total),
        T(so_has_one_that_nobody_wants, set_up_total),
        T(an_unwanted_body_that_trickles, set_up_paced),
        T(a_slow_second_head, set_up_quick_head),
        T(a_slow_second_body, set_up_quick_body),
        T(a_body_that_keeps_coming, set_up_dripping),
        T(idle_connections, set_up_quick),
        T(slow_answers_are_no_fault_of_the_client, set_up_quick),
        T(readers_that_take_nothing, set_up_quick),
        T(readers_that_take_a_little_at_a_time, set_up_brief),
        T(readers_that_have_asked_for_nothing, set_up_head),
        T(connections_beyond_the_bound, set_up_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
