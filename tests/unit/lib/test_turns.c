/* Whose turn it is among calls of several targets. */
#include "unit.h"

#include "heap.h"
#include "lib/turns.h"

enum { CALLS = 12 };

static turns t;
static turn calls[CALLS];

static void begin(unsigned most, bool adaptive) {
    turns_init(&t, most, adaptive);
    for (size_t i = 0; i < CALLS; i++)
        calls[i] = (turn){0};
}

/* Everybody leaves. */
static void end(void) {
    for (size_t i = 0; i < CALLS; i++)
        turns_leave(&t, &calls[i]);
    assert_int_equal(t.running, 0);
    assert_int_equal(t.total, 0);
    turns_done(&t);
}

/* A letter for each call: its target. */
static void join(const char *targets) {
    for (size_t i = 0; targets[i]; i++)
        turns_join(&t, &calls[i], span_from(&targets[i], 1));
}

/* Those that may run now, by number; then how long until the next may. */
static void expect_next(int64_t now_ms, const char *numbers, int64_t wait_ms) {
    char found[3 * CALLS] = "";
    int64_t left_ms;
    for (turn *it; (it = turns_next(&t, now_ms, &left_ms));)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%d ", (int)(it - calls));
    assert_string_equal(found, numbers);
    assert_int_equal(left_ms, wait_ms);
}

static void in_the_order_in_which_they_came(void **state) {
    (void)state;
    begin(3, true);
    join("abcab");
    expect_next(0, "0 1 2 ", -1);
    turns_leave(&t, &calls[1]);
    expect_next(0, "3 ", -1);
    turns_leave(&t, &calls[0]);
    expect_next(0, "4 ", -1);
    end();
}

static void a_refused_target_holds_its_own_calls(void **state) {
    (void)state;
    begin(4, true);
    join("aabaaabb");
    expect_next(0, "0 1 2 3 ", -1);
    for (int i = 0; i < 4; i++) {
        if (i == 2) continue;
        turns_refused(&t, &calls[i], 20000, 100);
        turns_rest(&t, &calls[i]);
    }
    assert_int_equal(t.running, 1);
    expect_next(100, "6 7 ", -1); /* a is full: two of four, and three have begun */
    turns_ended(&t, &calls[0], false, true);
    turns_leave(&t, &calls[0]);
    turns_leave(&t, &calls[1]);
    expect_next(100, "", 20000);
    expect_next(20099, "", 1);
    expect_next(20100, "4 ", -1);
    assert_int_equal(turns_limit(&t), 4);
    end();
}

/* A key or a target that may be asked at once: nothing is waited for. */
static void no_pause_where_another_may_be_asked(void **state) {
    (void)state;
    begin(4, true);
    join("aaaa");
    expect_next(0, "0 1 2 3 ", -1);
    turns_refused(&t, &calls[0], 0, 0);
    turns_leave(&t, &calls[1]);
    turns_leave(&t, &calls[2]);
    turns_leave(&t, &calls[3]);
    turns_join(&t, &calls[1], SPAN_OF("a"));
    expect_next(0, "1 ", -1);
    end();
}

/* All of a target's calls may rest, and as many places are there for others; when they wake they
 * are never more than the target's pace, nor more than may run at all. */
static void those_that_wake_keep_to_their_places(void **state) {
    (void)state;
    begin(2, false);
    join("aabbbb");
    expect_next(0, "0 1 ", -1);
    turns_rest(&t, &calls[0]);
    turns_rest(&t, &calls[1]);
    expect_next(0, "2 3 ", -1);
    assert_false(turns_wake(&t, &calls[1]));
    assert_false(turns_wake(&t, &calls[0]));
    expect_next(0, "", -1);
    turns_leave(&t, &calls[2]);
    expect_next(0, "1 ", -1); /* before those that have not begun */
    turns_leave(&t, &calls[3]);
    expect_next(0, "0 ", -1);
    turns_rest(&t, &calls[0]);
    assert_true(turns_wake(&t, &calls[0]));
    end();
}

/* Nobody is there: one at a time finds that out again, and others have the other places. */
static void a_target_that_is_away_has_few_places(void **state) {
    (void)state;
    begin(4, true);
    join("aaaabbbb");
    expect_next(0, "0 1 2 3 ", -1);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 4; i++) {
            if (round) {
                if (!turns_wake(&t, &calls[i])) continue;
            }
            turns_missed(&t, &calls[i], 0);
            turns_rest(&t, &calls[i]);
        }
    expect_next(0, "4 5 6 7 ", -1);
    end();
}

static void resting_calls_are_bounded(void **state) {
    (void)state;
    begin(3, false);
    join("aaaaaab");
    expect_next(0, "0 1 2 ", -1);
    for (int i = 0; i < 3; i++)
        turns_rest(&t, &calls[i]);
    expect_next(0, "6 ", -1);
    assert_int_equal(t.running, 1);
    assert_int_equal(t.total, 7);
    end();
}

static void leaving_from_each_place(void **state) {
    (void)state;
    begin(2, true);
    join("aaaa");
    expect_next(0, "0 1 ", -1);
    turns_leave(&t, &calls[2]); /* it has not begun */
    turns_rest(&t, &calls[0]);
    turns_leave(&t, &calls[0]);
    expect_next(0, "3 ", -1);
    turns_rest(&t, &calls[1]);
    turns_join(&t, &calls[4], SPAN_OF("b"));
    expect_next(0, "4 ", -1);
    assert_false(turns_wake(&t, &calls[1]));
    turns_leave(&t, &calls[1]); /* awake */
    turns_leave(&t, &calls[1]); /* once more is nothing */
    turns_leave(&t, &calls[3]);
    expect_next(0, "", -1);
    assert_int_equal(t.running, 1);
    end();
}

/* Models' names are anybody's. */
static void many_targets_are_forgotten(void **state) {
    (void)state;
    begin(1, true);
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        turns_join(&t, &calls[0], span_cstr(name));
        expect_next(0, "0 ", -1);
        turns_leave(&t, &calls[0]);
    }
    unsigned count = 0;
    LIST_FOREACH(&t.groups, it) count += it != NULL;
    assert_in_range(count, 1, 65);
    end();
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_order_in_which_they_came),
        cmocka_unit_test(a_refused_target_holds_its_own_calls),
        cmocka_unit_test(no_pause_where_another_may_be_asked),
        cmocka_unit_test(those_that_wake_keep_to_their_places),
        cmocka_unit_test(a_target_that_is_away_has_few_places),
        cmocka_unit_test(resting_calls_are_bounded),
        cmocka_unit_test(leaving_from_each_place),
        cmocka_unit_test(many_targets_are_forgotten),
    };
    return run_watched(tests);
}
