/* One call at a time: it is cancelled, paused and gone on with, from wherever it may be. */
#include "unit.h"

#include "calls.h"
#include "peer.h"

#include "http/client_internal.h"
#include "http/transport_internal.h"

#include <netinet/tcp.h>

/* ---- cancelling, from every callback ---- */

static void cancel_here(noted *n) {
    calls_cancel(n);
}

static void sees_the_cancel(peer *p, int fd, int n) {
    (void)n;
    peer_keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n");
    if (peer_sees_close(fd)) peer_reach(p, 1);
}

static void cancelled(int where) {
    peer p;
    calls c;
    peer_begin(&p, sees_the_cancel);
    calls_begin(&c);
    calls_to(&c, p.port);
    noted *n = calls_get(&c);
    if (where == 0) calls_cancel(n); /* before anything has happened */
    if (where == 1) n->at_sent = cancel_here;
    if (where == 2) n->at_head = cancel_here;
    if (where == 3) n->at_body = cancel_here;
    calls_run(&c);
    if (where) peer_await(&p, 1); /* hangs if the close was not seen */
    assert_int_equal(n->ends + n->fails, 0);
    assert_int_equal(n->heads, where >= 2);
    if (where == 3) assert_span(buf_span(&n->body), "abc");
    peer_end(&p);
    free(p.user);
    calls_end(&c);
}

static void cancelling(void **state) {
    (void)state;
    for (int where = 0; where < 4; where++)
        cancelled(where);
}

static noted *to_cancel;

static void cancel_by_timer(timer *t) {
    (void)t;
    calls_cancel(to_cancel);
}

static void cancelling_while_it_waits(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, peer_silent);
    calls_begin(&c);
    calls_to(&c, p.port);
    to_cancel = calls_get(&c);
    timer_init(&c.timer, cancel_by_timer);
    loop_timer_start(&c.l, &c.timer, 20);
    calls_run(&c);
    assert_int_equal(to_cancel->sent, 1);
    assert_int_equal(to_cancel->ends + to_cancel->fails, 0);
    peer_end(&p); /* hangs if the server does not see the close */
    free(p.user);
    calls_end(&c);
}

static void close_client_here(noted *n) {
    n->over = true;
    calls_stop(n->c);
}

static void closing_the_client_in_a_callback(void **state) {
    (void)state;
    for (int where = 0; where < 3; where++) {
        peer p;
        calls c;
        peer_begin(&p, sees_the_cancel);
        calls_begin(&c);
        calls_to(&c, p.port);
        noted *n = calls_get(&c);
        if (where == 0) n->at_sent = close_client_here;
        if (where == 1) n->at_head = close_client_here;
        if (where == 2) n->at_body = close_client_here;
        calls_run(&c);
        assert_int_equal(n->ends + n->fails, 0);
        peer_end(&p);
        free(p.user);
        calls_end(&c);
    }
}

/* ---- much, both ways, with slow readers ---- */

enum { MUCH = 5 * 1024 * 1024 };

static char *much;

static void echo_slowly(peer *p, int fd, int n) {
    (void)n;
    peer_await(p, 1);
    buf request;
    if (!peer_read(fd, &request)) return;
    const char *body = strstr(request.ptr, "\r\n\r\n") + 4;
    size_t len = request.len - (size_t)(body - request.ptr);
    peer_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    char size[16];
    for (size_t from = 0; from < len; from += 50000) {
        size_t step = len - from < 50000 ? len - from : 50000;
        snprintf(size, sizeof size, "%zx\r\n", step);
        peer_send(fd, size);
        peer_send_bytes(fd, body + from, step);
        peer_send(fd, "\r\n");
    }
    peer_send(fd, "0\r\n\r\n");
    buf_done(&request);
    peer_sees_close(fd);
}

/* The peer reads once the request has filled the socket: at the end of the turn in which it was
 * connected the client wrote what the kernel took, and it was not all. */
static bool connected, stuck;

static void let_it_read_when_stuck(timer *t) {
    calls *c = CONTAINER_OF(t, calls, timer);
    noted *n = &c->notes[0];
    bool written = connected;
    connected = http_call_get_facts(n->call).connected_us != 0;
    if (!written) {
        loop_timer_start(&c->l, t, 1);
        return;
    }
    stuck = n->sent == 0;
    peer_reach(c->peer, 1);
}

static size_t at_pause;
static int pauses;

static void resume_later(timer *t) {
    calls *c = CONTAINER_OF(t, calls, timer);
    assert_true(c->notes[0].body.len <= at_pause + 65536); /* what had been read */
    http_call_resume(c->notes[0].call);
}

static void pause_now_and_then(noted *n) {
    if (pauses >= 15) return;
    if (timer_active(&n->c->timer)) return;
    pauses++;
    http_call_pause(n->call);
    at_pause = n->body.len;
    timer_init(&n->c->timer, resume_later);
    loop_timer_start(&n->c->l, &n->c->timer, 2);
}

static void end_clears_timer(noted *n) {
    loop_timer_stop(&n->c->l, &n->c->timer);
}

static void much_both_ways(void **state) {
    (void)state;
    much = mem_alloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char)(i * 7 + i / 199);
    span body[3] = {span_from(much, 100), span_from(much + 100, MUCH - 1100),
                    span_from(much + MUCH - 1000, 1000)};
    calls c;
    peer p;
    peer_begin(&p, echo_slowly);
    const int little = 16384; /* for connections to come: the kernel could take all of it else */
    assert_int_equal(setsockopt(p.listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof little), 0);
    calls_begin(&c);
    calls_to(&c, p.port);
    c.peer = &p;
    http_call_spec spec = plain_get();
    spec.method = SPAN_OF("POST");
    spec.body = body;
    spec.body_count = 3;
    pauses = 0;
    connected = stuck = false;
    noted *n = calls_send(&c, &spec);
    timer_init(&c.timer, let_it_read_when_stuck);
    loop_timer_start(&c.l, &c.timer, 1);
    n->at_body = pause_now_and_then;
    n->at_end = end_clears_timer;
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(n->ends, 1);
    assert_int_equal(n->body.len, MUCH);
    assert_memory_equal(n->body.ptr, much, MUCH);
    assert_true(stuck);
    assert_true(pauses == 15);
    calls_end(&c);
    free(much);
}

/* The deadline between pieces rests while the reader has paused. */
static void two_halves(peer *p, int fd, int n) {
    (void)n;
    peer_keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
    peer_await(p, 1);
    peer_send(fd, "b");
    peer_sees_close(fd);
}

static peer *staged;

static void pause_once(noted *n) {
    if (n->body.len != 1) return;
    http_call_pause(n->call);
    loop_timer_start(&n->c->l, &n->c->timer, 150);
}

static void resume_and_go_on(timer *t) {
    peer_reach(staged, 1);
    http_call_resume(CONTAINER_OF(t, calls, timer)->notes[0].call);
}

static void deadlines_rest_during_a_pause(void **state) {
    (void)state;
    peer p;
    calls c;
    staged = &p;
    peer_begin(&p, two_halves);
    calls_begin(&c);
    calls_to(&c, p.port);
    http_call_spec spec = plain_get();
    spec.idle_ms = 60;
    noted *n = calls_send(&c, &spec);
    timer_init(&c.timer, resume_and_go_on);
    n->at_body = pause_once;
    calls_run(&c);
    peer_reach(&p, 1);
    peer_end(&p);
    assert_string_equal(n->text, "");
    assert_int_equal(n->ends, 1);
    free(p.user);
    calls_end(&c);
}

/* A provider that leaves while its answer is not read: what it sent before is read first. */
typedef struct parting {
    const char *framing, *unread;
    bool resets;
    int ends;
    http_fail_kind kind; /* where it fails */
    const char *body;
} parting;

static void part(peer *p, int fd, int n) {
    (void)n;
    const parting *now = p->user;
    buf request;
    assert_true(peer_read(fd, &request));
    buf_done(&request);
    char head[100];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%s\r\na", now->framing);
    peer_send(fd, head);
    peer_await(p, 1);
    peer_send(fd, now->unread);
    if (now->resets) peer_reset(fd);
}

/* Only where something is to be read must the reader come back. */
static void pause_for_its_end(noted *n) {
    const parting *now = n->c->peer->user;
    if (n->body.len != 1) return;
    http_call_pause(n->call);
    if (*now->unread) loop_timer_start(&n->c->l, &n->c->timer, 50);
    peer_reach(n->c->peer, 1);
}

static void a_paused_call_hears_its_provider_leave(void **state) {
    (void)state;
#define OF_3 "Content-Length: 3\r\n"
    static const parting rows[] = {
        {OF_3, "", false, 0, HTTP_FAIL_CUT, "a"},
        {OF_3, "", true, 0, HTTP_FAIL_CUT, "a"},
        {"", "", false, 1, 0, "a"},
        {"", "", true, 0, HTTP_FAIL_CUT, "a"},
        {OF_3, "b", false, 0, HTTP_FAIL_CUT, "ab"},
        {OF_3, "b", true, 0, HTTP_FAIL_CUT, "ab"},
        {OF_3, "bc", false, 1, 0, "abc"},
        {OF_3, "bc", true, 1, 0, "abc"},
        {"", "bc", false, 1, 0, "abc"},
        {"", "bc", true, 0, HTTP_FAIL_CUT, "abc"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        peer p;
        calls c;
        staged = &p;
        peer_begin_with(&p, part, (void *)(uintptr_t)&rows[i]);
        calls_begin(&c);
        calls_to(&c, p.port);
        c.peer = &p;
        noted *n = calls_get(&c);
        timer_init(&c.timer, resume_and_go_on);
        n->at_body = pause_for_its_end;
        calls_run(&c);
        peer_end(&p);
        if (n->ends != rows[i].ends || n->fails == n->ends || (n->fails && n->kind != rows[i].kind))
            fail_msg("row %zu: ends %d, fails %d, %s", i, n->ends, n->fails, n->text);
        assert_span(buf_span(&n->body), rows[i].body);
        calls_end(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancelling),
        cmocka_unit_test(cancelling_while_it_waits),
        cmocka_unit_test(closing_the_client_in_a_callback),
        cmocka_unit_test(much_both_ways),
        cmocka_unit_test(deadlines_rest_during_a_pause),
        cmocka_unit_test(a_paused_call_hears_its_provider_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
