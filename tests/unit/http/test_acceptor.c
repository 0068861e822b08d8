/* Who comes to a listening socket, also while there is no room. */
#include "unit.h"

#include "net.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { MANY = 5 };

typedef struct fixture {
    loop l;
    acceptor at;
    uint16_t port;
    int came, closed;
    int most; /* that may come before the acceptor is closed */
    bool full;
    int asked; /* for room, while there was none */
    timer later;
    rlim_t files;
    int clients[MANY];
} fixture;

static void on_connection(acceptor *a, int fd, const struct sockaddr_storage *from) {
    fixture *f = CONTAINER_OF(a, fixture, at);
    assert_true(fd >= 0);
    assert_int_equal(from->ss_family, AF_INET);
    (void)close(fd);
    if (++f->came == f->most) acceptor_close(a);
}

static void on_closed(acceptor *a) {
    CONTAINER_OF(a, fixture, at)->closed++;
}

static bool has_room(acceptor *a) {
    fixture *f = CONTAINER_OF(a, fixture, at);
    f->asked += f->full;
    return !f->full;
}

static const acceptor_ops ops = {on_connection, has_room, on_closed};

static void begin(fixture *f, int most) {
    *f = (fixture){.most = most};
    assert_int_equal(loop_init(&f->l, 0), 0);
    f->port = net_listen(&f->l, &f->at, &ops);
    for (int i = 0; i < MANY; i++)
        f->clients[i] = socket(AF_INET, SOCK_STREAM, 0);
}

static void dial_all(fixture *f) {
    struct sockaddr_storage addr = net_addr("127.0.0.1", f->port);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(connect(f->clients[i], (void *)&addr, sizeof(struct sockaddr_in)), 0);
}

/* The loop turns until the acceptor is closed. */
static void run(fixture *f) {
    while (!f->closed)
        uv_run(&f->l.uv, UV_RUN_ONCE);
    for (int i = 0; i < MANY; i++)
        (void)close(f->clients[i]);
    loop_done(&f->l);
}

static void all_who_wait_are_taken(void **state) {
    (void)state;
    fixture f;
    begin(&f, MANY);
    dial_all(&f);
    run(&f);
    assert_int_equal(f.came, MANY);
}

static void none_is_taken_once_it_is_closed(void **state) {
    (void)state;
    fixture f;
    begin(&f, 2);
    dial_all(&f);
    run(&f);
    assert_int_equal(f.came, 2);
    assert_int_equal(f.closed, 1);
}

/* ---- no room ---- */

static void make_room(timer *t) {
    fixture *f = CONTAINER_OF(t, fixture, later);
    assert_int_equal(f->came, 0);
    f->full = false;
}

static void who_finds_no_room_waits(void **state) {
    (void)state;
    fixture f;
    begin(&f, MANY);
    f.full = true;
    dial_all(&f);
    timer_init(&f.later, make_room);
    loop_timer_start(&f.l, &f.later, 100);
    run(&f);
    assert_int_equal(f.came, MANY);
    assert_in_range(f.asked, 2, 20); /* it looks now and then, and not all the time */
}

static void set_files(rlim_t most) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void free_files(timer *t) {
    fixture *f = CONTAINER_OF(t, fixture, later);
    assert_int_equal(f->came, 0);
    set_files(f->files);
}

/* The timer can fire: the loop turns while nobody can be taken. Under valgrind accept() takes a
 * connection beyond the limit, and closes it. */
static void who_finds_no_descriptor_waits(void **state) {
    (void)state;
    if (getenv("UNDER_MEMCHECK")) skip();
    fixture f;
    begin(&f, MANY);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    f.files = limit.rlim_cur;
    dial_all(&f);
    timer_init(&f.later, free_files);
    loop_timer_start(&f.l, &f.later, 100);
    set_files(3);
    run(&f);
    assert_int_equal(f.came, MANY);
}

static void closed_while_somebody_waits(void **state) {
    (void)state;
    fixture f;
    begin(&f, MANY);
    f.full = true;
    dial_all(&f);
    while (!f.asked)
        uv_run(&f.l.uv, UV_RUN_ONCE);
    acceptor_close(&f.at);
    acceptor_close(&f.at);
    run(&f);
    assert_int_equal(f.came, 0);
    assert_int_equal(f.closed, 1);
}

static void what_does_not_listen_is_refused(void **state) {
    (void)state;
    loop l;
    acceptor a;
    assert_int_equal(loop_init(&l, 0), 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(acceptor_begin(&a, &l, &ops, fd), -EOPNOTSUPP);
    (void)close(fd);
    loop_done(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_who_wait_are_taken),
        cmocka_unit_test(none_is_taken_once_it_is_closed),
        cmocka_unit_test(who_finds_no_room_waits),
        cmocka_unit_test(who_finds_no_descriptor_waits),
        cmocka_unit_test(closed_while_somebody_waits),
        cmocka_unit_test(what_does_not_listen_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
