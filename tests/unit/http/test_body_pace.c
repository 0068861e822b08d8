#include "unit.h"

#include "http/body_pace.h"

/* A body of which a piece comes each step_ms; the clock goes on by hand, and is asked when it was
 * said to be. What came of it, and when; 0 ms: it was not ended within the time. */
typedef struct row {
    const char *name;
    int64_t window_ms;
    size_t rate;
    int64_t step_ms;
    uint64_t piece;
    int64_t until_ms; /* pieces come until then */
    body_pace_verdict verdict;
    int64_t at_ms;
} row;

enum { HOUR_MS = 3600 * 1000, BEGAN_MS = 5000 };

static void plays(const row *r) {
    const body_pace_limits limits = {.window_ms = r->window_ms, .rate = r->rate};
    body_pace p;
    uint64_t have = 0;
    int64_t due = BEGAN_MS + r->window_ms, next = BEGAN_MS + r->step_ms;
    int64_t last = BEGAN_MS + r->until_ms; /* then a good one is complete */
    int64_t end = last + (r->verdict == BODY_PACE_FINE ? 0 : r->window_ms);
    body_pace_begin(&p, BEGAN_MS, have);
    while (due <= end) {
        for (; next <= due && next <= last; next += r->step_ms) {
            have += r->piece;
            body_pace_heard(&p, next);
        }
        int64_t wait_ms = 0;
        body_pace_verdict got = body_pace_judge(&p, &limits, due, have, &wait_ms);
        if (got != BODY_PACE_FINE) {
            if (got != r->verdict || due - BEGAN_MS != r->at_ms)
                fail_msg("%s: %d at %lld", r->name, got, (long long)(due - BEGAN_MS));
            return;
        }
        assert_true(wait_ms > 0 && wait_ms <= r->window_ms);
        due += wait_ms;
    }
    if (r->at_ms) fail_msg("%s: was not ended", r->name);
}

static void bodies(void **state) {
    (void)state;
    static const row rows[] = {
        {"nothing comes", 60000, 500, 1000, 0, 0, BODY_PACE_SILENT, 60000},
        {"it stops", 60000, 500, 1000, 9000, 70000, BODY_PACE_SILENT, 130000},
        {"a byte now and then", 60000, 500, 59000, 1, HOUR_MS, BODY_PACE_TRICKLES, 60000},
        {"a byte a second", 60000, 500, 1000, 1, HOUR_MS, BODY_PACE_TRICKLES, 60000},
        {"just too slow", 60000, 500, 1000, 499, HOUR_MS, BODY_PACE_TRICKLES, 60000},
        {"just fast enough", 60000, 500, 1000, 500, HOUR_MS, BODY_PACE_FINE, 0},
        {"fast enough, with pauses", 60000, 500, 50000, 50000, HOUR_MS, BODY_PACE_FINE, 0},
        {"any", 60000, 0, 59000, 1, HOUR_MS, BODY_PACE_FINE, 0},
        {"any, but not silent", 60000, 0, 60001, 1, HOUR_MS, BODY_PACE_SILENT, 60000},
        {"a short window", 30, 1000, 10, 9, HOUR_MS, BODY_PACE_TRICKLES, 30},
        {"a short window is enough", 30, 1000, 10, 10, HOUR_MS, BODY_PACE_FINE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* However well it comes. */
static void the_whole_has_its_time(void **state) {
    (void)state;
    const body_pace_limits limits = {.window_ms = 60000, .rate = 500, .total_ms = 100000};
    body_pace p;
    int64_t wait_ms = 0;
    body_pace_begin(&p, 1000, 0);
    body_pace_heard(&p, 61000);
    assert_int_equal(body_pace_judge(&p, &limits, 61000, 1000000, &wait_ms), BODY_PACE_FINE);
    assert_int_equal(wait_ms, 40000);
    body_pace_heard(&p, 100999);
    assert_int_equal(body_pace_judge(&p, &limits, 100999, 2000000, &wait_ms), BODY_PACE_FINE);
    assert_int_equal(wait_ms, 1);
    body_pace_heard(&p, 101000);
    assert_int_equal(body_pace_judge(&p, &limits, 101000, 3000000, &wait_ms), BODY_PACE_LATE);
}

/* Fast at first, then a trickle: the second window tells. */
static void what_came_before_does_not_count_for_ever(void **state) {
    (void)state;
    const body_pace_limits limits = {.window_ms = 60000, .rate = 500};
    body_pace p;
    int64_t wait_ms = 0;
    body_pace_begin(&p, 0, 100); /* came with the head */
    body_pace_heard(&p, 59000);
    assert_int_equal(body_pace_judge(&p, &limits, 60000, 1000100, &wait_ms), BODY_PACE_FINE);
    assert_int_equal(wait_ms, 59000); /* silence may be first */
    body_pace_heard(&p, 118000);
    assert_int_equal(body_pace_judge(&p, &limits, 119000, 1000101, &wait_ms), BODY_PACE_FINE);
    assert_int_equal(wait_ms, 1000);
    assert_int_equal(body_pace_judge(&p, &limits, 120000, 1000101, &wait_ms), BODY_PACE_TRICKLES);
}

/* A loop that was busy looks late, at windows that are longer than they should be. */
static void judged_late(void **state) {
    (void)state;
    const body_pace_limits limits = {.window_ms = 60000, .rate = 500};
    body_pace p;
    int64_t wait_ms = 0;
    body_pace_begin(&p, 0, 0);
    body_pace_heard(&p, 119999);
    assert_int_equal(body_pace_judge(&p, &limits, 120000, 59999, &wait_ms), BODY_PACE_TRICKLES);
    assert_int_equal(body_pace_judge(&p, &limits, 120000, 60000, &wait_ms), BODY_PACE_FINE);
    body_pace_begin(&p, 0, 0);
    body_pace_heard(&p, 60000);
    assert_int_equal(body_pace_judge(&p, &limits, 60000, UINT64_MAX, &wait_ms), BODY_PACE_FINE);
}

/* What weir could not take yet, nobody is slow for; how long the whole takes is told all the same.
 */
static void excused(void **state) {
    (void)state;
    const body_pace_limits limits = {.window_ms = 1000, .rate = 100, .total_ms = 5000};
    body_pace p;
    int64_t wait_ms = 0;
    body_pace_begin(&p, 0, 50);
    body_pace_excuse(&p, 4000, 60);
    assert_int_equal(body_pace_judge(&p, &limits, 4000, 60, &wait_ms), BODY_PACE_FINE);
    assert_int_equal(wait_ms, 1000);
    assert_int_equal(body_pace_judge(&p, &limits, 5000, 60, &wait_ms), BODY_PACE_LATE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(the_whole_has_its_time),
        cmocka_unit_test(what_came_before_does_not_count_for_ever),
        cmocka_unit_test(judged_late),
        cmocka_unit_test(excused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
