/* How a transport comes to be: which address it is connected to, and what is said where none is. */
#include "unit.h"

#include "ends.h"
#include "silent.h"

#include <stdio.h>
#include <unistd.h>

static void refused(void **state) {
    fixture *f = *state;
    uint16_t port = net_free_port();
    struct sockaddr_storage addr = net_addr("127.0.0.1", port);
    connect_to(f, &addr, 1);
    run(f);
    assert_int_equal(f->client.failed, 1);
    assert_int_equal(f->client.why, TRANSPORT_CONNECT);
    char want[100];
    snprintf(want, sizeof want, "connecting to 127.0.0.1:%u failed: connection refused", port);
    assert_string_equal(f->client.text, want);
}

static void no_address(void **state) {
    fixture *f = *state;
    connect_to(f, NULL, 0);
    run(f);
    assert_string_equal(f->client.text, "there is no address to connect to");
}

static void all_refused(void **state) {
    fixture *f = *state;
    uint16_t port = net_free_port();
    struct sockaddr_storage addrs[] = {net_addr("127.0.0.1", port), net_addr("127.0.0.2", port)};
    connect_to(f, addrs, 2);
    run(f);
    assert_int_equal(f->client.failed, 1);
    char want[120];
    snprintf(want, sizeof want,
             "connecting to 127.0.0.1:%u failed: connection refused (first of 2 addresses)", port);
    assert_string_equal(f->client.text, want);
}

/* It is told which of them it is. */
static void look_where_it_leads(end *e) {
    const struct sockaddr_storage want = net_addr("127.0.0.1", e->f->port);
    struct sockaddr_storage leads;
    assert_true(transport_address(e->t, &leads));
    assert_memory_equal(&leads, &want, sizeof(struct sockaddr_in));
    say_hello(e);
}

static void the_next_address_is_tried(void **state) {
    fixture *f = *state;
    struct sockaddr_storage addrs[] = {net_addr("127.0.0.2", net_free_port()),
                                       net_addr("::1", net_free_port()),
                                       net_addr("127.0.0.1", f->port)};
    greet(f);
    f->client.open = look_where_it_leads;
    connect_to(f, addrs, 3);
    run(f);
    assert_int_equal(f->client.failed, 0);
    assert_span(buf_span(&f->client.got), "good day");
}

static void a_silent_address_is_overtaken(void **state) {
    fixture *f = *state;
    silent_listener s;
    silent_begin(&s, "127.0.0.1", 0);
    struct sockaddr_storage addrs[] = {s.addr, net_addr("127.0.0.1", f->port)};
    greet(f);
    connect_to(f, addrs, 2);
    run(f);
    assert_span(buf_span(&f->client.got), "good day");
    silent_end(&s);
}

static void closed_while_connecting(void **state) {
    fixture *f = *state;
    silent_listener s;
    silent_begin(&s, "127.0.0.1", 0);
    struct sockaddr_storage addrs[] = {s.addr, s.addr};
    timer_init(&f->timer, close_client);
    loop_timer_start(&f->l, &f->timer, 300); /* both attempts run by now */
    connect_to(f, addrs, 2);
    run(f);
    assert_int_equal(f->client.opened + f->client.failed, 0);
    silent_end(&s);
}

static void unix_socket(void **state) {
    fixture *f = *state;
    char dir[] = "/tmp/weir-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    listen_at(f, path);
    greet(f);
    transport_target target = {.unix_path = span_cstr(path)};
    f->client.t = transport_connect(&f->l, &target, &ops, &f->client);
    assert_span(transport_peer(f->client.t), "unix");
    run(f);
    assert_span(buf_span(&f->client.got), "good day");
    unlink(path);
    rmdir(dir);
}

static void no_such_unix_socket(void **state) {
    fixture *f = *state;
    transport_target target = {.unix_path = SPAN_OF("/nonexistent/socket")};
    f->client.t = transport_connect(&f->l, &target, &ops, &f->client);
    run(f);
    assert_int_equal(f->client.why, TRANSPORT_CONNECT);
    assert_string_equal(f->client.text,
                        "connecting to the Unix socket failed: no such file or directory");
}

static void peer_names(end *e) {
    assert_true(span_starts(transport_peer(e->t), SPAN_OF("127.0.0.1:")));
    finish_test(e->f);
}

static void peer_is_named(void **state) {
    fixture *f = *state;
    f->server.open = peer_names;
    converse(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, ends_set_up, ends_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(refused),
        T(no_address),
        T(all_refused),
        T(the_next_address_is_tried),
        T(a_silent_address_is_overtaken),
        T(closed_while_connecting),
        T(unix_socket),
        T(no_such_unix_socket),
        T(peer_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
