#include "comma.h"
#include "unit.h"

#include "config/units.h"

static void reads_durations(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0s", 0},           {"1ms", 1},
                {"250ms", 250},      {"5s", 5000},
                {"1.5s", 1500},      {"0.001s", 1},
                {"10m", 600000},     {"2h", 7200000},
                {"7d", 604800000},   {"0.25m", 15000},
                {"00010s", 10000},   {"9s", 9000},
                {"0.9s", 900},       {"1.987s", 1987},
                {"5.000000s", 5000}, {"999999999999999ms", 999999999999999}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t ms = -1;
        assert_true(unit_duration(span_cstr(good[i].text), &ms));
        assert_int_equal(ms, good[i].ms);
    }
    static const char *const bad[] = {"",
                                      "5",
                                      "s",
                                      "5 s",
                                      "5S",
                                      "-5s",
                                      "+5s",
                                      "5s ",
                                      " 5s",
                                      ".5s",
                                      "5.s",
                                      "0.5ms",
                                      "5ss",
                                      "1e3s",
                                      "5,5s",
                                      "5µs",
                                      "0x5s",
                                      "1s1s",
                                      "5sec",
                                      "999999999999999d",
                                      "9999999999999999999s",
                                      "1.0000001s",
                                      "1.0000000s",
                                      "1000000000000000ms",
                                      "1000000000.000000s"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms = -1;
        if (unit_duration(span_cstr(bad[i]), &ms)) fail_msg("accepted %s", bad[i]);
        assert_int_equal(ms, -1);
    }
}

static void reads_sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"0B", 0},          {"512B", 512},     {"64KB", 65536},
                {"20MB", 20971520}, {"1gb", 1 << 30},  {"1.5kb", 1536},
                {"1KiB", 1024},     {"2MiB", 2097152}, {"1GiB", 1 << 30}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t bytes = -1;
        assert_true(unit_size(span_cstr(good[i].text), &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    static const char *const bad[] = {"",    "5",    "5K",  "KB", "5 KB",
                                      "-1B", "0.5B", "5TB", "5s", "99999999999GB"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t bytes = -1;
        if (unit_size(span_cstr(bad[i]), &bytes)) fail_msg("accepted %s", bad[i]);
        assert_int_equal(bytes, -1);
    }
}

static void reads_ratios_and_numbers(void **state) {
    (void)state;
    double value = -1;
    assert_true(unit_ratio(SPAN_OF("20%"), &value));
    assert_true(value == 0.2);
    assert_true(unit_ratio(SPAN_OF("0.5%"), &value));
    assert_true(value == 0.005);
    assert_true(unit_number(SPAN_OF("0.7"), &value));
    assert_true(value == 0.7);
    assert_true(unit_number(SPAN_OF("-1.25"), &value));
    assert_true(value == -1.25);
    assert_true(unit_number(SPAN_OF("0.123456"), &value));
    assert_true(value == 0.123456);
    assert_true(unit_number(SPAN_OF("123456789.987654"), &value));
    assert_true(value == 123456789.987654);
    value = 42;
    assert_false(unit_ratio(SPAN_OF("20"), &value));
    assert_false(unit_ratio(SPAN_OF("-20%"), &value));
    assert_false(unit_ratio(SPAN_OF("%"), &value));
    assert_false(unit_ratio(SPAN_OF("20 %"), &value));
    assert_false(unit_number(SPAN_OF("1e3"), &value));
    assert_false(unit_number(SPAN_OF("nan"), &value));
    assert_false(unit_number(SPAN_OF("inf"), &value));
    assert_false(unit_number(SPAN_OF("--1"), &value));
    assert_false(unit_number(SPAN_OF("1."), &value));
    assert_false(unit_number(SPAN_OF("0.1234567"), &value));
    assert_false(unit_number(SPAN_OF("1234567890.987654"), &value));
    assert_true(value == 42);
}

static void money_is_exact(void **state) {
    (void)state;
    static const struct {
        span text;
        int64_t nano; /* -1: refused */
        span shown;
    } rows[] = {
        {SPAN("0"), 0, SPAN("0")},
        {SPAN("2.50"), 2500000000, SPAN("2.5")},
        {SPAN("0.1"), 100000000, SPAN("0.1")}, /* which no double is */
        {SPAN("0.000000001"), 1, SPAN("0.000000001")},
        {SPAN("999999999.999999999"), 999999999999999999, SPAN("999999999.999999999")},
        {SPAN("1000000000"), -1, SPAN("")},
        {SPAN("0.0000000001"), -1, SPAN("")},
        {SPAN("1."), -1, SPAN("")},
        {SPAN(".5"), -1, SPAN("")},
        {SPAN("-1"), -1, SPAN("")},
        {SPAN("+1"), -1, SPAN("")},
        {SPAN("1e3"), -1, SPAN("")},
        {SPAN("1.2.3"), -1, SPAN("")},
        {SPAN("1,5"), -1, SPAN("")},
        {SPAN(""), -1, SPAN("")},
        {SPAN("."), -1, SPAN("")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t nano = -1;
        buf shown = BUF_EMPTY;
        assert_int_equal(unit_money(rows[i].text, &nano), rows[i].nano >= 0);
        assert_int_equal(nano, rows[i].nano);
        if (nano >= 0) unit_write_money(nano, &shown);
        assert_true(span_eq(buf_span(&shown), rows[i].shown));
        buf_done(&shown);
    }
}

static void writes_the_shortest_exact_form(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } durations[] = {{0, "0s"},         {1, "1ms"},       {1500, "1500ms"}, {60000, "60s"},
                     {75000, "75s"},    {600000, "10m"},  {3600000, "60m"}, {7200000, "2h"},
                     {604800000, "7d"}, {86400000, "24h"}};
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        buf out = BUF_EMPTY;
        int64_t back = -1;
        unit_write_duration(durations[i].ms, &out);
        assert_span(buf_span(&out), durations[i].text);
        assert_true(unit_duration(buf_span(&out), &back));
        assert_int_equal(back, durations[i].ms);
        buf_done(&out);
    }
    buf out = BUF_EMPTY;
    unit_write_size(20 << 20, &out);
    buf_add_char(&out, ' ');
    unit_write_size(1000, &out);
    buf_add_char(&out, ' ');
    unit_write_size(0, &out);
    buf_add_char(&out, ' ');
    unit_write_ratio(0.2, &out);
    buf_add_char(&out, ' ');
    unit_write_ratio(0.005, &out);
    buf_add_char(&out, ' ');
    unit_write_number(0.7, &out);
    buf_add_char(&out, ' ');
    unit_write_number(2, &out);
    assert_span(buf_span(&out), "20MB 1000B 0B 20% 0.5% 0.7 2");
    buf_done(&out);
}

static void writes_a_point_whatever_the_locale_has(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    comma_enter();
    unit_write_number(0.7, &out);
    buf_add_char(&out, ' ');
    unit_write_ratio(1, &out);
    assert_span(buf_span(&out), "0.7 100%");
    buf_done(&out);
    comma_leave();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(reads_ratios_and_numbers),
        cmocka_unit_test(money_is_exact),
        cmocka_unit_test(writes_the_shortest_exact_form),
        cmocka_unit_test(writes_a_point_whatever_the_locale_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
