/* A client without a thread, in an event loop that belongs to the program: here epoll, which also
 * watches standard input. Each line is a question; answers stream in while more can be asked.
 *
 *     cc epoll.c $(pkg-config --cflags --libs weir) -o epoll
 *     printf 'What is a weir?\nAnd a sluice?\n' | ./epoll
 *
 * The same three functions fit any loop: weir_client_fd(), weir_client_timeout_ms(),
 * weir_client_step(). */
#include <weir.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { LINE_LONGEST = 4096 };

typedef struct program {
    weir_client *client;
    char line[LINE_LONGEST]; /* what was read and is no whole line yet */
    size_t len;
    int number;  /* of the last question */
    int running; /* calls */
    int failed;
    int open; /* standard input has not ended */
} program;

/* One question: outlives its call. */
typedef struct question {
    program *from;
    int number;
    int spoken; /* something of its answer was printed */
} question;

static int on_event(void *user, const weir_event *event) {
    question *q = (question *)user;
    if (!event->text_len) return 0;
    printf("[%d] %.*s\n", q->number, (int)event->text_len, event->text);
    q->spoken = 1;
    return 0;
}

static void on_done(void *user, weir_result *result) {
    question *q = (question *)user;
    if (result->code != WEIR_OK || !q->spoken) {
        printf("[%d] %s\n", q->number, result->safe_text);
        q->from->failed = 1;
    }
    printf("[%d] done: %s\n", q->number, weir_code_name(result->code));
    q->from->running--;
    weir_result_free(result);
    free(q);
}

static void ask(program *p, const char *text) {
    question *q = (question *)malloc(sizeof *q);
    if (!q) abort();
    q->from = p;
    q->number = ++p->number;
    q->spoken = 0;
    weir_request *request = weir_request_new();
    weir_request_add_message(request, "user", text);
    p->running++;
    /* The handle would cancel or pause the call; without it the call goes on to its end. */
    weir_call_free(weir_start(p->client, request, on_event, on_done, q));
    weir_request_free(request);
}

/* Reads what is there and asks each line that is whole. */
static void read_questions(program *p) {
    ssize_t n = read(STDIN_FILENO, p->line + p->len, sizeof p->line - 1 - p->len);
    if (n <= 0) p->open = 0;
    p->len += n > 0 ? (size_t)n : 0;
    p->line[p->len] = '\0';
    char *start = p->line, *end;
    while ((end = strchr(start, '\n')) != NULL) {
        *end = '\0';
        if (*start) ask(p, start);
        start = end + 1;
    }
    p->len = strlen(start);
    memmove(p->line, start, p->len + 1);
    if (p->len && (!p->open || p->len == sizeof p->line - 1)) {
        ask(p, p->line); /* the last one, or as much as fits */
        p->len = 0;
    }
}

static void watch(int epoll, int fd) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        perror("epoll: standard input must be a terminal or a pipe");
        exit(2);
    }
}

/* Until standard input has ended and every call with it. */
static void run(program *p, int epoll) {
    struct epoll_event events[8];
    while (p->open || p->running) {
        /* How long the client lets us wait: its own timers are in there. */
        int64_t wait_ms = weir_client_timeout_ms(p->client);
        int count = epoll_wait(epoll, events, 8, wait_ms > 60000 ? 60000 : (int)wait_ms);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != STDIN_FILENO) continue; /* the client's: see below */
            read_questions(p);
            if (!p->open) epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        }
        weir_client_step(p->client); /* does what is due, calls back, and never waits */
        fflush(stdout);
    }
}

int main(void) {
    weir_options *options = weir_options_new();
    weir_options_set_foreign_loop(options);
    char *why = NULL;
    program p;
    memset(&p, 0, sizeof p);
    p.open = 1;
    p.client = weir_client_new(options, &why);
    weir_options_free(options);
    if (!p.client) {
        fprintf(stderr, "epoll: %s\n", why);
        weir_string_free(why);
        return 2;
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        perror("epoll");
        return 2;
    }
    watch(epoll, weir_client_fd(p.client)); /* one descriptor, which stays the same */
    watch(epoll, STDIN_FILENO);
    run(&p, epoll);
    close(epoll);
    weir_client_free(p.client);
    return p.failed;
}
