/* So much in so long: exactly, whatever the amount, the period and the way in which time passes. */
#include "unit.h"

#include "base/random.h"
#include "limit/gcra.h"

#define S ((int64_t)1000 * 1000)

static bool take(gcra *g, gcra_rule rule, int64_t amount, int64_t now_us) {
    if (gcra_wait(g, rule, amount, now_us) != 0) return false;
    gcra_take(g, rule, amount, now_us);
    return true;
}

static int64_t taken_at_once(gcra *g, gcra_rule rule, int64_t now_us) {
    int64_t n = 0;
    while (n <= 2 * rule.n && take(g, rule, 1, now_us))
        n++;
    return n;
}

/* Also where a period is no whole number of microseconds a unit. */
static void n_at_once_and_no_more(void **state) {
    (void)state;
    static const gcra_rule rules[] = {{1, S},
                                      {1, 60 * S},
                                      {3, 60 * S},
                                      {7, S},
                                      {60, 60 * S},
                                      {9999, 60 * S},
                                      {1000, 7},
                                      {123457, S},
                                      {2, 31 * 86400 * S},
                                      {1000003, 86400 * S}};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        gcra g = {0};
        int64_t now = 1234567890123;
        assert_int_equal(taken_at_once(&g, rules[i], now), rules[i].n);
        assert_int_equal(gcra_left(&g, rules[i], now), 0);
        assert_int_equal(gcra_until_full(&g, now), rules[i].period_us);
        now += rules[i].period_us;
        assert_int_equal(gcra_left(&g, rules[i], now), rules[i].n);
        assert_int_equal(taken_at_once(&g, rules[i], now), rules[i].n);
    }
}

static void then_one_each_part_of_the_period(void **state) {
    (void)state;
    const gcra_rule rule = {7, S}; /* one each 142857 1/7 µs */
    gcra g = {0};
    assert_int_equal(taken_at_once(&g, rule, S), 7);
    for (int64_t i = 1; i <= 100; i++) {
        int64_t due = S + (i * S + 6) / 7;
        assert_int_equal(gcra_wait(&g, rule, 1, due - 1), 1);
        assert_int_equal(gcra_wait(&g, rule, 1, due - 1000), 1000);
        assert_true(take(&g, rule, 1, due));
        assert_false(take(&g, rule, 1, due));
    }
}

static void amounts(void **state) {
    (void)state;
    const gcra_rule rule = {100000, 60 * S};
    gcra g = {0};
    const int64_t now = 5 * S;
    assert_int_equal(gcra_wait(&g, rule, 100001, now), -1);
    assert_true(take(&g, rule, 100000, now));
    assert_int_equal(gcra_wait(&g, rule, 50000, now), 30 * S);
    gcra_give(&g, rule, 60000, now);
    assert_int_equal(gcra_left(&g, rule, now), 60000);
    assert_true(take(&g, rule, 50000, now));
    gcra_give(&g, rule, 1000000, now); /* more than was taken makes no credit */
    assert_int_equal(gcra_left(&g, rule, now), 100000);
}

/* What was used beyond the reserve is paid for before anything else is taken. */
static void a_debt_is_paid(void **state) {
    (void)state;
    const gcra_rule rule = {60, 60 * S};
    gcra g = {0};
    gcra_take(&g, rule, 180, 0);
    assert_int_equal(gcra_left(&g, rule, 0), 0);
    assert_int_equal(gcra_wait(&g, rule, 1, 0), 121 * S);
    assert_int_equal(gcra_wait(&g, rule, 1, 121 * S), 0);
    gcra_take(&g, rule, GCRA_MOST, 0); /* a provider's word is no reason to refuse for ever */
    assert_int_equal(gcra_until_full(&g, 0), GCRA_DEBT_MAX_US);
}

/* No window as long as the period lets more through than twice n less one, none at all more than
 * what its length gives beside n: the bound that the documentation tells. */
/* Of [0, n). */
static int64_t below(rng *random, int64_t n) {
    return (int64_t)(rng_u64(random) % (uint64_t)n);
}

static void never_more_than_n_and_what_time_gives(void **state) {
    (void)state;
    rng random;
    rng_seed(&random, 14);
    for (int round = 0; round < 200; round++) {
        const gcra_rule rule = {1 + below(&random, 50), 1 + below(&random, 100000)};
        gcra g = {0};
        int64_t now = 1000000, got = 0, begin = now;
        for (int i = 0; i < 500; i++) {
            now += below(&random, 2 * rule.period_us / rule.n + 2);
            int64_t amount = below(&random, rule.n) + 1;
            if (take(&g, rule, amount, now)) got += amount;
            /* got <= n + (now - begin) * n / period */
            assert_true((got - rule.n) * rule.period_us <= (now - begin) * rule.n);
        }
    }
}

/* A limit that a reload has lowered or raised keeps what has been taken. */
static void another_rule_takes_over(void **state) {
    (void)state;
    gcra g = {0};
    const gcra_rule old = {2, 60 * S}, more = {3, 60 * S}, less = {1, 60 * S};
    assert_int_equal(taken_at_once(&g, old, 0), 2);
    assert_int_equal(gcra_left(&g, more, 0), 1);
    assert_int_equal(taken_at_once(&g, more, 0), 1);
    assert_int_equal(gcra_left(&g, old, 0), 0);
    assert_int_equal(gcra_wait(&g, old, 1, 0), 60 * S); /* 3 of 2 are taken: until 1 is */
    assert_int_equal(gcra_wait(&g, less, 1, 0), 180 * S);
    assert_int_equal(gcra_left(&g, more, 40 * S), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(n_at_once_and_no_more),
        cmocka_unit_test(then_one_each_part_of_the_period),
        cmocka_unit_test(amounts),
        cmocka_unit_test(a_debt_is_paid),
        cmocka_unit_test(never_more_than_n_and_what_time_gives),
        cmocka_unit_test(another_rule_takes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
