/* A TLS peer on a thread of its own that puts its records together as no ordinary one does: what
 * it has to say gathers until raw_flush() sends it in one piece. */
#ifndef WEIR_TEST_RAW_TLS_H
#define WEIR_TEST_RAW_TLS_H

#include "base/mem.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct raw_tls {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    int fd;
    uint16_t port; /* to connect to */
    int listener;  /* to accept from; -1: it connects */
    void (*script)(struct raw_tls *r);
    void *user;
    pthread_t thread;
} raw_tls;

/* false: the other side has gone, which a script may be there to see. */
static inline bool raw_flush(raw_tls *r) {
    char *bytes;
    long len = BIO_get_mem_data(r->out, &bytes), done = 0;
    while (done < len) {
        ssize_t n = send(r->fd, bytes + done, (size_t)(len - done), MSG_NOSIGNAL);
        if (n <= 0) return false;
        done += n;
    }
    (void)BIO_reset(r->out);
    return true;
}

/* More of what the other side sends; false: it has closed. */
static inline bool raw_receive(raw_tls *r) {
    char bytes[65536];
    ssize_t n = recv(r->fd, bytes, sizeof bytes, 0);
    if (n > 0) BIO_write(r->in, bytes, (int)n);
    return n > 0;
}

/* Returns the bytes of plain text, or 0: none come any more. */
static inline size_t raw_read(raw_tls *r, char *into, size_t room) {
    size_t len = 0;
    while (!SSL_read_ex(r->ssl, into, room, &len))
        if (SSL_get_error(r->ssl, 0) != SSL_ERROR_WANT_READ || !raw_receive(r)) return 0;
    return len;
}

static inline void raw_write(raw_tls *r, size_t len) {
    char bytes[16384];
    size_t written;
    memset(bytes, 'x', len);
    assert_int_equal(SSL_write_ex(r->ssl, bytes, len, &written), 1);
}

/* A key update that wants another in return. */
static inline void raw_update(raw_tls *r) {
    assert_int_equal(SSL_key_update(r->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(r->ssl), 1);
}

static inline void *raw_run(void *arg) {
    raw_tls *r = arg;
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons(r->port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    if (r->listener >= 0) {
        r->fd = accept(r->listener, NULL, NULL);
        close(r->listener);
    } else {
        r->fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(r->fd, (struct sockaddr *)&addr, sizeof addr), 0);
    }
    setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    r->ssl = SSL_new(r->context);
    r->in = BIO_new(BIO_s_mem());
    r->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(r->in, -1);
    SSL_set_bio(r->ssl, r->in, r->out);
    if (r->listener >= 0)
        SSL_set_accept_state(r->ssl);
    else
        SSL_set_connect_state(r->ssl);
    bool there = true;
    while (there && SSL_do_handshake(r->ssl) != 1)
        there = raw_flush(r) && raw_receive(r);
    if (there && raw_flush(r)) r->script(r);
    SSL_free(r->ssl);
    close(r->fd);
    SSL_CTX_free(r->context);
    return NULL;
}

/* Connects to that port. The script ends when it likes; raw_end() waits for that. */
static inline void raw_begin(raw_tls *r, uint16_t port, void (*script)(raw_tls *r), void *user) {
    *r = (raw_tls){.context = SSL_CTX_new(TLS_client_method()),
                   .port = port,
                   .listener = -1,
                   .script = script,
                   .user = user};
    assert_int_equal(pthread_create(&r->thread, NULL, raw_run, r), 0);
}

/* Takes one connection to the port that is returned. */
static inline uint16_t raw_serve(raw_tls *r, const char *cert, const char *key,
                                 void (*script)(raw_tls *r), void *user) {
    *r = (raw_tls){.context = SSL_CTX_new(TLS_server_method()), .script = script, .user = user};
    assert_int_equal(SSL_CTX_use_certificate_chain_file(r->context, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(r->context, key, SSL_FILETYPE_PEM), 1);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    r->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(r->listener, 1), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&addr, &len), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, raw_run, r), 0);
    return ntohs(addr.sin_port);
}

static inline void raw_end(raw_tls *r) {
    assert_int_equal(pthread_join(r->thread, NULL), 0);
}

#endif
