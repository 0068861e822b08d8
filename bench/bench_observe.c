/* What observing a call costs its worker, in processor time of this thread: the JSON line, the line
 * for people, counting the record, finding a series. Run it by hand: build/bench/bench-observe. */
#include "observe/log.h"
#include "observe/metrics.h"
#include "observe/records.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 9, CALLS = 100000, CALLS_PER_TURN = 8 };

typedef struct bench {
    call_record record;
    log_shard *log;
    metrics_shard *metrics;
} bench;

static double thread_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best of some rounds: what the code costs when the machine does nothing else. */
static void report(const char *what, void (*one)(bench *b, int i), bench *b) {
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double from = thread_ns();
        for (int i = 0; i < CALLS; i++)
            one(b, i);
        double ns = (thread_ns() - from) / CALLS;
        if (round == 0 || ns < best) best = ns;
    }
    printf("%-40s %7.1f ns\n", what, best);
}

static void line(bench *b, int i) {
    b->record.started_wall_us += 25;
    log_call(b->log, &b->record);
    if (i % CALLS_PER_TURN == 0) log_flush(b->log);
}

static void count(bench *b, int i) {
    (void)i;
    metrics_count_call(b->metrics, &b->record);
}

static void find(bench *b, int i) {
    (void)i;
    span labels[] = {b->record.target, SPAN("ok")};
    metric_add(metrics_series(b->metrics, METRIC_ATTEMPTS, labels), 1);
}

int main(void) {
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    config_logs logs = {.level = LEVEL_INFO, .format = LOG_JSON, .buffer_bytes = (size_t)1 << 30};
    logger *l = logger_new(&logs, null);
    metrics *m = metrics_new();
    bench b = {record_of_stream(), logger_add_shard(l), metrics_add_shard(m)};
    report("call line, JSON, handed over", line, &b);
    logs.format = LOG_TEXT;
    logger_configure(l, &logs);
    report("call line for people, handed over", line, &b);
    logs.level = LEVEL_OFF;
    logger_configure(l, &logs);
    report("call line, level off", line, &b);
    report("record counted", count, &b);
    b.record.status = 503;
    b.record.error = ERR_BREAKER_OPEN;
    report("record of a failed call counted", count, &b);
    report("series found and counted", find, &b);
    logger_free(l, 1000);
    metrics_free(m);
    (void)close(null);
    return 0;
}
