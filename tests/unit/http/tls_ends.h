/* A server's context and that of a client who trusts it, for all tests of a file. */
#ifndef WEIR_UNIT_HTTP_TLS_ENDS_H
#define WEIR_UNIT_HTTP_TLS_ENDS_H

#include "unit.h"

#include "certs.h"
#include "http/tls.h"

static certs c;
static tls_context *server, *client;

static inline tls_context *client_of(const char *ca) {
    buf why = BUF_EMPTY;
    tls_context *t = tls_client_new(ca ? span_cstr(ca) : SPAN_EMPTY, &why);
    assert_non_null(t);
    assert_int_equal(why.len, 0);
    return t;
}

static inline tls_context *server_with(const char *cert, const char *key) {
    buf why = BUF_EMPTY;
    tls_context *t = tls_server_new(cert, key, &why);
    assert_non_null(t);
    return t;
}

static inline tls_context *server_of(void) {
    return server_with(c.cert, c.key);
}

static inline int setup(void **state) {
    (void)state;
    certs_begin(&c);
    server = server_of();
    client = client_of(c.ca);
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    tls_context_unref(server);
    tls_context_unref(client);
    certs_end(&c);
    return 0;
}

#endif
