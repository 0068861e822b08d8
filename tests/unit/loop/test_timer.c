#include "unit.h"

#include "base/random.h"
#include "loop/timer.h"

typedef struct probe {
    timer t;
    int64_t fired_at;
    int fired;
} probe;

static timers wheel;

static void note(timer *t) {
    probe *p = CONTAINER_OF(t, probe, t);
    p->fired_at = wheel.now_ms;
    p->fired++;
}

/* Every timer fires exactly once, at its due time to the tick, however the clock jumps. */
static void fires_on_time(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 1);
    for (int round = 0; round < 50; round++) {
        int64_t now = (int64_t)(rng_u64(&r) % 100000000);
        timers_init(&wheel, now);
        probe probes[200];
        for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
            probes[i] = (probe){0};
            timer_init(&probes[i].t, note);
            int64_t ahead = (int64_t)(rng_u64(&r) % (1u << (rng_u64(&r) % 22)));
            timer_start(&wheel, &probes[i].t, now + ahead + 1);
        }
        while (wheel.count) {
            int64_t next = timers_next_ms(&wheel);
            assert_true(next > wheel.now_ms && next < INT64_MAX);
            timers_advance(&wheel, next);
        }
        for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
            assert_int_equal(probes[i].fired, 1);
            assert_int_equal(probes[i].fired_at, probes[i].t.due_ms);
        }
    }
}

static void a_late_advance_fires_all_that_is_due(void **state) {
    (void)state;
    timers_init(&wheel, 1000);
    probe early = {0}, late = {0}, later = {0};
    timer_init(&early.t, note);
    timer_init(&late.t, note);
    timer_init(&later.t, note);
    timer_start(&wheel, &later.t, 900000);
    timer_start(&wheel, &late.t, 70000);
    timer_start(&wheel, &early.t, 1001);
    timers_advance(&wheel, 80000);
    assert_int_equal(early.fired, 1);
    assert_int_equal(late.fired, 1);
    assert_int_equal(later.fired, 0);
    timer_stop(&wheel, &later.t);
    timer_stop(&wheel, &later.t);
    assert_int_equal(wheel.count, 0);
    assert_true(timers_next_ms(&wheel) == INT64_MAX);
}

static probe other;

static void stop_other(timer *t) {
    note(t);
    timer_stop(&wheel, &other.t);
}

static void again(timer *t) {
    note(t);
    if (CONTAINER_OF(t, probe, t)->fired < 3) timer_start(&wheel, t, wheel.now_ms + 10);
}

static void callbacks_may_start_and_stop(void **state) {
    (void)state;
    timers_init(&wheel, 0);
    probe first = {0}, repeat = {0};
    other = (probe){0};
    timer_init(&first.t, stop_other);
    timer_init(&other.t, note);
    timer_init(&repeat.t, again);
    timer_start(&wheel, &first.t, 5);
    timer_start(&wheel, &other.t, 5);
    timer_start(&wheel, &repeat.t, 0); /* due already: fires at the next advance */
    timers_advance(&wheel, 100);
    assert_int_equal(first.fired, 1);
    assert_int_equal(other.fired, 0);
    assert_int_equal(repeat.fired, 3);
    assert_int_equal(repeat.fired_at, 21);
    assert_int_equal(wheel.count, 0);
}

static void a_far_timer_is_not_lost(void **state) {
    (void)state;
    timers_init(&wheel, 12345);
    probe far = {0};
    timer_init(&far.t, note);
    int64_t due = 12345 + ((int64_t)1 << 31);
    timer_start(&wheel, &far.t, due);
    timers_advance(&wheel, due - 1);
    assert_int_equal(far.fired, 0);
    timers_advance(&wheel, due);
    assert_int_equal(far.fired, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_on_time),
        cmocka_unit_test(a_late_advance_fires_all_that_is_due),
        cmocka_unit_test(callbacks_may_start_and_stop),
        cmocka_unit_test(a_far_timer_is_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
