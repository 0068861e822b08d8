#include "unit.h"

#include "observe/sparing.h"

static void so_many_in_a_time(void **state) {
    (void)state;
    static const struct {
        int64_t now_ms;
        bool due;
        uint64_t passed_over;
    } rows[] = {
        {5000, true, 0},  {5000, true, 0},  {5999, false, 0},
        {5999, false, 0}, {6000, true, 2}, /* a new time begins with the first of it, and tells of
                                              those before */
        {6001, true, 0},  {6999, false, 0}, {90000, true, 1},
        {90999, true, 0}, {91000, true, 0},
    };
    sparing s = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t passed_over = 0;
        bool due = sparing_due(&s, 2, 1000, rows[i].now_ms, &passed_over);
        if (due != rows[i].due || passed_over != rows[i].passed_over)
            fail_msg("row %zu: %d, %llu", i, due, (unsigned long long)passed_over);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_in_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
