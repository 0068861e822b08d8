#include "http/transport_internal.h"

#include "base/mem.h"
#include "http/tls_stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- life ---- */

static void ignore_data(void *user, span bytes) {
    (void)user;
    (void)bytes;
}

static void ignore_fail(void *user, transport_fail why, const char *text) {
    (void)user;
    (void)why;
    (void)text;
}

static const transport_ops nobody = {.on_data = ignore_data, .on_fail = ignore_fail};

static void on_linger_over(timer *due) {
    transport_close(CONTAINER_OF(due, transport, linger));
}

static bool flush_dirty(loop *l); /* the loop's writer */
static void on_hangup(hangup *h);

transport *transport_new(loop *l, const transport_ops *ops, void *user) {
    transport *t = mem_zalloc(sizeof *t);
    t->loop = l;
    l->write = flush_dirty;
    t->ops = ops;
    t->user = user;
    list_init(&t->link);
    list_init(&t->kept);
    timer_init(&t->linger, on_linger_over);
    hangup_init(&t->hangup, on_hangup);
    return t;
}

static void tls_wanted_done(transport *t) {
    tls_context_unref(t->tls_wanted.context);
    free((char *)t->tls_wanted.name.ptr);
    t->tls_wanted = (transport_tls){0};
}

static void free_when_closed(transport *t) {
    if (!t->closed || t->handles) return;
    tls_stream_free(t->tls);
    buf_done(&t->tls_backlog);
    output_count(t);
    tls_wanted_done(t);
    buf_done(&t->fail_text);
    free(t->peer);
    free(t);
}

void transport_set_owner(transport *t, const transport_ops *ops, void *user) {
    t->ops = ops;
    t->user = user;
}

/* ---- sockets ---- */

socket_handle *socket_new(transport *t, bool is_pipe) {
    socket_handle *s = mem_zalloc(sizeof *s);
    s->t = t;
    if (is_pipe) {
        uv_pipe_init(&t->loop->uv, &s->uv.pipe, 0);
    } else {
        uv_tcp_init(&t->loop->uv, &s->uv.tcp);
        uv_tcp_nodelay(&s->uv.tcp, 1); /* takes effect when the socket exists */
    }
    t->handles++;
    return s;
}

static void on_socket_closed(uv_handle_t *h) {
    socket_handle *s = CONTAINER_OF(h, socket_handle, uv.handle);
    transport *t = s->t;
    t->handles--;
    free(s);
    free_when_closed(t);
}

void socket_close(socket_handle *s) {
    uv_close(&s->uv.handle, on_socket_closed);
}

/* ---- telling the owner ---- */

void transport_mark_dirty(transport *t) {
    if (!list_empty(&t->link)) return;
    if (t->first)
        list_push_front(&t->loop->dirty, &t->link);
    else
        list_push_back(&t->loop->dirty, &t->link);
}

void transport_set_first(transport *t) {
    t->first = true;
}

void transport_fail_later(transport *t, transport_fail why, const char *text) {
    if (t->fail_due) return;
    t->fail_due = true;
    t->fail = why;
    buf_clear(&t->fail_text);
    buf_add_cstr(&t->fail_text, text);
    transport_mark_dirty(t);
}

transport_fail transport_why(transport *t, int err, transport_fail else_why) {
    t->shortage = shortage_of_errno(-err);
    return t->shortage ? TRANSPORT_SHORT : else_why;
}

/* While the socket is read, its end comes from there, after what the peer still had to say: a
 * provider that refuses a long request early answers and closes before it has taken all of it. */
void transport_broke(transport *t, int err) {
    output_drop(t);
    t->broken = err;
    if (t->finishing)
        transport_close(t);
    else if (t->paused || t->eof)
        transport_fail_later(t, transport_why(t, err, TRANSPORT_RESET), uv_strerror(err));
}

static void tell(transport *t) {
    if (t->fail_due) {
        t->fail_due = false;
        t->ops->on_fail(t->user, t->fail, buf_cstr(&t->fail_text));
        return;
    }
    if (t->broken) return;
    if (transport_pending(t)) { /* another owner's callback wrote here in the meantime */
        transport_mark_dirty(t);
        return;
    }
    if (t->finishing) {
        transport_finish_step(t);
        return;
    }
    if (!t->sent_due) return;
    t->sent_due = false;
    if (t->ops->on_sent) t->ops->on_sent(t->user);
}

/* Moves the ring of one head to another, which is empty. */
static void take_all(list *to, list *from) {
    if (list_empty(from)) return;
    list_push_back(from, to);
    list_remove(from);
}

/* Nobody is called while the batch is being written, so no owner's callback can put bytes before
 * those that the hooks have already answered for. */
static bool flush_dirty(loop *l) {
    list batch, to_tell;
    list_init(&batch);
    list_init(&to_tell);
    take_all(&batch, &l->dirty);
    for (list *node; (node = list_pop_front(&batch));) {
        transport *t = LIST_ENTRY(node, transport, link);
        output_flush(t);
        if (t->closed || !(t->fail_due || (t->open && !transport_pending(t)))) continue;
        list_remove(&t->link); /* a failed write has marked it again */
        list_push_back(&to_tell, &t->link);
    }
    bool told = !list_empty(&to_tell);
    for (list *node; (node = list_pop_front(&to_tell));)
        tell(LIST_ENTRY(node, transport, link));
    return told;
}

/* ---- input ---- */

/* The socket's own call, past libuv: a read of any file is asked more by the kernel. Returns the
 * bytes that came, 0 where there are none now, or a libuv error; the end is one. */
static ssize_t receive(const uv_handle_t *h, char *into, size_t room) {
    uv_os_fd_t fd;
    int err = uv_fileno(h, &fd);
    if (err) return err;
    ssize_t n;
    do
        n = recv(fd, into, room, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) return n;
    if (n == 0) return UV_EOF;
    return errno == EAGAIN ? 0 : uv_translate_sys_error(errno);
}

/* libuv is told that there is no memory to read into, so it reads nothing and says so to
 * on_readable(). */
static void lend_nothing(uv_handle_t *h, size_t suggested, uv_buf_t *ret) {
    (void)h;
    (void)suggested;
    *ret = (uv_buf_t){0};
}

void transport_ended(transport *t, transport_fail why, const char *text) {
    if (t->socket) uv_read_stop(&t->socket->uv.stream);
    hangup_stop(t->loop, &t->hangup);
    t->eof = true;
    if (t->finishing) {
        /* A peer that only stopped sending still waits for the rest of the answer. */
        if (why != TRANSPORT_EOF || t->shut) transport_close(t);
        return;
    }
    t->ops->on_fail(t->user, why, text);
}

/* A reset that a write has reported already reads as an end. */
static int what_ended(const transport *t) {
    if (t->broken) return t->broken;
    int fd, err = 0;
    socklen_t len = sizeof err;
    if (uv_fileno(&t->socket->uv.handle, &fd)) return UV_EOF;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) || !err) return UV_EOF;
    return uv_translate_sys_error(err);
}

static void on_read_error(transport *t, int err) {
    if (err == UV_EOF) err = what_ended(t);
    if (t->tls)
        tls_cut(t, err);
    else if (err == UV_EOF)
        transport_ended(t, TRANSPORT_EOF, "the peer closed the connection");
    else
        transport_ended(t, transport_why(t, err, TRANSPORT_RESET), uv_strerror(err));
}

/* Returns whether more may be there, and is wanted. */
static bool read_once(transport *t) {
    loop *l = t->loop;
    const ssize_t n = receive(&t->socket->uv.handle, l->read_buf, l->read_cap);
    if (n < 0)
        on_read_error(t, (int)n);
    else if (n > 0 && t->tls)
        tls_input(t, span_from(l->read_buf, (size_t)n));
    else if (n > 0)
        t->ops->on_data(t->user, span_from(l->read_buf, (size_t)n));
    return n == (ssize_t)l->read_cap && !t->closed && !t->paused && !t->eof;
}

/* The socket can be read: libuv has asked for memory, and is to have none. t lives until its handle
 * has been closed, which is never inside a callback. */
static void on_readable(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes) {
    enum { READS = 32, RECORDS = 1024 }; /* at once; the others in the next turn */
    transport *t = CONTAINER_OF(stream, socket_handle, uv.stream)->t;
    (void)n;
    (void)bytes;
    loop_enter(t->loop);
    /* Of records of a byte each there are thousands in one read. */
    const uint64_t before = tls_records(t);
    for (int i = 0; i < READS && read_once(t) && tls_records(t) - before < RECORDS; i++) {}
}

void transport_start_reading(transport *t) {
    uv_read_start(&t->socket->uv.stream, lend_nothing, on_readable);
}

static bool has_unread(const transport *t) {
    int fd, bytes = 0;
    return !uv_fileno(&t->socket->uv.handle, &fd) && !ioctl(fd, FIONREAD, &bytes) && bytes > 0;
}

/* Where nothing is unread, reading brings the end alone. */
static void on_hangup(hangup *h) {
    transport *t = CONTAINER_OF(h, transport, hangup);
    if (!has_unread(t))
        transport_start_reading(t);
    else if (t->ops->on_left)
        t->ops->on_left(t->user);
}

static void stop_reading(transport *t) {
    int fd;
    uv_read_stop(&t->socket->uv.stream);
    if (!uv_fileno(&t->socket->uv.handle, &fd)) hangup_watch(t->loop, &t->hangup, fd);
}

/* A handshake reads even while the owner wants nothing yet. */
static void set_reading(transport *t) {
    if (!t->open || t->eof) return;
    if (t->paused) {
        stop_reading(t);
        return;
    }
    hangup_stop(t->loop, &t->hangup);
    transport_start_reading(t);
}

void transport_pause(transport *t) {
    if (t->paused || t->closed) return;
    t->paused = true;
    set_reading(t);
}

void transport_resume(transport *t) {
    if (!t->paused || t->closed) return;
    t->paused = false;
    set_reading(t);
}

/* ---- beginning ---- */

void transport_set_open(transport *t) {
    t->open = true;
    set_reading(t);
    if (transport_pending(t)) transport_mark_dirty(t);
}

void transport_connected(transport *t, socket_handle *s) {
    t->socket = s;
    if (t->tls_wanted.context) {
        transport_start_tls(t, &t->tls_wanted);
        tls_wanted_done(t);
        return;
    }
    transport_set_open(t);
    if (t->ops->on_open) t->ops->on_open(t->user);
}

static void note_peer(transport *t, const struct sockaddr_storage *from) {
    buf text = BUF_EMPTY;
    sockaddr_text(from, &text);
    t->peer = mem_strndup(text.ptr, text.len);
    buf_done(&text);
    t->hold.holder = holder_of_address(from);
}

transport *transport_accept(loop *l, int fd, const struct sockaddr_storage *from, tls_context *tls,
                            const transport_ops *ops, void *user) {
    const bool is_unix = from->ss_family == AF_UNIX;
    loop_enter(l);
    transport *t = transport_new(l, ops, user);
    socket_handle *s = socket_new(t, is_unix);
    if (is_unix ? uv_pipe_open(&s->uv.pipe, fd) : uv_tcp_open(&s->uv.tcp, fd)) {
        (void)close(fd);
        t->closed = true;
        socket_close(s);
        return NULL;
    }
    t->socket = s;
    if (!is_unix) note_peer(t, from);
    if (tls)
        transport_start_tls(t, &(transport_tls){.context = tls});
    else
        transport_set_open(t);
    return t;
}

/* ---- end ---- */

static void detach(transport *t) {
    t->closed = true;
    t->ops = &nobody;
    list_remove(&t->link);
    loop_timer_stop(t->loop, &t->linger);
    hangup_stop(t->loop, &t->hangup);
    output_drop(t);
    if (t->connector) connector_free(t->connector);
    t->connector = NULL;
}

void transport_close(transport *t) {
    if (t->closed) return;
    if (t->tls && !t->in_flight) tls_say_goodbye(t);
    if (t->closed) return; /* that write failed, and closed a finishing transport */
    detach(t);
    if (t->socket) socket_close(t->socket);
    free_when_closed(t);
}

void transport_abort(transport *t) {
    if (t->closed) return;
    detach(t);
    bool tcp = t->socket && uv_handle_get_type(&t->socket->uv.handle) == UV_TCP;
    if (t->socket && (!tcp || uv_tcp_close_reset(&t->socket->uv.tcp, on_socket_closed)))
        socket_close(t->socket);
    free_when_closed(t);
}

void transport_finish(transport *t, int64_t linger_ms) {
    if (t->closed || t->finishing) return;
    if (!t->open || t->broken || linger_ms <= 0) {
        transport_flush(t);
        transport_close(t);
        return;
    }
    t->finishing = true;
    t->ops = &nobody;
    t->fail_due = false;
    loop_timer_start(t->loop, &t->linger, linger_ms);
    transport_resume(t);
    transport_mark_dirty(t);
}

static void on_shutdown(uv_shutdown_t *req, int status) {
    (void)status;
    transport *t = socket_of(req->handle)->t;
    free(req);
    loop_enter(t->loop);
    if (t->eof) transport_close(t);
}

void transport_finish_step(transport *t) {
    if (t->shut) return;
    t->shut = true;
    if (t->tls) tls_say_goodbye(t);
    if (t->closed) return; /* that write failed */
    uv_shutdown_t *req = mem_alloc(sizeof *req);
    if (!uv_shutdown(req, &t->socket->uv.stream, on_shutdown)) return;
    free(req);
    transport_close(t);
}

/* ---- facts ---- */

shortage transport_shortage(const transport *t) {
    return t->shortage;
}

bool transport_address(const transport *t, struct sockaddr_storage *ret) {
    struct sockaddr_storage found = {0};
    int len = sizeof found;
    if (!t->socket || t->socket->uv.handle.type != UV_TCP ||
        uv_tcp_getpeername(&t->socket->uv.tcp, (struct sockaddr *)&found, &len))
        return false;
    *ret = found;
    return true;
}

bool transport_is_open(const transport *t) {
    return t->open;
}

bool transport_is_unix(const transport *t) {
    return t->socket && uv_handle_get_type(&t->socket->uv.handle) == UV_NAMED_PIPE;
}

span transport_peer(const transport *t) {
    return t->peer ? span_cstr(t->peer) : SPAN_OF("unix");
}
