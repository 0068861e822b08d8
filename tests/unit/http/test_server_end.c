#include "unit.h"

#include "server_each.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- drain ---- */

static void on_idle(void *user) {
    note(user, "idle", SPAN_OF("now"));
}

static void drain(fixture *fix) {
    http_server_drain(fix->server, on_idle);
}

static void wait_refused(uint16_t port) {
    for (int fd; (fd = dial_port(port)) >= 0; (void)close(fd))
        (void)usleep(1000);
}

static void draining_lets_requests_finish(void **state) {
    (void)state;
    int busy = dial(&f), idle = dial(&f), half = dial(&f);
    get(busy, "/wait-stream");
    wait_log(&f, "waiting /wait-stream;");
    get(idle, "/a");
    check_answer(idle, 200, "/a");
    send_text(half, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\nhal");
    wait_log(&f, "head /echo;");
    on_loop(&f, drain);
    /* A request that was on its way to an idle connection is still answered. */
    get(idle, "/late");
    answer a = read_answer(idle);
    assert_string_equal(a.connection, "close");
    buf_done(&a.body);
    check_closed(idle);
    send_text(half, "f->h");
    a = read_answer(half);
    assert_span(buf_span(&a.body), "half->");
    assert_string_equal(a.connection, "close");
    buf_done(&a.body);
    check_closed(half);
    wait_refused(f.bind.port);
    assert_false(log_has(&f, "idle now"));
    on_loop(&f, answer_waiting);
    check_answer(busy, 200, "begun");
    wait_log(&f, "idle now;");
    (void)close(busy);
}

static void draining_closes_idle_connections(void **state) {
    (void)state;
    int fresh = dial(&f), used = dial(&f);
    get(used, "/a");
    check_answer(used, 200, "/a");
    on_loop(&f, drain);
    check_closed(fresh);
    check_closed(used);
    wait_log(&f, "idle now;");
}

static void draining_nothing(void **state) {
    (void)state;
    on_loop(&f, drain);
    check_log(&f, "idle now;");
}

/* ---- close ---- */

static void closing_tells_everyone(void **state) {
    (void)state;
    int busy = dial(&f), idle = dial(&f);
    get(busy, "/wait");
    wait_log(&f, "waiting /wait;");
    get(idle, "/a");
    check_answer(idle, 200, "/a");
    on_loop(&f, close_server);
    check_closed(busy);
    check_closed(idle);
    check_log(&f, "head /wait;request /wait;waiting /wait;head /a;request /a;done /a;"
                  "gone /wait;done /wait;");
    assert_int_equal(http_server_connections(f.server), 0);
}

static void unlisten(fixture *fix) {
    http_server_unlisten(fix->server, &fix->bind);
}

static void unlistening_keeps_connections(void **state) {
    (void)state;
    int fd = dial(&f);
    get(fd, "/a");
    check_answer(fd, 200, "/a");
    on_loop(&f, unlisten);
    wait_refused(f.bind.port);
    get(fd, "/b");
    check_answer(fd, 200, "/b");
    (void)close(fd);
}

/* ---- several workers on one address ---- */

static void workers_share_a_port(void **state) {
    (void)state;
    fixture other;
    fixture_init(&other, NULL);
    other.bind.port = f.bind.port;
    assert_int_equal(http_server_listen(other.server, &other.bind), 0);
    fixture_run(&other);
    for (int i = 0; i < 20; i++) {
        int fd = dial(&f);
        get(fd, "/a");
        check_answer(fd, 200, "/a");
        (void)close(fd);
    }
    fixture_done(&other);
}

static int bad_results[3];

static void listen_badly(fixture *at) {
    http_bind bad = {.host = SPAN("203.0.113.7")};
    http_bind unknown = {.host = SPAN("name.invalid")};
    http_bind missing = {.unix_path = SPAN("/nonexistent/weir.sock")};
    bad_results[0] = http_server_listen(at->server, &bad);
    bad_results[1] = http_server_listen(at->server, &unknown);
    bad_results[2] = http_server_listen(at->server, &missing);
}

static void bad_addresses(void **state) {
    (void)state;
    on_loop(&f, listen_badly);
    assert_int_equal(bad_results[0], UV_EADDRNOTAVAIL);
    assert_true(bad_results[1] < 0);
    assert_int_equal(bad_results[2], UV_ENOENT);
}

/* ---- Unix sockets ---- */

static char directory[] = "/tmp/weir-test-XXXXXX";
static char path[64];

static int dial_unix(void) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    (void)strncpy(addr.sun_path, path, sizeof addr.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bound_waits(fd);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0) return fd;
    (void)close(fd);
    return -1;
}

static void leave_a_dead_socket(void) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    (void)strncpy(addr.sun_path, path, sizeof addr.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    (void)close(fd);
}

static void serves_a_unix_socket(void **state) {
    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/weir.sock", directory);
    mode_t mask = umask(0077);
    fixture unix_one, two;
    leave_a_dead_socket();
    fixture_init(&unix_one, NULL);
    http_bind bind = {.unix_path = span_cstr(path)};
    assert_int_equal(http_server_listen(unix_one.server, &bind), 0);
    (void)umask(mask);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);

    /* A second worker shares the socket; a stranger does not take it. */
    fixture_init(&two, NULL);
    assert_int_equal(http_server_listen(two.server, &bind), 0);
    http_bind stranger = {.unix_path = span_cstr(path)};
    assert_int_equal(http_server_listen(two.server, &stranger), UV_EADDRINUSE);
    fixture_run(&unix_one);
    fixture_run(&two);
    for (int i = 0; i < 20; i++) {
        int fd = dial_unix();
        assert_true(fd >= 0);
        get(fd, "/a");
        check_answer(fd, 200, "/a");
        (void)close(fd);
    }
    fixture_done(&unix_one);
    assert_int_equal(stat(path, &st), -1);
    fixture_done(&two);

    /* What is no socket is nobody's to remove. */
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(file);
    fixture_init(&two, NULL);
    assert_int_equal(http_server_listen(two.server, &stranger), UV_ENOTSOCK);
    assert_int_equal(stat(path, &st), 0);
    fixture_done(&two);
    (void)unlink(path);
    (void)rmdir(directory);
}

/* ---- out of descriptors ---- */

static unsigned turns;

static void count_turn(loop_hook *hook) {
    (void)hook;
    turns++;
}

static loop_hook counter = {.run = count_turn};

static void start_counting(fixture *fix) {
    turns = 0;
    loop_add_hook(&fix->loop, &counter);
}

static void stop_counting(fixture *fix) {
    (void)fix;
    loop_remove_hook(&counter);
}

static void without_descriptors_it_does_not_spin(void **state) {
    (void)state;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int first_free = fcntl(client, F_DUPFD_CLOEXEC, 0);
    (void)close(first_free);
    none = before;
    none.rlim_cur = (rlim_t)first_free;
    on_loop(&f, start_counting);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(f.bind.port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int failed = connect(client, (struct sockaddr *)&addr, sizeof addr);
    (void)usleep(200000);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    on_loop(&f, stop_counting);
    assert_int_equal(failed, 0);
    assert_in_range(turns, 0, 100);
    (void)close(client);
    int fd = dial(&f);
    get(fd, "/a");
    check_answer(fd, 200, "/a");
    (void)close(fd);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(draining_lets_requests_finish),
        T(draining_closes_idle_connections),
        T(draining_nothing),
        T(closing_tells_everyone),
        T(unlistening_keeps_connections),
        T(workers_share_a_port),
        T(bad_addresses),
        cmocka_unit_test(serves_a_unix_socket),
        T(without_descriptors_it_does_not_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
