/* Requests in a content coding that stand for much: undone turn by turn, others served between. */
#include "unit.h"

#include "pack.h"
#include "server_fixture.h"

enum { MUCH = 3 * 1024 * 1024 + 17, LEAST_TURNS = 5 };

static fixture f;
static char *text;

/* Of the loop, from the head of a request on: when it is answered from elsewhere, or when all is
 * closed. */
static struct {
    loop_hook hook;
    int turns;
    int answer_at, close_at;
} watched;

static bool is_under_way(void) {
    return log_has(&f, "head ") && !log_has(&f, "request ") && !log_has(&f, "refused ");
}

static void on_turn(loop_hook *hook) {
    (void)hook;
    if (!is_under_way()) return;
    watched.turns++;
    if (watched.turns == watched.answer_at) answer_text(f.waiting, 200, SPAN_OF("early"));
    if (watched.turns == watched.close_at) close_server(&f);
}

/* The loop does not run before what is sent is there. */
static int set_up(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.body_bytes = 2 * MUCH;
    fixture_init(&f, &limits);
    assert_int_equal(http_server_listen(f.server, &f.bind), 0);
    watched = (typeof(watched)){.hook = {.run = on_turn}};
    loop_add_hook(&f.loop, &watched.hook);
    text = calloc(1, MUCH);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_done(&f);
    free(text);
    return 0;
}

static const struct {
    http_coding coding;
    const char *name;
} rows[] = {{HTTP_CODING_GZIP, "gzip"},
            {HTTP_CODING_DEFLATE, "deflate"},
            {HTTP_CODING_BR, "br"},
            {HTTP_CODING_ZSTD, "zstd"}};

/* chunk: bytes of each; 0: it tells its length. */
static buf request_of(const char *path, const char *coding, span body, size_t chunk) {
    buf out = BUF_EMPTY;
    buf_addf(&out, "POST %s HTTP/1.1\r\nHost: t\r\nContent-Encoding: %s\r\n", path, coding);
    if (chunk)
        buf_add_cstr(&out, "Transfer-Encoding: chunked\r\n\r\n");
    else
        buf_addf(&out, "Content-Length: %zu\r\n\r\n", body.len);
    for (size_t at = 0; chunk && at < body.len; at += chunk) {
        span piece = span_slice(body, at, at + chunk < body.len ? at + chunk : body.len);
        buf_addf(&out, "%zx\r\n", piece.len);
        buf_add(&out, piece);
        buf_add_cstr(&out, "\r\n");
    }
    if (chunk)
        buf_add_cstr(&out, "0\r\n\r\n");
    else
        buf_add(&out, body);
    return out;
}

static void send_request(int fd, const char *path, size_t row, size_t chunk) {
    buf body = pack(rows[row].coding, span_from(text, MUCH));
    buf request = request_of(path, rows[row].name, buf_span(&body), chunk);
    send_bytes(fd, buf_span(&request));
    buf_done(&request);
    buf_done(&body);
}

static answer read_much(int fd) {
    answer a = {0};
    http_codec *c = http_codec_new(HTTP_CODEC_RESPONSE, &wire_limits, &answer_ops, &a);
    static char bytes[65536];
    while (!a.ended) {
        size_t want = a.length > (int64_t)a.body.len ? (size_t)a.length - a.body.len : 1, used;
        ssize_t n = recv(fd, bytes, want < sizeof bytes ? want : sizeof bytes, 0);
        assert_true(n > 0);
        assert_int_not_equal(http_codec_feed(c, span_from(bytes, (size_t)n), &used), HTTP_FEED_BAD);
    }
    http_codec_free(c);
    return a;
}

static void check_much(int fd) {
    answer a = read_much(fd);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.len, MUCH);
    assert_memory_equal(a.body.ptr, text, MUCH);
    buf_done(&a.body);
}

/* The other's request came when the large one had: it is answered long before that. */
static void is_served_between(size_t row, size_t chunk) {
    int fd = dial(&f), other = dial(&f);
    send_request(fd, "/echo", row, chunk);
    get(other, "/a");
    fixture_run(&f);
    check_answer(other, 200, "/a");
    check_much(fd);
    wait_log(&f, "done /echo;");
    uv_mutex_lock(&f.lock);
    const char *head = strstr(buf_cstr(&f.log), "head /echo;"),
               *between = strstr(buf_cstr(&f.log), "request /a;"),
               *whole = strstr(buf_cstr(&f.log), "request /echo;");
    assert_true(head && between && whole && between < whole);
    uv_mutex_unlock(&f.lock);
    (void)close(fd);
    (void)close(other);
}

static void others_are_served_between(void **state) {
    for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
        for (size_t chunk = 0; chunk < 14; chunk += 7) {
            is_served_between(row, chunk);
            (void)tear_down(state);
            (void)set_up(state);
        }
    }
}

/* What stands behind the body in the same read is neither lost nor taken for the body's. */
static void the_next_request_waits_behind_it(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 2000; chunk += 999) {
        int fd = dial(&f);
        send_request(fd, "/echo", 0, chunk);
        get(fd, "/a");
        send_request(fd, "/echo", 1, chunk);
        get(fd, "/b");
        if (!f.thread) fixture_run(&f);
        check_much(fd);
        check_answer(fd, 200, "/a");
        check_much(fd);
        check_answer(fd, 200, "/b");
        (void)close(fd);
    }
}

static void it_is_sliced(void **state) {
    (void)state;
    int fd = dial(&f);
    send_request(fd, "/echo", 2, 0);
    fixture_run(&f);
    check_much(fd);
    assert_true(watched.turns >= LEAST_TURNS);
    (void)close(fd);
}

/* Its end has come with its last byte. */
static void a_client_that_leaves_is_heard_meanwhile(void **state) {
    (void)state;
    int fd = dial(&f);
    send_request(fd, "/echo", 0, 0);
    (void)close(fd);
    fixture_run(&f);
    check_log(&f, "head /echo;gone /echo;done /echo;");
}

/* A limit is one in the middle, too. */
static void what_becomes_too_large_is_refused_on_the_way(void **state) {
    (void)state;
    f.limits.body_bytes = MUCH - 1000;
    http_server_set_limits(f.server, &f.limits);
    int fd = dial(&f);
    send_request(fd, "/echo", 3, 0);
    get(fd, "/a");
    fixture_run(&f);
    check_answer(fd, 413, NULL);
    check_closed(fd);
    assert_true(watched.turns >= LEAST_TURNS);
    check_log(&f, "head /echo;refused BODY_TOO_LARGE;done /echo;");
}

static void what_breaks_off_is_refused_at_its_end(void **state) {
    (void)state;
    buf body = pack(HTTP_CODING_GZIP, span_from(text, MUCH));
    buf request = request_of("/echo", "gzip", span_slice(buf_span(&body), 0, body.len - 1), 0);
    int fd = dial(&f);
    send_bytes(fd, buf_span(&request));
    fixture_run(&f);
    check_answer(fd, 400, NULL);
    check_log(&f, "head /echo;refused BAD_CODED_BODY;done /echo;");
    (void)close(fd);
    buf_done(&request);
    buf_done(&body);
}

static void a_body_that_is_asked_for(void **state) {
    (void)state;
    buf body = pack(HTTP_CODING_BR, span_from(text, MUCH)), head = BUF_EMPTY;
    buf_addf(&head,
             "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Encoding: br\r\n"
             "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
             body.len);
    int fd = dial(&f);
    send_bytes(fd, buf_span(&head));
    fixture_run(&f);
    answer a = read_answer(fd);
    assert_int_equal(a.status, 100);
    buf_done(&a.body);
    send_bytes(fd, buf_span(&body));
    check_much(fd);
    (void)close(fd);
    buf_done(&head);
    buf_done(&body);
}

static void answer_in_two_turns(fixture *of) {
    (void)of;
    watched.turns = 0;
    watched.answer_at = 2;
}

/* What waits for its turn is then read over, and the connection lives on. */
static void an_answer_before_all_is_undone(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 2000; chunk += 999) {
        if (f.thread)
            on_loop(&f, answer_in_two_turns);
        else
            answer_in_two_turns(&f);
        clear_log(&f);
        int fd = dial(&f);
        send_request(fd, "/kept", 0, chunk);
        if (!chunk) get(fd, "/a");
        if (!f.thread) fixture_run(&f);
        check_answer(fd, 200, "early");
        if (!chunk) check_answer(fd, 200, "/a");
        wait_log(&f, "done /kept;");
        (void)close(fd);
    }
}

static void all_is_closed_in_the_middle(void **state) {
    (void)state;
    watched.close_at = 2;
    int fd = dial(&f);
    send_request(fd, "/echo", 0, 0);
    fixture_run(&f);
    check_closed(fd);
    check_log(&f, "head /echo;gone /echo;done /echo;");
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(it_is_sliced),
        T(others_are_served_between),
        T(the_next_request_waits_behind_it),
        T(a_client_that_leaves_is_heard_meanwhile),
        T(what_becomes_too_large_is_refused_on_the_way),
        T(what_breaks_off_is_refused_at_its_end),
        T(a_body_that_is_asked_for),
        T(an_answer_before_all_is_undone),
        T(all_is_closed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
