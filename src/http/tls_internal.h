/* http/tls_internal.h: what tls.c and tls_stream.c share. */
#ifndef WEIR_HTTP_TLS_INTERNAL_H
#define WEIR_HTTP_TLS_INTERNAL_H

#include "http/tls.h"
#include "http/tls_sessions.h"

#include <stdatomic.h>

struct tls_context {
    SSL_CTX *ctx;
    atomic_uint refs;
    bool server;
    tls_sessions sessions; /* client */
};

/* The oldest entry of OpenSSL's error queue as text, or otherwise; empties the queue. */
const char *tls_last_error(const char *otherwise);
/* SSL_CTX_sess_set_new_cb's function: tls_stream.c knows to whom the session belongs. */
int tls_on_new_session(SSL *ssl, SSL_SESSION *session);
/* SSL_CTX_set_verify's function: takes down what is wrong, and changes no verdict. */
int tls_on_verify(int good, X509_STORE_CTX *store);

#endif
