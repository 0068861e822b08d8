/* http/tls_sessions.h: a client context's sessions to resume, by "host:port". Any thread. */
#ifndef WEIR_HTTP_TLS_SESSIONS_H
#define WEIR_HTTP_TLS_SESSIONS_H

#include "base/attr.h"

#include <openssl/ssl.h>
#include <pthread.h>

enum { TLS_SESSIONS_MAX = 64 };

typedef struct tls_sessions {
    pthread_mutex_t lock;
    struct {
        char *key;
        SSL_SESSION *session;
    } rows[TLS_SESSIONS_MAX];
    unsigned next; /* the row that a new key replaces */
} tls_sessions;

void tls_sessions_init(tls_sessions *s);
void tls_sessions_done(tls_sessions *s);
/* Keeps a copy, in place of the key's last one. */
void tls_sessions_put(tls_sessions *s, const char *key, SSL_SESSION *session);
/* A copy that the caller frees, or NULL. */
MUST_USE SSL_SESSION *tls_sessions_get(tls_sessions *s, const char *key);

#endif
