/* The way out of a transport: gathered bytes, lent pieces, and the remainder in flight. */
#include "http/transport_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

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
    return n;
}

void output_consume(transport *t, size_t n) {
    size_t gathered = t->out.len - t->out_taken;
    if (n < gathered) {
        t->out_taken += n;
        return;
    }
    n -= gathered;
    t->out_taken = 0;
    loop_buf_give(t->loop, &t->out);
    while (t->lent_count) {
        size_t left = t->lent[0].len - t->lent_taken;
        if (n < left) {
            t->lent_taken += n;
            return;
        }
        n -= left;
        t->lent++;
        t->lent_count--;
        t->lent_taken = 0;
    }
}

void output_drop(transport *t) {
    t->out_taken = 0;
    loop_buf_give(t->loop, &t->out);
    t->lent_count = t->lent_taken = 0;
    output_count(t);
}

size_t transport_pending(const transport *t) {
    size_t sum = t->out.len - t->out_taken;
    for (size_t i = 0; i < t->lent_count; i++)
        sum += t->lent[i].len;
    sum -= t->lent_taken;
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
    free(r);
    transport_broke(t, err);
}

/* Moves all that waits into a libuv write: gathered bytes change hands, lent ones are pointed at.
 */
static void send_remainder(transport *t) {
    remainder *r = mem_zalloc(sizeof *r);
    size_t count = t->lent_count + 1;
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

/* Returns the bytes taken, or a libuv error; a full socket buffer is 0. */
static ssize_t try_write(transport *t, const span *pieces, size_t count, size_t *ret_offered) {
    uv_buf_t bufs[PIECES_AT_ONCE];
    size_t offered = 0;
    for (size_t i = 0; i < count; i++) {
        bufs[i] = (uv_buf_t){.base = (char *)pieces[i].ptr, .len = pieces[i].len};
        offered += pieces[i].len;
    }
    *ret_offered = offered;
    int n = uv_try_write(&t->socket->uv.stream, bufs, (unsigned)count);
    return n == UV_EAGAIN ? 0 : n;
}

static void flush_plain(transport *t) {
    span pieces[PIECES_AT_ONCE];
    size_t count;
    while ((count = output_pieces(t, pieces, ARRAY_LEN(pieces)))) {
        size_t offered;
        ssize_t n = try_write(t, pieces, count, &offered);
        if (n < 0) {
            transport_broke(t, (int)n);
            return;
        }
        output_consume(t, (size_t)n);
        if ((size_t)n < offered) {
            send_remainder(t);
            return;
        }
    }
}

void output_send_copy(transport *t, const span *pieces, size_t count) {
    assert(!t->in_flight && count <= PIECES_AT_ONCE);
    size_t offered;
    ssize_t n = try_write(t, pieces, count, &offered);
    if (n < 0) {
        transport_broke(t, (int)n);
        return;
    }
    if ((size_t)n == offered) return;
    remainder *r = mem_zalloc(sizeof *r);
    buf_reserve(&r->bytes, offered - (size_t)n);
    size_t skip = (size_t)n;
    for (size_t i = 0; i < count; i++) {
        size_t taken = skip < pieces[i].len ? skip : pieces[i].len;
        buf_add(&r->bytes, span_slice(pieces[i], taken, pieces[i].len));
        skip -= taken;
    }
    uv_buf_t rest = {.base = r->bytes.ptr, .len = r->bytes.len};
    start_remainder(t, r, &rest, 1);
    output_count(t);
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

static void copy_pieces(transport *t, const span *pieces, size_t count) {
    if (!t->out.ptr) loop_buf_take(t->loop, &t->out);
    for (size_t i = 0; i < count; i++)
        buf_add(&t->out, pieces[i]);
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
    if (!t->out.ptr) loop_buf_take(t->loop, &t->out);
    return &t->out;
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
                   !t->in_flight && !t->lent_count;
    bool gathered = t->out.len > t->out_taken;
    if (at_once && gathered && sum >= FLUSH_FIRST_BYTES) {
        loop_run_hooks(t->loop);
        output_flush(t);
        if (!takes_output(t)) return;
        gathered = t->in_flight;
    }
    if (at_once && !gathered) {
        loop_run_hooks(t->loop);
        output_send_copy(t, pieces, count);
    } else {
        flatten(t);
        copy_pieces(t, pieces, count);
    }
    transport_wrote(t);
}

void transport_lend(transport *t, const span *pieces, size_t count) {
    if (!takes_output(t)) return;
    if (t->lent_count) {
        flatten(t);
        copy_pieces(t, pieces, count);
    } else {
        t->lent = pieces;
        t->lent_count = count;
        t->lent_taken = 0;
    }
    transport_wrote(t);
}

void transport_flush(transport *t) {
    if (!t->closed) output_flush(t);
}
