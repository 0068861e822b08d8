#include "loop/hangup.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One at a time: what is told may stop any other. */
static hangup *next_heard(const loop *l) {
    struct epoll_event event;
    return epoll_wait(l->hangup_fd, &event, 1, 0) == 1 ? event.data.ptr : NULL;
}

static void on_hangups(uv_poll_t *handle, int status, int events) {
    (void)status;
    (void)events;
    enum { AT_ONCE = 64 }; /* the others in the next turn */
    loop *l = CONTAINER_OF(handle, loop, hangups);
    loop_enter(l);
    for (int i = 0; i < AT_ONCE; i++) {
        hangup *h = next_heard(l);
        if (!h) return;
        hangup_stop(l, h);
        h->heard(h);
    }
}

void hangup_init(hangup *h, void (*heard)(hangup *h)) {
    *h = (hangup){.heard = heard, .fd = -1};
}

/* Where the kernel has no memory for it, the end is heard when the socket is read again. */
void hangup_watch(loop *l, hangup *h, int fd) {
    if (h->fd >= 0) return;
    struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = h};
    if (epoll_ctl(l->hangup_fd, EPOLL_CTL_ADD, fd, &event) == 0) h->fd = fd;
}

void hangup_stop(loop *l, hangup *h) {
    if (h->fd < 0) return;
    int err = epoll_ctl(l->hangup_fd, EPOLL_CTL_DEL, h->fd, NULL);
    assert(err == 0); /* the descriptor was closed under it */
    (void)err;
    h->fd = -1;
}

int hangups_open(loop *l) {
    l->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->hangup_fd < 0) return uv_translate_sys_error(errno);
    int err = uv_poll_init(&l->uv, &l->hangups, l->hangup_fd);
    if (err) {
        hangups_close(l);
        return err;
    }
    uv_poll_start(&l->hangups, UV_READABLE, on_hangups);
    uv_unref((uv_handle_t *)&l->hangups);
    return 0;
}

void hangups_close_handle(loop *l) {
    uv_close((uv_handle_t *)&l->hangups, NULL);
}

void hangups_close(loop *l) {
    (void)close(l->hangup_fd);
}
