/* How far a run may go. */
#include "unit.h"

#include "tools/run.h"

static void what_follows_an_answer(void **state) {
    (void)state;
    static const struct {
        run_limits limits;
        unsigned steps;
        int64_t tokens, nano;
        size_t calls;
        run_stop next;
    } rows[] = {
        {{8, 0, 0}, 0, 0, 0, 0, RUN_ENDS},
        {{8, 0, 0}, 0, 0, 0, 1, RUN_GOES_ON},
        {{8, 0, 0}, 7, 0, 0, 1, RUN_GOES_ON},
        {{8, 0, 0}, 8, 0, 0, 1, RUN_MAX_STEPS},
        {{8, 0, 0}, 8, 0, 0, 0, RUN_ENDS}, /* whatever it took: it is an answer */
        {{1, 0, 0}, 0, 0, 0, 9, RUN_GOES_ON},
        {{1, 0, 0}, 1, 0, 0, 1, RUN_MAX_STEPS},
        {{8, 100, 0}, 1, 99, 0, 1, RUN_GOES_ON},
        {{8, 100, 0}, 1, 100, 0, 1, RUN_MAX_TOKENS},
        {{8, 100, 0}, 1, 1000, 0, 0, RUN_ENDS},
        {{8, 0, 0}, 1, INT64_MAX, INT64_MAX, 1, RUN_GOES_ON},
        {{8, 0, 50}, 1, 0, 49, 1, RUN_GOES_ON},
        {{8, 0, 50}, 1, 0, 50, 1, RUN_MAX_COST},
        {{8, 0, 50}, 1, 0, -1, 1, RUN_GOES_ON}, /* nobody knows what it cost */
        {{8, 100, 50}, 8, 100, 50, 1, RUN_MAX_STEPS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run_state r = run_nothing;
        r.steps = rows[i].steps;
        r.usage.total = rows[i].tokens;
        r.cost_nano = rows[i].nano;
        assert_int_equal(run_after_answer(&rows[i].limits, &r, rows[i].calls), rows[i].next);
        assert_int_equal(run_is_last(&rows[i].limits, &r),
                         rows[i].steps >= rows[i].limits.max_steps);
    }
}

static void usage_is_added_up_as_far_as_it_is_told(void **state) {
    (void)state;
    run_state r = run_nothing;
    token_usage u = token_usage_unknown;
    run_count(&r, &u, 0);
    assert_int_equal(r.usage.prompt, 0);
    assert_int_equal(r.usage.cached, -1);
    assert_false(r.usage.estimated);
    u.prompt = 10, u.completion = 5, u.total = 15, u.cached = 4;
    run_count(&r, &u, 7);
    run_count(&r, &u, 8);
    assert_int_equal(r.usage.prompt, 20);
    assert_int_equal(r.usage.completion, 10);
    assert_int_equal(r.usage.total, 30);
    assert_int_equal(r.usage.cached, 8);
    assert_int_equal(r.usage.reasoning, -1);
    assert_int_equal(r.cost_nano, 15);
    u.estimated = true;
    u.total = INT64_MAX;
    run_count(&r, &u, -1);
    run_count(&r, &u, 9);
    assert_true(r.usage.estimated);
    assert_int_equal(r.usage.total, INT64_MAX);
    assert_int_equal(r.cost_nano, -1); /* a sum with a hole is none */
}

static void what_stops_a_run_has_words(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    assert_string_equal(run_stop_code(RUN_MAX_STEPS), "max_steps");
    assert_string_equal(run_stop_code(RUN_MAX_TIME), "max_time");
    assert_string_equal(run_stop_code(RUN_MAX_TOKENS), "max_tokens");
    assert_string_equal(run_stop_code(RUN_MAX_COST), "max_cost");
    assert_string_equal(run_stop_code(RUN_ENDS), "");
    assert_span(run_stop_sentence(RUN_MAX_TIME, SPAN_OF("2m"), &a),
                "The run was not over within 2m, which is its limit.");
    assert_span(run_stop_sentence(RUN_ENDS, SPAN_OF("2m"), &a), "");
    for (int stop = RUN_ENDS + 1; stop < RUN_STOPS; stop++)
        assert_true(run_stop_sentence((run_stop)stop, SPAN_OF("9"), &a).len > 0);
    arena_done(&a);
}

static void calls_run_beside_each_other_where_they_may(void **state) {
    (void)state;
    static const struct {
        unsigned under_way;
        bool alone, parallel, may;
    } rows[] = {
        {0, false, true, true},   {0, false, false, true},  {1, false, true, true},
        {1, false, false, false}, {1, true, true, false},   {1, true, false, false},
        {15, false, true, true},  {16, false, true, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(run_may_begin(rows[i].under_way, rows[i].alone, rows[i].parallel),
                         rows[i].may);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_an_answer),
        cmocka_unit_test(usage_is_added_up_as_far_as_it_is_told),
        cmocka_unit_test(what_stops_a_run_has_words),
        cmocka_unit_test(calls_run_beside_each_other_where_they_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
