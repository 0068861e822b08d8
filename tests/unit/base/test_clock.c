#include "unit.h"

#include "base/clock.h"

static void writes_dates(void **state) {
    (void)state;
    char text[CLOCK_RFC3339_LEN + 1], http[CLOCK_HTTP_DATE_LEN + 1];
    clock_rfc3339(784111777123456, text);
    assert_string_equal(text, "1994-11-06T08:49:37.123456Z");
    clock_http_date(784111777000000, http);
    assert_string_equal(http, "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void reads_the_three_forms(void **state) {
    (void)state;
    static const char *const good[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t us = 0;
        assert_true(clock_parse_http_date(span_cstr(good[i]), &us));
        assert_int_equal(us, 784111777000000);
    }
    static const char *const bad[] = {"",
                                      "soon",
                                      "120",
                                      "Sun, 06 Nov 1994 08:49:37 CET",
                                      "Sun, 06 Foo 1994 08:49:37 GMT",
                                      "Sun, 99 Nov 1994 08:49:37 GMT",
                                      "Thu, 31 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:37 GMT and more"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t us = 42;
        assert_false(clock_parse_http_date(span_cstr(bad[i]), &us));
        assert_int_equal(us, 42);
    }
}

static void reads_instants(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } rows[] = {
        {"1994-11-06T08:49:37Z", 784111777000000},
        {"1994-11-06t08:49:37z", 784111777000000},
        {"1994-11-06 08:49:37Z", 784111777000000},
        {"1994-11-06T08:49:37.5Z", 784111777500000},
        {"1994-11-06T08:49:37.1234567Z", 784111777123456},
        {"1994-11-06T09:49:37+01:00", 784111777000000},
        {"1994-11-06T03:19:37-05:30", 784111777000000},
        {"1994-11-06T08:49:37.25+00:00", 784111777250000},
        {"", -1},
        {"1994-11-06", -1},
        {"1994-11-06T08:49:37", -1},
        {"1994-11-06T08:49:37.Z", -1},
        {"1994-11-06T08:49:37Z and more", -1},
        {"1994-13-06T08:49:37Z", -1},
        {"1994-00-06T08:49:37Z", -1},
        {"1994-11-32T08:49:37Z", -1},
        {"1994-11-31T08:49:37Z", -1},
        {"1994-02-29T08:49:37Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"1996-02-29T00:00:00Z", 825552000000000},
        {"2000-02-29T00:00:00Z", 951782400000000},
        {"2016-12-31T23:59:60Z", 1483228800000000},
        {"9999-12-31T23:59:59.999999Z", 253402300799999999},
        {"9999-12-31T23:59:59-00:01", -1},
        {"1994-11-06T24:49:37Z", -1},
        {"1994-11-06T08:60:37Z", -1},
        {"1994-11-06T08:49:61Z", -1},
        {"1994-1-06T08:49:37Z", -1},
        {"94-11-06T08:49:37Z", -1},
        {"1994-11-06T08:49:37+1:00", -1},
        {"1994-11-06T08:49:37+24:00", -1},
        {"1994-11-06T08:49:37+01:60", -1},
        {"1994-11-06T08:49:37+01", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t us = -1;
        bool read = clock_parse_rfc3339(span_cstr(rows[i].text), &us);
        if (read != (rows[i].us >= 0) || us != rows[i].us)
            fail_msg("%s is read as %lld", rows[i].text, (long long)us);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_dates),
                                       cmocka_unit_test(reads_the_three_forms),
                                       cmocka_unit_test(reads_instants)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
