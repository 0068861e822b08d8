#include "loop/watch.h"

#include <stdio.h>
#include <time.h>

static int64_t thread_cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double as_ms(int64_t us) {
    return (double)us / 1000;
}

void watch_begin(loop_watch *w) {
    w->from_us = thread_cpu_us();
}

void watch_end(loop_watch *w, const char *part) {
    int64_t took_us = thread_cpu_us() - w->from_us;
    if (took_us > w->longest_us) w->longest_us = took_us;
    if (took_us > WATCH_MOST_US)
        fprintf(stderr, "loop watch: %s took %.1f ms\n", part, as_ms(took_us));
}

void watch_tell(const loop_watch *w) {
    fprintf(stderr, "loop watch: longest %.1f ms\n", as_ms(w->longest_us));
}
