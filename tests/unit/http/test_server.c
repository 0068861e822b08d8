#include "unit.h"

#include "server_each.h"

#include <malloc.h>
#include <poll.h>

/* ---- one request after another ---- */

static void keeps_the_connection(void **state) {
    (void)state;
    int fd = dial(&f);
    for (int i = 0; i < 3; i++) {
        get(fd, "/a");
        answer a = read_answer(fd);
        assert_int_equal(a.status, 200);
        assert_span(buf_span(&a.body), "/a");
        assert_string_equal(a.connection, "");
        assert_int_equal(strlen(a.date), 29);
        buf_done(&a.body);
        check_log(&f, "head /a;request /a;done /a;");
        clear_log(&f);
    }
    (void)close(fd);
}

/* What has come of one's next request stays his, whoever is read between its pieces. */
static void connections_in_turns(void **state) {
    (void)state;
    int a = dial(&f), b = dial(&f), c = dial(&f);
    send_text(a, "\r\n");
    for (int i = 0; i < 3; i++) {
        get(c, "/c");
        check_answer(c, 200, "/c");
        send_text(a, "GET /a HTTP/1.1\r\nHo");
        send_text(b, "GET /b");
        get(c, "/d");
        check_answer(c, 200, "/d");
        send_text(b, " HTTP/1.1\r\nHost: t\r\n\r\n");
        check_answer(b, 200, "/b");
        send_text(a, "st: t\r\n\r\n");
        check_answer(a, 200, "/a");
    }
    /* One empty line before a request is passed over, and no other, however late it comes. */
    send_text(b, "\r\n");
    get(c, "/e");
    check_answer(c, 200, "/e");
    send_text(b, "\r\nGET /b HTTP/1.1\r\nHost: t\r\n\r\n");
    answer refused = read_answer(b);
    assert_int_equal(refused.status, 400);
    buf_done(&refused.body);
    (void)close(a);
    (void)close(b);
    (void)close(c);
}

static void bodies_in_any_cut(void **state) {
    (void)state;
    const char *forms[] = {
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\nhello world",
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        "6\r\nhello \r\n5;x=y\r\nworld\r\n0\r\nX: y\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        int fd = dial(&f);
        send_text(fd, forms[i]);
        check_answer(fd, 200, "hello world");
        for (const char *byte = forms[i]; *byte; byte++)
            send_bytes(fd, span_from(byte, 1));
        check_answer(fd, 200, "hello world");
        (void)close(fd);
    }
}

static void pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "GET /wait HTTP/1.1\r\nHost: t\r\n\r\n"
                  "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc"
                  "GET /stream HTTP/1.1\r\nHost: t\r\n\r\n"
                  "GET /nowhere HTTP/1.1\r\nHost: t\r\n\r\n"
                  "GET /las");
    wait_log(&f, "waiting /wait;");
    on_loop(&f, answer_waiting);
    check_answer(fd, 200, "at last");
    check_answer(fd, 200, "abc");
    check_answer(fd, 200, "one two three");
    check_answer(fd, 404, "nowhere");
    send_text(fd, "t HTTP/1.1\r\nHost: t\r\n\r\n");
    check_answer(fd, 200, "/last");
    check_log(&f, "head /wait;request /wait;waiting /wait;done /wait;"
                  "head /echo;request /echo;done /echo;head /stream;request /stream;done /stream;"
                  "head /nowhere;done /nowhere;head /last;request /last;done /last;");
    (void)close(fd);
}

/* More than may wait: reading stops, and goes on when there is room. */
static void many_pipelined_requests_wait(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    int fd = dial(&f);
    get(fd, "/wait");
    wait_log(&f, "waiting /wait;");
    buf all = BUF_EMPTY;
    for (int i = 0; i < COUNT; i++)
        buf_addf(&all, "GET /%d HTTP/1.1\r\nHost: t\r\n\r\n", i);
    send_bytes(fd, buf_span(&all));
    buf_done(&all);
    on_loop(&f, answer_waiting);
    check_answer(fd, 200, "at last");
    for (int i = 0; i < COUNT; i++) {
        char want[20];
        (void)snprintf(want, sizeof want, "/%d", i);
        check_answer(fd, 200, want);
    }
    (void)close(fd);
}

/* A client that never stops sending is not read without bound. */
static void endless_pipelining_is_held_back(void **state) {
    (void)state;
    enum { MUCH = 100 * 1024 * 1024, STALLED_MS = 300 };
    static char bytes[1 << 16];
    memset(bytes, '\n', sizeof bytes);
    int fd = dial(&f);
    get(fd, "/wait");
    wait_log(&f, "waiting /wait;");
    size_t sent = 0;
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    while (sent < MUCH && poll(&writable, 1, STALLED_MS) == 1) {
        ssize_t n = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_true(n > 0);
        sent += (size_t)n;
    }
    assert_in_range(sent, 1, MUCH - 1);
    on_loop(&f, answer_waiting);
    check_answer(fd, 200, "at last");
    check_answer(fd, 400, NULL);
    (void)close(fd);
}

static size_t heap_bytes(void) {
    const struct mallinfo2 all = mallinfo2();
    return all.uordblks + all.hblkhd;
}

/* Some always wait, few enough that reading never stops: what has been answered is forgotten. */
static void what_was_taken_of_a_pipeline_is_forgotten(void **state) {
    (void)state;
    enum { COUNT = 500, AHEAD = 3, PADDING = 3000, MOST = 256 * 1024 };
    static char padding[PADDING + 1];
    memset(padding, 'p', PADDING);
    buf request = BUF_EMPTY;
    buf_addf(&request, "GET /wait HTTP/1.1\r\nHost: t\r\nX: %s\r\n\r\n", padding);
    int fd = dial(&f);
    for (int i = 0; i < AHEAD; i++)
        send_bytes(fd, buf_span(&request));
    const size_t before = heap_bytes();
    for (int i = 0; i < COUNT; i++) {
        wait_log(&f, "waiting /wait;");
        clear_log(&f);
        on_loop(&f, answer_waiting);
        check_answer(fd, 200, "at last");
        send_bytes(fd, buf_span(&request));
    }
    const size_t after = heap_bytes();
    assert_true(after < before + MOST);
    buf_done(&request);
    (void)close(fd);
}

static unsigned count_log(const char *text) {
    unsigned n = 0;
    uv_mutex_lock(&f.lock);
    for (const char *at = buf_cstr(&f.log); (at = strstr(at, text)); at++)
        n++;
    uv_mutex_unlock(&f.lock);
    return n;
}

static void nothing(fixture *fix) {
    (void)fix;
}

/* Who asks for much and reads nothing is not served further, or his answers would fill the memory.
 */
static void answers_that_nobody_reads_hold_requests_back(void **state) {
    (void)state;
    enum { COUNT = 300, BYTES = 100000 };
    int fd = dial(&f);
    for (int i = 0; i < COUNT; i++)
        get(fd, "/big?100000");
    wait_log(&f, "request /big;done /big;head /big;request /big;");
    for (int i = 0; i < 100; i++)
        on_loop(&f, nothing);
    assert_in_range(count_log("request /big;"), 1, COUNT - 1);
    char *bytes = malloc(BYTES);
    size_t total = 0;
    while (total < (size_t)COUNT * BYTES) {
        ssize_t n = recv(fd, bytes, BYTES, 0);
        assert_true(n > 0);
        total += (size_t)n;
    }
    free(bytes);
    (void)close(fd);
    assert_int_equal(count_log("request /big;"), COUNT);
}

/* A handler may free what answers in on_done, so that never comes from inside an answer. */
static void handlers_are_not_told_inside_an_answer(void **state) {
    (void)state;
    int one = dial(&f), two = dial(&f);
    get(one, "/wait");
    wait_log(&f, "waiting /wait;");
    get(two, "/both?100000");
    check_answer(one, 200, "at last");
    check_answer(two, 200, NULL);
    wait_log(&f, "done /both;");
    assert_false(log_has(&f, "nested"));
    (void)close(one);
    (void)close(two);
}

/* ---- forms of answers ---- */

static void streams_in_chunks(void **state) {
    (void)state;
    int fd = dial(&f);
    get(fd, "/stream");
    answer a = read_answer(fd);
    assert_true(a.chunked && a.keep_alive);
    assert_span(buf_span(&a.body), "one two three");
    buf_done(&a.body);
    get(fd, "/empty");
    a = read_answer(fd);
    assert_int_equal(a.status, 204);
    assert_int_equal(a.length, -1);
    (void)close(fd);
}

static void head_gets_the_head_alone(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd,
              "HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    answer a = read_answer_of(fd, true);
    assert_int_equal(a.length, 6);
    a = read_answer_of(fd, true);
    assert_int_equal(a.status, 200);
    get(fd, "/after");
    check_answer(fd, 200, "/after");
    (void)close(fd);
}

static void old_clients(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    answer a = read_answer(fd);
    assert_string_equal(a.connection, "keep-alive");
    buf_done(&a.body);
    send_text(fd, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    a = read_answer(fd);
    assert_false(a.chunked);
    assert_string_equal(a.connection, "close");
    assert_span(buf_span(&a.body), "one two three");
    buf_done(&a.body);
    check_closed(fd);

    fd = dial(&f);
    send_text(fd, "GET /a HTTP/1.0\r\n\r\n");
    a = read_answer(fd);
    assert_string_equal(a.connection, "close");
    buf_done(&a.body);
    check_closed(fd);
}

static void closes_when_asked(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "GET /a HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
                  "GET /b HTTP/1.1\r\nHost: t\r\n\r\n");
    answer a = read_answer(fd);
    assert_string_equal(a.connection, "close");
    buf_done(&a.body);
    check_closed(fd);
    check_log(&f, "head /a;request /a;done /a;");
}

static void large_answers(void **state) {
    (void)state;
    int fd = dial(&f);
    get(fd, "/big?3000000");
    char *all = malloc(3000000);
    answer a = {0};
    http_codec *c = http_codec_new(HTTP_CODEC_RESPONSE, &test_limits.head, &answer_ops, &a);
    while (!a.ended) {
        ssize_t n = recv(fd, all, 3000000, 0);
        assert_true(n > 0);
        size_t used;
        assert_true(http_codec_feed(c, span_from(all, (size_t)n), &used) != HTTP_FEED_BAD);
    }
    assert_int_equal(a.body.len, 3000000);
    free(all);
    http_codec_free(c);
    buf_done(&a.body);
    get(fd, "/after");
    check_answer(fd, 200, "/after");
    (void)close(fd);
}

/* ---- 100-continue ---- */

static void continues_when_the_body_is_wanted(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(
        fd, "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    check_answer(fd, 100, "");
    send_text(fd, "ok");
    check_answer(fd, 200, "ok");
    /* Nothing to continue with: nothing is said. */
    send_text(fd, "GET /a HTTP/1.1\r\nHost: t\r\nExpect: 100-Continue\r\n\r\n");
    check_answer(fd, 200, "/a");
    (void)close(fd);
}

static void does_not_continue_when_it_is_not(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(
        fd,
        "POST /nowhere HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    answer a = read_answer(fd);
    assert_int_equal(a.status, 404);
    assert_string_equal(a.connection, "close");
    buf_done(&a.body);
    check_closed(fd);

    fd = dial(&f);
    send_text(fd,
              "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: a-miracle\r\nContent-Length: 2\r\n\r\n");
    check_answer(fd, 417, NULL);
    check_closed(fd);

    fd = dial(&f);
    send_text(fd, "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
    check_answer(fd, 200, "ok");
    check_closed(fd);
}

/* ---- answered before the body came ---- */

static void a_short_unwanted_body_is_passed_over(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\nun");
    check_answer(fd, 404, "nowhere");
    wait_log(&f, "done /nowhere;");
    send_text(fd, "used");
    get(fd, "/after");
    check_answer(fd, 200, "/after");
    send_text(fd, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\nunused"
                  "GET /again HTTP/1.1\r\nHost: t\r\n\r\n");
    check_answer(fd, 404, "nowhere");
    check_answer(fd, 200, "/again");
    (void)close(fd);
}

/* The answer reaches a client that is still sending: no reset destroys it. */
static void a_long_unwanted_body_ends_the_connection(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 90000\r\n\r\n");
    char body[30000];
    memset(body, 'x', sizeof body);
    for (int i = 0; i < 3; i++)
        send_bytes(fd, span_from(body, sizeof body));
    answer a = read_answer(fd);
    assert_int_equal(a.status, 404);
    assert_string_equal(a.connection, "close");
    buf_done(&a.body);
    check_closed(fd);
    check_log(&f, "head /nowhere;done /nowhere;");
}

/* ---- cutting ---- */

static void an_aborted_answer_is_cut_visibly(void **state) {
    (void)state;
    bool reset;
    int fd = dial(&f);
    get(fd, "/abort");
    char *all = read_all(fd, &reset);
    assert_non_null(strstr(all, "4\r\nhalf\r\n"));
    assert_null(strstr(all, "0\r\n\r\n"));
    free(all);
    (void)close(fd);

    fd = dial(&f);
    send_text(fd, "GET /abort HTTP/1.0\r\n\r\n");
    all = read_all(fd, &reset);
    assert_true(reset);
    free(all);
    (void)close(fd);

    fd = dial(&f);
    get(fd, "/abort-early");
    all = read_all(fd, &reset);
    assert_string_equal(all, "");
    assert_true(reset);
    free(all);
    (void)close(fd);
    wait_log(&f, "done /abort-early;");
    assert_false(log_has(&f, "gone"));
}

/* What it has told arrives: a reset, where there are no chunks, could take it along. */
static void a_broken_answer_tells_its_last_piece(void **state) {
    (void)state;
    bool reset;
    int fd = dial(&f);
    get(fd, "/broken");
    char *all = read_all(fd, &reset);
    assert_non_null(strstr(all, "5\r\nsorry\r\n"));
    assert_null(strstr(all, "0\r\n\r\n"));
    assert_false(reset);
    free(all);
    (void)close(fd);

    fd = dial(&f);
    send_text(fd, "GET /broken HTTP/1.0\r\n\r\n");
    all = read_all(fd, &reset);
    assert_string_equal(strstr(all, "\r\n\r\n"), "\r\n\r\nsorry");
    assert_false(reset);
    free(all);
    (void)close(fd);

    fd = dial(&f);
    get(fd, "/broken-before");
    all = read_all(fd, &reset);
    assert_string_equal(all, "");
    assert_true(reset);
    free(all);
    (void)close(fd);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(keeps_the_connection),
        T(connections_in_turns),
        T(bodies_in_any_cut),
        T(pipelined_requests_are_answered_in_order),
        T(many_pipelined_requests_wait),
        T(endless_pipelining_is_held_back),
        T(what_was_taken_of_a_pipeline_is_forgotten),
        T(answers_that_nobody_reads_hold_requests_back),
        T(handlers_are_not_told_inside_an_answer),
        T(streams_in_chunks),
        T(head_gets_the_head_alone),
        T(old_clients),
        T(closes_when_asked),
        T(large_answers),
        T(continues_when_the_body_is_wanted),
        T(does_not_continue_when_it_is_not),
        T(a_short_unwanted_body_is_passed_over),
        T(a_long_unwanted_body_ends_the_connection),
        T(an_aborted_answer_is_cut_visibly),
        T(a_broken_answer_tells_its_last_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
