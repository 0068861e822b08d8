#include "http/tls_sessions.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Copies go in and out because OpenSSL marks a session of a connection that was closed in the
 * middle as not resumable, and would do so in the shared object. */

void tls_sessions_init(tls_sessions *s) {
    *s = (tls_sessions){0};
    pthread_mutex_init(&s->lock, NULL);
}

void tls_sessions_done(tls_sessions *s) {
    for (size_t i = 0; i < TLS_SESSIONS_MAX; i++) {
        free(s->rows[i].key);
        SSL_SESSION_free(s->rows[i].session);
    }
    pthread_mutex_destroy(&s->lock);
}

static size_t row_of(const tls_sessions *s, const char *key) {
    size_t i = 0;
    while (i < TLS_SESSIONS_MAX && !(s->rows[i].key && strcmp(s->rows[i].key, key) == 0))
        i++;
    return i;
}

void tls_sessions_put(tls_sessions *s, const char *key, SSL_SESSION *session) {
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    if (!copy) return;
    pthread_mutex_lock(&s->lock);
    size_t i = row_of(s, key);
    if (i == TLS_SESSIONS_MAX) {
        i = s->next++ % TLS_SESSIONS_MAX;
        free(s->rows[i].key);
        s->rows[i].key = mem_strndup(key, strlen(key));
    }
    SSL_SESSION *old = s->rows[i].session;
    s->rows[i].session = copy;
    pthread_mutex_unlock(&s->lock);
    SSL_SESSION_free(old);
}

SSL_SESSION *tls_sessions_get(tls_sessions *s, const char *key) {
    pthread_mutex_lock(&s->lock);
    size_t i = row_of(s, key);
    SSL_SESSION *copy = i < TLS_SESSIONS_MAX ? SSL_SESSION_dup(s->rows[i].session) : NULL;
    pthread_mutex_unlock(&s->lock);
    return copy;
}
