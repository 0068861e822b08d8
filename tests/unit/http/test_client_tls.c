/* Calls over TLS, and through a proxy. */
#include "unit.h"

#include "calls.h"
#include "certs.h"
#include "peer.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>

static certs c_;
static tls_context *trusting;

static tls_context *client_of(const char *ca) {
    buf why = BUF_EMPTY;
    tls_context *t = tls_client_new(span_cstr(ca), &why);
    assert_non_null(t);
    return t;
}

/* ---- a TLS server on OpenSSL's own sockets ---- */

static SSL_CTX *server_ctx;
static int resumed_count; /* of the last server; under its peer's lock */

static int setup(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* the server threads write to clients that have gone */
    certs_begin(&c_);
    trusting = client_of(c_.ca);
    server_ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(server_ctx, c_.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(server_ctx, c_.key, SSL_FILETYPE_PEM), 1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    SSL_CTX_free(server_ctx);
    tls_context_unref(trusting);
    certs_end(&c_);
    return 0;
}

static bool tls_read_head(SSL *ssl) {
    char last[4] = "";
    char byte;
    while (SSL_read(ssl, &byte, 1) == 1) {
        memmove(last, last + 1, 3);
        last[3] = byte;
        if (memcmp(last, "\r\n\r\n", 4) == 0) return true;
    }
    return false;
}

static const char *tls_answer; /* to each request */
static bool tls_goodbye;       /* close_notify before the close */
static bool tls_once;          /* close after one answer */

static void tls_script(peer *p, int fd, int n) {
    (void)n;
    SSL *ssl = SSL_new(server_ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        pthread_mutex_lock(&p->lock);
        resumed_count += SSL_session_reused(ssl);
        pthread_mutex_unlock(&p->lock);
        while (tls_read_head(ssl)) {
            SSL_write(ssl, tls_answer, (int)strlen(tls_answer));
            if (tls_once) break;
        }
        if (tls_goodbye) SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

static void tls_begin_peer(peer *p) {
    tls_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    tls_goodbye = true;
    tls_once = false;
    resumed_count = 0;
    peer_begin(p, tls_script);
}

/* ---- TLS ---- */

static void one(calls *c, peer *p, const char *host, tls_context *tls) {
    calls_begin(c);
    c->spec.host = span_cstr(host);
    c->spec.tls = tls;
    calls_to(c, p->port);
    calls_get(c);
    calls_run(c);
}

static void a_call_over_tls(void **state) {
    (void)state;
    peer p;
    calls c;
    tls_begin_peer(&p);
    one(&c, &p, "127.0.0.1", trusting);
    assert_string_equal(c.notes[0].text, "");
    assert_int_equal(c.notes[0].ends, 1);
    assert_span(buf_span(&c.notes[0].body), "ok");
    calls_end(&c);
    peer_end(&p);
}

static void certificates_that_are_not_accepted(void **state) {
    (void)state;
    peer p;
    calls c;
    tls_begin_peer(&p);
    tls_context *other = client_of(c_.other_ca);
    one(&c, &p, "127.0.0.1", other);
    assert_int_equal(c.notes[0].kind, HTTP_FAIL_TLS);
    assert_string_equal(c.notes[0].text, "the certificate of 127.0.0.1 is not accepted: unable to "
                                         "get local issuer certificate");
    tls_context_unref(other);
    one(&c, &p, "localhost", trusting);
    assert_int_equal(c.notes[0].kind, HTTP_FAIL_TLS);
    assert_string_equal(c.notes[0].text,
                        "the certificate of localhost is not accepted: hostname mismatch");
    assert_int_equal(c.notes[0].heads + c.notes[0].sent, 0);
    peer_end(&p);
}

static void a_server_without_tls(void **state) {
    (void)state;
    peer p;
    calls c;
    peer_begin(&p, tls_script);
    peer_end(&p);
    one(&c, &p, "127.0.0.1", trusting);
    assert_int_equal(c.notes[0].kind, HTTP_FAIL_CONNECT);
}

/* Without close_notify an answer that runs until the close may have been cut. */
static void the_end_of_an_answer_without_length(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        peer p;
        calls c;
        tls_begin_peer(&p);
        tls_answer = "HTTP/1.1 200 OK\r\n\r\nto the end";
        tls_once = true;
        tls_goodbye = i;
        one(&c, &p, "127.0.0.1", trusting);
        noted *n = &c.notes[0];
        assert_span(buf_span(&n->body), "to the end");
        assert_int_equal(n->ends, i);
        assert_int_equal(n->fails, !i);
        if (!i) assert_int_equal(n->kind, HTTP_FAIL_CUT);
        calls_end(&c);
        peer_end(&p);
    }
}

static void send_again(noted *n) {
    if (n->c->count == 1) calls_get(n->c);
}

static void a_second_connection_resumes(void **state) {
    (void)state;
    peer p;
    calls c;
    tls_begin_peer(&p);
    tls_once = true;
    calls_begin(&c);
    c.spec.tls = trusting;
    calls_to(&c, p.port);
    c.notes[0].at_end = send_again;
    calls_get(&c);
    calls_run(&c);
    peer_end(&p);
    assert_int_equal(c.notes[1].ends, 1);
    assert_int_equal(peer_accepted(&p), 2);
    assert_int_equal(resumed_count, 1);
    calls_end(&c);
}

/* A context serves many loops at once; its sessions pass between them. */
enum { LOOPS = 3, ROUNDS = 5 };

static uint16_t shared_port;

static void *calls_on_a_thread(void *arg) {
    int *ended = arg;
    for (int i = 0; i < ROUNDS; i++) {
        calls c;
        calls_begin(&c);
        c.spec.tls = trusting;
        calls_to(&c, shared_port);
        for (int k = 0; k < 3; k++)
            calls_get(&c);
        calls_run(&c);
        for (int k = 0; k < 3; k++)
            *ended += c.notes[k].ends;
        calls_end(&c);
    }
    return NULL;
}

static void a_context_on_several_loops(void **state) {
    (void)state;
    peer p;
    tls_begin_peer(&p);
    shared_port = p.port;
    pthread_t threads[LOOPS];
    int ended[LOOPS] = {0};
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, calls_on_a_thread, &ended[i]), 0);
    for (int i = 0; i < LOOPS; i++)
        pthread_join(threads[i], NULL);
    peer_end(&p);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(ended[i], ROUNDS * 3);
}

/* ---- a proxy ---- */

static uint16_t behind;          /* where its tunnels lead, whatever they ask for */
static const char *proxy_answer; /* to CONNECT */
static bool proxy_opens;         /* the tunnel, after that answer */
static char proxy_heads[4][400]; /* what it was asked, by connection */

static bool pass_on(int from, int to) {
    char bytes[16384];
    ssize_t n = recv(from, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    peer_send_bytes(to, bytes, (size_t)n);
    return true;
}

static void relay(int fd) {
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons(behind),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int to = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd both[2] = {{fd, POLLIN, 0}, {to, POLLIN, 0}};
    bool on = connect(to, (struct sockaddr *)&addr, sizeof addr) == 0;
    while (on && poll(both, 2, -1) > 0) {
        if (both[0].revents) on = pass_on(fd, to);
        if (on && both[1].revents) on = pass_on(to, fd);
    }
    close(to);
}

static void proxy_script(peer *p, int fd, int n) {
    (void)p;
    buf request;
    if (!peer_read(fd, &request)) return;
    snprintf(proxy_heads[n % 4], sizeof proxy_heads[0], "%s", request.ptr);
    buf_done(&request);
    peer_send(fd, proxy_answer);
    if (proxy_opens)
        relay(fd);
    else
        peer_sees_close(fd);
}

static void proxy_begin(peer *proxy, const peer *server, const char *answer, bool opens) {
    behind = server->port;
    proxy_answer = answer;
    proxy_opens = opens;
    peer_begin(proxy, proxy_script);
}

static const char established[] = "HTTP/1.1 200 Connection established\r\nX-A: b\r\n\r\n";

/* One call to provider.test, which only the proxy knows. */
static void through(calls *c, const peer *proxy, const char *userinfo, tls_context *tls,
                    int count) {
    static char url[100];
    snprintf(url, sizeof url, "http://%s127.0.0.1:%u", userinfo, proxy->port);
    calls_begin(c);
    c->spec.host = SPAN_OF("any.wild.test");
    c->spec.tls = tls;
    c->spec.proxy = span_cstr(url);
    calls_to(c, 4433);
    for (int i = 0; i < count; i++)
        calls_get(c);
}

static void a_tunnel_with_tls(void **state) {
    (void)state;
    peer server, proxy;
    calls c;
    tls_begin_peer(&server);
    proxy_begin(&proxy, &server, established, true);
    through(&c, &proxy, "", trusting, 1);
    c.notes[0].at_end = send_again; /* on the same tunnel */
    calls_run(&c);
    assert_string_equal(c.notes[0].text, "");
    assert_int_equal(c.notes[0].ends, 1);
    assert_int_equal(c.notes[1].ends, 1);
    assert_true(c.notes[1].facts.reused);
    assert_string_equal(proxy_heads[0], "CONNECT any.wild.test:4433 HTTP/1.1\r\n"
                                        "Host: any.wild.test:4433\r\n\r\n");
    calls_end(&c);
    peer_end(&proxy);
    peer_end(&server);
    assert_int_equal(peer_accepted(&proxy), 1);
}

static void answer_plain(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
    peer_sees_close(fd);
}

static void a_tunnel_without_tls_and_with_credentials(void **state) {
    (void)state;
    peer server, proxy;
    calls c;
    peer_begin(&server, answer_plain);
    proxy_begin(&proxy, &server, established, true);
    through(&c, &proxy, "user:pass@", NULL, 1);
    calls_run(&c);
    assert_span(buf_span(&c.notes[0].body), "plain");
    assert_string_equal(proxy_heads[0], "CONNECT any.wild.test:4433 HTTP/1.1\r\n"
                                        "Host: any.wild.test:4433\r\n"
                                        "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n");
    calls_end(&c);
    peer_end(&proxy);
    peer_end(&server);
}

/* Until there is TLS in its tunnel, a proxy stands for itself alone. */
static void tunnel_fails(const char *answer, bool opens, const char *text) {
    peer server = {0}, proxy;
    calls c;
    proxy_begin(&proxy, &server, answer, opens);
    through(&c, &proxy, "", trusting, 1);
    calls_run(&c);
    noted *n = &c.notes[0];
    assert_int_equal(n->kind, HTTP_FAIL_SHORT);
    assert_int_equal(n->shortage, SHORTAGE_PROXY);
    assert_int_equal(n->heads, 0);
    if (!strstr(n->text, text)) assert_string_equal(n->text, text);
    calls_end(&c);
    peer_end(&proxy);
}

static void proxies_that_refuse(void **state) {
    (void)state;
    tunnel_fails(
        "HTTP/1.1 407 x\r\nContent-Length: 100\r\n\r\nbody", false,
        "the proxy refused the tunnel to any.wild.test:4433: 407 Proxy Authentication Required");
    tunnel_fails("HTTP/1.1 403 x\r\n\r\n", false,
                 "the proxy refused the tunnel to any.wild.test:4433: 403 Forbidden");
    tunnel_fails("HTTP/1.1 302 x\r\nLocation: http://login.test/\r\n\r\n", false,
                 "the proxy refused the tunnel to any.wild.test:4433: 302 Found");
    tunnel_fails("HTTP/1.1 502 x\r\nConnection: close\r\n\r\n", false,
                 "the proxy refused the tunnel to any.wild.test:4433: 502 Bad Gateway");
    tunnel_fails("HTTP/1.1 200 OK\r\n\r\nsurprise", false,
                 "the proxy sent bytes before the tunnel was used");
    tunnel_fails("SOCKS\r\n\r\n", false, "");
    tunnel_fails(established, true, /* and leads nowhere: closed, or reset */
                 "the connection was lost in the TLS handshake with any.wild.test: ");
}

static void a_proxy_that_is_silent(void **state) {
    (void)state;
    peer server = {0}, proxy;
    calls c;
    proxy_begin(&proxy, &server, "HTTP/1.1 100 Continue\r\n\r\n", false);
    through(&c, &proxy, "", trusting, 0);
    http_call_spec spec = plain_get();
    spec.connect_ms = 40;
    noted *n = calls_send(&c, &spec);
    calls_run(&c);
    assert_int_equal(n->kind, HTTP_FAIL_SHORT);
    assert_int_equal(n->shortage, SHORTAGE_PROXY);
    assert_string_equal(n->text, "the proxy's answer to CONNECT took longer than 40 ms");
    peer_end(&proxy);
}

static void hang_up(peer *p, int fd, int n) {
    (void)p;
    (void)n;
    buf request;
    if (peer_read(fd, &request)) buf_done(&request);
}

static void a_proxy_that_is_not_there(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        peer proxy;
        calls c;
        peer_begin(&proxy, hang_up);
        if (i == 0) peer_end(&proxy); /* its port is free now */
        through(&c, &proxy, "", NULL, 1);
        calls_run(&c);
        assert_int_equal(c.notes[0].kind, HTTP_FAIL_SHORT);
        assert_int_equal(c.notes[0].shortage, SHORTAGE_PROXY);
        if (i == 0)
            assert_string_equal(c.notes[0].text,
                                "connecting to the proxy failed: connection refused");
        else
            assert_non_null(strstr(c.notes[0].text, "the peer closed the connection"));
        calls_end(&c);
        if (i > 0) peer_end(&proxy);
    }
}

/* What the variable holds is not told, in whatever order its parts stand. */
static void a_proxy_whose_name_is_none(void **state) {
    (void)state;
    /* A label of 64 letters: nobody need be asked for it. */
#define LONG "Zq7xM2pW.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    static const char *const urls[] = {"http://" LONG ":1", "http://" LONG "/secret@a:1", LONG,
                                       "http://user:Zq7xM2pW", "Zq7xM2pW://a"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        calls c;
        calls_begin(&c);
        c.spec.host = SPAN_OF("any.wild.test");
        c.spec.proxy = span_cstr(urls[i]);
        calls_to(&c, 443);
        calls_get(&c);
        calls_run(&c);
        assert_int_equal(c.notes[0].shortage, SHORTAGE_PROXY);
        assert_non_null(strstr(c.notes[0].text, "proxy"));
        assert_null(strstr(c.notes[0].text, "7xM2"));
        calls_end(&c);
    }
}

static void a_wrong_name_behind_the_proxy(void **state) {
    (void)state;
    peer server, proxy;
    calls c;
    tls_begin_peer(&server);
    proxy_begin(&proxy, &server, established, true);
    static char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", proxy.port);
    calls_begin(&c);
    c.spec.host = SPAN_OF("other.test");
    c.spec.tls = trusting;
    c.spec.proxy = span_cstr(url);
    calls_to(&c, 443);
    noted *n = calls_get(&c);
    calls_run(&c);
    assert_int_equal(n->kind, HTTP_FAIL_TLS);
    assert_string_equal(n->text,
                        "the certificate of other.test is not accepted: hostname mismatch");
    peer_end(&proxy);
    peer_end(&server);
}

static void a_proxy_that_cannot_be_used(void **state) {
    (void)state;
    calls c;
    calls_begin(&c);
    c.spec.proxy = SPAN_OF("socks5://127.0.0.1:1080");
    calls_to(&c, 443);
    noted *n = calls_get(&c), *cancelled = calls_get(&c);
    calls_cancel(cancelled);
    calls_run(&c);
    assert_int_equal(n->kind, HTTP_FAIL_SHORT);
    assert_int_equal(n->shortage, SHORTAGE_PROXY);
    assert_string_equal(n->text, "the proxy cannot be used: weir speaks to proxies by http:// "
                                 "alone, not by socks5");
}

static void the_environments_proxy(void **state) {
    (void)state;
    peer server, proxy;
    calls c;
    char url[64];
    tls_begin_peer(&server);
    proxy_begin(&proxy, &server, established, true);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", proxy.port);
    setenv("https_proxy", url, 1);
    calls_begin(&c);
    c.spec.host = SPAN_OF("weir.test");
    c.spec.proxy = SPAN_EMPTY;
    c.spec.tls = trusting;
    calls_to(&c, 4433);
    noted *n = calls_get(&c);
    calls_run(&c);
    unsetenv("https_proxy");
    assert_int_equal(n->ends, 1);
    calls_end(&c);
    peer_end(&proxy);
    peer_end(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_over_tls),
        cmocka_unit_test(certificates_that_are_not_accepted),
        cmocka_unit_test(a_server_without_tls),
        cmocka_unit_test(the_end_of_an_answer_without_length),
        cmocka_unit_test(a_second_connection_resumes),
        cmocka_unit_test(a_context_on_several_loops),
        cmocka_unit_test(a_tunnel_with_tls),
        cmocka_unit_test(a_tunnel_without_tls_and_with_credentials),
        cmocka_unit_test(proxies_that_refuse),
        cmocka_unit_test(a_proxy_that_is_silent),
        cmocka_unit_test(a_proxy_that_is_not_there),
        cmocka_unit_test(a_proxy_whose_name_is_none),
        cmocka_unit_test(a_wrong_name_behind_the_proxy),
        cmocka_unit_test(a_proxy_that_cannot_be_used),
        cmocka_unit_test(the_environments_proxy),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
