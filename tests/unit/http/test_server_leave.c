/* Clients that leave, in whatever way and behind whatever bytes, and those that read slowly. */
#include "unit.h"

#include "server_each.h"

#include <poll.h>

/* ---- clients that leave ---- */

static void leaving_is_told_at_once(void **state) {
    (void)state;
    const char *paths[] = {"/wait", "/wait-stream"};
    for (size_t i = 0; i < ARRAY_LEN(paths) * 2; i++) {
        const char *path = paths[i / 2];
        char want[100];
        int fd = dial(&f);
        get(fd, path);
        (void)snprintf(want, sizeof want, "waiting %s;", path);
        wait_log(&f, want);
        if (i % 2)
            (void)close(fd);
        else
            (void)shutdown(fd, SHUT_WR);
        (void)snprintf(want, sizeof want, "head %s;request %s;waiting %s;gone %s;done %s;", path,
                       path, path, path, path);
        check_log(&f, want);
        clear_log(&f);
        if (i % 2 == 0) (void)close(fd);
    }
}

/* More waits behind the call than is read, and lies before the end. */
static void leave(int fd, const char *how) {
    struct linger hard = {.l_onoff = 1};
    if (!strcmp(how, "reset")) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    if (!strcmp(how, "shutdown"))
        (void)shutdown(fd, SHUT_WR);
    else
        (void)close(fd);
}

static void leaves_behind_pipelined(const char *path, size_t bytes, const char *how) {
    char want[100];
    int fd = dial(&f);
    get(fd, path);
    (void)snprintf(want, sizeof want, "waiting %s;", path);
    wait_log(&f, want);
    char *later = mem_alloc(bytes);
    memset(later, '\n', bytes);
    send_bytes(fd, span_from(later, bytes));
    free(later);
    leave(fd, how);
    (void)snprintf(want, sizeof want, "head %s;request %s;waiting %s;gone %s;done %s;", path, path,
                   path, path, path);
    check_log(&f, want);
    clear_log(&f);
    if (!strcmp(how, "shutdown")) (void)close(fd);
}

static void leaving_behind_pipelined_bytes_is_told(void **state) {
    (void)state;
    static const char *const paths[] = {"/wait", "/wait-stream"};
    static const char *const ways[] = {"close", "shutdown", "reset"};
    static const size_t amounts[] = {16 * 1024 - 1, 16 * 1024, 40 * 1024};
    for (size_t p = 0; p < ARRAY_LEN(paths); p++)
        for (size_t w = 0; w < ARRAY_LEN(ways); w++)
            for (size_t a = 0; a < ARRAY_LEN(amounts); a++)
                leaves_behind_pipelined(paths[p], amounts[a], ways[w]);
}

/* As much as the kernel takes, on both sides: the end comes behind it. A server that does not read
 * for a second has read what it will; after two of them it drops what stands there. */
static void fill(int fd) {
    static char bytes[1 << 16];
    memset(bytes, '\n', sizeof bytes);
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    while (poll(&writable, 1, 1000) == 1)
        assert_true(send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
}

static void leaving_behind_more_than_fits_is_told(void **state) {
    (void)state;
    static const char *const paths[] = {"/wait", "/wait-stream"};
    for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
        char want[100];
        int fd = dial(&f);
        get(fd, paths[p]);
        (void)snprintf(want, sizeof want, "waiting %s;", paths[p]);
        wait_log(&f, want);
        fill(fd);
        (void)close(fd);
        (void)snprintf(want, sizeof want, "waiting %s;gone %s;done %s;", paths[p], paths[p],
                       paths[p]);
        wait_log(&f, want);
        clear_log(&f);
    }
}

static int set_up_for_much(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.body_bytes = 1000 * 1000 * 1000;
    fixture_start(&f, &limits);
    return 0;
}

/* Nobody can tell that it is still there: what it asked further is lost, and it is told so. */
static void who_crowds_and_stays_gets_his_answer(void **state) {
    (void)state;
    int fd = dial(&f);
    get(fd, "/wait");
    wait_log(&f, "waiting /wait;");
    fill(fd);
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    assert_int_equal(poll(&writable, 1, GIVE_UP_S * 1000), 1); /* it is read, and dropped */
    on_loop(&f, answer_waiting);
    answer a = read_answer(fd);
    assert_span(buf_span(&a.body), "at last");
    assert_string_equal(a.connection, "close");
    buf_done(&a.body);
    check_log(&f, "head /wait;request /wait;waiting /wait;done /wait;");
    check_closed(fd);
}

/* More than a body's length: it is no client of ours. */
static void who_never_stops_is_let_go(void **state) {
    (void)state;
    int fd = dial(&f);
    get(fd, "/wait");
    wait_log(&f, "waiting /wait;");
    fill(fd);
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    char bytes[10000] = "";
    while (poll(&writable, 1, GIVE_UP_S * 1000) == 1)
        if (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0) break;
    check_log(&f, "head /wait;request /wait;waiting /wait;gone /wait;done /wait;");
    (void)close(fd);
}

static void leaving_in_the_body_is_told(void **state) {
    (void)state;
    int fd = dial(&f);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\nhal");
    wait_log(&f, "head /echo;");
    (void)close(fd);
    check_log(&f, "head /echo;gone /echo;done /echo;");
}

/* ---- slow readers ---- */

static void a_slow_reader_holds_the_source_back(void **state) {
    (void)state;
    enum { TOTAL = 8000000 };
    f.flood_left = TOTAL;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(f.bind.port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    bound_waits(fd);
    send_text(fd, "GET /flood HTTP/1.0\r\n\r\n");
    size_t total = 0, head = 0;
    char bytes[20000];
    for (ssize_t n; (n = recv(fd, bytes, sizeof bytes, 0)) > 0;) {
        if (!head) head = span_find_span(span_from(bytes, (size_t)n), 0, SPAN_OF("\r\n\r\n")) + 4;
        total += (size_t)n;
    }
    assert_int_equal(total - head, TOTAL);
    (void)close(fd);
}

/* As slow as it likes, as long as it reads: also the last answer of its connection comes whole. */
static void a_slow_reader_gets_the_last_answer_whole(void **state) {
    (void)state;
    enum { TOTAL = 12000000, STEPS = 40, LITTLE = 64 * 1024 };
    int fd = dial(&f), little = LITTLE;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    send_text(fd, "GET /big?12000000 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    char *bytes = mem_alloc(TOTAL / STEPS);
    size_t total = 0;
    for (ssize_t n; (n = recv(fd, bytes, TOTAL / STEPS, MSG_WAITALL)) > 0;) {
        total += (size_t)n;
        (void)usleep(100 * 1000);
    }
    free(bytes);
    assert_true(total > TOTAL);
    (void)close(fd);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(leaving_is_told_at_once),
        T(leaving_behind_pipelined_bytes_is_told),
        cmocka_unit_test_setup_teardown(leaving_behind_more_than_fits_is_told, set_up_for_much,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_crowds_and_stays_gets_his_answer, set_up_for_much,
                                        tear_down),
        T(who_never_stops_is_let_go),
        T(leaving_in_the_body_is_told),
        T(a_slow_reader_holds_the_source_back),
        T(a_slow_reader_gets_the_last_answer_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
