/* Additive increase, multiplicative decrease. */
#include "unit.h"

#include "lib/pace.h"

static void without_adapting_nothing_changes(void **state) {
    (void)state;
    pace p = pace_of(5, false);
    pace_refused(&p, 5, 60000, 1000);
    assert_int_equal(pace_limit(&p), 5);
    assert_int_equal(pace_wait_ms(&p, 4, 1000), 0);
    assert_int_equal(pace_wait_ms(&p, 5, 1000), -1);
}

static void a_refusal_halves_once_for_those_under_way(void **state) {
    (void)state;
    pace p = pace_of(16, true);
    for (int i = 0; i < 16; i++)
        pace_refused(&p, 16, -1, 0); /* all that ran then */
    assert_int_equal(pace_limit(&p), 8);
    pace_refused(&p, 8, -1, 0); /* a later one */
    assert_int_equal(pace_limit(&p), 4);
}

/* Calls that ended in another way will not be refused any more. */
static void those_that_ended_are_no_echo(void **state) {
    (void)state;
    pace p = pace_of(4, true);
    pace_refused(&p, 3, -1, 0);
    assert_int_equal(pace_limit(&p), 2);
    pace_ended(&p);
    pace_success(&p);
    unsigned before = pace_limit(&p);
    pace_refused(&p, 1, -1, 0);
    assert_int_equal(pace_limit(&p), before / 2 > 1 ? before / 2 : 1);
}

static void it_never_falls_below_one(void **state) {
    (void)state;
    pace p = pace_of(3, true);
    for (int i = 0; i < 10; i++)
        pace_refused(&p, 1, -1, 0);
    assert_int_equal(pace_limit(&p), 1);
    assert_int_equal(pace_wait_ms(&p, 0, 0), 0);
}

static void a_window_of_successes_gives_one_place(void **state) {
    (void)state;
    pace p = pace_of(100, true);
    for (int i = 0; i < 4; i++)
        pace_refused(&p, 1, -1, 0);
    assert_int_equal(pace_limit(&p), 6);
    for (int i = 0; i < 8; i++)
        pace_success(&p);
    assert_int_equal(pace_limit(&p), 7);
    for (int i = 0; i < 100000; i++)
        pace_success(&p);
    assert_int_equal(pace_limit(&p), 100);
}

static void nothing_starts_before_retry_after(void **state) {
    (void)state;
    pace p = pace_of(8, true);
    pace_refused(&p, 2, 3000, 10000);
    assert_int_equal(pace_wait_ms(&p, 0, 10000), 3000);
    assert_int_equal(pace_wait_ms(&p, 0, 12999), 1);
    assert_int_equal(pace_wait_ms(&p, 0, 13000), 0);
    pace_refused(&p, 2, 1000, 10500); /* the longer one stands */
    assert_int_equal(pace_wait_ms(&p, 0, 10500), 2500);
    pace_refused(&p, 2, INT64_MAX, 10500);
    assert_int_equal(pace_wait_ms(&p, 0, 10500), PACE_PAUSE_MAX_MS);
    assert_int_equal(pace_wait_ms(&p, 8, 10500), -1);
}

static void an_answer_from_elsewhere_ends_the_wait(void **state) {
    (void)state;
    pace p = pace_of(8, true);
    pace_refused(&p, 1, 60000, 1000);
    assert_int_equal(pace_wait_ms(&p, 0, 1000), 60000);
    pace_success(&p); /* of a call that was not refused: it tells nothing */
    assert_int_equal(pace_wait_ms(&p, 0, 1000), 60000);
    pace_answered(&p);
    assert_int_equal(pace_wait_ms(&p, 0, 1000), 0);
    assert_int_equal(pace_limit(&p), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_adapting_nothing_changes),
        cmocka_unit_test(a_refusal_halves_once_for_those_under_way),
        cmocka_unit_test(those_that_ended_are_no_echo),
        cmocka_unit_test(it_never_falls_below_one),
        cmocka_unit_test(a_window_of_successes_gives_one_place),
        cmocka_unit_test(nothing_starts_before_retry_after),
        cmocka_unit_test(an_answer_from_elsewhere_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
