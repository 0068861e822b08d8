/* When secrets that are read again and again are read next. */
#include "unit.h"

#include "gateway/reload.h"

static void a_failure_is_not_waited_out(void **state) {
    (void)state;
    static const struct {
        int64_t refresh_ms;
        unsigned failures;
        int64_t due_ms;
    } rows[] = {
        {3600000, 0, 3600000}, {3600000, 1, 5000},      {3600000, 2, 10000}, {3600000, 7, 300000},
        {3600000, 8, 300000},  {3600000, 4000, 300000}, {2000, 0, 2000},     {2000, 1, 2000},
        {60000, 3, 20000},     {60000, 9, 60000},       {0, 0, 0},           {0, 3, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(reload_due_ms(rows[i].refresh_ms, rows[i].failures), rows[i].due_ms);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_failure_is_not_waited_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
