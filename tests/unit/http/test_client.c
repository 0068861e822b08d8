/* One call at a time: what it sends, hears, and how it fails. */
#include "unit.h"

#include "calls.h"
#include "peer.h"

#include "http/client_internal.h"
#include "http/transport_internal.h"

#include <netinet/tcp.h>

static void answer_hello(peer *p, int fd, int n) {
    (void)n;
    peer_keep_request(p, fd);
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
    peer_keep_request(p, fd);
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

static void half_a_head(peer *p, int fd, int n) {
    (void)n;
    peer_keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nX-");
    peer_sees_close(fd);
}

static void half_a_body(peer *p, int fd, int n) {
    (void)n;
    peer_keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    peer_sees_close(fd);
}

/* The one limit is short, and what has to come before it has time. */
static void times_out(peer_script *script, http_fail_kind kind, const char *text) {
    calls c;
    http_call_spec spec = plain_get();
    spec.first_byte_ms = kind == HTTP_FAIL_FIRST_BYTE_TIMEOUT ? 30 : 20 * 1000;
    spec.idle_ms = kind == HTTP_FAIL_IDLE_TIMEOUT ? 30 : 20 * 1000;
    one_call(&c, script, &spec, NULL);
    assert_int_equal(c.notes[0].fails, 1);
    assert_int_equal(c.notes[0].kind, kind);
    assert_string_equal(c.notes[0].text, text);
    calls_end(&c);
}

static void silence(void **state) {
    (void)state;
    times_out(peer_silent, HTTP_FAIL_FIRST_BYTE_TIMEOUT, "the answer did not begin within 30 ms");
    times_out(half_a_head, HTTP_FAIL_FIRST_BYTE_TIMEOUT, "the answer did not begin within 30 ms");
    times_out(half_a_body, HTTP_FAIL_IDLE_TIMEOUT, "the answer stood still for 30 ms");
}

/* An answer that moves, each piece within the limit, outlives the limit. */
static void slow_but_steady(peer *p, int fd, int n) {
    (void)n;
    peer_keep_request(p, fd);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n");
    for (int i = 0; i < 30; i++) {
        usleep(20 * 1000);
        peer_send(fd, "x");
    }
    peer_sees_close(fd);
}

static void a_slow_answer_is_no_silence(void **state) {
    (void)state;
    calls c;
    http_call_spec spec = plain_get();
    spec.idle_ms = 500;
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
    peer_keep_request(p, fd);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
