/* What this machine is short of, met on the way to a peer: whose failure is it? The kernel's and
 * the C library's refusals are real where a test can bring them about, else made here in the place
 * of their functions. */
#include "unit.h"

#include "calls.h"
#include "peer.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- in the place of the kernel and the C library ---- */

static int connect_errors[4]; /* of the next calls; 0: as it is */
static size_t connects;
static _Thread_local int read_error; /* of each reading of a socket, but not by the peers */
static int lookup_error, lookup_errno;
static bool two_addresses;

int connect(int fd, const struct sockaddr *addr, socklen_t len) {
    size_t n = connects++;
    if (n < ARRAY_LEN(connect_errors) && connect_errors[n]) {
        errno = connect_errors[n];
        return -1;
    }
    return (int)syscall(SYS_connect, fd, addr, len);
}

ssize_t recv(int fd, void *to, size_t size, int flags) {
    if (read_error) {
        errno = read_error;
        return -1;
    }
    return syscall(SYS_recvfrom, fd, to, size, flags, NULL, NULL);
}

typedef int lookup_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret) {
    lookup_fn *real;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (lookup_error) {
        errno = lookup_errno;
        return lookup_error;
    }
    if (!two_addresses) return real(name, service, hints, ret);
    int err = real("127.0.0.1", service, hints, ret);
    return err ? err : real("127.0.0.2", service, hints, &(*ret)->ai_next);
}

static int begin(void **state) {
    (void)state;
    memset(connect_errors, 0, sizeof connect_errors);
    connects = 0;
    read_error = lookup_error = lookup_errno = 0;
    two_addresses = false;
    return 0;
}

/* No file can be opened from here on, until the limit is set again. */
static struct rlimit limit_before;

static void use_up_descriptors(void) {
    int next = dup(STDERR_FILENO);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit_before), 0);
    struct rlimit none = {(rlim_t)next, limit_before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void give_descriptors(noted *n) {
    (void)n;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit_before), 0);
}

/* ---- one call ---- */

static void lacks(const noted *n, shortage what, const char *text) {
    assert_int_equal(n->kind, what ? HTTP_FAIL_SHORT : HTTP_FAIL_CONNECT);
    assert_int_equal(n->shortage, what);
    if (!strstr(n->text, text)) assert_string_equal(n->text, text);
}

static void fails(shortage what, const char *text) {
    calls c;
    calls_begin(&c);
    calls_to(&c, 9);
    noted *n = calls_get(&c);
    calls_run(&c);
    lacks(n, what, text);
    calls_end(&c);
}

static void an_address_cannot_be_tried(void **state) {
    static const struct {
        int err;
        shortage what;
        const char *text;
    } rows[] = {
        {EADDRNOTAVAIL, SHORTAGE_PORTS, "connecting to 127.0.0.1:9 failed: address not available"},
        {EMFILE, SHORTAGE_DESCRIPTORS, "too many open files"},
        {ENFILE, SHORTAGE_FILES, "file table overflow"},
        {ENOMEM, SHORTAGE_MEMORY, "not enough memory"},
        {ENOBUFS, SHORTAGE_MEMORY, "no buffer space available"},
        {ENETDOWN, SHORTAGE_NETWORK, "network is down"},
        {ENETUNREACH, SHORTAGE_NETWORK, "network is unreachable"},
        {EPERM, SHORTAGE_BARRED, "operation not permitted"},
        {EACCES, SHORTAGE_BARRED, "permission denied"},
        {ECONNREFUSED, SHORTAGE_NONE, "connection refused"},
        {EHOSTUNREACH, SHORTAGE_NONE, "host is unreachable"},
        {ETIMEDOUT, SHORTAGE_NONE, "connection timed out"},
        {ECONNRESET, SHORTAGE_NONE, "connection reset by peer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)begin(state);
        connect_errors[0] = rows[i].err;
        fails(rows[i].what, rows[i].text);
    }
}

/* A peer that has failed at one of its addresses has failed, whatever keeps the others untried. */
static void of_several_addresses(void **state) {
    static const struct {
        int errs[2];
        shortage what;
        const char *text;
    } rows[] = {
        {{ENETUNREACH, ECONNREFUSED},
         SHORTAGE_NONE,
         "127.0.0.2:9 failed: connection refused (first of 2 addresses)"},
        {{ECONNREFUSED, EADDRNOTAVAIL}, SHORTAGE_NONE, "127.0.0.1:9 failed: connection refused"},
        {{EADDRNOTAVAIL, ENETUNREACH}, SHORTAGE_PORTS, "127.0.0.1:9 failed: address not available"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        calls c;
        (void)begin(state);
        memcpy(connect_errors, rows[i].errs, sizeof rows[i].errs);
        two_addresses = true;
        calls_begin(&c);
        c.spec.host = SPAN_OF("provider.test");
        calls_to(&c, 9);
        noted *n = calls_get(&c);
        calls_run(&c);
        lacks(n, rows[i].what, rows[i].text);
        calls_end(&c);
    }
}

static void a_unix_socket_that_is_barred(void **state) {
    (void)state;
    calls c;
    calls_begin(&c);
    c.spec.unix_path = SPAN_OF("/nowhere.sock");
    connect_errors[0] = EACCES;
    calls_to(&c, 9);
    noted *barred = calls_get(&c), *absent = calls_get(&c);
    calls_run(&c);
    lacks(barred, SHORTAGE_BARRED, "connecting to the Unix socket failed: permission denied");
    lacks(absent, SHORTAGE_NONE, "connecting to the Unix socket failed: no such file");
    calls_end(&c);
}

/* ---- descriptors, for real ---- */

static void no_descriptor_for_a_socket(void **state) {
    (void)state;
    calls c;
    calls_begin(&c);
    calls_to(&c, 9);
    use_up_descriptors();
    noted *n = calls_get(&c);
    give_descriptors(n);
    calls_run(&c);
    lacks(n, SHORTAGE_DESCRIPTORS, "connecting to 127.0.0.1:9 failed: too many open files");
    calls_end(&c);
}

/* The C library has another word for it. */
static void no_descriptor_for_a_lookup(void **state) {
    (void)state;
    calls c;
    calls_begin(&c);
    c.spec.host = SPAN_OF("provider.test");
    calls_to(&c, 9);
    use_up_descriptors();
    noted *n = calls_get(&c);
    n->at_fail = give_descriptors;
    calls_run(&c);
    lacks(n, SHORTAGE_DESCRIPTORS, "the name provider.test could not be looked up: ");
    calls_end(&c);
}

static void answer_and_stay(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    buf request;
    while (peer_read(fd, &request)) {
        buf_done(&request);
        peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

static unsigned idle_before, idle_after;

static void count_idle(noted *n) {
    idle_after = http_client_get_stats(n->c->client).idle;
    give_descriptors(n);
}

/* To another origin, on which nobody listens: that the connection is refused shows that there was
 * one. */
static void ask_elsewhere(noted *n) {
    calls *c = n->c;
    http_origin *first = c->origin;
    idle_before = http_client_get_stats(c->client).idle;
    use_up_descriptors();
    calls_to(c, 9);
    calls_get(c)->at_fail = count_idle;
    http_origin_unref(first);
}

static void idle_connections_give_way(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, answer_and_stay);
    calls_begin(&c);
    calls_to(&c, p.port);
    http_origin *kept = http_client_origin(c.client, &c.spec); /* its idle connection stays */
    noted *n = calls_get(&c);
    n->at_end = ask_elsewhere;
    calls_run(&c);
    http_origin_unref(kept);
    peer_end(&p);
    lacks(&c.notes[1], SHORTAGE_NONE, "connecting to 127.0.0.1:9 failed: connection refused");
    assert_int_equal(idle_before, 1);
    assert_int_equal(idle_after, 0);
    calls_end(&c);
}

/* ---- names ---- */

static void a_name_cannot_be_looked_up(void **state) {
    static const struct {
        int err, no;
        shortage what;
    } rows[] = {
        {EAI_AGAIN, 0, SHORTAGE_NAMES},
        {EAI_MEMORY, 0, SHORTAGE_MEMORY},
        {EAI_SYSTEM, EMFILE, SHORTAGE_DESCRIPTORS},
        {EAI_SYSTEM, ENFILE, SHORTAGE_FILES},
        {EAI_SYSTEM, ENOMEM, SHORTAGE_MEMORY},
        {EAI_SYSTEM, ENETUNREACH, SHORTAGE_NETWORK},
        {EAI_SYSTEM, ECONNREFUSED, SHORTAGE_NONE},
        {EAI_NONAME, 0, SHORTAGE_NONE},
        {EAI_FAIL, 0, SHORTAGE_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        calls c;
        (void)begin(state);
        lookup_error = rows[i].err;
        lookup_errno = rows[i].no;
        calls_begin(&c);
        c.spec.host = SPAN_OF("provider.test");
        calls_to(&c, 9);
        noted *n = calls_get(&c);
        calls_run(&c);
        lacks(n, rows[i].what, "the name provider.test could not be looked up: ");
        calls_end(&c);
    }
}

/* ---- a connection that is open ---- */

static void no_more_reading(noted *n) {
    (void)n;
    read_error = ENOMEM;
}

/* Until nobody is there any more. */
static void answer_without_end(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
    while (send(fd, "a", 1, MSG_NOSIGNAL) == 1)
        usleep(1000);
}

static void no_memory_for_an_answer(void **state) {
    for (int in_body = 0; in_body < 2; in_body++) {
        peer p;
        calls c;
        (void)begin(state);
        peer_begin(&p, answer_without_end);
        calls_begin(&c);
        calls_to(&c, p.port);
        noted *n = calls_get(&c);
        if (in_body)
            n->at_body = no_more_reading;
        else
            n->at_sent = no_more_reading;
        calls_run(&c);
        read_error = 0;
        lacks(n, SHORTAGE_MEMORY, "not enough memory");
        assert_int_equal(n->heads, in_body);
        calls_end(&c);
        peer_end(&p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_address_cannot_be_tried, begin),
        cmocka_unit_test_setup(of_several_addresses, begin),
        cmocka_unit_test_setup(a_unix_socket_that_is_barred, begin),
        cmocka_unit_test_setup(no_descriptor_for_a_socket, begin),
        cmocka_unit_test_setup(no_descriptor_for_a_lookup, begin),
        cmocka_unit_test_setup(idle_connections_give_way, begin),
        cmocka_unit_test_setup(a_name_cannot_be_looked_up, begin),
        cmocka_unit_test_setup(no_memory_for_an_answer, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
