/* A codec whose callbacks are written down as text, so that two ways of feeding can be compared. */
#ifndef WEIR_UNIT_CODEC_LOG_H
#define WEIR_UNIT_CODEC_LOG_H

#include "http/codec.h"

typedef struct codec_log {
    http_codec *codec;
    buf text;
    buf body; /* of the message so far */
    unsigned heads, ends;
    bool pause; /* every callback asks for a pause */
    bool bad;
    size_t consumed;
} codec_log;

static inline void log_span(codec_log *l, const char *what, span s) {
    buf_addf(&l->text, "%s=", what);
    buf_add(&l->text, s);
    buf_add_char(&l->text, '\n');
}

static inline bool log_head(void *user, const http_head *h) {
    codec_log *l = user;
    l->heads++;
    log_span(l, "method", h->method_text);
    log_span(l, "target", h->target);
    log_span(l, "path", h->path);
    log_span(l, "query", h->query);
    log_span(l, "host", h->host);
    log_span(l, "reason", h->reason);
    buf_addf(&l->text,
             "minor=%d status=%d alive=%d body=%d chunked=%d close=%d length=%lld expect=%d\n",
             h->minor, h->status, h->keep_alive, h->has_body, h->chunked, h->until_close,
             (long long)h->content_length, h->expect_continue);
    for (size_t i = 0; i < h->headers.count; i++) {
        buf_add(&l->text, h->headers.items[i].name);
        log_span(l, "", h->headers.items[i].value);
    }
    return !l->pause;
}

static inline bool log_body(void *user, span piece) {
    codec_log *l = user;
    buf_add(&l->body, piece);
    return !l->pause;
}

static inline bool log_end(void *user) {
    codec_log *l = user;
    l->ends++;
    log_span(l, "end", buf_span(&l->body));
    buf_clear(&l->body);
    return !l->pause;
}

static const http_codec_ops log_ops = {log_head, log_body, log_end};
static const http_codec_limits log_limits = {
    .head_bytes = 4096, .url_bytes = 1024, .headers = 30, .trailer_bytes = 512};

static inline void log_open(codec_log *l, http_codec_kind kind, const http_codec_limits *limits) {
    *l = (codec_log){.codec = http_codec_new(kind, limits ? limits : &log_limits, &log_ops, l)};
}

static inline void log_close(codec_log *l) {
    http_codec_free(l->codec);
    buf_done(&l->text);
    buf_done(&l->body);
}

/* Feeds one piece, going on over pauses. The piece is copied to its exact size, so that a sanitizer
 * sees any read beyond it. */
static inline void log_feed(codec_log *l, span bytes) {
    char *copy = malloc(bytes.len ? bytes.len : 1);
    if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
    span in = span_from(copy, bytes.len);
    http_feed_result result = l->bad ? HTTP_FEED_BAD : HTTP_FEED_PAUSED;
    while (result == HTTP_FEED_PAUSED) {
        size_t used;
        result = http_codec_feed(l->codec, in, &used);
        l->consumed += used;
        in = span_from(in.ptr + used, in.len - used);
    }
    free(copy);
    if (result == HTTP_FEED_BAD && !l->bad) {
        const char *why = NULL;
        error_id id = http_codec_error(l->codec, &why);
        buf_addf(&l->text, "bad=%d %s\n", (int)id, why);
        l->bad = true;
    }
}

static inline void log_eof(codec_log *l) {
    if (!l->bad) buf_addf(&l->text, "eof=%d\n", http_codec_eof(l->codec));
}

/* What comes of bytes when they are fed in pieces: cut at `cut`, or byte by byte when `cut` is the
 * length or more plus one. The result is a C string to be freed. */
enum { CUT_NONE = -1, CUT_EVERYWHERE = -2 };
static inline char *log_of(http_codec_kind kind, span bytes, int cut, bool pause,
                           const http_codec_limits *limits) {
    codec_log l;
    log_open(&l, kind, limits);
    l.pause = pause;
    if (cut == CUT_EVERYWHERE) {
        for (size_t i = 0; i < bytes.len; i++)
            log_feed(&l, span_slice(bytes, i, i + 1));
    } else if (cut == CUT_NONE) {
        log_feed(&l, bytes);
    } else {
        log_feed(&l, span_slice(bytes, 0, (size_t)cut));
        log_feed(&l, span_slice(bytes, (size_t)cut, bytes.len));
    }
    log_eof(&l);
    char *text = strdup(buf_cstr(&l.text));
    log_close(&l);
    return text;
}

#endif
