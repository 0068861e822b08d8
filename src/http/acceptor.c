#include "http/acceptor.h"

#include <errno.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    /* Between two looks whether there is room again. */
    LOOK_MS = 20,
};

typedef enum taken { TAKEN, NOBODY_THERE, NO_ROOM } taken;

static bool is_about_one_connection(int err) {
    switch (err) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ENOPROTOOPT: return true;
    default: return false;
    }
}

static taken take_one(acceptor *a) {
    if (a->ops->has_room && !a->ops->has_room(a)) return NO_ROOM;
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    int fd = accept4(a->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        a->ops->on_connection(a, fd, &from);
    else if (errno == EAGAIN)
        return NOBODY_THERE;
    else if (!is_about_one_connection(errno))
        return NO_ROOM;
    return TAKEN;
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void take_all(acceptor *a) {
    taken last = TAKEN;
    loop_enter(a->loop);
    while (!a->closed && last == TAKEN)
        last = take_one(a);
    if (a->closed) return;
    if (last == NO_ROOM) {
        uv_poll_stop(&a->poll);
        loop_timer_start(a->loop, &a->look, LOOK_MS);
    } else if (!uv_is_active((uv_handle_t *)&a->poll)) {
        uv_poll_start(&a->poll, UV_READABLE, on_poll);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events) {
    (void)status;
    (void)events;
    take_all(CONTAINER_OF(handle, acceptor, poll));
}

static void on_look(timer *t) {
    take_all(CONTAINER_OF(t, acceptor, look));
}

int acceptor_begin(acceptor *a, loop *l, const acceptor_ops *ops, int fd) {
    if (listen(fd, BACKLOG)) return -errno;
    *a = (acceptor){.ops = ops, .loop = l, .fd = fd};
    timer_init(&a->look, on_look);
    int err = uv_poll_init(&l->uv, &a->poll, fd);
    if (!err) uv_poll_start(&a->poll, UV_READABLE, on_poll);
    return err;
}

static void on_closed(uv_handle_t *h) {
    acceptor *a = CONTAINER_OF(h, acceptor, poll);
    if (a->ops->on_closed) a->ops->on_closed(a);
}

void acceptor_close(acceptor *a) {
    if (a->closed) return;
    a->closed = true;
    loop_timer_stop(a->loop, &a->look);
    uv_close((uv_handle_t *)&a->poll, on_closed);
    (void)close(a->fd);
}
