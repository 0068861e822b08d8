#include "unit.h"

#include "ends.h"

#include "http/tls_sessions.h"
#include "http/tls_stream.h"
#include "http/transport_internal.h"
#include "tls_ends.h"

#include <fcntl.h>
#include <openssl/err.h>

static void begin_tls(fixture *f, tls_context *client_context, const char *name) {
    begin(f);
    f->server_tls = server;
    f->client_tls = (transport_tls){client_context, span_cstr(name), f->port};
    f->client.open = say_hello;
    f->server.data = answer_hello;
    f->client.data = end_at_good_day;
}

/* ---- names and authorities ---- */

static void accepted(const char *name) {
    fixture f;
    begin_tls(&f, client, name);
    connect_client(&f);
    run(&f);
    assert_string_equal(f.client.text, "");
    assert_span(buf_span(&f.server.got), "hello");
    assert_span(buf_span(&f.client.got), "good day");
    assert_int_equal(f.client.opened, 1);
    assert_int_equal(f.server.opened, 1);
    end_done(&f);
}

static void names_that_the_certificate_bears(void **state) {
    (void)state;
    accepted("weir.test");
    accepted("weir.test.");
    accepted("WEIR.test");
    accepted("127.0.0.1");
    accepted("any.wild.test");
}

/* Both ends are told; nothing is ever open, and nothing of the request has left. */
static void refused_with(tls_context *context, const char *name, const char *why) {
    fixture f;
    begin_tls(&f, context, name);
    f.server.failing = stay;
    connect_client(&f);
    say_hello(&f.client);
    run(&f);
    assert_int_equal(f.client.opened, 0);
    assert_int_equal(f.server.got.len, 0);
    assert_int_equal(f.client.why, TRANSPORT_TLS);
    assert_string_equal(f.client.text, why);
    end_done(&f);
}

static void names_that_it_does_not_bear(void **state) {
    (void)state;
    refused_with(client, "other.test",
                 "the certificate of other.test is not accepted: hostname mismatch");
    refused_with(client, "deep.any.wild.test",
                 "the certificate of deep.any.wild.test is not accepted: hostname mismatch");
    refused_with(client, "127.0.0.2",
                 "the certificate of 127.0.0.2 is not accepted: IP address mismatch");
}

/* A common name is free text, which anyone may have had signed: RFC 9110 section 4.3.4 and RFC 6125
 * let it say nothing about whose a server is. */
static void a_common_name_is_no_name(void **state) {
    (void)state;
    static const char why[] = "the certificate of %s is not accepted: it has no subject "
                              "alternative name; a common name alone does not count";
    tls_context *own = server;
    server = server_with(c.bare_cert, c.bare_key);
    for (size_t i = 0; i < 3; i++) {
        const char *name = ((const char *[]){"weir.test", "other.test", "127.0.0.1"})[i];
        char text[256];
        snprintf(text, sizeof text, why, name);
        refused_with(client, name, text);
    }
    tls_context_unref(server);
    server = server_with(c.odd_cert, c.odd_cert);
    refused_with(client, "weir.test",
                 "the certificate of weir.test is not accepted: hostname mismatch");
    tls_context_unref(server);
    server = own;
}

static void an_unknown_authority(void **state) {
    (void)state;
    tls_context *other = client_of(c.other_ca);
    refused_with(other, "weir.test",
                 "the certificate of weir.test is not accepted: unable to get local issuer "
                 "certificate");
    tls_context_unref(other);
    tls_context *system = client_of(NULL);
    refused_with(system, "weir.test",
                 "the certificate of weir.test is not accepted: unable to get local issuer "
                 "certificate");
    tls_context_unref(system);
}

static void a_server_that_speaks_plain(void **state) {
    (void)state;
    fixture f;
    begin_tls(&f, client, "weir.test");
    f.server_tls = NULL;
    f.server.open = say_hello;
    f.server.data = NULL;
    connect_client(&f);
    run(&f);
    assert_int_equal(f.client.why, TRANSPORT_TLS);
    assert_string_equal(f.client.text,
                        "the TLS handshake with weir.test failed: wrong version number");
    end_done(&f);
}

static void a_client_that_speaks_plain(void **state) {
    (void)state;
    fixture f;
    begin_tls(&f, client, "weir.test");
    f.client_tls.context = NULL;
    f.client.failing = stay;
    connect_client(&f);
    run(&f);
    assert_int_equal(f.server.opened, 0);
    assert_int_equal(f.server.why, TRANSPORT_TLS);
    end_done(&f);
}

static void close_at_once(end *e) {
    end_close(e);
}

static void lost_in_the_handshake(void **state) {
    (void)state;
    fixture f;
    begin_tls(&f, client, "weir.test");
    f.server_tls = NULL;
    f.server.data = close_at_once;
    connect_client(&f);
    run(&f);
    assert_int_equal(f.client.why, TRANSPORT_CONNECT);
    assert_string_equal(
        f.client.text,
        "the connection was lost in the TLS handshake with weir.test: closed by the peer");
    end_done(&f);
}

/* The system's store, by the two variables that OpenSSL names: a bundle, and a hashed directory. */
static void the_systems_store(void **state) {
    (void)state;
    char hashed[96];
    FILE *f = fopen(c.ca, "r");
    X509 *ca = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    snprintf(hashed, sizeof hashed, "%s/%08lx.0", c.dir, X509_subject_name_hash(ca));
    X509_free(ca);
    assert_int_equal(symlink(c.ca, hashed), 0);
    const char *const variables[][2] = {{"SSL_CERT_FILE", c.ca}, {"SSL_CERT_DIR", c.dir}};
    tls_context *own = client;
    for (size_t i = 0; i < 2; i++) {
        setenv(variables[i][0], variables[i][1], 1);
        client = client_of(NULL);
        accepted("weir.test");
        tls_context_unref(client);
        unsetenv(variables[i][0]);
    }
    client = own;
    unlink(hashed);
}

/* ---- resumption ---- */

static bool resumed;

static void note_resumed(end *e) {
    resumed = tls_stream_resumed(e->t->tls);
    end_at_good_day(e);
}

static bool resumes(tls_context *context, const char *name) {
    fixture f;
    begin_tls(&f, context, name);
    f.client_tls.port = 443; /* the key of the session; the fixture's own port changes */
    f.client.data = note_resumed;
    connect_client(&f);
    run(&f);
    assert_span(buf_span(&f.client.got), "good day");
    end_done(&f);
    return resumed;
}

static void sessions_are_resumed_by_name(void **state) {
    (void)state;
    tls_context *fresh = client_of(c.ca);
    assert_false(resumes(fresh, "weir.test"));
    assert_true(resumes(fresh, "weir.test"));
    assert_true(resumes(fresh, "weir.test"));
    assert_false(resumes(fresh, "a.wild.test"));
    tls_context *another = client_of(c.ca);
    assert_false(resumes(another, "weir.test"));
    tls_context_unref(another);
    /* A server with new keys does not know the session: a full handshake, no failure. */
    tls_context *old = server;
    server = server_of();
    assert_false(resumes(fresh, "weir.test"));
    assert_true(resumes(fresh, "weir.test"));
    tls_context_unref(old);
    tls_context_unref(fresh);
}

static void the_table_of_sessions_is_bounded(void **state) {
    (void)state;
    tls_sessions s;
    tls_sessions_init(&s);
    SSL_SESSION *session = SSL_SESSION_new();
    SSL_SESSION_set_protocol_version(session, TLS1_2_VERSION);
    for (int i = 0; i < TLS_SESSIONS_MAX * 3; i++) {
        char key[16];
        snprintf(key, sizeof key, "h%d:1", i);
        tls_sessions_put(&s, key, session);
        SSL_SESSION *found = tls_sessions_get(&s, key);
        assert_non_null(found);
        SSL_SESSION_free(found);
    }
    assert_null(tls_sessions_get(&s, "h0:1"));
    SSL_SESSION_free(session);
    tls_sessions_done(&s);
}

/* ---- bytes ---- */

static void much_by(void (*send)(end *e)) {
    fixture f;
    begin_tls(&f, client, "weir.test");
    f.client.data = f.server.data = NULL;
    much_arrives(&f, send);
}

static void much_through_tls(void **state) {
    (void)state;
    much_by(send_in_every_way);
    much_by(lend_all);
    much_by(keep_much);
}

/* ---- what others leave behind ---- */

static void leave_error(void) {
    ERR_raise(ERR_LIB_RSA, RSA_R_BAD_SIGNATURE);
}

static void leave_and_say_hello(end *e) {
    say_hello(e);
    leave_error();
}

static void leave_and_answer(end *e) {
    answer_hello(e);
    leave_error();
}

/* A signature that was not good is in the thread's queue when the stream finds nothing to read. */
static void errors_of_others_are_none_of_a_streams(void **state) {
    (void)state;
    fixture f;
    begin_tls(&f, client, "weir.test");
    f.client.open = leave_and_say_hello;
    f.server.data = leave_and_answer;
    leave_error();
    connect_client(&f);
    leave_error();
    run(&f);
    assert_string_equal(f.client.text, "");
    assert_string_equal(f.server.text, "");
    assert_span(buf_span(&f.client.got), "good day");
    end_done(&f);
}

/* ---- ends ---- */

static void end_after_hello(end *e) {
    answer_hello(e);
    transport_finish(e->t, 60000);
    e->closed = true;
}

static void an_orderly_end(void **state) {
    (void)state;
    fixture f;
    begin_tls(&f, client, "weir.test");
    f.server.data = end_after_hello;
    f.client.data = NULL;
    connect_client(&f);
    run(&f);
    assert_span(buf_span(&f.client.got), "good day");
    assert_int_equal(f.client.why, TRANSPORT_EOF);
    end_done(&f);
}

static void close_says_goodbye(void **state) {
    (void)state;
    fixture f;
    begin_tls(&f, client, "weir.test");
    f.server.data = end_close;
    connect_client(&f);
    run(&f);
    assert_int_equal(f.client.why, TRANSPORT_EOF);
    end_done(&f);
}

/* Closes the socket under the TLS layer, as a middle man would. */
static void cut_below(end *e) {
    uv_os_fd_t fd;
    assert_int_equal(uv_fileno(&e->t->socket->uv.handle, &fd), 0);
    shutdown(fd, SHUT_WR);
}

static void a_cut_is_no_end(void **state) {
    (void)state;
    fixture f;
    begin_tls(&f, client, "weir.test");
    f.server.data = cut_below;
    connect_client(&f);
    run(&f);
    assert_int_equal(f.client.why, TRANSPORT_RESET);
    assert_string_equal(f.client.text,
                        "the TLS stream was cut without its close_notify: closed by the peer");
    end_done(&f);
}

static void closing_tls_in_callbacks(void **state) {
    (void)state;
    for (int where = 0; where < 4; where++) {
        fixture f;
        begin_tls(&f, client, "weir.test");
        if (where == 0) f.client.open = close_here;
        if (where == 1) f.client.data = close_here;
        if (where == 2) f.client.when_sent = close_here;
        if (where == 3) f.server.open = close_here;
        connect_client(&f);
        run(&f);
        end_done(&f);
    }
}

/* ---- starting on a plain connection, as after CONNECT ---- */

static void begin_client_tls(end *e) {
    transport_tls tls = {client, SPAN_OF("weir.test"), 443};
    e->open = say_hello;
    transport_start_tls(e->t, &tls);
    assert_int_equal(e->opened, 1); /* not from inside the call */
}

static void tls_can_begin_later(void **state) {
    (void)state;
    fixture f;
    begin_tls(&f, NULL, "");
    f.client.open = begin_client_tls;
    connect_client(&f);
    run(&f);
    assert_int_equal(f.client.opened, 2);
    assert_span(buf_span(&f.client.got), "good day");
    end_done(&f);
}

/* ---- files ---- */

/* path: the file that is to blame, certificate or key; NULL: the key, though both are one. */
static void server_fails(const char *cert, const char *key, const char *path, const char *why) {
    buf text = BUF_EMPTY, want = BUF_EMPTY;
    assert_null(tls_server_new(cert, key, &text));
    buf_addf(&want, "%s %s: %s", path == cert ? "TLS certificate" : "TLS key", path ? path : key,
             why);
    assert_string_equal(buf_cstr(&text), buf_cstr(&want));
    buf_done(&text);
    buf_done(&want);
}

static void files_that_will_not_do(void **state) {
    (void)state;
    const char *none = "/nonexistent/file.pem";
    server_fails(none, c.key, none, "No such file or directory");
    server_fails(c.cert, none, none, "No such file or directory");
    server_fails(c.key, c.key, c.key, "it holds no certificate in PEM");
    server_fails("/dev/null", c.key, "/dev/null", "it holds no certificate in PEM");
    server_fails(c.cert, c.cert, NULL, "it holds no private key in PEM");
    server_fails(c.cert, "/dev/null", "/dev/null", "it holds no private key in PEM");
    server_fails(c.cert, c.other_key, c.other_key, "it is not the certificate's");
    server_fails(c.cert, c.locked_key, c.locked_key,
                 "it is encrypted, and nobody is there to type its passphrase");
    buf text = BUF_EMPTY;
    assert_null(tls_client_new(span_cstr(none), &text));
    assert_string_equal(buf_cstr(&text), "CA certificates /nonexistent/file.pem: "
                                         "No such file or directory");
    buf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_the_certificate_bears),
        cmocka_unit_test(names_that_it_does_not_bear),
        cmocka_unit_test(a_common_name_is_no_name),
        cmocka_unit_test(an_unknown_authority),
        cmocka_unit_test(the_systems_store),
        cmocka_unit_test(a_server_that_speaks_plain),
        cmocka_unit_test(a_client_that_speaks_plain),
        cmocka_unit_test(lost_in_the_handshake),
        cmocka_unit_test(sessions_are_resumed_by_name),
        cmocka_unit_test(the_table_of_sessions_is_bounded),
        cmocka_unit_test(much_through_tls),
        cmocka_unit_test(errors_of_others_are_none_of_a_streams),
        cmocka_unit_test(an_orderly_end),
        cmocka_unit_test(close_says_goodbye),
        cmocka_unit_test(a_cut_is_no_end),
        cmocka_unit_test(closing_tls_in_callbacks),
        cmocka_unit_test(tls_can_begin_later),
        cmocka_unit_test(files_that_will_not_do),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
