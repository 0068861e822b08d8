#include "http/codec.h"

#include "base/mem.h"
#include "http/chunked.h"
#include "http/head_parse.h"
#include "http/head_scan.h"

#include <assert.h>
#include <stdlib.h>

enum { CHUNK_EXT_DEFAULT = 256 };

/* What is awaited. */
typedef enum codec_state {
    CODEC_START,       /* the first byte of a message */
    CODEC_HEAD,        /* the rest of its head */
    CODEC_LENGTH,      /* body bytes, counted */
    CODEC_CHUNKED,     /* body bytes in chunks, or the trailers */
    CODEC_UNTIL_CLOSE, /* body bytes until the peer closes */
    CODEC_END,         /* nothing: on_end is due */
    CODEC_DEAD,
} codec_state;

/* An empty line before a request line is passed over once (RFC 9112 section 2.2). */
typedef enum lead { LEAD_NONE, LEAD_CR, LEAD_CRLF } lead;

struct http_codec {
    const http_codec_ops *ops;
    void *user;
    http_codec_limits limits;
    buf raw;             /* the head's bytes; empty while a head comes in one piece */
    http_parsed *parsed; /* its fields; spans point into raw */
    head_scan scan;
    union {
        int64_t left; /* CODEC_LENGTH */
        http_chunked chunked;
    };
    const char *why; /* CODEC_DEAD */
    unsigned char error;
    unsigned char state;
    unsigned char kind;
    unsigned char lead;
    bool head_answer; /* the next final answer is to HEAD */
};

http_codec *http_codec_new(http_codec_kind kind, const http_codec_limits *limits,
                           const http_codec_ops *ops, void *user) {
    http_codec *c = mem_zalloc(sizeof *c);
    c->kind = (unsigned char)kind;
    c->ops = ops;
    c->user = user;
    http_codec_set_limits(c, limits);
    return c;
}

void http_codec_set_limits(http_codec *c, const http_codec_limits *limits) {
    c->limits = *limits;
    if (!c->limits.trailer_bytes) c->limits.trailer_bytes = limits->head_bytes;
    if (!c->limits.chunk_ext_bytes) c->limits.chunk_ext_bytes = CHUNK_EXT_DEFAULT;
}

void http_codec_reuse(http_codec *c, const http_codec_limits *limits, void *user) {
    assert(http_codec_is_unused(c));
    c->user = user;
    http_codec_set_limits(c, limits);
}

void http_codec_free(http_codec *c) {
    if (!c) return;
    buf_done(&c->raw);
    free(c->parsed);
    free(c);
}

static bool die(http_codec *c, error_id id, const char *why) {
    c->state = CODEC_DEAD;
    c->error = (unsigned char)id;
    c->why = why;
    return false;
}

static span rest_of(span s, size_t used) {
    return span_from(s.ptr + used, s.len - used);
}

/* ---- the head ---- */

/* Passes over one empty line. Returns false when the input is used up, or when it was no line. */
static bool skip_lead(http_codec *c, span *in) {
    while (in->len && c->lead != LEAD_CRLF) {
        char byte = in->ptr[0];
        if (c->lead == LEAD_NONE && byte != '\r') return true;
        if (c->lead == LEAD_CR && byte != '\n')
            return die(c, ERR_BAD_HTTP, "The head contains CR without LF.");
        c->lead = c->lead == LEAD_NONE ? LEAD_CR : LEAD_CRLF;
        *in = rest_of(*in, 1);
    }
    return in->len > 0;
}

static bool begin(http_codec *c, span *in) {
    if (c->kind == HTTP_CODEC_REQUEST && !skip_lead(c, in)) return false;
    if (in->len == 0) return false;
    buf_clear(&c->raw);
    c->scan = (head_scan){0};
    c->lead = LEAD_NONE;
    c->state = CODEC_HEAD;
    return true;
}

static bool too_large(http_codec *c) {
    span target = http_parse_partial_target(buf_span(&c->raw));
    if (c->kind == HTTP_CODEC_REQUEST && target.len > c->limits.url_bytes)
        return die(c, ERR_URL_TOO_LONG, "The request target is too long.");
    return die(c, ERR_HEAD_TOO_LARGE, "The message head is too large.");
}

/* Keeps the head's bytes in raw and takes them off *in. true when the head is complete. A head that
 * comes whole is scanned where it lies and copied once, to its exact size. */
static bool gather(http_codec *c, span *in) {
    size_t before = c->raw.len;
    size_t room = before < c->limits.head_bytes ? c->limits.head_bytes - before : 0;
    span piece = span_from(in->ptr, in->len < room ? in->len : room);
    span head = piece;
    if (before) {
        buf_add(&c->raw, piece);
        head = buf_span(&c->raw);
    }
    size_t end = 0;
    const char *why = NULL;
    head_scan_result result = head_scan_run(&c->scan, head, c->limits.headers, &end, &why);
    if (result == HEAD_SCAN_END) {
        if (before)
            c->raw.len = end;
        else
            buf_add(&c->raw, span_from(head.ptr, end));
        *in = rest_of(*in, end - before);
        return true;
    }
    if (!before) buf_add(&c->raw, piece);
    *in = rest_of(*in, piece.len);
    if (result == HEAD_SCAN_BAD) return die(c, ERR_BAD_HTTP, why);
    if (result == HEAD_SCAN_TOO_MANY)
        return die(c, ERR_HEAD_TOO_LARGE, "The message has too many header fields.");
    if (c->raw.len >= c->limits.head_bytes) return too_large(c);
    return false;
}

static void make_room(http_codec *c, unsigned fields) {
    if (c->parsed && c->parsed->room >= fields) return;
    free(c->parsed);
    c->parsed = mem_alloc(sizeof *c->parsed + fields * sizeof c->parsed->fields[0]);
    c->parsed->room = fields;
}

static codec_state body_state(http_codec *c, const http_head *head) {
    if (!head->has_body) return CODEC_END;
    if (head->until_close) return CODEC_UNTIL_CLOSE;
    if (head->chunked) {
        http_chunked_init(&c->chunked);
        return CODEC_CHUNKED;
    }
    c->left = head->content_length;
    return CODEC_LENGTH;
}

static bool parse(http_codec *c) {
    http_parse_input in = {
        .bytes = buf_span(&c->raw),
        .fields = c->scan.lines - 1,
        .url_bytes = c->limits.url_bytes,
        .no_body = c->head_answer,
    };
    make_room(c, in.fields);
    http_parse_error error;
    bool ok = c->kind == HTTP_CODEC_REQUEST ? http_parse_request(&in, c->parsed, &error)
                                            : http_parse_answer(&in, c->parsed, &error);
    if (!ok) return die(c, error.id, error.why);
    const http_head *head = &c->parsed->head;
    if (!head->is_request && head->status >= 200) c->head_answer = false;
    c->state = (unsigned char)body_state(c, head);
    return true;
}

/* ---- one step for each state ----
 *
 * A callback that frees the codec returns false, so nothing of the codec may be touched after a
 * callback did. */

typedef enum step { STEP_ON, STEP_MORE, STEP_PAUSED, STEP_BAD } step;

static step stuck(const http_codec *c) {
    return c->state == CODEC_DEAD ? STEP_BAD : STEP_MORE;
}

static step step_start(http_codec *c, span *in) {
    return begin(c, in) ? STEP_ON : stuck(c);
}

static step step_head(http_codec *c, span *in) {
    if (in->len == 0) return STEP_MORE;
    if (!gather(c, in) || !parse(c)) return stuck(c);
    return c->ops->on_head(c->user, &c->parsed->head) ? STEP_ON : STEP_PAUSED;
}

static step step_length(http_codec *c, span *in) {
    if (in->len == 0) return STEP_MORE;
    size_t n = (uint64_t)c->left < in->len ? (size_t)c->left : in->len;
    span piece = span_from(in->ptr, n);
    *in = rest_of(*in, n);
    c->left -= (int64_t)n;
    if (c->left == 0) c->state = CODEC_END;
    return c->ops->on_body(c->user, piece) ? STEP_ON : STEP_PAUSED;
}

static step step_chunked(http_codec *c, span *in) {
    const http_chunked_limits limits = {
        .ext_bytes = c->limits.chunk_ext_bytes,
        .ext_total_bytes = c->limits.head_bytes,
        .trailer_bytes = c->limits.trailer_bytes,
    };
    span piece;
    const char *why;
    switch (http_chunked_read(&c->chunked, &limits, in, &piece, &why)) {
    case HTTP_CHUNKED_DATA: return c->ops->on_body(c->user, piece) ? STEP_ON : STEP_PAUSED;
    case HTTP_CHUNKED_END: c->state = CODEC_END; return STEP_ON;
    case HTTP_CHUNKED_BAD: die(c, ERR_BAD_HTTP, why); return STEP_BAD;
    default: return STEP_MORE;
    }
}

static step step_until_close(http_codec *c, span *in) {
    if (in->len == 0) return STEP_MORE;
    span piece = *in;
    *in = rest_of(*in, in->len);
    return c->ops->on_body(c->user, piece) ? STEP_ON : STEP_PAUSED;
}

static step step_end(http_codec *c) {
    c->state = CODEC_START;
    return c->ops->on_end(c->user) ? STEP_ON : STEP_PAUSED;
}

static step take(http_codec *c, span *in) {
    switch ((codec_state)c->state) {
    case CODEC_START: return step_start(c, in);
    case CODEC_HEAD: return step_head(c, in);
    case CODEC_LENGTH: return step_length(c, in);
    case CODEC_CHUNKED: return step_chunked(c, in);
    case CODEC_UNTIL_CLOSE: return step_until_close(c, in);
    case CODEC_END: return step_end(c);
    case CODEC_DEAD: break;
    }
    return STEP_BAD;
}

http_feed_result http_codec_feed(http_codec *c, span bytes, size_t *ret_consumed) {
    span in = bytes;
    step s;
    do
        s = take(c, &in);
    while (s == STEP_ON);
    *ret_consumed = bytes.len - in.len;
    if (s == STEP_PAUSED) return HTTP_FEED_PAUSED;
    return s == STEP_BAD ? HTTP_FEED_BAD : HTTP_FEED_OK;
}

bool http_codec_eof(http_codec *c) {
    if (c->state == CODEC_START) return true;
    if (c->state != CODEC_UNTIL_CLOSE && c->state != CODEC_END) return false;
    (void)step_end(c);
    return true;
}

error_id http_codec_error(const http_codec *c, const char **ret_why) {
    if (c->state != CODEC_DEAD) return ERR_NONE;
    *ret_why = c->why;
    return (error_id)c->error;
}

bool http_codec_in_message(const http_codec *c) {
    return c->state != CODEC_START;
}

bool http_codec_is_unused(const http_codec *c) {
    return c->state == CODEC_START && c->lead == LEAD_NONE && !c->head_answer;
}

void http_codec_expect_head_answer(http_codec *c) {
    c->head_answer = true;
}

void http_codec_shrink(http_codec *c) {
    if (c->state == CODEC_HEAD) return;
    buf_done(&c->raw);
    free(c->parsed);
    c->parsed = NULL;
}

void http_codec_trim(http_codec *c, size_t most) {
    const http_parsed *p = c->parsed;
    const size_t fields = p ? sizeof *p + p->room * sizeof p->fields[0] : 0;
    if (c->raw.cap + fields > most) http_codec_shrink(c);
}

http_head_memory http_codec_take_head(http_codec *c) {
    assert(c->state != CODEC_HEAD);
    const http_head_memory taken = {c->raw.ptr, c->parsed};
    c->raw = BUF_EMPTY;
    c->parsed = NULL;
    return taken;
}
