#include "unit.h"

#include "gateway/notify.h"

#include <stdio.h>
#include <unistd.h>

static void test_addresses(void **state) {
    (void)state;
    struct sockaddr_un a;
    socklen_t len;
    assert_true(notify_address(SPAN_OF("/run/systemd/notify"), &a, &len));
    assert_int_equal(a.sun_family, AF_UNIX);
    assert_string_equal(a.sun_path, "/run/systemd/notify");
    assert_int_equal(len, offsetof(struct sockaddr_un, sun_path) + strlen("/run/systemd/notify"));
    assert_true(notify_address(SPAN_OF("@name"), &a, &len));
    assert_memory_equal(a.sun_path, "\0name", 5);
    assert_int_equal(len, offsetof(struct sockaddr_un, sun_path) + 5);
}

static void test_what_is_no_address(void **state) {
    (void)state;
    struct sockaddr_un a;
    socklen_t len;
    char longest[sizeof a.sun_path + 1];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    assert_false(notify_address(SPAN_EMPTY, &a, &len));
    assert_false(notify_address(SPAN_OF("/"), &a, &len));
    assert_false(notify_address(SPAN_OF("relative/path"), &a, &len));
    assert_false(notify_address(SPAN_OF("vsock:2:1234"), &a, &len));
    assert_false(notify_address(span_from(longest, sizeof a.sun_path), &a, &len));
    assert_true(notify_address(span_from(longest, sizeof a.sun_path - 1), &a, &len));
}

static void test_watchdog(void **state) {
    (void)state;
    assert_int_equal(notify_watchdog_ms("30000000", "7", 7), 30000);
    assert_int_equal(notify_watchdog_ms("30000000", NULL, 7), 30000);
    assert_int_equal(notify_watchdog_ms("30000000", "8", 7), 0);
    assert_int_equal(notify_watchdog_ms("30000000", "x", 7), 0);
    assert_int_equal(notify_watchdog_ms(NULL, NULL, 7), 0);
    assert_int_equal(notify_watchdog_ms("-1", NULL, 7), 0);
}

/* A service manager on one page: what a process says to it, datagram by datagram. */
static void test_what_is_said(void **state) {
    (void)state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int len = snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "weir-test-%d", (int)getpid());
    int manager = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&a,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)),
                     0);
    a.sun_path[0] = '@';
    setenv("NOTIFY_SOCKET", a.sun_path, 1);
    setenv("WATCHDOG_USEC", "2000000", 1);
    unsetenv("WATCHDOG_PID");

    notifier n;
    notifier_init(&n);
    assert_true(n.fd >= 0);
    assert_int_equal(n.watchdog_ms, 2000);
    notify_ready(&n, "Serving");
    notify_reloading(&n, 123456);
    notify_alive(&n);
    notify_stopping(&n);
    static const char *const said[] = {"READY=1\nSTATUS=Serving",
                                       "RELOADING=1\nMONOTONIC_USEC=123456", "WATCHDOG=1",
                                       "STOPPING=1"};
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        char text[256];
        ssize_t got = recv(manager, text, sizeof text, MSG_DONTWAIT);
        assert_true(got > 0);
        assert_span(span_from(text, (size_t)got), said[i]);
    }
    notifier_done(&n);
    close(manager);
}

static void test_nobody_listens(void **state) {
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notifier n;
    notifier_init(&n);
    assert_int_equal(n.fd, -1);
    assert_int_equal(n.watchdog_ms, 0);
    notify_ready(&n, "Serving");
    notifier_done(&n);
    setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    notifier_init(&n);
    assert_int_equal(n.fd, -1);
    notifier_done(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),      cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_watchdog),       cmocka_unit_test(test_what_is_said),
        cmocka_unit_test(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
