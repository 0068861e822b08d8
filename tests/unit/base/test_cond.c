/* Waits of threads, while somebody sets the time of day. */
#include "unit.h"

#include "base/clock.h"
#include "base/cond.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What whoever reads the time of day is told: an hour that the kernel has not. Who waits until some
 * time of it is so in the place of one who waits while it is put back by an hour. */
static time_t ahead_s;

int clock_gettime(clockid_t id, struct timespec *ret) {
    const int err = (int)syscall(SYS_clock_gettime, id, ret);
    if (!err && id == CLOCK_REALTIME) ret->tv_sec += ahead_s;
    return err;
}

typedef struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool there;
} meeting;

static void begin(meeting *m) {
    *m = (meeting){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    pthread_mutex_lock(&m->lock);
}

static void end(meeting *m) {
    pthread_mutex_unlock(&m->lock);
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
}

static void nobody_comes(void **state) {
    (void)state;
    meeting m;
    begin(&m);
    for (ahead_s = -3600; ahead_s <= 3600; ahead_s += 3600) {
        const int64_t until_ms = clock_mono_ms() + 20;
        while (cond_wait_until(&m.changed, &m.lock, until_ms)) {}
        assert_true(clock_mono_ms() >= until_ms);
    }
    ahead_s = 0;
    end(&m);
}

static void it_is_too_late(void **state) {
    (void)state;
    meeting m;
    begin(&m);
    assert_false(cond_wait_until(&m.changed, &m.lock, clock_mono_ms() - 1));
    assert_false(cond_wait_until(&m.changed, &m.lock, 0));
    end(&m);
}

static void *come(void *arg) {
    meeting *m = arg;
    pthread_mutex_lock(&m->lock);
    m->there = true;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static void somebody_comes(void **state) {
    (void)state;
    meeting m;
    pthread_t other;
    begin(&m);
    assert_int_equal(pthread_create(&other, NULL, come, &m), 0);
    while (!m.there)
        assert_true(cond_wait_until(&m.changed, &m.lock, clock_mono_ms() + 3600 * 1000));
    pthread_join(other, NULL);
    end(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_comes),
        cmocka_unit_test(it_is_too_late),
        cmocka_unit_test(somebody_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
