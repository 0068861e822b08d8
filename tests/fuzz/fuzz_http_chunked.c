/* Aims at http_chunked_read().
 *
 * Whatever the cut, the outcome is the same; and what is accepted, llhttp accepts too and finds the
 * same body and the same end in it: weir's reader is the narrower of the two. (But for
 * extensions and trailers: llhttp 8.1 stumbles over `a=b;c="d"`, and reads a Content-Length among
 * the trailers, which weir drops unread. What it accepts of them, it must agree on.) */
#include "fuzz.h"

#include <llhttp.h>

#include "base/buf.h"
#include "http/chunked.h"

typedef struct outcome {
    http_chunked_result result;
    const char *why;
    size_t used;
    size_t trailer; /* bytes, with the blank line */
    buf body;
} outcome;

static outcome read_in_steps(span bytes, size_t step) {
    const http_chunked_limits limits = {
        .ext_bytes = 64, .ext_total_bytes = 200, .trailer_bytes = 200};
    outcome o = {.result = HTTP_CHUNKED_MORE};
    http_chunked c;
    http_chunked_init(&c);
    for (size_t at = 0; at < bytes.len && o.result == HTTP_CHUNKED_MORE; at += step) {
        span given = fuzz_piece(bytes, at, step), in = given, piece;
        while ((o.result = http_chunked_read(&c, &limits, &in, &piece, &o.why)) ==
               HTTP_CHUNKED_DATA) {
            HOLDS(piece.len > 0);
            buf_add(&o.body, piece);
        }
        o.used += given.len - in.len;
        HOLDS(o.result != HTTP_CHUNKED_MORE || in.len == 0);
        free((void *)given.ptr);
    }
    o.trailer = c.trailer;
    return o;
}

static void check_equal(const outcome *a, const outcome *b) {
    HOLDS(a->result == b->result && a->why == b->why && a->used == b->used);
    HOLDS(span_eq(buf_span(&a->body), buf_span(&b->body)));
}

/* ---- llhttp on the same bytes ---- */

typedef struct peer {
    llhttp_t llhttp;
    buf body;
    bool complete;
} peer;

static int peer_body(llhttp_t *l, const char *at, size_t len) {
    buf_add(&((peer *)l->data)->body, span_from(at, len));
    return 0;
}

static int peer_complete(llhttp_t *l) {
    ((peer *)l->data)->complete = true;
    return HPE_PAUSED;
}

static void check_peer_agrees(span bytes, const outcome *ours) {
    static const span head =
        SPAN("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    llhttp_settings_t settings = {.on_body = peer_body, .on_message_complete = peer_complete};
    peer p = {.body = BUF_EMPTY};
    llhttp_init(&p.llhttp, HTTP_REQUEST, &settings);
    p.llhttp.data = &p;
    HOLDS(llhttp_execute(&p.llhttp, head.ptr, head.len) == HPE_OK);
    llhttp_errno_t err = llhttp_execute(&p.llhttp, bytes.ptr, ours->used);
    if (err == HPE_PAUSED) {
        HOLDS(p.complete && llhttp_get_error_pos(&p.llhttp) == bytes.ptr + ours->used);
        HOLDS(span_eq(buf_span(&p.body), buf_span(&ours->body)));
    } else {
        HOLDS(span_find(bytes, 0, ';') < ours->used || ours->trailer > 2);
    }
    buf_done(&p.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 20000) return 0;
    span bytes = span_from((const char *)data + 1, size - 1);
    outcome whole = read_in_steps(bytes, bytes.len);
    outcome single = read_in_steps(bytes, 1);
    outcome pieces = read_in_steps(bytes, (size_t)data[0] + 2);
    check_equal(&whole, &single);
    check_equal(&whole, &pieces);
    if (whole.result == HTTP_CHUNKED_END) check_peer_agrees(bytes, &whole);
    buf_done(&whole.body);
    buf_done(&single.body);
    buf_done(&pieces.body);
    return 0;
}
