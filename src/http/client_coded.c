/* An answer's body in a content coding, undone in slices (http/coded.h).
 *
 * What is left of a read waits for the next turn, and the socket is not read meanwhile. Neither is
 * anything told while the call is paused. That the connection has ended is heard when what came
 * before has been told.
 */
#include "http/client_internal.h"

#include "base/mem.h"

#include <stdlib.h>

struct coded_body {
    http_conn *conn;
    http_coded *decoder;
    http_coded_result spoilt; /* its word where it gave up; else MORE, which is 0 */
    bool sliced;              /* this turn tells no more */
    buf kept;                 /* what waits: taken bytes of it do no more */
    size_t taken;
    size_t coded; /* of those that wait, the first so many are for the decoder */
    bool waits;
    timer timer; /* to the next turn */
    bool lost;   /* the connection, so */
    transport_fail why;
    buf text;
};

static loop *loop_of(const coded_body *b) {
    return b->conn->origin->client->loop;
}

/* ---- life ---- */

static void on_turn(timer *t) {
    client_conn_go_on(CONTAINER_OF(t, coded_body, timer)->conn);
}

coded_body *coded_body_new(http_conn *conn, http_coding coding) {
    coded_body *b = mem_zalloc(sizeof *b);
    b->conn = conn;
    b->decoder = http_coded_new(loop_of(b), coding);
    timer_init(&b->timer, on_turn);
    return b;
}

void coded_body_stop(coded_body *b) {
    if (b) loop_timer_stop(loop_of(b), &b->timer);
}

void coded_body_free(coded_body *b) {
    if (!b) return;
    http_coded_free(b->decoder);
    buf_done(&b->kept);
    buf_done(&b->text);
    free(b);
}

/* ---- bytes ---- */

/* A callback may close the connection, which is freed behind the codec: the decoder, in which the
 * piece lies that it was given, with it. */
bool coded_body_take(coded_body *b, span *input) {
    http_conn *conn = b->conn;
    span piece;
    http_coded_result got;
    while ((got = http_coded_take(b->decoder, input, &piece)) == HTTP_CODED_PIECE) {
        if (!call_on_body(conn->call, piece)) return false;
        b->sliced = conn->call->paused;
        if (b->sliced) return false;
    }
    b->sliced = got == HTTP_CODED_ENOUGH;
    if (!b->sliced) b->spoilt = got;
    return got == HTTP_CODED_MORE;
}

http_coded_result coded_body_spoilt(const coded_body *b) {
    return b->spoilt;
}

bool coded_body_is_whole(const coded_body *b) {
    return http_coded_is_whole(b->decoder);
}

/* ---- what waits ---- */

bool coded_body_waits(const coded_body *b) {
    return b && b->waits;
}

static bool is_kept(const coded_body *b, span bytes) {
    return b->kept.ptr && bytes.ptr >= b->kept.ptr && bytes.ptr <= b->kept.ptr + b->kept.len;
}

bool coded_body_keep(coded_body *b, span rest, size_t coded) {
    if (!b || !b->sliced) return false;
    b->sliced = false;
    b->coded = coded;
    if (is_kept(b, rest)) {
        b->taken = (size_t)(rest.ptr - b->kept.ptr);
    } else {
        b->taken = 0;
        buf_clear(&b->kept);
        buf_add(&b->kept, rest);
    }
    if (!b->waits) transport_pause(b->conn->t);
    b->waits = true;
    coded_body_resume(b);
    return true;
}

void coded_body_resume(coded_body *b) {
    if (!b->conn->call->paused) loop_timer_start(loop_of(b), &b->timer, 0);
}

void coded_body_add(coded_body *b, span bytes) {
    buf_add(&b->kept, bytes);
}

span coded_body_waiting(const coded_body *b, size_t *ret_coded) {
    *ret_coded = b->coded;
    return span_slice(buf_span(&b->kept), b->taken, b->kept.len);
}

void coded_body_told(coded_body *b) {
    if (!coded_body_waits(b)) return;
    b->waits = false;
    b->taken = b->coded = 0;
    buf_done(&b->kept);
    if (!b->lost && !b->conn->call->paused) transport_resume(b->conn->t);
}

/* ---- the end of the connection ---- */

void coded_body_lose(coded_body *b, transport_fail why, const char *text) {
    b->lost = true;
    b->why = why;
    buf_clear(&b->text);
    buf_add_cstr(&b->text, text);
}

bool coded_body_is_lost(const coded_body *b, transport_fail *ret_why, span *ret_text) {
    if (!b || !b->lost) return false;
    *ret_why = b->why;
    *ret_text = buf_span(&b->text);
    return true;
}
