/* Who may make how many extra calls, by what he and others have made. */
#include "unit.h"

#include "call/budget.h"

#include <stdlib.h>

static const config_retry retry = {.budget_ratio = 0.2, .budget_floor = 3};
static const config_hedge hedge = {.on = true, .at_most_ratio = 0.05};

enum { NOW = 1000000 };

/* "A10 a3": A makes ten calls, and takes three extras; 0 and o: everybody is one. */
static void play(budget *b, const char *script) {
    span rest = span_cstr(script), word;
    while (span_cut(&rest, ' ', &word) && word.len) {
        long n = strtol(word.ptr + 1, NULL, 10);
        bool extra = word.ptr[0] >= 'a';
        char who = extra ? (char)(word.ptr[0] - 'a' + 'A') : word.ptr[0];
        uint64_t holder = who == 'O' || who == '0' ? 0 : (uint64_t)who;
        for (long i = 0; i < n; i++)
            if (extra)
                budget_take(b, holder, NOW);
            else
                budget_count_call(b, holder, NOW);
    }
}

static void nobody_spends_what_is_anothers(void **state) {
    (void)state;
    static const struct {
        const char *script;
        bool left_a, left_b, left_all;
    } rows[] = {
        {"", true, true, true},
        {"a2", true, true, true},
        {"a3", false, true, false},
        {"A14 a3", false, true, false},
        {"A20 a3", true, true, true},
        {"A20 a4", false, true, false},
        {"A10 a40 B10 b2", false, true, false}, /* whatever A has got */
        {"A10 a40 B10 b3", false, false, false},
        {"B1000 A10 a3", false, true, true}, /* others' calls are no ground for one's retries */
        {"0100 o3", true, true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        budget b = {0};
        play(&b, rows[i].script);
        if (budget_left(&b, &retry, 'A', NOW) != rows[i].left_a ||
            budget_left(&b, &retry, 'B', NOW) != rows[i].left_b ||
            budget_left(&b, &retry, 0, NOW) != rows[i].left_all)
            fail_msg("'%s'", rows[i].script);
        budget_done(&b);
    }
}

/* However they take turns, all get the ratio of their calls and a floor each. */
static void together_they_get_so_much(void **state) {
    (void)state;
    enum { CLIENTS = 10, CALLS = 50 };
    budget b = {0};
    unsigned extras = 0;
    for (unsigned i = 0; i < CLIENTS * CALLS; i++) {
        uint64_t who = 1 + i % CLIENTS;
        budget_count_call(&b, who, NOW);
        for (int k = 0; k < 3; k++) {
            if (!budget_left(&b, &retry, who, NOW)) continue;
            budget_take(&b, who, NOW);
            extras++;
        }
    }
    assert_int_equal(extras, CLIENTS * CALLS / 5);
    budget_done(&b);
}

static void hedges_are_each_ones_own(void **state) {
    (void)state;
    budget b = {0};
    play(&b, "A100 B40");
    for (int i = 0; i < 5; i++)
        assert_true(budget_take_hedge(&b, &hedge, 'A', NOW));
    assert_false(budget_take_hedge(&b, &hedge, 'A', NOW));
    for (int i = 0; i < 2; i++)
        assert_true(budget_take_hedge(&b, &hedge, 'B', NOW));
    assert_false(budget_take_hedge(&b, &hedge, 'B', NOW));
    budget_return_hedge(&b, 'B', NOW);
    assert_false(budget_take_hedge(&b, &hedge, 'A', NOW));
    assert_true(budget_take_hedge(&b, &hedge, 'B', NOW));
    assert_true(budget_take_hedge(&b, &hedge, 'C', NOW)); /* the first of a minute */
    assert_false(budget_take_hedge(&b, &hedge, 'C', NOW));
    assert_false(budget_take_hedge(&b, &hedge, 0, NOW)); /* eight of 140 are more than 5 % */
    budget_done(&b);
}

/* Who has been quiet for a minute makes room; where nobody has, the newcomers are one. */
static void clients_are_bounded(void **state) {
    (void)state;
    budget b = {0};
    for (uint64_t who = 1; who <= BUDGET_CLIENTS; who++)
        budget_count_call(&b, who, NOW);
    for (int i = 0; i < 17; i++) /* 17 of 84 would be more than a fifth */
        budget_take(&b, 1000, NOW);
    for (int i = 0; i < 20; i++)
        budget_count_call(&b, 1001, NOW);
    assert_int_equal(b.clients.count, BUDGET_CLIENTS);
    assert_false(budget_left(&b, &retry, 1001, NOW));
    assert_true(budget_left(&b, &retry, 1, NOW));
    for (int i = 0; i < 20; i++)
        budget_count_call(&b, 1000 + (uint64_t)i % 2, NOW + 60000);
    for (int i = 0; i < 3; i++) {
        assert_true(budget_left(&b, &retry, 1001, NOW + 60000));
        budget_take(&b, 1001, NOW + 60000);
    }
    assert_false(budget_left(&b, &retry, 1001, NOW + 60000)); /* by its ten calls, not by all 20 */
    assert_true(budget_left(&b, &retry, 1002, NOW + 60000));
    assert_int_equal(b.clients.count, BUDGET_CLIENTS);
    budget_done(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_spends_what_is_anothers),
        cmocka_unit_test(together_they_get_so_much),
        cmocka_unit_test(hedges_are_each_ones_own),
        cmocka_unit_test(clients_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
