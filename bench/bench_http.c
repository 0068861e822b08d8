/* What the HTTP codec costs: nanoseconds a message, the best of many short rounds.
 *
 *   ninja -C build bench/bench-http && build/bench/bench-http
 */
#include "base/buf.h"
#include "http/codec.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static double now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool on_head(void *user, const http_head *head) {
    *(size_t *)user += head->headers.count;
    return true;
}

static bool on_body(void *user, span piece) {
    *(size_t *)user += piece.len;
    return true;
}

static bool on_end(void *user) {
    (void)user;
    return true;
}

static const http_codec_ops ops = {on_head, on_body, on_end};
static const http_codec_limits limits = {.head_bytes = 65536, .url_bytes = 8192, .headers = 100};

/* One connection that is idle between messages, as a server's is. step 0: each message in one read.
 */
static double feed_ns(http_codec_kind kind, span bytes, size_t step) {
    size_t sum = 0, times = 200 / (1 + bytes.len / 2000);
    double best = 1e18;
    http_codec *c = http_codec_new(kind, &limits, &ops, &sum);
    for (int round = 0; round < 2000; round++) {
        double from = now_ns();
        for (size_t i = 0; i < times; i++) {
            for (size_t at = 0; at < bytes.len; at += step ? step : bytes.len) {
                size_t used;
                span piece = step ? span_slice(bytes, at, at + step) : bytes;
                if (http_codec_feed(c, piece, &used) == HTTP_FEED_BAD) return -1;
            }
            http_codec_shrink(c);
        }
        double each = (now_ns() - from) / (double)times;
        if (each < best) best = each;
    }
    http_codec_free(c);
    return best;
}

/* What the Python SDK sends, and an answer as a provider gives it. */
#define SDK_HEAD                                                                                   \
    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept-Encoding: gzip, "        \
    "deflate\r\nConnection: keep-alive\r\nAccept: application/json\r\nContent-Type: "              \
    "application/json\r\nUser-Agent: OpenAI/Python 1.99.1\r\nX-Stainless-Lang: python\r\n"         \
    "X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"           \
    "Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\n"
#define ANSWER_HEAD                                                                                \
    "HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 16:39:50 GMT\r\nContent-Type: "                     \
    "application/json\r\nConnection: keep-alive\r\nx-request-id: req_0123456789abcdef\r\n"         \
    "openai-processing-ms: 412\r\nx-ratelimit-limit-requests: 10000\r\n"                           \
    "x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\n"

static void add_chunks(buf *out, int count, size_t size) {
    for (int i = 0; i < count; i++)
        buf_addf(out, "%zx\r\n%0*d\r\n", size, (int)size, 0);
    buf_add_cstr(out, "0\r\n\r\n");
}

static void print(const char *name, http_codec_kind kind, buf *b, size_t step) {
    double ns = feed_ns(kind, buf_span(b), step);
    (void)printf("%-46s %7zu bytes %9.0f ns\n", name, b->len, ns);
    buf_clear(b);
}

int main(void) {
    buf b = BUF_EMPTY;
    buf_add_cstr(&b, SDK_HEAD "Content-Length: 0\r\n\r\n");
    print("request head, one read", HTTP_CODEC_REQUEST, &b, 0);
    buf_add_cstr(&b, SDK_HEAD "Content-Length: 0\r\n\r\n");
    print("request head, reads of 100 bytes", HTTP_CODEC_REQUEST, &b, 100);
    buf_addf(&b, SDK_HEAD "Content-Length: 1024\r\n\r\n%01024d", 0);
    print("request with 1 KB", HTTP_CODEC_REQUEST, &b, 0);
    buf_addf(&b, ANSWER_HEAD "Content-Length: 700\r\n\r\n%0700d", 0);
    print("answer with 0.7 KB", HTTP_CODEC_RESPONSE, &b, 0);
    buf_add_cstr(&b, ANSWER_HEAD "Transfer-Encoding: chunked\r\n\r\n");
    add_chunks(&b, 100, 200);
    print("answer in 100 chunks of 200 bytes", HTTP_CODEC_RESPONSE, &b, 0);
    buf_done(&b);
    return 0;
}
