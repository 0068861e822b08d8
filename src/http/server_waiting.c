/* Bytes that were read before their time: of later requests, which come while one is answered, and
 * what is left of a read in which a turn has undone enough of a coded body (http/coded.h).
 *
 * Up to WAITING_BYTES are kept, then reading stops: what a client sends further waits in the
 * kernel's buffer and, where that is full, with the client. A client that leaves is heard over all
 * that the kernel has taken. Its end is not among that where the buffer is full: no server can tell
 * then whether there is still somebody. So where one answer lets the buffer stand full for
 * CROWDED_MS, the rest is read and dropped, up to the length of a body. Those requests are lost:
 * the connection ends with the answer that is awaited, which tells so if its head is still to come
 * (RFC 9112 section 9.6), and a client that is still there knows which of them it may ask again.
 *
 * While a body is sliced nothing is read, however little is kept, and nothing is lost.
 */
#include "http/server_internal.h"

#include "base/mem.h"

#include <stdlib.h>

enum {
    WAITING_BYTES = 16 * 1024,
    CROWDED_MS = 2000,
};

struct later {
    conn *conn;
    buf bytes;
    size_t from;      /* of bytes: what the codec has not had */
    size_t from_then; /* when the timer was started */
    size_t coded;     /* sliced: of what is kept, so many bytes are for the decoder */
    uint64_t dropped;
    timer timer; /* while reading stands still */
    timer turn;  /* sliced: to the next one */
    bool paused;
    bool sliced;
    bool lost; /* nothing of it will be answered */
};

static void watch(later *w) {
    w->from_then = w->from;
    loop_timer_start(w->conn->server->loop, &w->timer, CROWDED_MS);
}

static void pause_reading(later *w) {
    if (w->paused) return;
    w->paused = true;
    transport_pause(w->conn->io);
    watch(w);
}

static void resume_reading(later *w) {
    if (!w->paused) return;
    w->paused = false;
    loop_timer_stop(w->conn->server->loop, &w->timer);
    transport_resume(w->conn->io);
}

static void on_timer(timer *t) {
    later *w = CONTAINER_OF(t, later, timer);
    if (w->sliced || w->from != w->from_then || !transport_is_crowded(w->conn->io)) {
        watch(w);
        return;
    }
    w->lost = true;
    buf_done(&w->bytes);
    w->from = 0;
    resume_reading(w);
}

static void on_turn(timer *t) {
    conn_go_on(CONTAINER_OF(t, later, turn)->conn);
}

static later *later_new(conn *c) {
    later *w = mem_zalloc(sizeof *w);
    w->conn = c;
    timer_init(&w->timer, on_timer);
    timer_init(&w->turn, on_turn);
    return w;
}

bool later_keep(conn *c, span bytes) {
    if (bytes.len == 0) return true;
    if (!c->later) c->later = later_new(c);
    later *w = c->later;
    if (w->lost) {
        w->dropped += bytes.len;
        return w->dropped <= c->server->limits.body_bytes;
    }
    buf_add(&w->bytes, bytes);
    if (w->bytes.len - w->from >= WAITING_BYTES) pause_reading(w);
    return true;
}

span later_bytes(const conn *c) {
    const later *w = c->later;
    return w ? span_slice(buf_span(&w->bytes), w->from, w->bytes.len) : SPAN_EMPTY;
}

/* A client may see to it that something always waits. Each byte is moved once at most. */
static void forget_taken(later *w) {
    if (!w->from || w->from < w->bytes.len - w->from) return;
    buf_drop_front(&w->bytes, w->from);
    w->from = 0;
    if (w->paused) watch(w);
}

void later_took(conn *c, size_t n) {
    later *w = c->later;
    w->from += n;
    if (w->sliced || w->from < w->bytes.len) {
        forget_taken(w);
        return;
    }
    resume_reading(w);
    later_free(c);
}

void later_slice(conn *c, size_t coded) {
    if (!c->later) c->later = later_new(c);
    later *w = c->later;
    w->sliced = true;
    w->coded = coded;
    pause_reading(w);
    loop_timer_start(c->server->loop, &w->turn, 0);
}

bool later_is_sliced(const conn *c) {
    return c->later && c->later->sliced;
}

size_t later_coded(const conn *c) {
    return later_is_sliced(c) ? c->later->coded : 0;
}

void later_join(conn *c) {
    c->later->sliced = false;
}

bool later_is_lost(const conn *c) {
    return c->later && c->later->lost;
}

void later_stop(conn *c) {
    if (!c->later) return;
    loop_timer_stop(c->server->loop, &c->later->timer);
    loop_timer_stop(c->server->loop, &c->later->turn);
}

void later_free(conn *c) {
    later *w = c->later;
    if (!w) return;
    later_stop(c);
    c->later = NULL;
    buf_done(&w->bytes);
    free(w);
}
