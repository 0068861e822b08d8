/* What calls that have ended are told as: one sum for each limit and way, and all their leases. */
#include "unit.h"

#include "limit/dues.h"

static limit_ask ask_of(limit_kind kind, uint64_t counter, int64_t most) {
    return (limit_ask){.kind = kind,
                       .name = SPAN("rule"),
                       .counter = counter,
                       .who = SPAN("who"),
                       .quota = {most, PERIOD_DAY}};
}

static void sums_are_by_limit_and_way(void **state) {
    (void)state;
    dues d;
    dues_init(&d);
    const limit_ask a = ask_of(LIMIT_TOKENS, 1, 100), b = ask_of(LIMIT_TOKENS, 2, 100);
    const limit_ask other_rule = ask_of(LIMIT_TOKENS, 1, 200);
    dues_add(&d, &a, -3);
    dues_add(&d, &a, 5);
    dues_add(&d, &b, -1);
    dues_add(&d, &a, -4);
    dues_add(&d, &other_rule, -1);
    dues_add(&d, &a, 6);
    static const int64_t sums[] = {-7, 11, -1, -1};
    static const uint64_t counters[] = {1, 1, 2, 1};
    assert_int_equal(d.count, ARRAY_LEN(sums));
    for (size_t i = 0; i < d.count; i++) {
        assert_int_equal(d.items[i].amount, sums[i]);
        assert_int_equal(d.items[i].ask.counter, counters[i]);
        assert_span(d.items[i].ask.who, "who");
        assert_ptr_not_equal(d.items[i].ask.who.ptr, a.who.ptr);
    }
    dues_clear(&d);
    assert_int_equal(d.count, 0);
    dues_done(&d);
}

/* Of places each lease says which. */
static void leases_stand_beside_each_other(void **state) {
    (void)state;
    dues d;
    dues_init(&d);
    const limit_ask a = ask_of(LIMIT_PARALLEL, 1, 8);
    for (int i = 0; i < 3; i++) {
        dues_add_call(&d, i == 1 ? SPAN_OF("b") : SPAN_OF("a"));
        dues_add(&d, &a, -1);
    }
    dues_add_call(&d, SPAN_EMPTY);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.items[0].amount, -1);
    assert_span(buf_span(&d.leases), "a b a ");
    dues_clear(&d);
    assert_int_equal(d.leases.len, 0);
    dues_done(&d);
}

static void there_is_room_for_so_many(void **state) {
    (void)state;
    dues d;
    dues_init(&d);
    for (unsigned i = 0; i < DUES_MAX; i++) {
        assert_true(dues_have_room(&d, 1));
        assert_false(dues_have_room(&d, DUES_MAX - i + 1));
        const limit_ask a = ask_of(LIMIT_REQUESTS, i + 1, 100);
        dues_add(&d, &a, -1);
    }
    assert_false(dues_have_room(&d, 1));
    dues_clear(&d);
    for (unsigned i = 0; i < DUES_CALLS; i++) {
        assert_true(dues_have_room(&d, 0));
        dues_add_call(&d, SPAN_EMPTY);
    }
    assert_false(dues_have_room(&d, 0));
    dues_done(&d);
}

static void no_sum_goes_round(void **state) {
    (void)state;
    dues d;
    dues_init(&d);
    const limit_ask a = ask_of(LIMIT_TOKENS, 1, 100);
    for (int i = 0; i < 3; i++) {
        dues_add(&d, &a, INT64_MAX / 2 + 1);
        dues_add(&d, &a, -(INT64_MAX / 2) - 1);
    }
    assert_int_equal(d.items[0].amount, INT64_MAX);
    assert_int_equal(d.items[1].amount, -INT64_MAX);
    dues_done(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_by_limit_and_way),
        cmocka_unit_test(leases_stand_beside_each_other),
        cmocka_unit_test(there_is_room_for_so_many),
        cmocka_unit_test(no_sum_goes_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
