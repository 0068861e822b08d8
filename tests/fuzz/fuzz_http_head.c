/* Aims at http_codec_feed() and all below it: head_scan_run(), http_parse_request(),
 * http_parse_answer(), http_chunked_read().
 *
 * The first byte chooses the kind of message and how the rest is cut. Whatever the cut, the outcome
 * is the same; and what is reported as a request obeys the rules, checked here by other means. */
#include "fuzz.h"

#include "http/codec_log.h"

static bool is_plain(span s, const char *forbidden) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f || (c && strchr(forbidden, c))) return false;
    }
    return true;
}

static void check_request(const http_head *h) {
    HOLDS(h->method_text.len && h->target.len && h->path.len);
    HOLDS(is_plain(h->target, " \t#"));
    HOLDS(h->path.ptr[0] == '/' || (h->method == HTTP_OPTIONS_M && h->path.ptr[0] == '*'));
    HOLDS(!span_ieq(h->method_text, SPAN_OF("CONNECT")));
    size_t hosts = http_header_count(h->headers, SPAN_OF("Host"));
    HOLDS(hosts == 1 || (hosts == 0 && h->minor == 0));
    HOLDS(http_header_count(h->headers, SPAN_OF("Authorization")) <= 1);
    HOLDS(!h->until_close);
}

static void check_head(const http_head *h) {
    size_t lengths = http_header_count(h->headers, SPAN_OF("Content-Length"));
    size_t codings = http_header_count(h->headers, SPAN_OF("Transfer-Encoding"));
    HOLDS(lengths + codings <= 1 && (codings == 0 || h->minor == 1));
    HOLDS(lengths == 0 || h->content_length >= 0);
    HOLDS(h->minor == 0 || h->minor == 1);
    HOLDS(h->headers.count <= log_limits.headers && h->target.len <= log_limits.url_bytes);
    for (size_t i = 0; i < h->headers.count; i++) {
        span name = h->headers.items[i].name, value = h->headers.items[i].value;
        HOLDS(name.len && value.ptr && is_plain(name, " \t:()<>@,;\\\"/[]?={}"));
        HOLDS(is_plain(value, "\r\n") && span_trim(value).len == value.len);
    }
    if (h->is_request) check_request(h);
}

static bool checked_head(void *user, const http_head *h) {
    check_head(h);
    return log_head(user, h);
}

static const http_codec_ops checked_ops = {checked_head, log_body, log_end};

static char *outcome(http_codec_kind kind, bool to_head, bool pause, span bytes, size_t step) {
    codec_log l = {.pause = pause};
    l.codec = http_codec_new(kind, &log_limits, &checked_ops, &l);
    if (to_head) http_codec_expect_head_answer(l.codec);
    for (size_t at = 0; at < bytes.len; at += step) {
        log_feed(&l, span_slice(bytes, at, at + step));
        HOLDS(l.heads - l.ends <= 1);
    }
    log_eof(&l);
    char *text = strdup(buf_cstr(&l.text));
    log_close(&l);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 20000) return 0;
    http_codec_kind kind = data[0] & 1 ? HTTP_CODEC_RESPONSE : HTTP_CODEC_REQUEST;
    bool to_head = data[0] & 2;
    size_t step = (data[0] >> 2) + 2;
    span bytes = span_from((const char *)data + 1, size - 1);
    char *whole = outcome(kind, to_head, false, bytes, bytes.len);
    char *single = outcome(kind, to_head, false, bytes, 1);
    char *pieces = outcome(kind, to_head, true, bytes, step);
    HOLDS(strcmp(whole, single) == 0 && strcmp(whole, pieces) == 0);
    free(whole);
    free(single);
    free(pieces);
    return 0;
}
