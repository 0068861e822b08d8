/* When a limit that is used up begins anew, by the headers of several providers. */
#include "unit.h"

#include "call/reset_hint.h"
#include "call/retry.h"

static const int64_t noon_us = 1796126400000000; /* 2026-12-01T12:00:00Z */

enum { MOST = 4 };

/* Pairs of a name and a value. */
static int64_t read(const char *const pairs[2 * MOST]) {
    http_header items[MOST];
    size_t count = 0;
    for (; count < MOST && pairs[2 * count]; count++)
        items[count] = (http_header){span_cstr(pairs[2 * count]), span_cstr(pairs[2 * count + 1])};
    return reset_hint_read((http_headers){items, count}, noon_us);
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(durations), cmocka_unit_test(headers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
