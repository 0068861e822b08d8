#include "http/server_internal.h"

#include "base/mem.h"
#include "http/acceptor.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    /* A listener that is to go is closed at the second tick: between two ticks the loop has polled,
     * and all that waited has been accepted. */
    RETIRE_TICK_MS = 5,
    RETIRE_TICKS = 2,
};

typedef struct listener {
    list link; /* in server->listeners */
    http_server *server;
    const http_bind *bind;
    tls_context *tls; /* counted; NULL: plain */
    acceptor acceptor;
    timer retire;
    unsigned ticks;
    /* The socket file that this listener made, and removes if it is still the same. */
    char *path;
    dev_t device;
    ino_t inode;
} listener;

/* ---- closing ---- */

static void on_closed(acceptor *a) {
    free(CONTAINER_OF(a, listener, acceptor));
}

static void remove_path(listener *l) {
    struct stat st;
    if (!l->path) return;
    if (lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        (void)unlink(l->path);
    free(l->path);
    l->path = NULL;
}

static void listener_close(listener *l) {
    list_remove(&l->link);
    loop_timer_stop(l->server->loop, &l->retire);
    remove_path(l);
    tls_context_unref(l->tls);
    acceptor_close(&l->acceptor);
}

static void on_retire(timer *t) {
    listener *l = CONTAINER_OF(t, listener, retire);
    if (++l->ticks < RETIRE_TICKS)
        loop_timer_start(l->server->loop, t, RETIRE_TICK_MS);
    else
        listener_close(l);
}

static void listener_retire(listener *l) {
    remove_path(l); /* new clients are not to find it; those in the queue are served */
    if (timer_active(&l->retire)) return;
    loop_timer_start(l->server->loop, &l->retire, RETIRE_TICK_MS);
}

void listener_close_all(http_server *s) {
    LIST_FOREACH(&s->listeners, it)
    listener_close(LIST_ENTRY(it, listener, link));
}

void listener_retire_all(http_server *s) {
    LIST_FOREACH(&s->listeners, it)
    listener_retire(LIST_ENTRY(it, listener, link));
}

/* ---- opening ---- */

/* Below those that are kept for other things one is free: the lowest that is free is what the next
 * who comes gets. Asked only where the last connection has come so far. */
static bool has_room(acceptor *a) {
    const http_server *s = CONTAINER_OF(a, listener, acceptor)->server;
    if (!s->limits.descriptors || s->last_descriptor < (int)s->limits.descriptors) return true;
    int next = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);
    if (next < 0) return false;
    (void)close(next);
    return next < (int)s->limits.descriptors;
}

static void on_connection(acceptor *a, int fd, const struct sockaddr_storage *from) {
    const listener *l = CONTAINER_OF(a, listener, acceptor);
    server_accept(l->server, fd, from, l->tls);
}

static const acceptor_ops accept_ops = {
    .on_connection = on_connection, .has_room = has_room, .on_closed = on_closed};

static int resolve(span host, uint16_t port, struct sockaddr_storage *ret) {
    char *name = mem_strndup(host.ptr, host.len);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    int failed = getaddrinfo(host.len ? name : NULL, NULL, &hints, &found);
    free(name);
    if (failed) return UV_EADDRNOTAVAIL;
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (ret->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)ret)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)ret)->sin_port = htons(port);
    return 0;
}

static int set(int fd, int level, int name) {
    int on = 1;
    return setsockopt(fd, level, name, &on, sizeof on) ? -errno : 0;
}

/* An IPv6 address listens for IPv6 alone, so that 0.0.0.0 and :: can stand side by side. */
static int bind_tcp(int fd, const struct sockaddr_storage *addr, bool exclusive) {
    const bool six = addr->ss_family == AF_INET6;
    int err = set(fd, SOL_SOCKET, SO_REUSEADDR);
    if (!err && !exclusive) err = set(fd, SOL_SOCKET, SO_REUSEPORT);
    if (!err && six) err = set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    socklen_t len = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (!err && bind(fd, (const struct sockaddr *)addr, len)) err = -errno;
    return err;
}

static int bound_port(int fd, uint16_t *ret_port) {
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    if (getsockname(fd, (struct sockaddr *)&addr, &len)) return -errno;
    *ret_port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                                 : ((struct sockaddr_in *)&addr)->sin_port);
    return 0;
}

static int new_socket(int family) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

static int listen_tcp(listener *l, http_bind *at) {
    struct sockaddr_storage addr;
    int err = resolve(at->host, at->port, &addr);
    if (err) return err;
    int fd = new_socket(addr.ss_family);
    if (fd < 0) return fd;
    uint16_t port = 0;
    err = bind_tcp(fd, &addr, at->exclusive);
    if (!err) err = bound_port(fd, &port);
    if (!err) err = acceptor_begin(&l->acceptor, l->server->loop, &accept_ops, fd);
    if (err)
        (void)close(fd);
    else
        at->port = port;
    return err;
}

static int unix_address(span path, struct sockaddr_un *ret) {
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path.len >= sizeof ret->sun_path) return UV_ENAMETOOLONG;
    memcpy(ret->sun_path, path.ptr, path.len);
    return 0;
}

static bool is_other_file(const struct sockaddr_un *addr) {
    struct stat st;
    return lstat(addr->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode);
}

/* Nobody answers at that socket any more. */
static bool is_stale(const struct sockaddr_un *addr) {
    int fd = new_socket(AF_UNIX);
    if (fd < 0) return false;
    bool refused =
        connect(fd, (const struct sockaddr *)addr, sizeof *addr) && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static int bind_unix(int fd, const struct sockaddr_un *addr) {
    if (bind(fd, (const struct sockaddr *)addr, sizeof *addr) == 0) return 0;
    if (errno != EADDRINUSE) return -errno;
    if (is_other_file(addr)) return UV_ENOTSOCK;
    if (!is_stale(addr)) return UV_EADDRINUSE;
    if (unlink(addr->sun_path)) return -errno;
    return bind(fd, (const struct sockaddr *)addr, sizeof *addr) ? -errno : 0;
}

/* From no rights at all to 0660: nobody else can connect in between. Returns the descriptor. */
static int make_unix(listener *l, span path) {
    struct sockaddr_un addr;
    struct stat st;
    int err = unix_address(path, &addr);
    if (err) return err;
    int fd = new_socket(AF_UNIX);
    if (fd < 0) return fd;
    if (fchmod(fd, 0600)) err = -errno;
    if (!err) err = bind_unix(fd, &addr);
    if (!err && (chmod(addr.sun_path, 0660) || lstat(addr.sun_path, &st))) err = -errno;
    if (err) {
        (void)close(fd);
        return err;
    }
    l->path = mem_strndup(path.ptr, path.len);
    l->device = st.st_dev;
    l->inode = st.st_ino;
    return fd;
}

static int listen_unix(listener *l, http_bind *at) {
    int fd = at->unix_bound ? fcntl(at->unix_fd, F_DUPFD_CLOEXEC, 0) : make_unix(l, at->unix_path);
    if (fd < 0) return at->unix_bound ? -errno : fd;
    int err = acceptor_begin(&l->acceptor, l->server->loop, &accept_ops, fd);
    if (err) {
        (void)close(fd);
        return err;
    }
    if (!at->unix_bound) {
        at->unix_fd = fd;
        at->unix_bound = true;
    }
    return 0;
}

int http_server_listen(http_server *s, http_bind *bind) {
    listener *l = mem_zalloc(sizeof *l);
    l->server = s;
    l->bind = bind;
    timer_init(&l->retire, on_retire);
    int err = bind->unix_path.len ? listen_unix(l, bind) : listen_tcp(l, bind);
    if (err) {
        remove_path(l);
        free(l);
        return err;
    }
    l->tls = bind->tls ? tls_context_ref(bind->tls) : NULL;
    list_push_back(&s->listeners, &l->link);
    return 0;
}

static listener *find(http_server *s, const http_bind *bind) {
    LIST_FOREACH(&s->listeners, it) {
        listener *l = LIST_ENTRY(it, listener, link);
        if (l->bind == bind) return l;
    }
    return NULL;
}

void http_server_unlisten(http_server *s, const http_bind *bind) {
    listener *l = find(s, bind);
    if (!l) return;
    loop_enter(s->loop);
    l->bind = NULL; /* it may go, or be given to another listener */
    listener_retire(l);
}

void http_server_set_tls(http_server *s, const http_bind *bind, tls_context *tls) {
    listener *l = find(s, bind);
    if (!l || l->tls == tls) return;
    tls_context_unref(l->tls);
    l->tls = tls ? tls_context_ref(tls) : NULL;
}
