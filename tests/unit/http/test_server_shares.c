/* Who has how many of a server's connections, and what becomes of those beyond. */
#include "unit.h"

#include "http/server_internal.h"
#include "http/transport_internal.h"
#include "server_fixture.h"

/* ---- machines ---- */

static uint64_t holder_of(const char *address) {
    struct sockaddr_storage addr = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr;
    addr.ss_family = strchr(address, ':') ? AF_INET6 : AF_INET;
    void *to = addr.ss_family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr;
    assert_int_equal(inet_pton(addr.ss_family, address, to), 1);
    return holder_of_address(&addr);
}

static void a_machine_is_its_address(void **state) {
    (void)state;
    assert_int_equal(holder_of("192.0.2.1"), holder_of("192.0.2.1"));
    assert_int_not_equal(holder_of("192.0.2.1"), holder_of("192.0.2.2"));
    assert_int_not_equal(holder_of("192.0.2.1"), 0);
    /* A line of IPv6 may use any address of its /64. */
    assert_int_equal(holder_of("2001:db8::1"), holder_of("2001:db8::ffff:1"));
    assert_int_not_equal(holder_of("2001:db8::1"), holder_of("2001:db8:0:1::1"));
    /* Behind these stands all of this machine. */
    assert_int_equal(holder_of("127.0.0.1"), 0);
    assert_int_equal(holder_of("127.8.9.1"), 0);
    assert_int_equal(holder_of("::1"), 0);
}

static void one_machine_has_its_share(void **state) {
    (void)state;
    http_server s = {.limits = {.address_connections = 2}};
    transport far = {.hold = {.holder = holder_of("192.0.2.1")}};
    transport other = {.hold = {.holder = holder_of("192.0.2.2")}};
    transport near = {.hold = {.holder = 0}};
    conn c[8] = {{.io = &far},  {.io = &far},  {.io = &far}, {.io = &other},
                 {.io = &near}, {.io = &near}, {.io = &near}};
    const bool fits[] = {true, true, false, true, true, true, true};
    for (size_t i = 0; i < ARRAY_LEN(fits); i++)
        assert_int_equal(server_take_address(&s, &c[i]), fits[i]);
    server_give_shares(&s, &c[0]);
    server_give_shares(&s, &c[0]);
    assert_true(server_take_address(&s, &c[2]));
    for (size_t i = 0; i < ARRAY_LEN(fits); i++)
        server_give_shares(&s, &c[i]);
    assert_int_equal(s.addresses.count, 0);
    shares_done(&s.addresses);
}

/* ---- clients ---- */

static fixture f;

static int set_up(void **state) {
    (void)state;
    http_server_limits limits = test_limits;
    limits.client_connections = 2;
    fixture_start(&f, &limits);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_done(&f);
    return 0;
}

static int ask(const char *path) {
    int fd = dial(&f);
    get(fd, path);
    check_answer(fd, 200, path);
    return fd;
}

static void check_refused(int fd) {
    char *text = read_all(fd, NULL);
    assert_memory_equal(text, "HTTP/1.1 429 ", 13);
    assert_non_null(strstr(text, "\r\nx-should-retry: true\r\n"));
    assert_non_null(strstr(text, "\r\nretry-after: 1\r\n"));
    assert_non_null(strstr(text, "\r\nconnection: close\r\n"));
    free(text);
    (void)close(fd);
}

static void count_clients(fixture *fix) {
    fix->flood_left = fix->server->clients.held;
}

static void await_held(size_t want) {
    for (int i = 0; i < GIVE_UP_S * 1000; i++) {
        on_loop(&f, count_clients);
        if (f.flood_left == want) return;
        uv_sleep(1);
    }
    fail_msg("%zu connections are held, not %zu", f.flood_left, want);
}

static void one_client_leaves_connections_to_others(void **state) {
    (void)state;
    int first = ask("/mine"), second = ask("/mine"), third = dial(&f);
    clear_log(&f);
    get(third, "/mine");
    check_refused(third);
    check_log(&f, "head /mine;refused OVER_CONNECTIONS;done /mine;");
    int yours = ask("/yours");
    get(first, "/mine"); /* those that it has stay */
    check_answer(first, 200, "/mine");
    (void)close(second);
    await_held(2);
    third = ask("/mine");
    (void)close(first);
    (void)close(third);
    (void)close(yours);
    await_held(0);
}

static bool stays;

static void identify(fixture *fix) {
    stays = http_request_identified(fix->waiting, 1, 1000);
}

static void identify_other(fixture *fix) {
    stays = http_request_identified(fix->waiting, 2, 1000);
}

/* The head of a request, after which it is found whose it is. */
static int begin(void (*how)(fixture *)) {
    int fd = dial(&f);
    clear_log(&f);
    send_text(fd, "POST /kept HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n");
    wait_log(&f, "head /kept;");
    on_loop(&f, how);
    return fd;
}

static void whose_it_is_may_be_found_later(void **state) {
    (void)state;
    int first = ask("/mine"), second = begin(identify);
    assert_true(stays);
    await_held(2);
    int third = begin(identify);
    assert_false(stays);
    check_refused(third);
    check_log(&f, "head /kept;refused OVER_CONNECTIONS;done /kept;");
    int yours = begin(identify_other);
    assert_true(stays);
    await_held(3);
    send_text(second, "x");
    check_answer(second, 200, "/kept");
    get(second, "/mine");
    check_answer(second, 200, "/mine");
    (void)close(first);
    (void)close(second);
    (void)close(yours);
    await_held(0);
}

/* A proxy's connection is whose request it bears. */
static void a_connection_may_change_hands(void **state) {
    (void)state;
    int one = ask("/mine"), two = ask("/mine");
    get(two, "/yours");
    check_answer(two, 200, "/yours");
    await_held(2);
    int three = ask("/mine");
    get(two, "/mine");
    check_refused(two);
    (void)close(one);
    (void)close(three);
    await_held(0);
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_is_its_address),    cmocka_unit_test(one_machine_has_its_share),
        CASE(one_client_leaves_connections_to_others), CASE(whose_it_is_may_be_found_later),
        CASE(a_connection_may_change_hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
