#include "base/cond.h"

#include <time.h>

bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t until_ms) {
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                   .tv_nsec = (long)(until_ms % 1000 * 1000000)};
    return pthread_cond_clockwait(c, lock, CLOCK_MONOTONIC, &until) == 0;
}
