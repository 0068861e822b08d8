#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void die(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fputs("bench: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

int64_t now_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t parse_number(const char *name, const char *text, uint64_t max) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value > max)
        die("%s is %s; expected a number up to %llu", name, text, (unsigned long long)max);
    return value;
}

/* head, then filler words, then tail, in exactly size bytes. */
static char *padded(const char *head, const char *tail, size_t size) {
    size_t head_len = strlen(head), tail_len = strlen(tail);
    if (size < head_len + tail_len || size > WIRE_BODY_MAX)
        die("a body of %zu bytes is out of range; the smallest is %zu", size, head_len + tail_len);
    char *text = malloc(size + 1);
    if (!text) die("out of memory");
    memcpy(text, head, head_len);
    static const char filler[] = "the water is measured as it passes over the weir, ";
    for (size_t i = head_len; i < size - tail_len; i++)
        text[i] = filler[(i - head_len) % (sizeof filler - 1)];
    memcpy(text + size - tail_len, tail, tail_len + 1);
    return text;
}

char *wire_answer(size_t size) {
    return padded(
        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,"
        "\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"",
        "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":200,"
        "\"completion_tokens\":100,\"total_tokens\":300}}",
        size);
}

const char *wire_content(const char *answer, size_t *ret_len) {
    static const char before[] = "\"content\":\"";
    const char *at = strstr(answer, before);
    if (!at) die("an answer without content");
    at += sizeof before - 1;
    *ret_len = (size_t)(strchr(at, '"') - at);
    return at;
}

char *wire_request(const wire_ask *ask, size_t *ret_len) {
    enum { HEAD_MAX = 2048 };
    static const char options[] = "\"temperature\":0.7,\"max_tokens\":256,";
    char head[512];
    if (ask->chat)
        snprintf(head, sizeof head, "{\"model\":\"%s\",%s\"message\":\"", ask->model, options);
    else
        snprintf(head, sizeof head,
                 "{\"model\":\"%s\",%s%s\"messages\":["
                 "{\"role\":\"system\",\"content\":\"You are brief.\"},"
                 "{\"role\":\"user\",\"content\":\"",
                 ask->model, options, ask->stream ? "\"stream\":true," : "");
    char *body = padded(head, ask->chat ? "\"}" : "\"}]}", ask->body_size);
    char *request = malloc(ask->body_size + HEAD_MAX);
    if (!request) die("out of memory");
    const char *key = ask->key;
    int n = snprintf(request, HEAD_MAX,
                     "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                     "User-Agent: OpenAI/Python 1.0.0\r\nAccept: application/json\r\n"
                     "Content-Type: application/json\r\n%s%s%s%sContent-Length: %zu\r\n\r\n",
                     ask->chat ? "/chat" : "/v1/chat/completions", ask->port,
                     key ? "Authorization: Bearer " : "", key ? key : "", key ? "\r\n" : "",
                     ask->headers ? ask->headers : "", ask->body_size);
    if (n < 0 || n >= HEAD_MAX) die("the request's head is too long");
    memcpy(request + n, body, ask->body_size);
    free(body);
    *ret_len = (size_t)n + ask->body_size;
    return request;
}

static size_t event(char *out, size_t cap, const char *delta, const char *finish) {
    int n =
        snprintf(out, cap,
                 "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
                 "\"created\":1700000000,\"model\":\"bench\",\"system_fingerprint\":\"fp_bench\","
                 "\"choices\":[{\"index\":0,\"delta\":{%s},\"logprobs\":null,"
                 "\"finish_reason\":%s}]}\n\n",
                 delta, finish);
    return (size_t)n;
}

size_t wire_event(unsigned n, char out[WIRE_EVENT_MAX]) {
    if (n == 0)
        return event(out, WIRE_EVENT_MAX, "\"role\":\"assistant\",\"content\":\"\"", "null");
    char delta[64];
    snprintf(delta, sizeof delta, "\"content\":\" " WIRE_TOKEN "\"", n);
    return event(out, WIRE_EVENT_MAX, delta, "null");
}

size_t wire_finish(bool usage, char out[2 * WIRE_EVENT_MAX]) {
    size_t n = event(out, WIRE_EVENT_MAX, "", "\"stop\"");
    if (usage)
        n += (size_t)snprintf(
            out + n, WIRE_EVENT_MAX,
            "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
            "\"created\":1700000000,\"model\":\"bench\",\"choices\":[],"
            "\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":100,"
            "\"total_tokens\":300}}\n\n");
    n += (size_t)snprintf(out + n, 32, "data: " WIRE_DONE "\n\n");
    return n;
}

static struct sockaddr_in loopback(unsigned port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

int net_listen(unsigned port, unsigned *ret_port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    struct sockaddr_in at = loopback(port);
    socklen_t len = sizeof at;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
        bind(fd, (struct sockaddr *)&at, len) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&at, &len))
        die("cannot listen on 127.0.0.1:%u: %s", port, strerror(errno));
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* The port is chosen when the connection is made, when it is known which are free for that. */
static void bind_address(int fd, unsigned from) {
    struct sockaddr_in at = loopback(0);
    int one = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + from);
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) ||
        bind(fd, (struct sockaddr *)&at, sizeof at))
        die("cannot have the address 127.0.0.%u: %s", 1 + from, strerror(errno));
}

int net_connect(unsigned port, unsigned from) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("no socket: %s", strerror(errno));
    struct sockaddr_in at = loopback(port);
    int one = 1;
    if (from) bind_address(fd, from);
    /* Blocking: on loopback it is answered at once, refused or taken. */
    if (connect(fd, (struct sockaddr *)&at, sizeof at)) {
        if (errno != ECONNREFUSED) die("cannot connect to 127.0.0.1:%u: %s", port, strerror(errno));
        close(fd);
        return -1;
    }
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) ||
        fcntl(fd, F_SETFL, O_NONBLOCK))
        die("cannot set up a socket: %s", strerror(errno));
    return fd;
}
