#include "unit.h"

#include "call/hint.h"

static const int64_t noon_us = 1796126400000000; /* Tue, 01 Dec 2026 12:00:00 GMT */

/* ---- in so many words ---- */

static retry_hint read_hint(const char *name1, const char *value1, const char *name2,
                            const char *value2) {
    http_header items[2] = {{span_cstr(name1), span_cstr(value1)},
                            {span_cstr(name2), span_cstr(value2)}};
    const http_headers headers = {items, name2 ? 2u : 1u};
    retry_hint hint = hint_read(headers, noon_us);
    assert_true(hint_is_told(headers) || (hint.after_ms < 0 && hint.should_retry < 0));
    return hint;
}

static void hints_are_read_in_all_forms(void **state) {
    (void)state;
    static const struct {
        const char *value;
        int64_t after_ms;
    } rows[] = {
        {"0", 0},
        {"2", 2000},
        {"0.5", 500},
        {"1.1", 1100},
        {".25", 250},
        {"3.", 3000},
        {"0.0001", 1}, /* up, never down to "at once" */
        {"600", 600000},
        {"86400", 86400000},
        {"99999999999999999999999999999999", RETRY_HINT_MAX_MS},
        {"Tue, 01 Dec 2026 12:00:30 GMT", 30000},
        {"Tuesday, 01-Dec-26 12:00:30 GMT", 30000},
        {"Tue Dec  1 12:00:30 2026", 30000},
        {"Tue, 01 Dec 2026 11:59:00 GMT", 0},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", RETRY_HINT_MAX_MS},
        {"", -1},
        {".", -1},
        {"-1", -1},
        {"+1", -1},
        {"NaN", -1},
        {"inf", -1},
        {"1e3", -1},
        {"1.2.3", -1},
        {"2 s", -1},
        {"soon", -1},
        {"Tue, 32 Dec 2026 12:00:30 GMT", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        retry_hint hint = read_hint("Retry-After", rows[i].value, NULL, NULL);
        if (hint.after_ms != rows[i].after_ms)
            fail_msg("Retry-After: %s is read as %lld", rows[i].value, (long long)hint.after_ms);
        assert_int_equal(hint.should_retry, -1);
    }
}

static void endless_digits_are_bounded(void **state) {
    (void)state;
    char digits[2001];
    memset(digits, '9', sizeof digits);
    digits[2000] = '\0';
    assert_int_equal(read_hint("retry-after", digits, NULL, NULL).after_ms, RETRY_HINT_MAX_MS);
    digits[1000] = '.';
    assert_int_equal(read_hint("retry-after", digits, NULL, NULL).after_ms, RETRY_HINT_MAX_MS);
    digits[0] = '.';
    digits[1000] = '9';
    assert_true(read_hint("retry-after", digits, NULL, NULL).after_ms >= 0);
}

static void the_finer_header_wins(void **state) {
    (void)state;
    assert_int_equal(read_hint("retry-after", "2", "retry-after-ms", "1500").after_ms, 1500);
    assert_int_equal(read_hint("retry-after", "2", "X-MS-Retry-After-Ms", "700").after_ms, 700);
    assert_int_equal(read_hint("x-ms-retry-after-ms", "700", "retry-after-ms", "1500.2").after_ms,
                     1501);
    assert_int_equal(read_hint("retry-after-ms", "-5", "retry-after", "2").after_ms, 2000);
}

static void should_retry_is_read(void **state) {
    (void)state;
    assert_int_equal(read_hint("x-should-retry", "true", NULL, NULL).should_retry, 1);
    assert_int_equal(read_hint("X-Should-Retry", " False ", NULL, NULL).should_retry, 0);
    assert_int_equal(read_hint("x-should-retry", "maybe", NULL, NULL).should_retry, -1);
    assert_int_equal(read_hint("x-should-retry", "true", NULL, NULL).after_ms, -1);
}

/* ---- limits that begin anew ---- */

enum { MOST = 4 };

/* Pairs of a name and a value. */
static int64_t read(const char *const pairs[2 * MOST]) {
    http_header items[MOST];
    size_t count = 0;
    for (; count < MOST && pairs[2 * count]; count++)
        items[count] = (http_header){span_cstr(pairs[2 * count]), span_cstr(pairs[2 * count + 1])};
    return hint_of_reset((http_headers){items, count}, noon_us);
}

static void durations(void **state) {
    (void)state;
    static const struct {
        const char *value;
        int64_t ms;
    } rows[] = {
        {"1s", 1000},
        {"6m0s", 360000},
        {"120ms", 120},
        {"1h2m3.5s", 3723500},
        {"2m59.56s", 179560},
        {"7.66s", 7660},
        {"0s", 0},
        {"1d", 86400000},
        {"17.5\xc2\xb5s", 1}, /* up */
        {"250us", 1},
        {"1ns", 1},
        {".5s", 500},
        {" 1s ", 1000},
        {"99999999999999999999999999999999h", RETRY_HINT_MAX_MS},
        {"9000h9000h", RETRY_HINT_MAX_MS},
        {"", -1},
        {"s", -1},
        {".s", -1},
        {"1", -1}, /* of what? */
        {"1.2.3s", -1},
        {"-1s", -1},
        {"+1s", -1},
        {"1 s", -1},
        {"1x", -1},
        {"1S", -1},
        {"1s2", -1},
        {"1e3s", -1},
        {"NaNs", -1},
        {"infs", -1},
        {"soon", -1},
        {"2026-12-01T12:00:30Z", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const pairs[2 * MOST] = {"X-RateLimit-Remaining-Requests", "0",
                                             "X-RateLimit-Reset-Requests", rows[i].value};
        if (read(pairs) != rows[i].ms)
            fail_msg("%s is read as %lld", rows[i].value, (long long)read(pairs));
    }
    char digits[600];
    memset(digits, '9', sizeof digits);
    memcpy(digits + sizeof digits - 2, "s", 2);
    const char *const pairs[2 * MOST] = {"x-ratelimit-remaining-tokens", "0",
                                         "x-ratelimit-reset-tokens", digits};
    assert_int_equal(read(pairs), RETRY_HINT_MAX_MS);
}

static void headers(void **state) {
    (void)state;
#define A "anthropic-ratelimit-"
#define X "x-ratelimit-"
    static const struct {
        const char *pairs[2 * MOST];
        int64_t ms;
    } rows[] = {
        {{NULL}, -1},
        {{X "remaining-tokens", "0", X "reset-tokens", "3s"}, 3000},
        {{X "remaining-tokens", "1", X "reset-tokens", "3s"}, -1},
        {{X "remaining-tokens", "00", X "reset-tokens", "3s"}, 3000},
        {{X "remaining-tokens", "", X "reset-tokens", "3s"}, -1},
        {{X "remaining-tokens", "-5", X "reset-tokens", "3s"}, -1},
        {{X "reset-tokens", "3s"}, -1},
        {{X "remaining-tokens", "0"}, -1},
        {{X "remaining-tokens", "0", X "reset-requests", "3s"}, -1},
        /* the longest of those that are used up */
        {{X "remaining-tokens", "0", X "reset-tokens", "3s", X "remaining-requests", "0",
          X "reset-requests", "1s"},
         3000},
        {{X "remaining-tokens", "9", X "reset-tokens", "3s", X "remaining-requests", "0",
          X "reset-requests", "1s"},
         1000},
        {{X "remaining-tokens", "0", X "reset-tokens", "soon", X "remaining-requests", "0",
          X "reset-requests", "1s"},
         1000},
        {{A "requests-remaining", "0", A "requests-reset", "2026-12-01T12:00:30Z"}, 30000},
        {{A "tokens-remaining", "0", A "tokens-reset", "2026-12-01T13:00:00.0005+01:00"}, 1},
        {{A "input-tokens-remaining", "0", A "input-tokens-reset", "2026-12-01T12:00:01Z"}, 1000},
        {{A "output-tokens-remaining", "0", A "output-tokens-reset", "2026-12-01T12:00:02Z"}, 2000},
        {{A "output-tokens-remaining", "7", A "output-tokens-reset", "2026-12-01T12:00:02Z"}, -1},
        {{A "requests-remaining", "0", A "requests-reset", "2026-12-01T11:59:00Z"}, 0},
        {{A "requests-remaining", "0", A "requests-reset", "9999-12-31T23:59:59Z"},
         RETRY_HINT_MAX_MS},
        {{A "requests-remaining", "0", A "requests-reset", "30s"}, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (read(rows[i].pairs) != rows[i].ms)
            fail_msg("row %zu is read as %lld", i, (long long)read(rows[i].pairs));
}

static void numbers(void **state) {
    (void)state;
    static const struct {
        const char *pairs[2 * MOST];
        int64_t ms;
    } rows[] = {
        {{"RateLimit-Remaining", "0", "RateLimit-Reset", "30"}, 30000},
        {{"RateLimit-Remaining", "0", "RateLimit-Reset", "0.5"}, 500},
        {{"RateLimit-Remaining", "2", "RateLimit-Reset", "30"}, -1},
        {{X "remaining", "0", X "reset", "30"}, 30000},
        {{X "remaining", "0", X "reset", "1796126430000"}, 30000}, /* ms since 1970 */
        {{X "remaining", "0", X "reset", "1796126430"}, 30000},    /* s since 1970 */
        {{X "remaining", "0", X "reset", "1796126399000"}, 0},
        {{X "remaining", "0", X "reset", "18446744073709551615"}, -1},
        {{X "remaining", "0", X "reset", "soon"}, -1},
        {{"ratelimit", "\"default\";r=0;t=30"}, 30000},
        {{"RateLimit", "\"a, b;r=1\"; r=0; t=5"}, 5000},
        {{"RateLimit", "\"minute\";r=0;t=30, \"day\";r=0;t=300, \"month\";r=7;t=9000"}, 300000},
        {{"RateLimit", "\"default\";r=1;t=30"}, -1},
        {{"RateLimit", "\"default\";t=30"}, -1},
        {{"RateLimit", "\"default\";r=0"}, -1},
        {{"RateLimit", "\"default;r=0;t=30"}, -1},
        {{"RateLimit", ";;,,"}, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (read(rows[i].pairs) != rows[i].ms)
            fail_msg("row %zu is read as %lld", i, (long long)read(rows[i].pairs));
}

/* ---- in a sentence ---- */

static void sentences(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000. Please "
         "try "
         "again in 7m12s. Visit us.",
         432000},
        {"Please try again in 6ms.", 6},
        {"Please try again in 1.242s. Need more tokens?", 1242},
        {"Please try again in 1h2m3.5s", 3723500},
        {"Please retry after 26 seconds.", 26000},
        {"Please retry in 34.074824224s.", 34075},
        {"Rate limited. Try again in 1 minute and 5 seconds", 65000},
        {"Try again in 2 hours, 3 minutes, and 4 secs.", 7384000},
        {"Wait 20 s", 20000},
        {"Please wait for 3 minutes before you try again.", 180000},
        {"Try again in 2 days", 172800000},
        {"Try again in a moment, or try again in 5 min", 300000},
        {"Try again in 9999999 days", RETRY_HINT_MAX_MS},
        {"Try again in 5 months", -1},
        {"Try again in 5", -1},
        {"Try again in 5.", -1},
        {"Try again in -5s", -1},
        {"try again in s", -1},
        {"The limit is 20 s", -1},
        {"try again in ", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = hint_in_text(span_cstr(rows[i].text));
        if (ms != rows[i].ms) fail_msg("%s: %lld", rows[i].text, (long long)ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hints_are_read_in_all_forms),
        cmocka_unit_test(endless_digits_are_bounded),
        cmocka_unit_test(the_finer_header_wins),
        cmocka_unit_test(should_retry_is_read),
        cmocka_unit_test(durations),
        cmocka_unit_test(headers),
        cmocka_unit_test(numbers),
        cmocka_unit_test(sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
