/* bench-upstream: a provider made of canned answers (wire.h), as cheap as HTTP can be served, so
 * that the proxies in front of it are what is measured. One thread, epoll.
 *
 * Usage: bench-upstream [PORT]   prints the port it listens on; ends with its parent's signal.
 */
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

typedef struct conn {
    int fd;
    char *in; /* a request that has not come whole yet; NULL most of the time */
    size_t in_len, in_cap;
    /* a stream in the queue of due events; next is NULL when it is in none */
    struct conn *next, *prev;
    int64_t due_ns, pace_ns;
    unsigned sent, events;
    bool usage;
} conn;

static int epoll_fd;
static conn queue = {.next = &queue, .prev = &queue}; /* by due_ns, soonest first */

static void queue_remove(conn *c) {
    if (!c->next) return;
    c->next->prev = c->prev;
    c->prev->next = c->next;
    c->next = c->prev = NULL;
}

/* Streams of one pace stay in order by themselves, so the search from the end is short. */
static void queue_add(conn *c) {
    conn *after = queue.prev;
    while (after != &queue && after->due_ns > c->due_ns)
        after = after->prev;
    c->prev = after;
    c->next = after->next;
    c->next->prev = c->prev->next = c;
}

static void drop(conn *c) {
    queue_remove(c);
    close(c->fd);
    free(c->in);
    free(c);
}

/* false: the connection is gone. Answers are small against a socket's buffer; one that does not fit
 * is an error of the set-up and must not pass in silence. */
static bool put(conn *c, const char *bytes, size_t len) {
    ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
    if (n == (ssize_t)len) return true;
    if (n >= 0 || errno == EAGAIN)
        die("a proxy does not read: %zd of %zu bytes were taken", n, len);
    drop(c);
    return false;
}

static bool plain(conn *c, size_t size) {
    static char *answer;
    static size_t answer_len, answer_size;
    if (answer_size != size) {
        free(answer);
        char *body = wire_answer(size);
        answer = malloc(size + 256);
        if (!answer) die("out of memory");
        int head = snprintf(answer, 256,
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                            "x-request-id: req_bench\r\nContent-Length: %zu\r\n\r\n",
                            size);
        memcpy(answer + head, body, size);
        free(body);
        answer_len = (size_t)head + size;
        answer_size = size;
    }
    return put(c, answer, answer_len);
}

static size_t chunk(char *out, const char *bytes, size_t len) {
    int head = sprintf(out, "%zx\r\n", len);
    memcpy(out + head, bytes, len);
    memcpy(out + (size_t)head + len, "\r\n", 2);
    return (size_t)head + len + 2;
}

/* The head, the role and the first token leave at once; the rest at its pace. */
static bool stream_begin(conn *c) {
    char out[4 * WIRE_EVENT_MAX], event[WIRE_EVENT_MAX];
    size_t n =
        (size_t)sprintf(out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "x-request-id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n");
    n += chunk(out + n, event, wire_event(0, event));
    n += chunk(out + n, event, wire_event(1, event));
    c->sent = 1;
    c->due_ns = now_ns() + c->pace_ns;
    if (!put(c, out, n)) return false;
    queue_add(c);
    return true;
}

static void stream_go_on(conn *c) {
    char out[4 * WIRE_EVENT_MAX], event[2 * WIRE_EVENT_MAX];
    queue_remove(c);
    if (c->sent < c->events) {
        if (!put(c, out, chunk(out, event, wire_event(++c->sent, event)))) return;
        c->due_ns += c->pace_ns;
        queue_add(c);
        return;
    }
    size_t n = chunk(out, event, wire_finish(c->usage, event));
    memcpy(out + n, "0\r\n\r\n", 5);
    put(c, out, n + 5);
}

static const char *find(const char *in, size_t len, const char *what) {
    return memmem(in, len, what, strlen(what));
}

/* false: the connection is gone. */
static bool answer(conn *c, const char *body, size_t len) {
    const char *model = find(body, len, WIRE_MODEL);
    if (!model || c->next)
        die("not a request of this benchmark: %.*s", (int)(len < 200 ? len : 200), body);
    model += strlen(WIRE_MODEL);
    if (strncmp(model, WIRE_STREAM, strlen(WIRE_STREAM)) != 0)
        return plain(c, strtoul(model, NULL, 10));
    char *end;
    c->events = (unsigned)strtoul(model + strlen(WIRE_STREAM), &end, 10);
    c->pace_ns = strtol(end + 1, NULL, 10) * 1000;
    c->usage = find(body, len, WIRE_ASKS_USAGE) != NULL;
    return stream_begin(c);
}

/* Length of the whole request at the front of in, 0 while its head is incomplete. */
static size_t request_len(const char *in, size_t len, size_t *ret_head) {
    const char *end = find(in, len, "\r\n\r\n");
    if (!end) return 0;
    *ret_head = (size_t)(end - in) + 4;
    for (const char *line = in; line < end; line = find(line, *ret_head, "\r\n") + 2)
        if (strncasecmp(line, "content-length:", 15) == 0)
            return *ret_head + strtoul(line + 15, NULL, 10);
    die("a request without a Content-Length came: %.*s", (int)(end - in), in);
}

static void keep(conn *c, const char *bytes, size_t len) {
    if (c->in_len + len > c->in_cap) {
        c->in_cap = c->in_len + len + 16384;
        c->in = realloc(c->in, c->in_cap);
        if (!c->in) die("out of memory");
    }
    memcpy(c->in + c->in_len, bytes, len);
    c->in_len += len;
}

static void readable(conn *c) {
    static char space[1 << 17];
    ssize_t n = recv(c->fd, space, sizeof space - 1, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        drop(c);
        return;
    }
    const char *in = space;
    size_t len = (size_t)n, head = 0;
    if (c->in_len) {
        keep(c, space, len);
        in = c->in;
        len = c->in_len;
    }
    size_t whole = request_len(in, len, &head);
    if (!whole || whole > len) {
        if (in == space) keep(c, space, len);
        return;
    }
    if (whole < len) die("a proxy pipelines requests, which this upstream does not read");
    if (!answer(c, in + head, whole - head)) return;
    free(c->in);
    c->in = NULL;
    c->in_len = c->in_cap = 0;
}

static void take(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0 && errno == EAGAIN) return;
        if (fd < 0) die("accept: %s", strerror(errno));
        conn *c = calloc(1, sizeof *c);
        if (!c) die("out of memory");
        c->fd = fd;
        struct epoll_event on = {.events = EPOLLIN, .data.ptr = c};
        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &on))
            die("cannot take a connection: %s", strerror(errno));
    }
}

static int wait_for(struct epoll_event *events, int max) {
    if (queue.next == &queue) return epoll_wait(epoll_fd, events, max, -1);
    int64_t left = queue.next->due_ns - now_ns();
    if (left < 0) left = 0;
    struct timespec ts = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    return epoll_pwait2(epoll_fd, events, max, &ts, NULL);
}

int main(int argc, char **argv) {
    unsigned port = argc > 1 ? (unsigned)parse_number("the port", argv[1], 65535) : 0;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1);
    int listener = net_listen(port, &port);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event on = {.events = EPOLLIN}, events[256];
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &on)) die("epoll: %s", strerror(errno));
    printf("%u\n", port);
    fflush(stdout);
    for (;;) {
        int n = wait_for(events, 256);
        if (n < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                readable(events[i].data.ptr);
            else
                take(listener);
        }
        int64_t now = now_ns();
        while (queue.next != &queue && queue.next->due_ns <= now)
            stream_go_on(queue.next);
    }
}
