/* The simulator over real sockets: steps become bytes, and it can be stopped at any time. */
#include "unit.h"

#include "base/buf.h"
#include "sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct sim_fixture {
    http_bind bind;
    sim_thread *thread;
} sim_fixture;

static sim_fixture f;

static int set_up(void **state) {
    (void)state;
    int err = 0;
    f.bind = (http_bind){.host = SPAN_OF("127.0.0.1")};
    f.thread =
        sim_thread_start(&(sim_settings){.key = SPAN_OF("sk-k"), .pace_ms = 1}, &f.bind, &err);
    assert_int_equal(err, 0);
    assert_non_null(f.thread);
    assert_true(f.bind.port > 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sim_thread_stop(f.thread);
    return 0;
}

/* A request for model on a connection of its own, which the simulator closes after the answer. */
static int ask(const char *model, bool stream) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(f.bind.port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    buf body = BUF_EMPTY, all = BUF_EMPTY;
    buf_addf(
        &body,
        "{\"model\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        model, stream ? "true" : "false");
    buf_addf(&all,
             "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: "
             "Bearer sk-k\r\n"
             "Content-Length: %zu\r\n\r\n",
             body.len);
    buf_add(&all, buf_span(&body));
    assert_int_equal(send(fd, all.ptr, all.len, MSG_NOSIGNAL), (ssize_t)all.len);
    buf_done(&body);
    buf_done(&all);
    return fd;
}

/* Reads up to the end, or until what has come ends in until. true: the end was orderly. */
static bool read_all(int fd, const char *until, buf *ret) {
    buf_clear(ret);
    for (;;) {
        ssize_t n = recv(fd, buf_reserve(ret, 4096), 4096, 0);
        if (n <= 0) return n == 0;
        buf_grow(ret, (size_t)n);
        if (until && span_ends(buf_span(ret), span_cstr(until))) return true;
    }
}

static bool holds(const buf *text, const char *part) {
    return span_find_span(buf_span(text), 0, span_cstr(part)) < text->len;
}

static void answers_come_whole(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    int fd = ask("gpt", false);
    assert_true(read_all(fd, NULL, &text));
    (void)close(fd);
    assert_true(span_starts(buf_span(&text), SPAN_OF("HTTP/1.1 200 OK\r\n")));
    assert_true(holds(&text, "\"content\":\"You said: hi\""));
    fd = ask("gpt", true);
    assert_true(read_all(fd, NULL, &text));
    (void)close(fd);
    assert_true(span_ends(buf_span(&text), SPAN_OF("data: [DONE]\n\n\r\n0\r\n\r\n")));
    fd = ask("sim/503-2s", false);
    assert_true(read_all(fd, NULL, &text));
    (void)close(fd);
    assert_true(span_starts(buf_span(&text), SPAN_OF("HTTP/1.1 503 ")));
    assert_true(holds(&text, "\r\nretry-after: 2\r\n"));
    buf_done(&text);
}

/* What was said before a cut arrives; the end that would make it whole does not. */
static void cuts_are_visible(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    int fd = ask("sim/cut-2", true);
    (void)read_all(fd, NULL, &text);
    (void)close(fd);
    assert_true(holds(&text, "\" said:\""));
    assert_false(holds(&text, "\r\n0\r\n"));
    fd = ask("sim/reset", false);
    (void)read_all(fd, NULL, &text);
    (void)close(fd);
    assert_int_equal(text.len, 0);
    buf_done(&text);
}

/* More than a socket holds, to a reader that takes it late: nothing is lost. */
static void a_slow_reader_gets_all(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    int fd = ask("sim/words-60000,pace-0", true);
    (void)recv(fd, buf_reserve(&text, 1), 1, MSG_PEEK);
    assert_true(read_all(fd, NULL, &text));
    (void)close(fd);
    size_t events = 0;
    span rest = buf_span(&text), line;
    while (span_cut(&rest, '\n', &line))
        events += span_starts(line, SPAN_OF("data: "));
    assert_int_equal(events, 60000 + 3);
    buf_done(&text);
}

/* tear_down stops it while streams stall, wait and run. */
static void may_be_stopped_in_the_middle(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    int stalled = ask("sim/stall-1", true), silent = ask("sim/silent", true),
        slow = ask("sim/slow-1h", false);
    int running = ask("sim/words-100000,pace-5", true), gone = ask("sim/words-100000,pace-5", true);
    (void)close(gone);
    assert_true(read_all(stalled, "\n\n\r\n", &text));
    assert_true(holds(&text, "\"You\""));
    sim_thread_stop(f.thread);
    assert_true(read_all(silent, NULL, &text) || errno == ECONNRESET);
    assert_int_equal(text.len, 0);
    (void)read_all(running, NULL, &text);
    assert_false(holds(&text, "[DONE]"));
    (void)close(stalled);
    (void)close(silent);
    (void)close(slow);
    (void)close(running);
    buf_done(&text);
    f.thread = NULL;
}

static void a_taken_address_is_told(void **state) {
    (void)state;
    int err = 0;
    http_bind bind = {.host = SPAN_OF("203.0.113.1"), .port = 1};
    assert_null(sim_thread_start(&(sim_settings){0}, &bind, &err));
    assert_true(err < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_come_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_are_visible, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_reader_gets_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(may_be_stopped_in_the_middle, set_up, tear_down),
        cmocka_unit_test(a_taken_address_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
