#include "cli/chat_output.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

/* poll(2)'s one descriptor for reading is all that wait_for() takes; an epoll descriptor turns
 * "can be written to" into that. A regular file cannot be watched, and need not. */
static int watch_room(int fd) {
    int room = epoll_create1(EPOLL_CLOEXEC);
    if (room >= 0 &&
        epoll_ctl(room, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLOUT})) {
        close(room);
        room = -1;
    }
    return room;
}

void chat_output_init(chat_output *o, int fd) {
    *o = (chat_output){.fd = fd, .filtered = isatty(fd), .room = watch_room(fd)};
}

void chat_output_done(chat_output *o) {
    if (o->room >= 0) close(o->room);
    buf_done(&o->scratch);
    buf_done(&o->waiting);
}

/* Line ends wait until something follows them. */
static void add_text(chat_output *o, span text) {
    for (span line; span_cut(&text, '\n', &line);) {
        if (line.len) {
            for (; o->line_ends; o->line_ends--)
                buf_add_char(&o->waiting, '\n');
            buf_add(&o->waiting, line);
            o->any = true;
        }
        o->line_ends += text.ptr != NULL;
    }
}

void chat_output_add(chat_output *o, span text) {
    if (!text.len) return;
    if (o->filtered) {
        buf_clear(&o->scratch);
        chat_filter_add(&o->filter, text, &o->scratch);
        text = buf_span(&o->scratch);
    }
    add_text(o, text);
    chat_output_flush(o);
}

void chat_output_end(chat_output *o) {
    buf_clear(&o->scratch);
    chat_filter_end(&o->filter, &o->scratch);
    add_text(o, buf_span(&o->scratch));
    if (o->any) buf_add_char(&o->waiting, '\n');
    o->any = false;
    o->line_ends = 0;
    chat_output_flush(o);
}

void chat_output_add_line(chat_output *o, span line) {
    buf_add(&o->waiting, line);
    buf_add_char(&o->waiting, '\n');
    chat_output_flush(o);
}

/* ---- writing ---- */

static bool has_room(const chat_output *o) {
    struct epoll_event event;
    return o->room < 0 || epoll_wait(o->room, &event, 1, 0) > 0;
}

void chat_output_drop(chat_output *o) {
    buf_clear(&o->waiting);
}

void chat_output_flush(chat_output *o) {
    size_t written = 0;
    while (!o->error && written < o->waiting.len && has_room(o)) {
        size_t len = o->waiting.len - written;
        /* What has room takes PIPE_BUF bytes without waiting: pipe(7). */
        ssize_t n = write(o->fd, o->waiting.ptr + written, len < PIPE_BUF ? len : PIPE_BUF);
        if (n >= 0)
            written += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            o->error = errno;
    }
    if (o->error)
        chat_output_drop(o);
    else
        buf_drop_front(&o->waiting, written);
}

int chat_output_wait_fd(const chat_output *o) {
    return o->waiting.len ? o->room : -1;
}
