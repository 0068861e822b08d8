/* What of a client's calls is unusual, under a virtual clock. */
#include "unit.h"

#include "alert/past.h"

#include <stdint.h>

#define MINUTE ((int64_t)60 * 1000)
#define DAY    (24 * 60 * MINUTE)

static void a_word_is_new_once_and_the_oldest_makes_room(void **state) {
    (void)state;
    known k = {.count = 0};
    for (uint64_t word = 1; word <= KNOWN_MAX; word++)
        assert_true(known_add(&k, word));
    for (uint64_t word = 1; word <= KNOWN_MAX; word++)
        assert_false(known_add(&k, word));
    assert_true(known_add(&k, 1000));
    assert_false(known_add(&k, 1000));
    assert_false(known_add(&k, 2));
    assert_true(known_add(&k, 1));
}

static void a_minute_is_held_against_the_busiest_before_it(void **state) {
    (void)state;
    static const struct {
        int64_t at_ms;
        int64_t amount;
        bool unusual;
    } rows[] = {
        {1 * MINUTE, 9, false},      /* too few to say anything */
        {1 * MINUTE + 1, 1, true},   /* the tenth, and nothing before it */
        {1 * MINUTE + 2, 50, false}, /* it was told */
        {2 * MINUTE, 179,
         false}, /* three times as many are not beyond, but for a minute of the day */
        {2 * MINUTE + 9, 1, true},         /* one more is */
        {3 * MINUTE, 539, false},          /* against 180 now */
        {3 * MINUTE, 1, true},             /* */
        {3 * MINUTE + DAY, 810, false},    /* a day later 540 count as 270 */
        {3 * MINUTE + DAY, 1, true},       /* */
        {3 * MINUTE + 40 * DAY, 9, false}, /* forgotten, but for the least */
        {3 * MINUTE + 40 * DAY, 1, true},
    };
    pace p = {.minute = 0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (pace_add(&p, rows[i].amount, 3, 10, rows[i].at_ms) != rows[i].unusual)
            fail_msg("row %zu", i);
}

static void what_is_off_is_never_unusual_and_nothing_overflows(void **state) {
    (void)state;
    pace p = {.minute = 0};
    for (int i = 0; i < 1000; i++)
        assert_false(pace_add(&p, 1000, 1, 0, MINUTE));
    assert_false(pace_add(&p, INT64_MAX, 1, 0, MINUTE));
    assert_int_equal(p.amount, INT64_MAX);
}

static void the_nth_of_the_same_within_the_time_is_a_loop(void **state) {
    (void)state;
    static const struct {
        int64_t at_ms;
        uint64_t hash;
        bool loop;
    } rows[] = {
        {0, 7, false},   {10, 7, false},  {20, 7, true},   {30, 7, false}, /* told once */
        {100, 7, false}, {110, 7, false}, /* a new time has begun */
        {120, 8, false}, {199, 7, true},  {300, 8, false}, {380, 8, false},
        {400, 8, false},                                   /* the third came too late */
        {401, 0, false}, {402, 0, false}, {403, 0, false}, /* nobody knows what they were */
    };
    requests r = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (requests_add(&r, rows[i].hash, 3, 100, rows[i].at_ms) != rows[i].loop)
            fail_msg("row %zu", i);
    for (int i = 0; i < 9; i++)
        assert_false(requests_add(&r, 5, 0, 100, 500));
}

/* One in a loop among a thousand others is found. */
static void a_loop_is_found_among_many(void **state) {
    (void)state;
    requests r = {0};
    unsigned found = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        found += requests_add(&r, 10000 + i, 20, MINUTE, (int64_t)i);
        if (i % 7 == 0 && i < 7 * 30) found += requests_add(&r, 1, 20, MINUTE, (int64_t)i);
    }
    assert_int_equal(found, 1);
}

static void failures_are_counted_in_a_window_that_moves(void **state) {
    (void)state;
    static const struct {
        int64_t at_ms;
        bool failed;
        unsigned calls, failures;
    } rows[] = {
        {0, true, 1, 1},    {50, false, 2, 1},  {99, true, 3, 2},      {950, false, 4, 2},
        {1049, true, 2, 1}, {1950, true, 2, 2}, {100000, false, 1, 0}, {100001, true, 2, 1},
        {5, true, 1, 1}, /* a clock that is put back begins anew */
    };
    window w = {.part = 0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const window_sum sum = window_add(&w, rows[i].failed, 1000, rows[i].at_ms);
        if (sum.calls != rows[i].calls || sum.failed != rows[i].failures)
            fail_msg("row %zu: %u of %u", i, sum.failed, sum.calls);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_new_once_and_the_oldest_makes_room),
        cmocka_unit_test(a_minute_is_held_against_the_busiest_before_it),
        cmocka_unit_test(what_is_off_is_never_unusual_and_nothing_overflows),
        cmocka_unit_test(the_nth_of_the_same_within_the_time_is_a_loop),
        cmocka_unit_test(a_loop_is_found_among_many),
        cmocka_unit_test(failures_are_counted_in_a_window_that_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
