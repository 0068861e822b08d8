/* bench-load: a load generator for wire.h's traffic. One thread, epoll; every answer is checked.
 *
 *   calls   PORT CONNS CALLS SIZE ANSWER     as fast as it goes, CONNS at a time
 *   fresh   PORT CONNS CALLS SIZE ANSWER     the same, each another question than all before
 *   rate    PORT PER_SECOND CALLS SIZE ANSWER  each at its set time, whatever the others do
 *   streams PORT STREAMS EVENTS PACE_US      all at once, begun within two paces
 *   tokens  PORT STREAMS                     short streams, one after the other
 *   hold    PORT STREAMS                     opens silent streams, says so, keeps them until the
 *                                            end of its stdin
 *   idle    PORT CONNS                       the same of connections that have had an answer each
 *   first   PORT COMMAND…                    starts COMMAND, asks until the first answer, ends it
 *
 * Prints one line of JSON. Of the environment, BENCH_KEY is sent as the client's key, BENCH_HEADERS
 * as further header lines, each with its line end; BENCH_FORM=chat asks POST /chat,
 * BENCH_CHECK=content lets answers be written anew (reader.h), BENCH_CHILD_CPU is the core that
 * first's COMMAND is pinned to, BENCH_PATIENCE how many seconds that may take to listen (10).
 */
#include "reader.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct conn {
    struct conn *next_idle;
    int fd;
    int64_t sent_ns;
    size_t unsent; /* of the request */
    reader in;
} conn;

/* Linux looks through all ports of one parity before those of the other: beyond half of them a
 * connection more takes it ten thousand looks. */
enum { STREAMS_AN_ADDRESS = 10000 };

static struct {
    unsigned port;
    int epoll_fd;
    char *request;
    size_t request_len;
    expectation want;
    conn *idle;
    unsigned open, running;
    size_t done;
    int64_t *times_ns; /* of each answer, or of each stream's first token */
    size_t time_count;
    uint64_t events;
    bool fresh; /* no two questions are the same */
} g;

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static double quantile_us(double q) {
    if (!g.time_count) return 0;
    return (double)g.times_ns[(size_t)(q * (double)(g.time_count - 1) + 0.5)] / 1000;
}

static void report(int64_t started_ns) {
    qsort(g.times_ns, g.time_count, sizeof *g.times_ns, by_size);
    printf("{\"calls\": %zu, \"events\": %llu, \"seconds\": %.6f, \"connections\": %u, "
           "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": "
           "%.1f}\n",
           g.done, (unsigned long long)g.events, (double)(now_ns() - started_ns) / 1e9, g.open,
           quantile_us(0.5), quantile_us(0.9), quantile_us(0.99), quantile_us(0.999),
           quantile_us(1));
}

static void set_up(const char *model, bool stream, size_t size, size_t times) {
    const char *key = getenv("BENCH_KEY"), *form = getenv("BENCH_FORM");
    wire_ask asked = {
        .port = g.port,
        .model = model,
        .stream = stream,
        .chat = form && strcmp(form, "chat") == 0,
        .key = key && *key ? key : NULL,
        .headers = getenv("BENCH_HEADERS"),
        .body_size = size,
    };
    g.request = wire_request(&asked, &g.request_len);
    g.times_ns = calloc(times ? times : 1, sizeof *g.times_ns);
    g.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!g.times_ns || g.epoll_fd < 0) die("cannot set up");
}

static conn *conn_open_from(unsigned from) {
    conn *c = calloc(1, sizeof *c);
    if (!c) die("out of memory");
    c->fd = net_connect(g.port, from);
    if (c->fd < 0) die("nobody listens on 127.0.0.1:%u", g.port);
    struct epoll_event on = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (epoll_ctl(g.epoll_fd, EPOLL_CTL_ADD, c->fd, &on)) die("epoll: %s", strerror(errno));
    g.open++;
    return c;
}

static conn *conn_open(void) {
    return conn_open_from(0);
}

static void send_on(conn *c) {
    if (!c->unsent) return;
    ssize_t n = send(c->fd, g.request + g.request_len - c->unsent, c->unsent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) die("sending: %s", strerror(errno));
    if (n > 0) c->unsent -= (size_t)n;
}

/* Another question than all before: in the place of the last of what pads it. By letters: a long
 * number may be somebody's, which a guard looks into. */
static void renew_request(void) {
    enum { DIGITS = 12, BEHIND = 4 }; /* "}]} */
    static unsigned long long asked;
    char digits[DIGITS + 1];
    if (!asked) asked = (unsigned long long)now_ns() % 1000000 * 1000000;
    snprintf(digits, sizeof digits, "%012llu", ++asked % 1000000000000);
    for (size_t i = 0; i < DIGITS; i++)
        digits[i] += 'a' - '0';
    memcpy(g.request + g.request_len - BEHIND - DIGITS, digits, DIGITS);
}

static void ask(conn *c) {
    if (g.fresh) renew_request();
    reader_begin(&c->in, &g.want);
    c->unsent = g.request_len;
    g.running++;
    c->sent_ns = now_ns();
    send_on(c);
}

static void note_time(conn *c) {
    g.times_ns[g.time_count++] = now_ns() - c->sent_ns;
}

/* true when the connection's answer is complete. */
static bool take(conn *c) {
    static char space[1 << 16];
    for (;;) {
        ssize_t n = recv(c->fd, space, sizeof space, 0);
        if (n < 0 && errno == EAGAIN) return false;
        if (n < 0) die("receiving: %s", strerror(errno));
        if (n == 0) die("a connection was closed %s", c->in.want ? "within an answer" : "early");
        unsigned before = c->in.events;
        bool whole = reader_feed(&c->in, space, (size_t)n);
        g.events += c->in.events - before;
        if (!g.want.body && !before && c->in.events) note_time(c);
        if (whole) return true;
        if ((size_t)n < sizeof space) return false;
    }
}

static void park(conn *c) {
    c->next_idle = g.idle;
    g.idle = c;
    g.running--;
    g.done++;
}

/* One turn: waits until until_ns at most (-1: for ever) and takes what has come. */
static void turn(int64_t until_ns) {
    struct epoll_event events[256];
    int64_t left = until_ns - now_ns();
    if (left < 0) left = 0;
    struct timespec ts = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    int n = epoll_pwait2(g.epoll_fd, events, 256, until_ns < 0 ? NULL : &ts, NULL);
    if (n < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        conn *c = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) send_on(c);
        if (!(events[i].events & ~(unsigned)EPOLLOUT) || !c->in.want) continue;
        if (!take(c)) continue;
        if (g.want.body) note_time(c);
        c->in.want = NULL;
        park(c);
    }
}

static void expect_plain(size_t answer) {
    const char *check = getenv("BENCH_CHECK");
    g.want = (expectation){.body = wire_answer(answer), .body_len = answer};
    if (check && strcmp(check, "content") == 0)
        g.want.content = wire_content(g.want.body, &g.want.content_len);
}

static void run_calls(unsigned conns, size_t calls, size_t size, size_t answer) {
    char model[64];
    snprintf(model, sizeof model, "bench-%zu", answer);
    set_up(model, false, size, calls);
    expect_plain(answer);
    int64_t started = now_ns();
    size_t asked = 0;
    for (; asked < conns && asked < calls; asked++)
        ask(conn_open());
    while (g.done < calls) {
        turn(-1);
        for (conn *c = g.idle; c; c = g.idle) {
            if (asked == calls) break;
            g.idle = c->next_idle;
            asked++;
            ask(c);
        }
    }
    report(started);
}

/* A call is timed from when it was sent, so that a late generator is not held against the proxy;
 * a slow answer never delays the calls after it. */
static void run_rate(unsigned per_second, size_t calls, size_t size, size_t answer) {
    char model[64];
    snprintf(model, sizeof model, "bench-%zu", answer);
    set_up(model, false, size, calls);
    expect_plain(answer);
    int64_t started = now_ns();
    for (size_t asked = 0; g.done < calls;) {
        int64_t due = started + (int64_t)(asked * 1000000000 / per_second);
        if (asked < calls && due <= now_ns()) {
            conn *c = g.idle;
            if (c)
                g.idle = c->next_idle;
            else
                c = conn_open();
            ask(c);
            asked++;
            continue;
        }
        turn(asked < calls ? due : -1);
    }
    report(started);
}

static void run_streams(unsigned streams, unsigned events, unsigned pace_us) {
    char model[64];
    snprintf(model, sizeof model, "bench-" WIRE_STREAM "%u-%u", events, pace_us);
    set_up(model, true, 1024, streams);
    g.want = (expectation){.events = events};
    int64_t started = now_ns();
    for (unsigned i = 0; i < streams; i++) {
        int64_t due = started + 2 * (int64_t)pace_us * 1000 * i / streams;
        do
            turn(due); /* also where it is late: what has come is read all the same */
        while (now_ns() < due);
        ask(conn_open_from(i / STREAMS_AN_ADDRESS));
    }
    while (g.done < streams)
        turn(-1);
    report(started);
}

static void run_tokens(unsigned streams) {
    set_up("bench-" WIRE_STREAM "3-2000", true, 1024, streams);
    g.want = (expectation){.events = 3};
    int64_t started = now_ns();
    g.idle = conn_open();
    while (g.done < streams) {
        ask(g.idle);
        g.idle = NULL;
        while (!g.idle)
            turn(-1);
    }
    report(started);
}

static void wait_for_eof(void) {
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {}
}

static void run_hold(unsigned streams) {
    set_up("bench-" WIRE_STREAM "2-600000000", true, 1024, streams);
    g.want = (expectation){.events = 2};
    int64_t started = now_ns();
    for (unsigned i = 0; i < streams; i++) {
        ask(conn_open());
        while (g.time_count + 50 < i)
            turn(-1); /* not all in one burst */
    }
    while (g.time_count < streams)
        turn(-1);
    report(started);
    wait_for_eof();
}

static void run_idle(unsigned conns) {
    set_up("bench-700", false, 1024, conns);
    expect_plain(700);
    int64_t started = now_ns();
    for (unsigned i = 0; i < conns; i++) {
        ask(conn_open());
        while (g.done + 50 < i)
            turn(-1);
    }
    while (g.done < conns)
        turn(-1);
    report(started);
    wait_for_eof();
}

static void pin_child(void) {
    const char *cpu = getenv("BENCH_CHILD_CPU");
    cpu_set_t set;
    CPU_ZERO(&set);
    if (!cpu) return;
    CPU_SET(parse_number("BENCH_CHILD_CPU", cpu, CPU_SETSIZE - 1), &set);
    if (sched_setaffinity(0, sizeof set, &set))
        die("cannot pin to core %s: %s", cpu, strerror(errno));
}

/* From fork to the first good answer, the connection tried every 100 µs. */
static void run_first(char **command) {
    set_up("bench-700", false, 1024, 1);
    expect_plain(700);
    const char *asked = getenv("BENCH_PATIENCE");
    int64_t patience = (int64_t)(asked ? parse_number("BENCH_PATIENCE", asked, 3600) : 10);
    int64_t started = now_ns();
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin_child();
        if (!freopen("/dev/null", "w", stdout)) die("no /dev/null"); /* some greet */
        execvp(command[0], command);
        die("cannot run %s: %s", command[0], strerror(errno));
    }
    int fd;
    while ((fd = net_connect(g.port, 0)) < 0) {
        struct timespec pause = {.tv_nsec = 100000};
        nanosleep(&pause, NULL);
        if (now_ns() - started > patience * 1000000000)
            die("%s does not listen after %lld s", command[0], (long long)patience);
    }
    close(fd);
    ask(conn_open());
    while (!g.done)
        turn(-1);
    g.times_ns[0] = now_ns() - started;
    report(started);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
}

static unsigned number(const char *name, const char *text) {
    return (unsigned)parse_number(name, text, 1000000000);
}

int main(int argc, char **argv) {
    static const char usage[] =
        "usage: bench-load calls|fresh|rate|streams|tokens|hold|idle|first PORT …";
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1);
    if (argc < 4) die("%s", usage);
    const char *what = argv[1];
    g.port = (unsigned)parse_number("PORT", argv[2], 65535);
    g.fresh = strcmp(what, "fresh") == 0;
    if ((g.fresh || strcmp(what, "calls") == 0) && argc == 7)
        run_calls(number("CONNS", argv[3]), number("CALLS", argv[4]), number("SIZE", argv[5]),
                  number("ANSWER", argv[6]));
    else if (strcmp(what, "rate") == 0 && argc == 7)
        run_rate(number("PER_SECOND", argv[3]), number("CALLS", argv[4]), number("SIZE", argv[5]),
                 number("ANSWER", argv[6]));
    else if (strcmp(what, "streams") == 0 && argc == 6)
        run_streams(number("STREAMS", argv[3]), number("EVENTS", argv[4]),
                    number("PACE_US", argv[5]));
    else if (strcmp(what, "tokens") == 0 && argc == 4)
        run_tokens(number("STREAMS", argv[3]));
    else if (strcmp(what, "hold") == 0 && argc == 4)
        run_hold(number("STREAMS", argv[3]));
    else if (strcmp(what, "idle") == 0 && argc == 4)
        run_idle(number("CONNS", argv[3]));
    else if (strcmp(what, "first") == 0)
        run_first(argv + 3);
    else
        die("%s", usage);
    return 0;
}
