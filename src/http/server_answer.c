#include "http/server_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Head and body up to here are gathered with other output; a larger body goes to the kernel
     * from where it lies. */
    GATHER_BYTES = 4096,
    /* Status line, the server's own fields and the blank line. */
    HEAD_FIXED_BYTES = 256,
    /* So many requests are kept to be used again, each with the memory of a body up to so large. */
    SPARE_MAX = MEM_REUSE ? 32 : 0,
    SPARE_BODY_BYTES = 4096,
};

/* ---- a request ---- */

static http_request *take_spare(http_server *s) {
    list *node = list_pop_front(&s->spare);
    if (!node) return mem_zalloc(sizeof(http_request));
    s->spare_count--;
    http_request *r = LIST_ENTRY(node, http_request, link);
    *r = (http_request){.body = r->body};
    return r;
}

http_request *http_request_new(conn *c, const http_head *head) {
    http_request *r = take_spare(c->server);
    list_init(&r->link);
    r->conn = c;
    r->head = head;
    r->hold.holder = transport_holder(c->io);
    r->body_limit = c->server->limits.body_bytes;
    r->coding = head->coded && head->has_body ? (unsigned char)http_coding_of(head->headers)
                                              : HTTP_CODING_NONE;
    return r;
}

void http_request_free(http_request *r) {
    http_server *s = r->conn->server;
    bool keep = s->spare_count < SPARE_MAX;
    body_drop(r, keep ? SPARE_BODY_BYTES : 0);
    http_coded_free(r->coded);
    if (keep) {
        s->spare_count++;
        list_push_front(&s->spare, &r->link);
    } else {
        free(r);
    }
}

void http_request_free_spare(http_server *s) {
    for (list *node; (node = list_pop_front(&s->spare));) {
        http_request *r = LIST_ENTRY(node, http_request, link);
        buf_done(&r->body);
        free(r);
    }
}

const http_head *http_request_head(const http_request *r) {
    return r->head;
}

span http_request_body(const http_request *r) {
    return buf_span(&r->body);
}

http_coding http_request_coding(const http_request *r) {
    return (http_coding)r->coding;
}

span http_request_peer(const http_request *r) {
    return transport_peer(r->conn->io);
}

bool http_request_is_unix(const http_request *r) {
    return transport_is_unix(r->conn->io);
}

void http_request_limit_body(http_request *r, size_t bytes) {
    r->body_limit = bytes;
}

uint64_t http_request_holder(const http_request *r) {
    return r->hold.holder;
}

void http_request_set_holder(http_request *r, uint64_t holder) {
    assert(!r->hold.bytes);
    r->hold.holder = holder;
    transport_set_holder(r->conn->io, holder);
    r->excess = !server_take_client(r->conn->server, r->conn, holder);
}

bool http_request_identified(http_request *r, uint64_t holder, size_t body_bytes) {
    conn *c = r->conn;
    assert(!r->started);
    if (holder) {
        transport_set_holder(c->io, holder);
        r->excess = !server_take_client(c->server, c, holder);
    }
    r->body_limit = body_bytes;
    return conn_judge_again(c, holder ? holder : r->hold.holder);
}

buf http_request_take_body(http_request *r, memory_hold *ret_hold) {
    buf body = r->body;
    *ret_hold = r->hold;
    r->body = BUF_EMPTY;
    r->hold.bytes = 0;
    return body;
}

void http_request_drop_body(http_request *r) {
    body_drop(r, 0);
}

static const http_head no_head = {.is_request = true, .minor = 1, .content_length = -1};

void http_request_drop_head(http_request *r) {
    if (!r->started || r->conn->state != CONN_BUSY) return;
    r->head = &no_head;
    http_codec_shrink(r->conn->codec);
}

http_head_memory http_request_take_head(http_request *r) {
    r->head = &no_head;
    return http_codec_take_head(r->conn->codec);
}

bool http_request_is_slow(const http_request *r) {
    return r->slow;
}

void http_request_set_user(http_request *r, void *user) {
    r->user = user;
}

void *http_request_user(const http_request *r) {
    return r->user;
}

/* ---- the head of an answer ---- */

typedef struct answer_head {
    int status;
    http_headers headers;
    int64_t length; /* Content-Length; -1: none */
    bool chunked;
    const char *connection; /* NULL: no Connection field */
} answer_head;

static void put(char **at, span s) {
    memcpy(*at, s.ptr, s.len);
    *at += s.len;
}

static void put_cstr(char **at, const char *cstr) {
    put(at, span_from(cstr, strlen(cstr)));
}

static void put_number(char **at, uint64_t value) {
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    put(at, span_from(digits + n, sizeof digits - n));
}

/* The server's own fields, and values that would break the head, are not taken from a handler. */
static bool is_writable(const http_header *h) {
    if (!http_header_is_safe(h->name, h->value)) return false;
    switch (h->name.len) {
    case 4: return !span_ieq(h->name, SPAN_OF("date"));
    case 10: return !span_ieq(h->name, SPAN_OF("connection"));
    case 14: return !span_ieq(h->name, SPAN_OF("content-length"));
    case 17: return !span_ieq(h->name, SPAN_OF("transfer-encoding"));
    default: return true;
    }
}

static size_t head_room(const answer_head *a) {
    size_t room = HEAD_FIXED_BYTES;
    for (size_t i = 0; i < a->headers.count; i++)
        room += a->headers.items[i].name.len + a->headers.items[i].value.len + 4;
    return room;
}

static void write_head(http_server *s, const answer_head *a, buf *out) {
    char *begin = buf_reserve(out, head_room(a)), *at = begin;
    put(&at, SPAN_OF("HTTP/1.1 "));
    put_number(&at, (uint64_t)a->status);
    put(&at, SPAN_OF(" "));
    put_cstr(&at, http_status_text(a->status));
    put(&at, SPAN_OF("\r\ndate: "));
    put(&at, span_from(server_date(s), CLOCK_HTTP_DATE_LEN));
    if (a->connection) {
        put(&at, SPAN_OF("\r\nconnection: "));
        put_cstr(&at, a->connection);
    }
    if (a->length >= 0) {
        put(&at, SPAN_OF("\r\ncontent-length: "));
        put_number(&at, (uint64_t)a->length);
    }
    if (a->chunked) put(&at, SPAN_OF("\r\ntransfer-encoding: chunked"));
    for (size_t i = 0; i < a->headers.count; i++) {
        const http_header *h = &a->headers.items[i];
        if (!is_writable(h)) continue;
        put(&at, SPAN_OF("\r\n"));
        put(&at, h->name);
        put(&at, SPAN_OF(": "));
        put(&at, h->value);
    }
    put(&at, SPAN_OF("\r\n\r\n"));
    buf_grow(out, (size_t)(at - begin));
}

/* ---- the whole answer ---- */

/* Returns the bytes written. */
static size_t write_whole(http_server *s, transport *io, const answer_head *a, span body) {
    if (body.len <= GATHER_BYTES) {
        buf *out = transport_out(io);
        size_t before = out->len;
        write_head(s, a, out);
        buf_add(out, body);
        size_t n = out->len - before;
        transport_wrote(io);
        return n;
    }
    buf_clear(&s->scratch);
    write_head(s, a, &s->scratch);
    span pieces[] = {buf_span(&s->scratch), body};
    size_t n = pieces[0].len + body.len;
    transport_writev(io, pieces, 2);
    return n;
}

/* No id of a request: it never became one. One is given all the same, to ask about it. */
void answer_refusal(http_server *s, transport *io, const http_request *r, error_id id,
                    const char *why) {
    buf body = BUF_EMPTY;
    char request_id[ID_LEN + 1];
    const http_head *head = r ? r->head : NULL;
    id_new(&s->loop->rng, clock_wall_us(), request_id);
    const http_refusal what = {.id = id,
                               .why = span_cstr(why),
                               .request_id = span_from(request_id, ID_LEN),
                               .peer = transport_peer(io),
                               .head = head,
                               .user = r ? r->user : NULL,
                               .beyond = r && r->beyond};
    s->ops->on_refused(s->user, &what, &body);
    const error_row *row = error_get(id);
    const bool passes = row->status == 503 || row->status == 429; /* and it is told when */
    const bool head_only = head && head->method == HTTP_HEAD_M;
    http_header headers[] = {
        {SPAN("content-type"), SPAN("application/json")},
        {SPAN("x-request-id"), what.request_id},
        {SPAN("x-should-retry"), row->should_retry ? SPAN_OF("true") : SPAN_OF("false")},
        {SPAN("retry-after"), SPAN("1")},
    };
    answer_head a = {
        .status = row->status,
        .headers = {headers, ARRAY_LEN(headers) - (passes ? 0 : 1)},
        .length = (int64_t)body.len,
        .connection = "close",
    };
    (void)write_whole(s, io, &a, head_only ? SPAN_EMPTY : buf_span(&body));
    buf_done(&body);
}

/* ---- an answer to a request ---- */

static bool is_bodiless_status(int status) {
    return status == 204 || status == 304 || status < 200;
}

/* Decides how the answer is framed and whether the connection lives on. */
static void start(http_request *r, bool whole, answer_head *a) {
    assert(!r->started);
    const http_head *head = r->head;
    bool old = head->minor == 0, none = is_bodiless_status(a->status);
    r->started = true;
    r->bodiless = none || head->method == HTTP_HEAD_M;
    r->chunked = a->chunked = !whole && !old && !none;
    if (none) a->length = -1;
    r->close = !head->keep_alive || r->conn->server->draining || !conn_can_skip(r->conn) ||
               later_is_lost(r->conn) || (!whole && old && !r->bodiless);
    a->connection = r->close ? "close" : old ? "keep-alive" : NULL;
}

static void complete(http_request *r) {
    r->complete = true;
    http_server *s = r->conn->server;
    list_push_back(&s->done, &r->link);
    loop_enter(s->loop); /* so that the hook which looks after s->done runs in this turn */
}

void http_answer(http_request *r, int status, http_headers headers, span body) {
    if (r->gone) return;
    conn *c = r->conn;
    answer_head a = {.status = status, .headers = headers, .length = (int64_t)body.len};
    start(r, true, &a);
    if (r->bodiless) body = SPAN_EMPTY;
    c->written += write_whole(c->server, c->io, &a, body);
    complete(r);
}

void http_answer_kept(http_request *r, int status, http_headers headers, const kept_text *body) {
    if (r->gone) return;
    conn *c = r->conn;
    answer_head a = {.status = status, .headers = headers, .length = (int64_t)kept_text_len(body)};
    start(r, true, &a);
    c->written += write_whole(c->server, c->io, &a, SPAN_EMPTY);
    if (!r->bodiless) {
        c->written += kept_text_len(body);
        transport_write_kept(c->io, body);
    }
    complete(r);
}

void http_answer_head(http_request *r, int status, http_headers headers) {
    if (r->gone) return;
    conn *c = r->conn;
    answer_head a = {.status = status, .headers = headers, .length = -1};
    start(r, false, &a);
    c->written += write_whole(c->server, c->io, &a, SPAN_EMPTY);
    conn_watch_output(c);
}

static bool takes_pieces(const http_request *r) {
    return !r->gone && r->started && !r->complete;
}

enum { CHUNK_SIZE_MAX = 18 };

/* "1f\r\n", at the end of room. */
static span chunk_size(char room[CHUNK_SIZE_MAX], size_t n) {
    static const char hex[] = "0123456789abcdef";
    size_t at = CHUNK_SIZE_MAX;
    room[--at] = '\n';
    room[--at] = '\r';
    do
        room[--at] = hex[n & 15];
    while ((n >>= 4));
    return span_from(room + at, CHUNK_SIZE_MAX - at);
}

static void watch_piece(http_request *r) {
    if (http_answer_full(r)) r->full = true;
    conn_watch_output(r->conn);
}

void http_answer_piece(http_request *r, span piece) {
    if (!takes_pieces(r) || piece.len == 0) return;
    conn *c = r->conn;
    if (r->bodiless) return;
    char size[CHUNK_SIZE_MAX];
    span pieces[] = {chunk_size(size, piece.len), piece, SPAN_OF("\r\n")};
    if (r->chunked) {
        c->written += pieces[0].len + piece.len + pieces[2].len;
        transport_writev(c->io, pieces, 3);
    } else {
        c->written += piece.len;
        transport_writev(c->io, &piece, 1);
    }
    watch_piece(r);
}

void http_answer_piece_kept(http_request *r, const kept_text *piece) {
    size_t len = kept_text_len(piece);
    if (!takes_pieces(r) || len == 0) return;
    conn *c = r->conn;
    if (r->bodiless) return;
    char size[CHUNK_SIZE_MAX];
    span frame = r->chunked ? chunk_size(size, len) : SPAN_EMPTY;
    span line_end = r->chunked ? SPAN_OF("\r\n") : SPAN_EMPTY;
    c->written += frame.len + len + line_end.len;
    transport_write(c->io, frame);
    transport_write_kept(c->io, piece);
    transport_write(c->io, line_end);
    watch_piece(r);
}

void http_answer_end(http_request *r) {
    if (!takes_pieces(r)) return;
    static const span last_chunk = SPAN("0\r\n\r\n");
    if (r->chunked && !r->bodiless) {
        r->conn->written += last_chunk.len;
        transport_write(r->conn->io, last_chunk);
    }
    complete(r);
}

void http_answer_abort(http_request *r) {
    if (r->gone || r->complete) return;
    r->aborted = true;
    complete(r);
}

void http_answer_break(http_request *r) {
    if (!takes_pieces(r)) return;
    r->told_so = true;
    http_answer_abort(r);
}

bool http_answer_full(const http_request *r) {
    return !r->gone && transport_pending(r->conn->io) > r->conn->server->limits.pending_bytes;
}

bool http_answer_started(const http_request *r) {
    return r->started;
}
