/* How far a batch is, as text: rows of facts and widths. */
#include "unit.h"

#include "batch/progress.h"

static const progress_colours none = {"", "", "", ""};
static const progress_colours marked = {"<G>", "<R>", "<D>", "<0>"};

static const progress usual = {.done = 450,
                               .total = 1000,
                               .failed = 3,
                               .tokens = 45120,
                               .rate = 12.4,
                               .limit = 5,
                               .most = 5,
                               .under_way = 5};

static buf text;

static int tear_down(void **state) {
    (void)state;
    buf_done(&text);
    return 0;
}

static const char *bar(progress p, unsigned width, const progress_colours *colours) {
    buf_clear(&text);
    progress_write_bar(&p, width, colours, &text);
    return buf_cstr(&text);
}

static const char *plain_line(progress p) {
    buf_clear(&text);
    progress_write_line(&p, &text);
    return buf_cstr(&text);
}

static void fits_the_width(void **state) {
    (void)state;
    static const struct {
        unsigned width;
        const char *text;
    } rows[] = {
        {120, "[=================>                    ]  450/1000  3 failed  45.1k tokens  12/s"
              "  44s left"},
        {80, "[============>              ]  450/1000  3 failed  45.1k tokens  12/s  44s left"},
        {60, "450/1000  3 failed  45.1k tokens  12/s  44s left"},
        {45, "450/1000  3 failed  12/s  44s left"},
        {20, "450/1000  3 failed"},
        {12, "450/1000"},
        {8, ""},
        {1, ""},
        {0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(bar(usual, rows[i].width, &none), rows[i].text);
    for (unsigned width = 1; width < 200; width++)
        assert_true(strlen(bar(usual, width, &none)) < width);
}

static void shows_what_there_is(void **state) {
    (void)state;
    progress p = usual;
    p.failed = 0;
    p.tokens = 0;
    assert_string_equal(bar(p, 50, &none), "[=========>           ]  450/1000  12/s  44s left");
    p.total = 0; /* a pipe: nobody knows */
    assert_string_equal(bar(p, 50, &none), "450  12/s");
    p.rate = -1;
    assert_string_equal(bar(p, 50, &none), "450");
    p = usual;
    p.done = p.total;
    assert_string_equal(
        bar(p, 80, &none),
        "[====================================]  1000/1000  3 failed  45.1k tokens  12/s");
    p = usual;
    p.limit = 2;
    assert_non_null(strstr(bar(p, 120, &none), "44s left  slowed to 2 at a time"));
    p.stopping = true;
    assert_non_null(strstr(bar(p, 120, &none), "12/s  stopping: 5 under way"));
    assert_null(strstr(bar(p, 120, &none), "left"));
}

static void colours_what_matters(void **state) {
    (void)state;
    assert_string_equal(bar(usual, 80, &marked),
                        "[<G>============><0>              ]  <0>450/1000<0>  <R>3 failed<0>  "
                        "<D>45.1k tokens<0>  <D>12/s<0>  <0>44s left<0>");
}

static void writes_quiet_lines(void **state) {
    (void)state;
    assert_string_equal(plain_line(usual), "450 of 1000 lines, 3 failed, 45.1k tokens, 12 lines/s, "
                                           "44s left");
    progress p = {.done = 3, .rate = -1, .limit = 1, .most = 5};
    assert_string_equal(plain_line(p), "3 lines, 0 failed, 0 tokens, slowed to 1 at a time");
    p.stopping = true;
    p.rate = 0.25;
    p.under_way = 1;
    assert_string_equal(plain_line(p),
                        "3 lines, 0 failed, 0 tokens, 0.2 lines/s, stopping: 1 under way");
}

static void shortens_numbers(void **state) {
    (void)state;
    static const struct {
        int64_t n;
        const char *count, *time;
    } rows[] = {
        {0, "0", "0s"},
        {59, "59", "59s"},
        {60, "60", "1m 0s"},
        {3599, "3599", "59m 59s"},
        {9999, "9999", "2h 46m"},
        {10000, "10.0k", "2h 46m"},
        {1234567, "1.2M", "342h 56m"},
        {5000000000, "5.0G", "1388888h 53m"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&text);
        progress_write_count(rows[i].n, &text);
        assert_string_equal(buf_cstr(&text), rows[i].count);
        buf_clear(&text);
        progress_write_time(rows[i].n, &text);
        assert_string_equal(buf_cstr(&text), rows[i].time);
    }
}

static void measures_the_rate_of_late(void **state) {
    (void)state;
    rate_meter m = {0};
    assert_true(rate_meter_note(&m, 1000, 50) < 0); /* 50 were done before: no rate of ours */
    assert_true(rate_meter_note(&m, 1499, 60) < 0);
    assert_true(rate_meter_note(&m, 2000, 60) == 10);
    for (int64_t now = 2000; now <= 60000; now += 100) /* ten a second for a long time … */
        assert_true(rate_meter_note(&m, now, (uint64_t)(60 + (now - 2000) / 100)) == 10);
    double rate = 10;
    for (int64_t now = 60100; now <= 70000; now += 100) { /* … then none: it falls to nothing */
        double next = rate_meter_note(&m, now, 640);
        assert_true(next <= rate);
        rate = next;
    }
    assert_true(rate == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_the_width),       cmocka_unit_test(shows_what_there_is),
        cmocka_unit_test(colours_what_matters), cmocka_unit_test(writes_quiet_lines),
        cmocka_unit_test(shortens_numbers),     cmocka_unit_test(measures_the_rate_of_late),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
