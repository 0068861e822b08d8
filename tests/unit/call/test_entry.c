/* What follows when a call has asked whether an attempt may begin: each reason, each end, alone and
 * beside another attempt. */
#include "unit.h"

#include "call/entry.h"

static void what_follows(void **state) {
    (void)state;
    static const struct {
        entry_why why;
        entry_next full, failed;               /* alone */
        entry_next full_beside, failed_beside; /* another one is under way */
    } rows[] = {
        {ENTRY_FIRST, NEXT_OTHER, NEXT_DECIDE, NEXT_OTHER, NEXT_DECIDE},
        {ENTRY_LATER, NEXT_DECIDE, NEXT_DECIDE, NEXT_DECIDE, NEXT_DECIDE},
        {ENTRY_RETRY, NEXT_DECIDE, NEXT_DECIDE, NEXT_DECIDE, NEXT_DECIDE},
        {ENTRY_AT_ONCE, NEXT_DECIDE, NEXT_DECIDE, NEXT_FORGET, NEXT_FORGET},
        {ENTRY_FALLBACK, NEXT_REDECIDE, NEXT_DECIDE, NEXT_REDECIDE, NEXT_DECIDE},
        {ENTRY_HEDGE, NEXT_FORGET, NEXT_FORGET, NEXT_FORGET, NEXT_FORGET},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(entry_follow(rows[i].why, ENTRY_BEGUN, 1), NEXT_RUN);
        assert_int_equal(entry_follow(rows[i].why, ENTRY_FULL, 0), rows[i].full);
        assert_int_equal(entry_follow(rows[i].why, ENTRY_FAILED, 0), rows[i].failed);
        assert_int_equal(entry_follow(rows[i].why, ENTRY_FULL, 1), rows[i].full_beside);
        assert_int_equal(entry_follow(rows[i].why, ENTRY_FAILED, 1), rows[i].failed_beside);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_follows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
