/* Money by the calendar, and clocks that are put right. */
#include "unit.h"

#include "base/clock.h"
#include "limit/spend.h"

#include <time.h>

static int64_t at(const char *text) {
    int64_t us;
    assert_true(clock_parse_rfc3339(span_cstr(text), &us));
    return us;
}

static const config_quota day = {100, PERIOD_DAY}, month = {100, PERIOD_MONTH};

static void a_period_ends_at_midnight(void **state) {
    (void)state;
    static const struct {
        const config_quota *q;
        const char *when, *later;
        int64_t left;
    } rows[] = {
        {&day, "2026-11-28T00:00:00Z", "2026-11-28T23:59:59.999999Z", 30},
        {&day, "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z", 100},
        {&day, "2026-11-28T23:59:59Z", "2026-12-05T00:00:00Z", 100},
        {&month, "2026-11-28T00:00:00Z", "2026-11-30T23:59:59.999999Z", 30},
        {&month, "2026-11-28T00:00:00Z", "2026-12-01T00:00:00Z", 100},
        {&month, "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z", 100},
        {&month, "2028-02-01T00:00:00Z", "2028-02-29T23:59:59Z", 30},
        {&month, "2026-11-28T00:00:00Z", "2027-11-28T00:00:00Z",
         100}, /* that month of another year */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        spend s = {0};
        assert_int_equal(spend_left(&s, *rows[i].q, at(rows[i].when)), 100);
        spend_take(&s, rows[i].q->per, 70, at(rows[i].when));
        assert_int_equal(spend_left(&s, *rows[i].q, at(rows[i].when)), 30);
        if (spend_left(&s, *rows[i].q, at(rows[i].later)) != rows[i].left) fail_msg("row %zu", i);
    }
}

static void what_is_given_back(void **state) {
    (void)state;
    spend s = {0};
    int64_t now = at("2026-11-28T12:00:00Z");
    spend_take(&s, PERIOD_DAY, 70, now);
    spend_give(&s, PERIOD_DAY, s.period, 20, now);
    assert_int_equal(spend_left(&s, day, now), 50);
    spend_give(&s, PERIOD_DAY, s.period, 1000, now);
    assert_int_equal(spend_left(&s, day, now), 100);
    spend_take(&s, PERIOD_DAY, 150, now);
    assert_int_equal(spend_left(&s, day, now), 0);
    /* Yesterday's reserve is no credit of today's. */
    const int64_t yesterday = s.period;
    now = at("2026-11-29T00:00:01Z");
    spend_give(&s, PERIOD_DAY, yesterday, 10, now);
    spend_take(&s, PERIOD_DAY, 40, now);
    spend_give(&s, PERIOD_DAY, yesterday, 30, now);
    assert_int_equal(spend_left(&s, day, now), 60);
    spend_give(&s, PERIOD_DAY, s.period, 10, now);
    assert_int_equal(spend_left(&s, day, now), 70);
    spend_raise(&s, PERIOD_DAY, 10, now);
    assert_int_equal(spend_left(&s, day, now), 70);
    spend_raise(&s, PERIOD_DAY, 90, now);
    assert_int_equal(spend_left(&s, day, now), 10);
    spend_take(&s, PERIOD_DAY, INT64_MAX, now);
    assert_int_equal(spend_left(&s, day, now), 0);
}

/* Books do not know of calls in progress: what of their reserve comes back is none of the books'.
 */
static void books_are_read_beside_calls_in_progress(void **state) {
    (void)state;
    spend s = {0};
    const int64_t now = at("2026-11-28T12:00:00Z");
    spend_take(&s, PERIOD_DAY, 55, now);
    spend_hold(&s, s.period, 55);
    spend_raise(&s, PERIOD_DAY, 60, now);
    assert_int_equal(s.nano, 115);
    assert_int_equal(s.own, 115);
    spend_raise(&s, PERIOD_DAY, 60, now); /* read again */
    assert_int_equal(s.nano, 115);
    spend_let_go(&s, s.period, 55);
    spend_give(&s, PERIOD_DAY, s.period, 54, now);
    assert_int_equal(spend_left(&s, day, now), 39);
    spend_raise(&s, PERIOD_DAY, 61, now); /* with the call's own record */
    assert_int_equal(s.nano, 61);
    spend_hold(&s, s.period, INT64_MAX);
    spend_raise(&s, PERIOD_DAY, 70, now);
    assert_int_equal(s.nano, INT64_MAX);
}

static void clocks_that_jump(void **state) {
    (void)state;
    spend s = {0};
    spend_take(&s, PERIOD_DAY, 70, at("2026-11-29T00:10:00Z"));
    /* An hour back, over midnight: no second budget, and the day goes on. */
    assert_int_equal(spend_left(&s, day, at("2026-11-28T23:10:00Z")), 30);
    spend_take(&s, PERIOD_DAY, 10, at("2026-11-28T23:20:00Z"));
    assert_int_equal(spend_left(&s, day, at("2026-11-29T01:00:00Z")), 20);
    assert_int_equal(spend_until_next(&s, PERIOD_DAY, at("2026-11-28T23:00:00Z")),
                     (int64_t)25 * 3600 * 1000 * 1000);
    /* A year that was none locks nobody out. */
    spend_take(&s, PERIOD_DAY, 100, at("2027-11-29T00:00:00Z"));
    assert_int_equal(spend_left(&s, day, at("2026-11-29T00:00:00Z")), 100);
}

/* Each day of four centuries and more, as libc has it. */
static void months_are_the_calendars(void **state) {
    (void)state;
    for (int64_t n = -1000; n < 200000; n++) {
        const time_t at = (time_t)(n * 86400 + 86399);
        struct tm t;
        assert_non_null(gmtime_r(&at, &t));
        assert_int_equal(spend_period(PERIOD_MONTH, (int64_t)at * 1000000),
                         ((int64_t)t.tm_year - 70) * 12 + t.tm_mon);
        t = (struct tm){.tm_year = t.tm_year, .tm_mon = t.tm_mon, .tm_mday = 1};
        assert_int_equal(spend_period_start_us(PERIOD_MONTH, (int64_t)at * 1000000),
                         (int64_t)timegm(&t) * 1000000);
    }
}

/* ---- what a shared count says ---- */

enum { TODAY = 20785 };

static int64_t noon(void) {
    return at("2026-11-28T12:00:00Z");
}

static void the_sum_that_is_said_counts(void **state) {
    (void)state;
    spend s = {0};
    spend_note(&s, (spend_word){.sum = 30, .period = TODAY, .amount = 10}); /* others have 20 */
    assert_int_equal(s.nano, 30);
    assert_int_equal(s.told, 30);
    spend_note(&s, (spend_word){.sum = 12, .period = TODAY}); /* and have given back */
    assert_int_equal(s.nano, 12);
}

/* Of two answers the later one is read first: what this process has let through itself counts. */
static void an_answer_of_before_hides_nothing(void **state) {
    (void)state;
    spend s = {0};
    spend_note(&s, (spend_word){.sum = 100, .period = TODAY, .amount = 50});
    spend_note(&s, (spend_word){.sum = 50, .period = TODAY, .amount = 50});
    assert_int_equal(s.nano, 100);
    assert_int_equal(s.told, 100);
}

static void what_it_lacks_counts_besides(void **state) {
    (void)state;
    spend s = {0};
    spend_take(&s, PERIOD_DAY, 40, noon()); /* without it */
    spend_hear(&s, (spend_word){.sum = 30, .period = TODAY, .amount = 10});
    assert_int_equal(s.nano, 60);
    spend_take(&s, PERIOD_DAY, 10, noon());
    spend_hear(&s, (spend_word){.sum = 31, .period = TODAY, .amount = 1});
    assert_int_equal(s.nano, 70);
    spend_note_told(&s, TODAY, 40);
    spend_take(&s, PERIOD_DAY, 1, noon());
    spend_hear(&s, (spend_word){.sum = 72, .period = TODAY, .amount = 1});
    assert_int_equal(s.nano, 71);
}

/* One has given back 99 of 100 after the other had asked for 200. */
static void what_came_back_meanwhile_counts_once(void **state) {
    (void)state;
    spend s = {0};
    spend_hear(&s, (spend_word){.sum = 100, .period = TODAY, .amount = 100});
    spend_take(&s, PERIOD_DAY, 100, noon());
    spend_give(&s, PERIOD_DAY, TODAY, 99, noon());
    spend_note_told(&s, TODAY, -99);
    spend_hear(&s, (spend_word){.sum = 300, .period = TODAY, .amount = 200, .lacks = -99});
    assert_int_equal(s.nano, 1);
    spend_take(&s, PERIOD_DAY, 200, noon());
    assert_int_equal(s.nano, 201);
    assert_int_equal(s.told, 201);
}

/* What others give back is heard while there is doubt, too. */
static void doubt_keeps_no_figure_of_before(void **state) {
    (void)state;
    spend s = {0};
    spend_take(&s, PERIOD_DAY, 5, noon());
    spend_hear(&s, (spend_word){.sum = 90, .period = TODAY});
    assert_int_equal(s.nano, 95);
    spend_hear(&s, (spend_word){.sum = 10, .period = TODAY});
    assert_int_equal(s.nano, 15);
}

/* What is to be told to it, and what is to come back of what it was told, is neither more nor less.
 */
static void what_books_bring_is_as_if_told(void **state) {
    (void)state;
    static const struct {
        int64_t told, taken; /* with it, and without */
        int64_t untold;
    } rows[] = {{0, 0, 0}, {30, 0, 0}, {0, 20, 20}, {30, 20, 20}, {30, -10, -10}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        spend s = {.period = TODAY};
        spend_note(&s, (spend_word){rows[i].told, TODAY, rows[i].told, 0});
        spend_take(&s, PERIOD_DAY, rows[i].taken > 0 ? rows[i].taken : 0, noon());
        spend_give(&s, PERIOD_DAY, TODAY, rows[i].taken < 0 ? -rows[i].taken : 0, noon());
        spend_hold(&s, TODAY, s.nano);
        const int64_t held = s.nano;
        spend_raise(&s, PERIOD_DAY, 60, noon());
        assert_int_equal(s.nano, 60 + held);
        assert_int_equal(s.nano - s.told, rows[i].untold);
    }
}

/* Yesterday's sum is neither what was told today, nor does an answer of yesterday bring it back. */
static void what_was_told_is_of_its_period(void **state) {
    (void)state;
    spend s = {0};
    spend_note(&s, (spend_word){.sum = 90, .period = TODAY, .amount = 90});
    spend_take(&s, PERIOD_DAY, 5, at("2026-11-29T00:00:01Z"));
    assert_int_equal(s.nano, 5);
    assert_int_equal(s.told, 0);
    spend_note(&s, (spend_word){.sum = 99, .period = TODAY, .amount = 9});
    spend_hear(&s, (spend_word){.sum = 99, .period = TODAY, .amount = 9});
    spend_note_told(&s, TODAY, 9);
    assert_int_equal(s.nano, 5);
    assert_int_equal(s.told, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_period_ends_at_midnight),
        cmocka_unit_test(what_is_given_back),
        cmocka_unit_test(books_are_read_beside_calls_in_progress),
        cmocka_unit_test(clocks_that_jump),
        cmocka_unit_test(months_are_the_calendars),
        cmocka_unit_test(the_sum_that_is_said_counts),
        cmocka_unit_test(an_answer_of_before_hides_nothing),
        cmocka_unit_test(what_it_lacks_counts_besides),
        cmocka_unit_test(what_came_back_meanwhile_counts_once),
        cmocka_unit_test(doubt_keeps_no_figure_of_before),
        cmocka_unit_test(what_books_bring_is_as_if_told),
        cmocka_unit_test(what_was_told_is_of_its_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
