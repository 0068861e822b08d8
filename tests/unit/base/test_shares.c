#include "unit.h"

#include "base/random.h"
#include "base/shares.h"

static void one_may_hold_less_than_all(void **state) {
    (void)state;
    shares s = {0};
    assert_int_equal(shares_held(&s, 1), 0);
    assert_int_equal(shares_take(&s, 1, 3, 10, 5), SHARE_TAKEN);
    assert_int_equal(shares_take(&s, 1, 3, 10, 5), SHARE_OWN_GONE);
    assert_int_equal(shares_take(&s, 1, 2, 10, 5), SHARE_TAKEN);
    assert_int_equal(shares_take(&s, 2, 4, 10, 5), SHARE_TAKEN);
    assert_int_equal(shares_take(&s, 3, 2, 10, 5), SHARE_ALL_GONE);
    assert_int_equal(shares_take(&s, 2, 2, 10, 5), SHARE_ALL_GONE);
    assert_int_equal(shares_held(&s, 1), 5);
    assert_int_equal(shares_held(&s, 2), 4);
    assert_int_equal(shares_held(&s, 3), 0);
    assert_int_equal(s.held, 9);
    shares_give(&s, 1, 5);
    assert_int_equal(shares_take(&s, 3, 5, 10, 5), SHARE_TAKEN);
    shares_done(&s);
    assert_int_equal(shares_held(&s, 3), 0);
}

/* Bounds that a new configuration makes smaller take nothing away. */
static void bounds_may_shrink(void **state) {
    (void)state;
    shares s = {0};
    assert_int_equal(shares_take(&s, 1, 8, 10, 10), SHARE_TAKEN);
    assert_int_equal(shares_take(&s, 2, 1, 4, 4), SHARE_ALL_GONE);
    assert_int_equal(shares_take(&s, 1, 1, 20, 4), SHARE_OWN_GONE);
    assert_int_equal(shares_take(&s, 1, UINT64_MAX, UINT64_MAX, UINT64_MAX), SHARE_ALL_GONE);
    shares_give(&s, 1, 8);
    assert_int_equal(shares_take(&s, 2, 4, 4, 4), SHARE_TAKEN);
    shares_done(&s);
}

/* Who gives everything back leaves no row, and no gap at which the search for another would stop.
 */
static void only_who_holds_is_remembered(void **state) {
    (void)state;
    enum { HOLDERS = 64, STEPS = 20000 };
    shares s = {0};
    uint64_t held[HOLDERS] = {0}, all = 0;
    rng random;
    rng_seed(&random, 7);
    for (int i = 0; i < STEPS; i++) {
        size_t who = rng_u64(&random) % HOLDERS;
        uint64_t amount = 1 + rng_u64(&random) % 3;
        uint64_t name = who * 4; /* many have their home in the same row */
        if (rng_u64(&random) % 2 && held[who] >= amount) {
            shares_give(&s, name, amount);
            held[who] -= amount;
            all -= amount;
        } else {
            bool fits = all + amount <= 60, own_fits = held[who] + amount <= 7;
            assert_int_equal(shares_take(&s, name, amount, 60, 7), !fits       ? SHARE_ALL_GONE
                                                                   : !own_fits ? SHARE_OWN_GONE
                                                                               : SHARE_TAKEN);
            if (fits && own_fits) held[who] += amount, all += amount;
        }
        size_t holders = 0;
        for (size_t k = 0; k < HOLDERS; k++) {
            assert_int_equal(shares_held(&s, k * 4), held[k]);
            holders += held[k] > 0;
        }
        assert_int_equal(s.count, holders);
        assert_int_equal(s.held, all);
    }
    assert_true(s.cap <= 256);
    shares_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_may_hold_less_than_all),
        cmocka_unit_test(bounds_may_shrink),
        cmocka_unit_test(only_who_holds_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
