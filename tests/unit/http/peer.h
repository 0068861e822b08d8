/* A scripted server on threads of its own: accepts on 127.0.0.1 and gives each connection to the
 * test's script, with its number. */
#ifndef WEIR_TEST_PEER_H
#define WEIR_TEST_PEER_H

#include "base/buf.h"
#include "base/mem.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER_CONNECTIONS_MAX = 64 };

typedef struct peer peer;
typedef void peer_script(peer *p, int fd, int n);

struct peer {
    int listener;
    uint16_t port;
    peer_script *script;
    void *user;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int accepted, requests, stage; /* under lock */
    bool stopping;
    struct peer_connection {
        peer *p;
        int fd, n;
        pthread_t thread;
    } connections[PEER_CONNECTIONS_MAX];
};

static inline void *peer_connection_run(void *arg) {
    struct peer_connection *c = arg;
    c->p->script(c->p, c->fd, c->n);
    close(c->fd);
    return NULL;
}

static inline void *peer_accept(void *arg) {
    peer *p = arg;
    for (;;) {
        int fd = accept(p->listener, NULL, NULL);
        pthread_mutex_lock(&p->lock);
        bool stopping = p->stopping;
        if (fd >= 0 && !stopping) {
            struct peer_connection *c = &p->connections[p->accepted];
            *c = (struct peer_connection){.p = p, .fd = fd, .n = p->accepted++};
            pthread_create(&c->thread, NULL, peer_connection_run, c);
            pthread_cond_broadcast(&p->moved);
        }
        pthread_mutex_unlock(&p->lock);
        if (stopping || fd < 0) {
            if (fd >= 0) close(fd);
            return NULL;
        }
    }
}

static inline void peer_begin_with(peer *p, peer_script *script, void *user) {
    *p = (peer){.script = script, .user = user};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->moved, NULL);
    p->listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(p->listener, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(p->listener, 64), 0);
    socklen_t len = sizeof addr;
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&addr, &len), 0);
    p->port = ntohs(addr.sin_port);
    assert_int_equal(pthread_create(&p->acceptor, NULL, peer_accept, p), 0);
}

static inline void peer_begin(peer *p, peer_script *script) {
    peer_begin_with(p, script, NULL);
}

/* Waits for every script to end. */
static inline void peer_end(peer *p) {
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->acceptor, NULL);
    for (int i = 0; i < p->accepted; i++)
        pthread_join(p->connections[i].thread, NULL);
    close(p->listener);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->moved);
}

/* Stages order what different connections and the test do. */
static inline void peer_reach(peer *p, int stage) {
    pthread_mutex_lock(&p->lock);
    if (p->stage < stage) p->stage = stage;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static inline void peer_await(peer *p, int stage) {
    pthread_mutex_lock(&p->lock);
    while (p->stage < stage)
        pthread_cond_wait(&p->moved, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* After peer_end(). */
static inline int peer_accepted(const peer *p) {
    return p->accepted;
}

static inline void peer_send_bytes(int fd, const char *bytes, size_t len) {
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) return;
        bytes += n;
        len -= (size_t)n;
    }
}

static inline void peer_send(int fd, const char *text) {
    peer_send_bytes(fd, text, strlen(text));
}

/* Reads one request, with a body by Content-Length; false when the client has closed. The text is
 * NUL-terminated; the caller frees it with buf_done(). */
static inline bool peer_read(int fd, buf *ret) {
    *ret = BUF_EMPTY;
    size_t want = SIZE_MAX;
    while (ret->len < want) {
        char *at = buf_reserve(ret, 65536);
        ssize_t n = recv(
            fd, at, want == SIZE_MAX ? 1 : (want - ret->len > 65536 ? 65536 : want - ret->len), 0);
        if (n <= 0) {
            buf_done(ret);
            return false;
        }
        buf_grow(ret, (size_t)n);
        if (want != SIZE_MAX) continue;
        if (!span_ends(buf_span(ret), SPAN_OF("\r\n\r\n"))) continue;
        const char *length = strstr(buf_cstr(ret), "Content-Length: ");
        want = ret->len + (length ? strtoul(length + 16, NULL, 10) : 0);
    }
    (void)buf_cstr(ret);
    return true;
}

static inline void peer_answer_and_close(peer *p, int fd, int n) {
    (void)n;
    buf request;
    if (!peer_read(fd, &request)) return;
    buf_done(&request);
    peer_send(fd, p->user);
}

/* A provider that answers each connection's first request with these bytes, and closes. */
static inline void peer_begin_saying(peer *p, const char *bytes) {
    peer_begin_with(p, peer_answer_and_close, (void *)(uintptr_t)bytes);
}

/* true when the next thing that comes is the client's close. */
static inline bool peer_sees_close(int fd) {
    char c;
    return recv(fd, &c, 1, 0) <= 0;
}

static inline void peer_reset(int fd) {
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    /* closing, by the caller, then sends the reset */
}

/* What a server got from its first connection's first request, for the test to look at and free. */
static inline void peer_keep_request(peer *p, int fd) {
    buf request;
    if (!peer_read(fd, &request)) return;
    p->user = mem_strndup(request.ptr, request.len);
    buf_done(&request);
}

/* Hears a request and says nothing. */
static inline void peer_silent(peer *p, int fd, int n) {
    (void)n;
    peer_keep_request(p, fd);
    peer_sees_close(fd);
}

#endif
