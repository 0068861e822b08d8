/* A clock that is far ahead: by it all is too old, and nothing of it comes back. */
#include "unit.h"

#include "ledger/doubt.h"

#define DAY_MS   (INT64_C(24) * 3600 * 1000)
#define DAY_US   (1000 * DAY_MS)
#define HOUR_MS  (INT64_C(3600) * 1000)
#define MARCH_US (INT64_C(1772323200) * 1000000) /* the first of March 2026 */

enum { LOOKS_MAX = 4 };

typedef struct look {
    int64_t mono_ms, wall_us;
} look;

static void a_clock_is_doubted(void **state) {
    (void)state;
    static const struct {
        const char *about;
        int64_t first_us; /* what is there at the first look */
        look looks[LOOKS_MAX];
        int64_t newest_us; /* what is there in the end */
        int64_t keep_days;
        bool doubted;
    } rows[] = {
        {"one that goes right", MARCH_US - DAY_US, {{1, MARCH_US}}, 0, 30, false},
        {"nothing was ever there", 0, {{1, MARCH_US}}, 0, 30, false},
        {"ahead at the start", MARCH_US, {{1, MARCH_US + 900 * DAY_US}}, 0, 30, true},
        {"and by it something new was written",
         MARCH_US,
         {{1, MARCH_US + 900 * DAY_US}, {61000, MARCH_US + 900 * DAY_US + 61000000}},
         MARCH_US + 900 * DAY_US,
         30,
         true},
        {"an hour later",
         MARCH_US,
         {{1, MARCH_US + 900 * DAY_US}, {1 + HOUR_MS, MARCH_US + 900 * DAY_US + 1000 * HOUR_MS}},
         0,
         30,
         false},
        {"all of what is there now is too old",
         0,
         {{1, MARCH_US}, {61000, MARCH_US + 61000000}},
         MARCH_US - 900 * DAY_US,
         30,
         true},
        {"set ahead long after the start",
         MARCH_US,
         {{1, MARCH_US}, {DAY_MS, MARCH_US + DAY_US}, {DAY_MS + 60000, MARCH_US + 900 * DAY_US}},
         MARCH_US + 900 * DAY_US,
         30,
         true},
        {"set ahead by less than is kept",
         MARCH_US,
         {{1, MARCH_US}, {DAY_MS, MARCH_US + DAY_US}, {DAY_MS + 60000, MARCH_US + 20 * DAY_US}},
         0,
         30,
         false},
        {"and then once more",
         MARCH_US,
         {{1, MARCH_US},
          {DAY_MS, MARCH_US + DAY_US},
          {DAY_MS + 60000, MARCH_US + 900 * DAY_US},
          {DAY_MS + 90000, MARCH_US + 910 * DAY_US}},
         0,
         30,
         true},
        {"put right again",
         MARCH_US,
         {{1, MARCH_US + 900 * DAY_US}, {60000, MARCH_US}},
         0,
         30,
         false},
        {"not looked at for a month, in which it went right",
         MARCH_US,
         {{1, MARCH_US}, {31 * DAY_MS, MARCH_US + 31 * DAY_US}},
         0,
         30,
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        clock_doubt d = {.for_ms = HOUR_MS};
        int64_t now_us = 0;
        for (size_t k = 0; k < LOOKS_MAX && rows[i].looks[k].wall_us; k++) {
            const look *l = &rows[i].looks[k];
            clock_doubt_look(&d, k ? 0 : rows[i].first_us, l->mono_ms, l->wall_us);
            now_us = l->wall_us;
        }
        const int64_t before_us = now_us - rows[i].keep_days * DAY_US;
        if (clock_doubted(&d, rows[i].newest_us, before_us) != rows[i].doubted)
            fail_msg("%s", rows[i].about);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_clock_is_doubted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
