/* A client of blocking sockets in the test's thread, for servers that run on another. Every wait
 * ends after GIVE_UP_S: a broken server fails a test and does not hang it. */
#ifndef WEIR_UNIT_WIRE_H
#define WEIR_UNIT_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/codec.h"

enum { GIVE_UP_S = 20 };

static const http_codec_limits wire_limits = {
    .head_bytes = 4096, .url_bytes = 1024, .headers = 30, .trailer_bytes = 512};

static inline void bound_waits(int fd) {
    struct timeval patience = {.tv_sec = GIVE_UP_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static inline int dial_port(uint16_t port) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    bound_waits(fd);
    int on = 1; /* a request in several pieces does not wait for the first one's acknowledgement */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0) return fd;
    (void)close(fd);
    return -1;
}

static inline void send_bytes(int fd, span bytes) {
    while (bytes.len) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        assert_true(n > 0);
        bytes = span_slice(bytes, (size_t)n, bytes.len);
    }
}

static inline void send_text(int fd, const char *text) {
    send_bytes(fd, span_cstr(text));
}

/* A GET of that path. */
static inline void get(int fd, const char *path) {
    char text[300];
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    send_text(fd, text);
}

/* Everything until the peer closes, or resets (ret_reset may be NULL). */
static inline char *read_all(int fd, bool *ret_reset) {
    buf b = BUF_EMPTY;
    ssize_t n;
    while ((n = recv(fd, buf_reserve(&b, 65536), 65536, 0)) > 0)
        buf_grow(&b, (size_t)n);
    if (n < 0 && errno != ECONNRESET) fail_msg("the server does not close: %s", buf_cstr(&b));
    if (ret_reset) *ret_reset = n < 0;
    char *text = strdup(buf_cstr(&b));
    buf_done(&b);
    return text;
}

/* One answer off a connection that stays open. */
typedef struct answer {
    int status;
    bool keep_alive;
    bool chunked;
    bool ended;
    int64_t length;
    size_t headers;
    char connection[20];
    char date[40];
    buf body;
} answer;

static inline bool answer_on_head(void *user, const http_head *h) {
    answer *a = user;
    a->status = h->status;
    a->keep_alive = h->keep_alive;
    a->chunked = h->chunked;
    a->length = h->content_length;
    span connection = http_header_get(h->headers, SPAN_OF("connection"));
    span date = http_header_get(h->headers, SPAN_OF("date"));
    (void)snprintf(a->connection, sizeof a->connection, "%.*s", SPAN_ARG(connection));
    (void)snprintf(a->date, sizeof a->date, "%.*s", SPAN_ARG(date));
    return true;
}

static inline bool answer_on_body(void *user, span piece) {
    buf_add(&((answer *)user)->body, piece);
    return true;
}

static inline bool answer_on_end(void *user) {
    ((answer *)user)->ended = true;
    return false;
}

static const http_codec_ops answer_ops = {answer_on_head, answer_on_body, answer_on_end};

static inline answer read_answer_of(int fd, bool to_head) {
    answer a = {0};
    http_codec *c = http_codec_new(HTTP_CODEC_RESPONSE, &wire_limits, &answer_ops, &a);
    if (to_head) http_codec_expect_head_answer(c);
    while (!a.ended) {
        /* Byte by byte, so that nothing of the next answer is taken. */
        char byte;
        ssize_t n = recv(fd, &byte, 1, 0);
        if (n <= 0) {
            assert_int_equal(n, 0);
            assert_true(http_codec_eof(c));
            break;
        }
        size_t used;
        if (http_codec_feed(c, span_from(&byte, 1), &used) == HTTP_FEED_BAD)
            fail_msg("the answer is malformed");
    }
    http_codec_free(c);
    return a;
}

static inline answer read_answer(int fd) {
    return read_answer_of(fd, false);
}

static inline void check_answer(int fd, int status, const char *body) {
    answer a = read_answer(fd);
    assert_int_equal(a.status, status);
    if (body) assert_span(buf_span(&a.body), body);
    buf_done(&a.body);
}

/* The peer has closed and nothing more came. */
static inline void check_closed(int fd) {
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    (void)close(fd);
}

#endif
