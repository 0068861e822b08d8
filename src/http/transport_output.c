/* The way out of a transport: gathered bytes, lent pieces, and the remainder in flight. */
#include "http/transport_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    PIECES_AT_ONCE = 16,
    /* From here on a write of its own is cheaper than a copy into the gathered output. */
    WRITE_AT_ONCE_BYTES = 4096,
    /* And from here on also where others have gathered, which go first. */
    FLUSH_FIRST_BYTES = 64 * 1024,
};

size_t output_pieces(const transport *t, span *pieces, size_t max) {
    size_t n = 0;
    if (t->out.len > t->out_taken && n < max)
        pieces[n++] = span_from(t->out.ptr + t->out_taken, t->out.len - t->out_taken);
    for (size_t i = 0; i < t->lent_count && n < max; i++) {
        span piece = i ? t->lent[i] : span_slice(t->lent[0], t->lent_taken, t->lent[0].len);
        if (piece.len) pieces[n++] = piece;
    }
    LIST_FOREACH(&t->kept, it) {
        const kept_output *k = LIST_ENTRY(it, kept_output, link);
        if (k->bytes.len && n < max) pieces[n++] = k->bytes;
        if (k->after.len && n < max) pieces[n++] = buf_span(&k->after);
    }
    return n;
}

/* Each of these takes what is its own off n; true: nothing of it is left. */
static bool consume_gathered(transport *t, size_t *n) {
    size_t gathered = t->out.len - t->out_taken;
    if (*n < gathered) {
        t->out_taken += *n;
        return false;
    }
    *n -= gathered;
    t->out_taken = 0;
    loop_buf_give(t->loop, &t->out);
    return true;
}

static bool consume_lent(transport *t, size_t *n) {
    while (t->lent_count) {
        size_t left = t->lent[0].len - t->lent_taken;
        if (*n < left) {
            t->lent_taken += *n;
            return false;
        }
        *n -= left;
        t->lent++;
        t->lent_count--;
        t->lent_taken = 0;
    }
    return true;
}

static kept_output *first_kept(const transport *t) {
    return list_empty(&t->kept) ? NULL : LIST_ENTRY(t->kept.next, kept_output, link);
}

/* What stands behind it is gathered output like any other then. */
static bool consume_kept(transport *t, kept_output *k, size_t *n) {
    size_t taken = *n < k->bytes.len ? *n : k->bytes.len;
    k->bytes = span_slice(k->bytes, taken, k->bytes.len);
    *n -= taken;
    if (k->bytes.len) return false;
    list_remove(&k->link);
    keeper_unref(k->keeper);
    t->out = k->after;
    free(k);
    return true;
}

void output_consume(transport *t, size_t n) {
    kept_output *k;
    while (consume_gathered(t, &n) && consume_lent(t, &n) && (k = first_kept(t)))
        if (!consume_kept(t, k, &n)) return;
}

static void drop_kept(transport *t) {
    for (kept_output *k; (k = first_kept(t)); free(k)) {
        list_remove(&k->link);
        keeper_unref(k->keeper);
        buf_done(&k->after);
    }
}

void output_drop(transport *t) {
    t->out_taken = 0;
    loop_buf_give(t->loop, &t->out);
    t->lent_count = t->lent_taken = 0;
    drop_kept(t);
    output_count(t);
}

size_t transport_pending(const transport *t) {
    size_t sum = t->out.len - t->out_taken;
    for (size_t i = 0; i < t->lent_count; i++)
        sum += t->lent[i].len;
    sum -= t->lent_taken;
    LIST_FOREACH(&t->kept, it) {
        const kept_output *k = LIST_ENTRY(it, kept_output, link);
        sum += k->bytes.len + k->after.len;
    }
    if (t->in_flight) sum += uv_stream_get_write_queue_size(&t->socket->uv.stream);
    return sum;
}

/* ---- what the kernel did not take ---- */

static void on_written(uv_write_t *req, int status) {
    remainder *r = CONTAINER_OF(req, remainder, req);
    transport *t = r->t;
    loop_enter(t->loop);
    t->in_flight = NULL;
    loop_buf_give(t->loop, &r->bytes);
    keeper_unref(r->keeper);
    free(r);
    output_count(t);
    if (t->closed) return;
    if (status < 0)
        transport_broke(t, status);
    else
        transport_mark_dirty(t); /* writes what has gathered meanwhile, or tells that all is out */
}

static void start_remainder(transport *t, remainder *r, const uv_buf_t *bufs, size_t count) {
    r->t = t;
    t->in_flight = r;
    int err = uv_write(&r->req, &t->socket->uv.stream, bufs, (unsigned)count, on_written);
    if (!err) return;
    t->in_flight = NULL;
    buf_done(&r->bytes);
    keeper_unref(r->keeper);
    free(r);
    transport_broke(t, err);
}

/* Some of what is kept, with a reference of its own. */
static void send_kept(transport *t, const kept_output *k) {
    remainder *r = mem_zalloc(sizeof *r);
    span some = span_slice(k->bytes, 0, OUTPUT_AT_ONCE_BYTES);
    r->keeper = keeper_ref(k->keeper);
    output_consume(t, some.len);
    start_remainder(t, r, &(uv_buf_t){.base = (char *)some.ptr, .len = some.len}, 1);
}

/* Moves all that waits into a libuv write: gathered bytes change hands, lent ones are pointed at.
 * What is kept goes piece by piece. */
static void send_remainder(transport *t) {
    const kept_output *k = first_kept(t);
    bool gathered = t->out.len > t->out_taken;
    if (k && !gathered) {
        send_kept(t, k);
        return;
    }
    remainder *r = mem_zalloc(sizeof *r);
    size_t count = k ? 1 : t->lent_count + 1;
    span *pieces = mem_alloc(count * sizeof *pieces);
    uv_buf_t *bufs = mem_alloc(count * sizeof *bufs);
    count = output_pieces(t, pieces, count);
    for (size_t i = 0; i < count; i++)
        bufs[i] = (uv_buf_t){.base = (char *)pieces[i].ptr, .len = pieces[i].len};
    r->bytes = t->out;
    t->out = BUF_EMPTY;
    t->out_taken = t->lent_count = t->lent_taken = 0;
    start_remainder(t, r, bufs, count);
    free(bufs);
    free(pieces);
}

/* Returns the bytes taken, or a libuv error; a full socket buffer is 0. Past libuv, in whose queue
 * nothing waits: a socket's own calls pass by what a write to any file is asked. */
static ssize_t try_write(transport *t, const span *pieces, size_t count, size_t *ret_offered) {
    struct iovec parts[PIECES_AT_ONCE];
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    uv_os_fd_t fd;
    size_t offered = 0;
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct iovec){.iov_base = (char *)pieces[i].ptr, .iov_len = pieces[i].len};
        offered += pieces[i].len;
    }
    *ret_offered = offered;
    int err = uv_fileno(&t->socket->uv.handle, &fd);
    if (err) return err;
    ssize_t n;
    do
        n = count == 1 ? send(fd, pieces->ptr, pieces->len, MSG_NOSIGNAL)
                       : sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0) return n;
    return errno == EAGAIN || errno == ENOBUFS ? 0 : uv_translate_sys_error(errno);
}

/* Of the pieces so much: returns how many are left. */
static size_t clip_pieces(span *pieces, size_t count, size_t most) {
    for (size_t i = 0; i < count; i++) {
        pieces[i] = span_slice(pieces[i], 0, most);
        most -= pieces[i].len;
        if (!most) return i + 1;
    }
    return count;
}

static void flush_plain(transport *t) {
    span pieces[PIECES_AT_ONCE];
    size_t count, left = list_empty(&t->kept) ? SIZE_MAX : OUTPUT_AT_ONCE_BYTES;
    while ((count = output_pieces(t, pieces, ARRAY_LEN(pieces)))) {
        size_t offered = 0;
        ssize_t n = left ? try_write(t, pieces, clip_pieces(pieces, count, left), &offered) : 0;
        if (n < 0) {
            transport_broke(t, (int)n);
            return;
        }
        output_consume(t, (size_t)n);
        if ((size_t)n < offered || !left) {
            send_remainder(t);
            return;
        }
        left -= offered;
    }
}

/* From behind the first `skip` bytes of them. */
static void send_rest(transport *t, const span *pieces, size_t count, size_t skip) {
    remainder *r = mem_zalloc(sizeof *r);
    for (size_t i = 0; i < count; i++) {
        size_t taken = skip < pieces[i].len ? skip : pieces[i].len;
        buf_add(&r->bytes, span_slice(pieces[i], taken, pieces[i].len));
        skip -= taken;
    }
    uv_buf_t rest = {.base = r->bytes.ptr, .len = r->bytes.len};
    start_remainder(t, r, &rest, 1);
    output_count(t);
}

void output_send_copy(transport *t, const span *pieces, size_t count) {
    assert(!t->in_flight && count <= PIECES_AT_ONCE);
    size_t offered;
    ssize_t n = try_write(t, pieces, count, &offered);
    if (n < 0)
        transport_broke(t, (int)n);
    else if ((size_t)n < offered)
        send_rest(t, pieces, count, (size_t)n);
}

void output_send_later(transport *t, const span *pieces, size_t count) {
    assert(!t->in_flight);
    send_rest(t, pieces, count, 0);
}

void output_flush(transport *t) {
    if (!t->open || t->in_flight || t->broken) return;
    if (t->tls)
        tls_flush(t);
    else
        flush_plain(t);
    output_count(t);
}

/* ---- gathering ---- */

/* Where new bytes go: behind all that waits. */
static buf *tail(transport *t) {
    if (!list_empty(&t->kept)) return &LIST_ENTRY(t->kept.prev, kept_output, link)->after;
    if (!t->out.ptr) loop_buf_take(t->loop, &t->out);
    return &t->out;
}

static void copy_pieces(transport *t, const span *pieces, size_t count) {
    buf *out = tail(t);
    for (size_t i = 0; i < count; i++)
        buf_add(out, pieces[i]);
    output_count(t);
}

/* New bytes come after lent ones, so those are copied after all. Rare: a request's body is the last
 * that is written. */
static void flatten(transport *t) {
    if (!t->lent_count) return;
    const span *lent = t->lent;
    size_t count = t->lent_count, taken = t->lent_taken;
    t->lent_count = t->lent_taken = 0;
    span first = span_slice(lent[0], taken, lent[0].len);
    copy_pieces(t, &first, 1);
    copy_pieces(t, lent + 1, count - 1);
}

static bool takes_output(const transport *t) {
    return !t->closed && !t->broken && !t->finishing;
}

buf *transport_out(transport *t) {
    flatten(t);
    return tail(t);
}

void transport_wrote(transport *t) {
    if (!takes_output(t)) {
        output_drop(t);
        return;
    }
    t->sent_due = true;
    transport_mark_dirty(t);
}

void transport_write(transport *t, span bytes) {
    if (!takes_output(t)) return;
    buf_add(transport_out(t), bytes);
    transport_wrote(t);
}

void transport_writev(transport *t, const span *pieces, size_t count) {
    if (!takes_output(t)) return;
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += pieces[i].len;
    bool at_once = sum >= WRITE_AT_ONCE_BYTES && count <= PIECES_AT_ONCE && t->open && !t->tls &&
                   !t->in_flight && !t->lent_count && list_empty(&t->kept);
    bool gathered = t->out.len > t->out_taken;
    if (at_once && gathered && sum >= FLUSH_FIRST_BYTES) {
        loop_run_hooks(t->loop, false);
        output_flush(t);
        if (!takes_output(t)) return;
        gathered = t->in_flight;
    }
    if (at_once && !gathered) {
        loop_run_hooks(t->loop, false);
        output_send_copy(t, pieces, count);
    } else {
        flatten(t);
        copy_pieces(t, pieces, count);
    }
    transport_wrote(t);
}

void transport_lend(transport *t, const span *pieces, size_t count) {
    if (!takes_output(t)) return;
    if (t->lent_count || !list_empty(&t->kept)) {
        flatten(t);
        copy_pieces(t, pieces, count);
    } else {
        t->lent = pieces;
        t->lent_count = count;
        t->lent_taken = 0;
    }
    transport_wrote(t);
}

void transport_write_kept(transport *t, const kept_text *text) {
    if (!takes_output(t)) return;
    if (!text->bytes.len) {
        transport_writev(t, (span[]){text->before, text->after}, 2);
        return;
    }
    kept_output *k = mem_zalloc(sizeof *k);
    *k = (kept_output){.bytes = text->bytes, .keeper = keeper_ref(text->keeper)};
    buf_add(transport_out(t), text->before);
    list_push_back(&t->kept, &k->link);
    buf_add(&k->after, text->after);
    transport_wrote(t);
}

void transport_flush(transport *t) {
    if (!t->closed) output_flush(t);
}
