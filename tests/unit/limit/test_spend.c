/* Money by the calendar, and clocks that are put right. */
#include "unit.h"

#include "base/clock.h"
#include "limit/spend.h"

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
    spend_give(&s, PERIOD_DAY, 20, now);
    assert_int_equal(spend_left(&s, day, now), 50);
    spend_give(&s, PERIOD_DAY, 1000, now);
    assert_int_equal(spend_left(&s, day, now), 100);
    spend_take(&s, PERIOD_DAY, 150, now);
    assert_int_equal(spend_left(&s, day, now), 0);
    /* Yesterday's reserve is no credit of today's. */
    now = at("2026-11-29T00:00:01Z");
    spend_take(&s, PERIOD_DAY, 40, now);
    spend_give(&s, PERIOD_DAY, 10, now);
    assert_int_equal(spend_left(&s, day, now), 70);
    spend_raise(&s, PERIOD_DAY, 10, now);
    assert_int_equal(spend_left(&s, day, now), 70);
    spend_raise(&s, PERIOD_DAY, 90, now);
    assert_int_equal(spend_left(&s, day, now), 10);
    spend_take(&s, PERIOD_DAY, INT64_MAX, now);
    assert_int_equal(spend_left(&s, day, now), 0);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_period_ends_at_midnight),
        cmocka_unit_test(what_is_given_back),
        cmocka_unit_test(clocks_that_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
