/* bench-relay: the floor under every proxy. It looks at nothing: each client's connection has one
 * of its own to the provider, and what comes from the one goes to the other, a read and a write at
 * a time. One thread, epoll.
 *
 * Usage: bench-relay PORT UPSTREAM_PORT    ends with its parent's signal
 */
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

typedef struct end {
    int fd;
    struct end *other;
    char *kept; /* of what is to be written here, what the kernel did not take yet */
    size_t kept_len, kept_at;
    bool gone;
} end;

static int epoll_fd;

static end *end_new(int fd) {
    end *e = calloc(1, sizeof *e);
    int one = 1;
    if (!e || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one)) die("cannot set up");
    e->fd = fd;
    return e;
}

static void watch(end *e) {
    struct epoll_event on = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = e};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, e->fd, &on)) die("epoll: %s", strerror(errno));
}

/* Freed by free_gone(): an event of the same turn may still name either end. */
static end *gone[512];
static size_t gone_count;

static void drop(end *e) {
    if (e->gone) return;
    e->gone = e->other->gone = true;
    close(e->fd);
    close(e->other->fd);
    gone[gone_count++] = e;
    gone[gone_count++] = e->other;
}

static void free_gone(void) {
    while (gone_count) {
        end *e = gone[--gone_count];
        free(e->kept);
        free(e);
    }
}

static void flush(end *to) {
    while (to->kept_at < to->kept_len) {
        ssize_t n = send(to->fd, to->kept + to->kept_at, to->kept_len - to->kept_at, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) drop(to);
        if (n < 0) return;
        to->kept_at += (size_t)n;
    }
    free(to->kept);
    to->kept = NULL;
    to->kept_len = to->kept_at = 0;
}

/* Everything goes out in one write, but of a body that is larger than a socket's buffer. */
static void put(end *to, const char *bytes, size_t len) {
    ssize_t n = to->kept ? 0 : send(to->fd, bytes, len, MSG_NOSIGNAL);
    if (n == (ssize_t)len) return;
    if (n < 0 && errno != EAGAIN) {
        drop(to);
        return;
    }
    if (n < 0) n = 0;
    to->kept = realloc(to->kept, to->kept_len + len - (size_t)n);
    if (!to->kept) die("out of memory");
    memcpy(to->kept + to->kept_len, bytes + n, len - (size_t)n);
    to->kept_len += len - (size_t)n;
}

static void pass_on(end *from) {
    static char space[1 << 17];
    while (!from->gone) {
        ssize_t n = recv(from->fd, space, sizeof space, 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            drop(from);
            return;
        }
        put(from->other, space, (size_t)n);
        if ((size_t)n < sizeof space) return;
    }
}

static void take(int listener, unsigned upstream_port) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EAGAIN) return;
        if (fd < 0) die("accept: %s", strerror(errno));
        int up = net_connect(upstream_port, 0);
        if (up < 0) die("nobody listens on 127.0.0.1:%u", upstream_port);
        end *client = end_new(fd), *provider = end_new(up);
        client->other = provider;
        provider->other = client;
        watch(client);
        watch(provider);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) die("usage: bench-relay PORT UPSTREAM_PORT");
    unsigned port = (unsigned)parse_number("PORT", argv[1], 65535);
    unsigned upstream_port = (unsigned)parse_number("UPSTREAM_PORT", argv[2], 65535);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int listener = net_listen(port, &port);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event on = {.events = EPOLLIN}, events[256];
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &on)) die("epoll: %s", strerror(errno));
    for (;;) {
        int n = epoll_wait(epoll_fd, events, 256, -1);
        if (n < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
        for (int i = 0; i < n; i++) {
            end *e = events[i].data.ptr;
            if (!e) {
                take(listener, upstream_port);
                continue;
            }
            if (!e->gone && events[i].events & EPOLLOUT && e->kept) flush(e);
            if (!e->gone && events[i].events & ~(unsigned)EPOLLOUT) pass_on(e);
        }
        free_gone();
    }
}
