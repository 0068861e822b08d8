/* One call at a time: what it sends, hears, and how it fails. */
#include "unit.h"

#include "calls.h"
#include "peer.h"

#include "http/client_internal.h"
#include "http/transport_internal.h"

#include <netinet/tcp.h>

static char *copy_of(buf *b) {
    char *s = mem_strndup(b->ptr, b->len);
    buf_done(b);
    return s;
}

/* What the server got from its first connection's first request, for the test to look at. */
static void keep_request(peer *p, int fd) {
    buf request;
    if (peer_read(fd, &request)) p->user = copy_of(&request);
}

static void answer_hello(peer *p, int fd, int n) {
    (void)n;
    keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
    peer_sees_close(fd);
}

/* Runs one call against a script; the caller looks at c->notes[0] and then calls calls_end(). */
static void one_call(calls *c, peer_script *script, const http_call_spec *spec,
                     char **ret_request) {
    peer p;
    peer_begin(&p, script);
    calls_begin(c);
    calls_to(c, p.port);
    calls_send(c, spec);
    calls_run(c);
    peer_end(&p);
    if (ret_request)
        *ret_request = p.user;
    else
        free(p.user);
}

/* ---- requests ---- */

static void a_plain_call(void **state) {
    (void)state;
    calls c;
    char *request;
    http_call_spec spec = plain_get();
    one_call(&c, answer_hello, &spec, &request);
    noted *n = &c.notes[0];
    char want[200];
    snprintf(want, sizeof want, "GET /v1/models?x=1 HTTP/1.1\r\nHost: %s\r\nX-Test: yes\r\n\r\n",
             c.authority);
    assert_string_equal(request, want);
    assert_int_equal(n->status, 200);
    assert_string_equal(buf_cstr(&n->head), "Content-Length=5;X-A=b;");
    assert_span(buf_span(&n->body), "hello");
    assert_int_equal(n->sent, 1);
    assert_int_equal(n->heads, 1);
    assert_int_equal(n->ends, 1);
    assert_false(n->facts.reused);
    assert_true(n->facts.connected_us > 0);
    assert_true(n->facts.sent_us >= n->facts.connected_us);
    assert_true(n->facts.head_us > 0);
    free(request);
    calls_end(&c);
}

static void a_body_in_pieces(void **state) {
    (void)state;
    calls c;
    char *request;
    span body[] = {SPAN("{\"a\":"), SPAN(""), SPAN("1}")};
    http_header headers[] = {{SPAN("host"), SPAN("evil")},
                             {SPAN("Content-length"), SPAN("99")},
                             {SPAN("CONNECTION"), SPAN("close")},
                             {SPAN("transfer-encoding"), SPAN("chunked")},
                             {SPAN("Authorization"), SPAN("Bearer x")}};
    http_call_spec spec = plain_get();
    spec.method = SPAN_OF("POST");
    spec.headers = (http_headers){headers, ARRAY_LEN(headers)};
    spec.body = body;
    spec.body_count = ARRAY_LEN(body);
    one_call(&c, answer_hello, &spec, &request);
    char want[200];
    snprintf(want, sizeof want,
             "POST /v1/models?x=1 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer x\r\n"
             "Content-Length: 7\r\n\r\n{\"a\":1}",
             c.authority);
    assert_string_equal(request, want);
    free(request);
    calls_end(&c);
}

static bool was_patient;

static void note_patience(noted *n) {
    was_patient = n->call->conn->t->patient;
}

/* What fits into no buffer for sure may stay unread while the provider has it wait: not so long as
 * to be taken for lost by the kernel. */
static void a_large_request_may_stay_unread(void **state) {
    (void)state;
    static char body[40000];
    static const size_t sizes[] = {0, 1000, sizeof body};
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        calls c;
        peer p;
        const span piece = span_from(body, sizes[i]);
        http_call_spec spec = plain_get();
        spec.method = SPAN_OF("POST");
        spec.body = &piece;
        spec.body_count = 1;
        was_patient = false;
        peer_begin(&p, answer_hello);
        calls_begin(&c);
        calls_to(&c, p.port);
        calls_send(&c, &spec);
        c.notes[0].at_head = note_patience;
        calls_run(&c);
        peer_end(&p);
        free(p.user);
        assert_int_equal(c.notes[0].ends, 1);
        assert_int_equal(was_patient, sizes[i] == sizeof body);
        calls_end(&c);
    }
}

static void an_empty_post_has_a_length(void **state) {
    (void)state;
    calls c;
    char *request;
    http_call_spec spec = plain_get();
    spec.method = SPAN_OF("POST");
    one_call(&c, answer_hello, &spec, &request);
    assert_non_null(strstr(request, "\r\nContent-Length: 0\r\n\r\n"));
    free(request);
    calls_end(&c);
}

/* A request that could be read in two ways never leaves. */
static void unsafe_requests(void **state) {
    (void)state;
    http_header bad[] = {{SPAN("X-A"), SPAN("b\r\nX-C: d")}};
    for (int i = 0; i < 4; i++) {
        calls c;
        calls_begin(&c);
        calls_to(&c, 1);
        http_call_spec spec = plain_get();
        if (i == 0) spec.headers = (http_headers){bad, 1};
        if (i == 1) spec.path = SPAN_OF("/a b");
        if (i == 2) spec.path = SPAN_OF("a");
        if (i == 3) spec.method = SPAN_OF("GE T");
        noted *n = calls_send(&c, &spec);
        calls_run(&c);
        assert_int_equal(n->kind, HTTP_FAIL_UNSENDABLE);
        assert_string_equal(n->text, i == 0 ? "a header field of the request has a byte that does "
                                              "not belong there"
                                            : "the request's method or path has a byte that does "
                                              "not belong there");
        calls_end(&c);
    }
}

/* ---- answers ---- */

static const char *raw_answer;

/* Sends raw_answer, and closes when it has no length. */
static void answer_raw(peer *p, int fd, int n) {
    (void)n;
    keep_request(p, fd);
    peer_send(fd, raw_answer);
}

static void answer_raw_and_stay(peer *p, int fd, int n) {
    answer_raw(p, fd, n);
    peer_sees_close(fd);
}

static void ends_with(peer_script *script, const char *method, const char *raw, const char *body) {
    calls c;
    raw_answer = raw;
    http_call_spec spec = plain_get();
    spec.method = span_cstr(method);
    one_call(&c, script, &spec, NULL);
    assert_string_equal(c.notes[0].text, "");
    assert_int_equal(c.notes[0].ends, 1);
    assert_int_equal(c.notes[0].heads, 1);
    assert_span(buf_span(&c.notes[0].body), body);
    calls_end(&c);
}

static void forms_of_answers(void **state) {
    (void)state;
    ends_with(
        answer_raw_and_stay, "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        "abcde");
    ends_with(answer_raw_and_stay, "GET", "HTTP/1.1 204 No Content\r\n\r\n", "");
    ends_with(answer_raw_and_stay, "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "");
    ends_with(answer_raw, "GET", "HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end");
    ends_with(answer_raw, "GET", "HTTP/1.0 200 OK\r\n\r\nold", "old");
    ends_with(answer_raw_and_stay, "GET",
              "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
              "ok");
}

static void fails_with(peer_script *script, const char *raw, http_fail_kind kind, bool head_seen,
                       uint64_t body_bytes, const char *text) {
    calls c;
    raw_answer = raw;
    http_call_spec spec = plain_get();
    one_call(&c, script, &spec, NULL);
    noted *n = &c.notes[0];
    assert_int_equal(n->fails, 1);
    assert_int_equal(n->ends, 0);
    assert_int_equal(n->kind, kind);
    assert_int_equal(n->head_seen, head_seen);
    assert_int_equal(n->body_bytes, body_bytes);
    if (text) assert_string_equal(n->text, text);
    calls_end(&c);
}

static void answer_raw_and_reset(peer *p, int fd, int n) {
    answer_raw(p, fd, n);
    peer_reset(fd);
}

static void lost_connections(void **state) {
    (void)state;
    const char *closed = "the peer closed the connection";
    const char *reset = "connection reset by peer";
    fails_with(answer_raw, "", HTTP_FAIL_RESET, false, 0, closed);
    fails_with(answer_raw_and_reset, "", HTTP_FAIL_RESET, false, 0, reset);
    fails_with(answer_raw, "HTTP/1.1 200 O", HTTP_FAIL_RESET, false, 0, closed);
    fails_with(answer_raw, "HTTP/1.1 100 Continue\r\n\r\n", HTTP_FAIL_RESET, false, 0, closed);
    fails_with(answer_raw, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", HTTP_FAIL_CUT, true,
               3, closed);
    fails_with(answer_raw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
               HTTP_FAIL_CUT, true, 3, closed);
}

static void malformed_answers(void **state) {
    (void)state;
    fails_with(answer_raw_and_stay, "SSH-2.0-OpenSSH\r\n\r\n", HTTP_FAIL_MALFORMED, false, 0, NULL);
    fails_with(answer_raw_and_stay,
               "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
               HTTP_FAIL_MALFORMED, false, 0, NULL);
    fails_with(answer_raw_and_stay,
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nxyz\r\n",
               HTTP_FAIL_MALFORMED, true, 2, NULL);
    fails_with(answer_raw_and_stay,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
               HTTP_FAIL_MALFORMED, false, 0, "The answer switches to another protocol unasked.");
}

/* Larger than the limits of calls.h allow. */
static void large_heads(void **state) {
    (void)state;
    char head[20000];
    int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nX: ");
    memset(head + len, 'x', sizeof head - 1 - (size_t)len);
    head[sizeof head - 1] = 0;
    fails_with(answer_raw_and_stay, head, HTTP_FAIL_LARGE_HEAD, false, 0,
               "The message head is too large.");
    len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 65; i++)
        len += snprintf(head + len, sizeof head - (size_t)len, "X: y\r\n");
    fails_with(answer_raw_and_stay, head, HTTP_FAIL_LARGE_HEAD, false, 0,
               "The message has too many header fields.");
}

static void a_refused_connection(void **state) {
    (void)state;
    peer p;
    peer_begin(&p, answer_raw);
    peer_end(&p); /* its port is free now */
    calls c;
    calls_begin(&c);
    calls_to(&c, p.port);
    noted *n = calls_get(&c);
    calls_run(&c);
    assert_int_equal(n->kind, HTTP_FAIL_CONNECT);
    char want[100];
    snprintf(want, sizeof want, "connecting to 127.0.0.1:%u failed: connection refused", p.port);
    assert_string_equal(n->text, want);
    calls_end(&c);
}

/* ---- deadlines ---- */

static void silent(peer *p, int fd, int n) {
    (void)n;
    keep_request(p, fd);
    peer_sees_close(fd);
}

static void half_a_head(peer *p, int fd, int n) {
    (void)n;
    keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nX-");
    peer_sees_close(fd);
}

static void half_a_body(peer *p, int fd, int n) {
    (void)n;
    keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    peer_sees_close(fd);
}

static void times_out(peer_script *script, http_fail_kind kind, const char *text) {
    calls c;
    http_call_spec spec = plain_get();
    spec.first_byte_ms = spec.idle_ms = 30;
    one_call(&c, script, &spec, NULL);
    assert_int_equal(c.notes[0].fails, 1);
    assert_int_equal(c.notes[0].kind, kind);
    assert_string_equal(c.notes[0].text, text);
    calls_end(&c);
}

static void silence(void **state) {
    (void)state;
    times_out(silent, HTTP_FAIL_FIRST_BYTE_TIMEOUT, "the answer did not begin within 30 ms");
    times_out(half_a_head, HTTP_FAIL_FIRST_BYTE_TIMEOUT, "the answer did not begin within 30 ms");
    times_out(half_a_body, HTTP_FAIL_IDLE_TIMEOUT, "the answer stood still for 30 ms");
}

/* An answer that moves, each piece within the limit, outlives the limit. */
static void slow_but_steady(peer *p, int fd, int n) {
    (void)n;
    keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n");
    for (int i = 0; i < 30; i++) {
        usleep(5000);
        peer_send(fd, "x");
    }
    peer_sees_close(fd);
}

static void a_slow_answer_is_no_silence(void **state) {
    (void)state;
    calls c;
    http_call_spec spec = plain_get();
    spec.idle_ms = 100;
    one_call(&c, slow_but_steady, &spec, NULL);
    assert_int_equal(c.notes[0].ends, 1);
    assert_int_equal(c.notes[0].body.len, 30);
    calls_end(&c);
}

enum { STREAM_PIECES = 8 };
static int quick[STREAM_PIECES];

/* Each piece goes out when the one before it was heard: no two are read at once. */
static void say_piece_by_piece(peer *p, int fd, int n) {
    (void)n;
    keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
    for (int i = 0; i < STREAM_PIECES; i++) {
        peer_await(p, i + 1);
        peer_send(fd, "x");
    }
    peer_sees_close(fd);
}

static void note_quickness(noted *n) {
    int fd, on = -1;
    socklen_t len = sizeof on;
    assert_int_equal(uv_fileno(&n->call->conn->t->socket->uv.handle, &fd), 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, &len), 0);
    quick[n->body.len - 1] = on;
    peer_reach(n->c->peer, (int)n->body.len + 1);
}

static void ask_for_the_first(noted *n) {
    peer_reach(n->c->peer, 1);
}

/* From the eighth small piece on. Later the kernel may have gone back by itself: after 40 ms. */
static void a_stream_is_acknowledged_less(void **state) {
    (void)state;
    calls c;
    peer p;
    peer_begin(&p, say_piece_by_piece);
    calls_begin(&c);
    c.peer = &p;
    calls_to(&c, p.port);
    noted *n = calls_get(&c);
    n->at_head = ask_for_the_first;
    n->at_body = note_quickness;
    calls_run(&c);
    peer_end(&p);
    free(p.user);
    assert_int_equal(n->ends, 1);
    for (int i = 0; i < 7; i++)
        assert_int_equal(quick[i], 1);
    assert_int_equal(quick[7], 0);
    calls_end(&c);
}

/* ---- cancelling, from every callback ---- */

static void cancel_here(noted *n) {
    calls_cancel(n);
}

static void sees_the_cancel(peer *p, int fd, int n) {
    (void)n;
    keep_request(p, fd);
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
    peer_begin(&p, silent);
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
    keep_request(p, fd);
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
        cmocka_unit_test(a_plain_call),
        cmocka_unit_test(a_body_in_pieces),
        cmocka_unit_test(a_large_request_may_stay_unread),
        cmocka_unit_test(an_empty_post_has_a_length),
        cmocka_unit_test(unsafe_requests),
        cmocka_unit_test(forms_of_answers),
        cmocka_unit_test(lost_connections),
        cmocka_unit_test(malformed_answers),
        cmocka_unit_test(large_heads),
        cmocka_unit_test(a_refused_connection),
        cmocka_unit_test(silence),
        cmocka_unit_test(a_slow_answer_is_no_silence),
        cmocka_unit_test(a_stream_is_acknowledged_less),
        cmocka_unit_test(cancelling),
        cmocka_unit_test(cancelling_while_it_waits),
        cmocka_unit_test(closing_the_client_in_a_callback),
        cmocka_unit_test(much_both_ways),
        cmocka_unit_test(deadlines_rest_during_a_pause),
        cmocka_unit_test(a_paused_call_hears_its_provider_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
