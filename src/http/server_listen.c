#include "http/server_internal.h"

#include "base/mem.h"

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
    BACKLOG = 1024,
    /* A listener that is to go is closed at the second tick: between two ticks the loop has polled,
     * and libuv has accepted all that waited. */
    RETIRE_TICK_MS = 5,
    RETIRE_TICKS = 2,
    /* Between two looks whether descriptors are free again. */
    LOOK_MS = 20,
};

typedef struct listener {
    list link; /* in server->listeners */
    http_server *server;
    const http_bind *bind;
    tls_context *tls; /* counted; NULL: plain */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    timer retire;
    timer look; /* a connection waits for want of descriptors */
    unsigned ticks;
    /* The socket file that this listener made, and removes if it is still the same. */
    char *path;
    dev_t device;
    ino_t inode;
} listener;

/* ---- closing ---- */

static void on_closed(uv_handle_t *h) {
    free(CONTAINER_OF(h, listener, uv.handle));
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
    loop_timer_stop(l->server->loop, &l->look);
    remove_path(l);
    tls_context_unref(l->tls);
    uv_close(&l->uv.handle, on_closed);
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

/* Those that are kept for other things would be used up: the lowest that is free is what the next
 * who asks gets. Asked only where the last connection has come so far. */
static bool is_short(const listener *l) {
    const http_server *s = l->server;
    uv_os_fd_t own;
    if (!s->limits.descriptors || s->last_descriptor < (int)s->limits.descriptors) return false;
    if (uv_fileno(&l->uv.handle, &own)) return false;
    int next = fcntl(own, F_DUPFD_CLOEXEC, 0);
    if (next < 0) return true;
    (void)close(next);
    return next >= (int)s->limits.descriptors;
}

/* A connection that libuv has, and that is not taken from it, keeps it from asking for more: those
 * wait in the listener's queue, and none is lost. */
static void take_or_wait(listener *l) {
    if (is_short(l))
        loop_timer_start(l->server->loop, &l->look, LOOK_MS);
    else
        server_accept(l->server, &l->uv.stream, l->tls);
}

static void on_look(timer *t) {
    take_or_wait(CONTAINER_OF(t, listener, look));
}

static void on_connection(uv_stream_t *stream, int status) {
    listener *l = CONTAINER_OF(stream, listener, uv.stream);
    loop_enter(l->server->loop);
    /* Out of descriptors all the same: libuv has closed what waited, by its reserve, so that this
     * does not spin. */
    if (status < 0) return;
    take_or_wait(l);
}

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

static int allow_sharing(uv_tcp_t *tcp) {
    uv_os_fd_t fd;
    int on = 1;
    int err = uv_fileno((uv_handle_t *)tcp, &fd);
    if (!err && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)) err = -errno;
    return err;
}

static int bound_port(const uv_tcp_t *tcp, uint16_t *ret_port) {
    struct sockaddr_storage addr;
    int len = sizeof addr;
    int err = uv_tcp_getsockname(tcp, (struct sockaddr *)&addr, &len);
    if (err) return err;
    *ret_port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                                 : ((struct sockaddr_in *)&addr)->sin_port);
    return 0;
}

/* An IPv6 address listens for IPv6 alone, so that 0.0.0.0 and :: can stand side by side. */
static int listen_tcp(listener *l, http_bind *bind) {
    struct sockaddr_storage addr;
    uv_tcp_t *tcp = &l->uv.tcp;
    int err = resolve(bind->host, bind->port, &addr);
    if (!err) err = uv_tcp_init_ex(&l->server->loop->uv, tcp, addr.ss_family);
    if (err) return err;
    unsigned flags = addr.ss_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0;
    if (!bind->exclusive) err = allow_sharing(tcp);
    if (!err) err = uv_tcp_bind(tcp, (struct sockaddr *)&addr, flags);
    if (!err) err = uv_listen(&l->uv.stream, BACKLOG, on_connection);
    uint16_t port;
    if (!err) err = bound_port(tcp, &port);
    if (!err) bind->port = port;
    return err;
}

static int unix_address(span path, struct sockaddr_un *ret) {
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path.len >= sizeof ret->sun_path) return UV_ENAMETOOLONG;
    memcpy(ret->sun_path, path.ptr, path.len);
    return 0;
}

static int unix_socket(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

/* Nobody answers there any more, and it is a socket. */
static bool is_stale(const struct sockaddr_un *addr) {
    struct stat st;
    if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode)) return false;
    int fd = unix_socket();
    if (fd < 0) return false;
    bool refused =
        connect(fd, (const struct sockaddr *)addr, sizeof *addr) && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static int bind_unix(int fd, const struct sockaddr_un *addr) {
    if (bind(fd, (const struct sockaddr *)addr, sizeof *addr) == 0) return 0;
    if (errno != EADDRINUSE || !is_stale(addr)) return -errno;
    if (unlink(addr->sun_path)) return -errno;
    return bind(fd, (const struct sockaddr *)addr, sizeof *addr) ? -errno : 0;
}

/* From no rights at all to 0660: nobody else can connect in between. Returns the descriptor. */
static int make_unix(listener *l, span path) {
    struct sockaddr_un addr;
    struct stat st;
    int err = unix_address(path, &addr);
    if (err) return err;
    int fd = unix_socket();
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

static int listen_unix(listener *l, http_bind *bind) {
    int err = uv_pipe_init(&l->server->loop->uv, &l->uv.pipe, 0);
    if (err) return err;
    int fd =
        bind->unix_bound ? fcntl(bind->unix_fd, F_DUPFD_CLOEXEC, 0) : make_unix(l, bind->unix_path);
    if (fd < 0) return bind->unix_bound ? -errno : fd;
    err = uv_pipe_open(&l->uv.pipe, fd);
    if (err) {
        (void)close(fd);
        return err;
    }
    err = uv_listen(&l->uv.stream, BACKLOG, on_connection);
    if (err) return err;
    if (!bind->unix_bound) {
        bind->unix_fd = fd;
        bind->unix_bound = true;
    }
    return 0;
}

int http_server_listen(http_server *s, http_bind *bind) {
    listener *l = mem_zalloc(sizeof *l);
    l->server = s;
    l->bind = bind;
    timer_init(&l->retire, on_retire);
    timer_init(&l->look, on_look);
    int err = bind->unix_path.len ? listen_unix(l, bind) : listen_tcp(l, bind);
    if (err) {
        bool open = uv_handle_get_type(&l->uv.handle) != UV_UNKNOWN_HANDLE;
        remove_path(l);
        if (open)
            uv_close(&l->uv.handle, on_closed);
        else
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
