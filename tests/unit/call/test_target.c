#include "unit.h"

#include "call/target.h"

#include <pthread.h>
#include <stdio.h>

static const config_retry retry = {.budget_ratio = 0.2, .budget_floor = 3};
static const config_hedge hedge = {.on = true, .after_quantile = 0.95, .at_most_ratio = 0.05};
static const config_breaker breaker_policy = {
    .on = true, .failure_ratio = 0.5, .of = 4, .window_ms = 1000, .probe_ms = 500};

/* Opens with the failure after all that the workers report. */
static const config_breaker patient = {
    .on = true, .failure_ratio = 1, .of = 20001, .window_ms = 1000, .probe_ms = 500};

static const config_hedge often = {.on = true, .at_most_ratio = 1000};

static target_table *table;
static target_state *one;

static int set_up(void **state) {
    (void)state;
    table = target_table_new();
    one = target_get(table, SPAN_OF("openai/gpt"));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    target_table_free(table);
    return 0;
}

static void a_name_has_one_state(void **state) {
    (void)state;
    assert_ptr_equal(target_get(table, SPAN_OF("openai/gpt")), one);
    assert_ptr_not_equal(target_get(table, SPAN_OF("openai/gpt2")), one);
    assert_span(target_name(one), "openai/gpt");
}

typedef struct state_counts {
    int all, wanted;
    span name;
} state_counts;

static void count_state(void *user, target_state *s) {
    state_counts *c = user;
    c->all++;
    c->wanted += span_eq(target_name(s), c->name);
}

static state_counts count_states(const char *name) {
    state_counts c = {.name = span_cstr(name)};
    target_each(table, count_state, &c);
    return c;
}

static target_state *get_numbered(const char *prefix, int i) {
    char name[32];
    int n = snprintf(name, sizeof name, "%s%d", prefix, i);
    return target_get(table, span_from(name, (size_t)n));
}

static void answer(target_state *s) {
    (void)target_report(s, &breaker_policy, 0, false, NO_PROBE, 1, 1);
}

/* What is held stays, whatever else there is; of the rest those stay that were held last. */
static void what_is_held_has_no_bound(void **state) {
    (void)state;
    enum { HELD = 50, SPARE = 40 };
    target_state *held[HELD];
    for (int i = 0; i < HELD; i++)
        answer(held[i] = get_numbered("held", i));
    for (int i = 0; i < TARGETS_MAX + SPARE; i++) {
        target_state *s = get_numbered("word", i);
        answer(s);
        target_unref(s);
    }
    assert_int_equal(count_states("").all, 1 + HELD + TARGETS_MAX);
    for (int i = 0; i < HELD; i++)
        assert_ptr_equal(get_numbered("held", i), held[i]);
    assert_int_equal(count_states("word39").wanted, 0);
    assert_int_equal(count_states("word40").wanted, 1);
    target_unref(get_numbered("word", 40)); /* used again: 41 is the oldest now */
    answer(held[0]);
    target_unref(held[0]);
    assert_int_equal(count_states("word41").wanted, 1); /* it is held once more */
    target_unref(held[0]);
    assert_int_equal(count_states("word40").wanted, 1);
    assert_int_equal(count_states("word41").wanted, 0);
    assert_int_equal(count_states("openai/gpt").wanted, 1);
    for (int i = 1; i < HELD; i++) {
        target_unref(held[i]);
        target_unref(held[i]);
    }
    assert_int_equal(count_states("").all, 1 + TARGETS_MAX);
    assert_int_equal(count_states("held49").wanted, 1);
}

/* However many are invented, they push out nothing but each other. */
static void what_never_answered_goes_first(void **state) {
    (void)state;
    enum { ANSWERED = 300, INVENTED = 4200 };
    for (int i = 0; i < ANSWERED; i++) {
        target_state *s = get_numbered("word", i);
        answer(s);
        assert_true(target_has_answered(s));
        target_unref(s);
    }
    for (int i = 0; i < INVENTED; i++) {
        target_state *s = get_numbered("invented", i);
        (void)target_report(s, &breaker_policy, 0, true, NO_PROBE, -1, 0);
        assert_false(target_has_answered(s));
        target_unref(s);
    }
    assert_int_equal(count_states("").all, 1 + ANSWERED + TARGETS_UNANSWERED_MAX);
    target_state *late = get_numbered("invented", INVENTED - 1);
    answer(late);
    target_unref(late);
    assert_int_equal(count_states("word0").wanted, 1);
    for (int i = 0; i < TARGETS_UNANSWERED_MAX; i++)
        target_unref(get_numbered("more", i));
    assert_int_equal(count_states("invented4199").wanted, 1);
    assert_int_equal(count_states("invented4198").wanted, 0);
}

/* A provider's strangers have a state of its own, which no name reaches, and which remembers
 * nothing but what was spent. */
static void strangers_know_nothing(void **state) {
    (void)state;
    target_state *s = target_get_strangers(table, SPAN_OF("openai"));
    key_state *k = key_get(target_table_keys(table), SPAN_OF("openai"), NULL);
    assert_ptr_equal(target_get_strangers(table, SPAN_OF("openai")), s);
    assert_ptr_not_equal(target_get_strangers(table, SPAN_OF("other")), s);
    assert_ptr_not_equal(target_get(table, SPAN_OF("openai")), s);
    assert_int_equal(count_states("openai").wanted, 1);
    for (int i = 0; i < 40; i++) {
        breaker_probe probe;
        assert_true(target_admit(s, &breaker_policy, 0, 0, &probe));
        assert_int_equal(probe, NO_PROBE);
        assert_false(target_report(s, &breaker_policy, 0, true, NO_PROBE, -1, 0).changed);
        (void)target_report(s, &breaker_policy, 0, false, NO_PROBE, 10, 0);
    }
    assert_int_equal(target_latency_ms(s), -1);
    assert_false(target_has_answered(s));
    target_learn(s, HABIT_FINISHES);
    assert_false(target_has(s, HABIT_FINISHES));
    int64_t wait_ms;
    target_limit(s, k, 5000, 0);
    assert_int_equal(target_look_key(s, k, 0, &wait_ms), KEY_FREE);
    for (int i = 0; i < 3; i++)
        target_take_budget(s, 0, 0);
    assert_false(target_budget_left(s, &retry, 0, 0));
    key_unref(k);
}

static void the_breaker_is_the_targets(void **state) {
    (void)state;
    target_state *two = target_get(table, SPAN_OF("two"));
    unsigned apart;
    breaker_probe probe;
    for (int i = 0; i < 4; i++) {
        breaker_change now = target_report(one, &breaker_policy, 0, true, NO_PROBE, -1, 0);
        assert_int_equal(now.state, i < 3 ? BREAKER_CLOSED : BREAKER_IS_OPEN);
        assert_int_equal(now.changed, i == 3);
        assert_false(now.for_one);
    }
    assert_false(target_ready(one, &breaker_policy, 0, 499));
    assert_int_equal(target_wait_ms(one, &breaker_policy, 0, 100), 400);
    assert_true(target_ready(two, &breaker_policy, 0, 499));
    assert_true(target_admit(one, &breaker_policy, 0, 500, &probe));
    assert_int_equal(probe, PROBE_FOR_ALL);
    assert_int_equal(target_breaker(one, &breaker_policy, &apart), BREAKER_HALF_OPEN);
    assert_int_equal(apart, 0);
    assert_false(target_admit(one, &breaker_policy, 0, 500, &probe));
    target_abandon(one, 0, PROBE_FOR_ALL);
    assert_true(target_admit(one, &breaker_policy, 0, 501, &probe));
    breaker_change back = target_report(one, &breaker_policy, 0, false, probe, 10, 502);
    assert_int_equal(back.state, BREAKER_CLOSED);
    assert_true(back.changed);
}

/* To one client alone, while others pass; a page says for how many. */
static void a_client_may_be_apart(void **state) {
    (void)state;
    unsigned apart;
    breaker_probe probe;
    for (int i = 0; i < 4; i++) {
        breaker_change now = target_report(one, &breaker_policy, 7, true, NO_PROBE, -1, 0);
        assert_int_equal(now.changed, i == 3);
        assert_true(now.for_one);
    }
    assert_false(target_ready(one, &breaker_policy, 7, 499));
    assert_int_equal(target_wait_ms(one, &breaker_policy, 7, 499), 1);
    assert_true(target_ready(one, &breaker_policy, 8, 499));
    assert_int_equal(target_breaker(one, &breaker_policy, &apart), BREAKER_CLOSED);
    assert_int_equal(apart, 1);
    assert_true(target_admit(one, &breaker_policy, 7, 500, &probe));
    assert_int_equal(probe, PROBE_FOR_ONE);
    assert_false(target_ready(one, &breaker_policy, 7, 500));
    target_abandon(one, 7, probe);
    assert_true(target_admit(one, &breaker_policy, 7, 500, &probe));
    assert_true(target_alive(one, &breaker_policy, 7, probe, 501).changed);
    (void)target_breaker(one, &breaker_policy, &apart);
    assert_int_equal(apart, 0);
    config_breaker off = breaker_policy;
    off.on = false;
    (void)target_report(one, &off, 7, false, NO_PROBE, -1, 501);
    assert_true(target_ready(one, &breaker_policy, 7, 501));
}

static void habits_are_learnt_one_by_one(void **state) {
    (void)state;
    target_state *two = target_get(table, SPAN_OF("openai/other"));
    assert_false(target_has(one, HABIT_FINISHES));
    target_learn(one, HABIT_FINISHES);
    assert_true(target_has(one, HABIT_FINISHES));
    assert_false(target_has(one, HABIT_NO_STREAM_OPTIONS));
    target_learn(one, HABIT_NO_STREAM_OPTIONS);
    target_learn(one, HABIT_NO_STREAM_OPTIONS);
    assert_true(target_has(one, HABIT_FINISHES));
    assert_true(target_has(one, HABIT_NO_STREAM_OPTIONS));
    assert_false(target_has(two, HABIT_FINISHES));
}

static void the_budget_follows_the_last_minute(void **state) {
    (void)state;
    int64_t now = 1000000;
    for (int i = 0; i < 3; i++) { /* the floor, without any call */
        assert_true(target_budget_left(one, &retry, 0, now));
        target_take_budget(one, 0, now);
    }
    assert_false(target_budget_left(one, &retry, 0, now));
    for (int i = 0; i < 19; i++)
        target_count_call(one, 0, now);
    assert_false(target_budget_left(one, &retry, 0, now)); /* a fourth would be 4 of 19 */
    target_count_call(one, 0, now);
    assert_true(target_budget_left(one, &retry, 0, now));
    target_take_budget(one, 0, now);
    assert_false(target_budget_left(one, &retry, 0, now));
    assert_false(target_budget_left(one, &retry, 0, now + 59999));
    assert_true(target_budget_left(one, &retry, 0, now + 60000)); /* forgotten: the floor again */
    target_take_budget(one, 0, now + 1000000);
    target_take_budget(one, 0,
                       now + 1000000 - 7); /* another worker's clock reading is a bit older */
    assert_true(target_budget_left(one, &retry, 0, now + 1000000));
    target_take_budget(one, 0, now + 1000000);
    assert_false(target_budget_left(one, &retry, 0, now + 1000000));
}

/* At one jump, without a look at the time between. */
static void a_quiet_minute_forgets_all(void **state) {
    (void)state;
    for (int64_t after = 55 * 1000; after <= 300 * 1000; after += 5000) {
        int64_t now = after * 1000;
        target_state *s = one;
        for (int i = 0; i < 3; i++)
            target_take_budget(s, 0, now);
        assert_false(target_budget_left(s, &retry, 0, now));
        assert_int_equal(target_budget_left(s, &retry, 0, now + after), after >= 60 * 1000);
    }
}

static void hedges_are_few(void **state) {
    (void)state;
    config_hedge off = hedge;
    off.on = false;
    assert_false(target_take_hedge(one, &off, 0, 0));
    assert_true(target_take_hedge(one, &hedge, 0, 0)); /* a quiet service may hedge once a minute */
    assert_false(target_take_hedge(one, &hedge, 0, 0));
    for (int i = 0; i < 100; i++)
        target_count_call(one, 0, 30000);
    for (int i = 0; i < 4; i++)
        assert_true(target_take_hedge(one, &hedge, 0, 30000));
    assert_false(target_take_hedge(one, &hedge, 0, 30000)); /* 5 of 100 are under way */
    assert_true(target_take_hedge(one, &hedge, 0, 60000));  /* the first is a minute old */
}

static void a_hedge_that_was_none_is_given_back(void **state) {
    (void)state;
    assert_true(target_take_hedge(one, &hedge, 0, 0));
    assert_false(target_take_hedge(one, &hedge, 0, 0));
    target_return_hedge(one, 0, 0);
    assert_true(target_take_hedge(one, &hedge, 0, 0));
    assert_false(target_take_hedge(one, &hedge, 0, 0));
    target_return_hedge(one, 0, 30000); /* it counts in another slice: nothing to give back there */
    assert_false(target_take_hedge(one, &hedge, 0, 30000));
}

static void sampled(int64_t ms) {
    (void)target_report(one, &breaker_policy, 0, false, NO_PROBE, ms, 0);
}

static void the_wait_before_a_hedge_is_measured(void **state) {
    (void)state;
    config_hedge fixed = hedge;
    fixed.after_ms = 700;
    assert_int_equal(target_hedge_after_ms(one, &fixed), 700);
    fixed.after_ms = 1;
    assert_int_equal(target_hedge_after_ms(one, &fixed), 1);
    for (int i = 20; i > 1; i--) {
        sampled(i * 100);
        assert_int_equal(target_hedge_after_ms(one, &hedge), -1);
    }
    sampled(100);
    assert_int_equal(target_hedge_after_ms(one, &hedge), 1900); /* 19 of 20 are no slower */
    config_hedge median = hedge;
    median.after_quantile = 0.5;
    assert_int_equal(target_hedge_after_ms(one, &median), 1000);
    config_hedge odd = hedge;
    odd.after_quantile = 0.97; /* of 20: more than 19 */
    assert_int_equal(target_hedge_after_ms(one, &odd), 2000);
    odd.after_quantile = 1;
    assert_int_equal(target_hedge_after_ms(one, &odd), 2000);
    for (int i = 0; i < 200; i++)
        sampled(50); /* only recent samples count */
    assert_int_equal(target_hedge_after_ms(one, &hedge), 50);
}

/* Worked out anew after some more samples, not at each. */
static void the_measured_wait_is_kept_for_a_while(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++)
        sampled(100);
    assert_int_equal(target_hedge_after_ms(one, &hedge), 100);
    for (int i = 0; i < 15; i++) {
        sampled(900);
        assert_int_equal(target_hedge_after_ms(one, &hedge), 100);
    }
    sampled(900);
    assert_int_equal(target_hedge_after_ms(one, &hedge), 900);
}

static void latency_is_smoothed(void **state) {
    (void)state;
    assert_int_equal(target_latency_ms(one), -1);
    (void)target_report(one, &breaker_policy, 0, true, NO_PROBE, 5, 0); /* failures do not count */
    sampled(-1);
    assert_int_equal(target_latency_ms(one), -1);
    sampled(100);
    assert_int_equal(target_latency_ms(one), 100);
    sampled(200);
    assert_int_equal(target_latency_ms(one), 120);
    for (int i = 0; i < 60; i++)
        sampled(INT64_MAX / 8);
    for (int i = 0; i < 400; i++)
        sampled(0);
    assert_int_equal(target_latency_ms(one), 0);
}

/* ---- threads ---- */

enum { WORKERS = 4, ROUNDS = 3000 };

static void *work(void *arg) {
    unsigned taken = 0, *ret_hedges = arg;
    for (int i = 0; i < ROUNDS; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "shared%d", i % 50);
        target_state *s = target_get(table, span_from(name, (size_t)n));
        unsigned apart;
        breaker_probe probe = NO_PROBE;
        uint64_t who = (uint64_t)i % 3; /* nobody, and two clients */
        if (target_admit(s, &breaker_policy, who, i, &probe)) {
            target_count_call(s, 0, 0);
            (void)target_report(s, &breaker_policy, who, i % 4 == 0, probe, i % 100, i);
        }
        if (target_budget_left(s, &retry, 0, 0)) target_take_budget(s, 0, 0);
        taken += target_take_hedge(s, &hedge, 0, 0);
        (void)target_hedge_after_ms(s, &hedge);
        (void)target_latency_ms(s);
        (void)target_breaker(s, &breaker_policy, &apart);
        target_unref(s);
        (void)target_wait_ms(s, &breaker_policy, 0, i);
    }
    *ret_hedges = taken;
    return NULL;
}

static void workers_share_the_states(void **state) {
    (void)state;
    pthread_t threads[WORKERS];
    unsigned hedges[WORKERS], sum = 0;
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &hedges[i]), 0);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += hedges[i];
    }
    /* Every target had at most WORKERS * ROUNDS / 50 calls, so at most a twentieth of that in
     * hedges. */
    assert_true(sum >= 50 && sum <= 50 * (WORKERS * ROUNDS / 50) / 20);
}

enum { SAME = 5000, NAMES = 4000, TIMES = 6 };

static pthread_barrier_t together;

static void *count(void *arg) {
    target_state **ret_states = arg;
    (void)pthread_barrier_wait(&together);
    for (int i = 0; i < SAME; i++) {
        target_count_call(one, 0, 0);
        target_take_budget(one, 0, 0);
        (void)target_report(one, &patient, 0, true, NO_PROBE, -1, 0);
        if (target_take_hedge(one, &often, 0, 0)) target_return_hedge(one, 0, 0);
    }
    for (int i = 0; i < NAMES; i++) {
        if (i % 50 == 0) (void)pthread_barrier_wait(&together);
        char name[16];
        int n = snprintf(name, sizeof name, "new%d", i);
        ret_states[i] = target_get(table, span_from(name, (size_t)n));
    }
    return NULL;
}

/* Whatever workers do at once, nothing is lost: no count, and no name has two states. */
static void lose_nothing(void) {
    static target_state *states[WORKERS][NAMES];
    pthread_t threads[WORKERS];
    assert_int_equal(pthread_barrier_init(&together, NULL, WORKERS), 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, states[i]), 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)pthread_barrier_destroy(&together);
    for (int i = 0; i < NAMES; i++)
        for (int k = 0; k < WORKERS; k++)
            assert_ptr_equal(states[k][i], states[0][i]);
    const int calls = WORKERS * SAME;
    config_retry policy = {.budget_ratio = (calls + 1.0) / calls}; /* one extra more than calls */
    assert_true(target_budget_left(one, &policy, 0, 0));
    policy.budget_ratio = (calls + 0.5) / calls;
    assert_false(target_budget_left(one, &policy, 0, 0));
    unsigned apart; /* one failure is lacking */
    assert_int_equal(target_breaker(one, &patient, &apart), BREAKER_CLOSED);
    assert_int_equal(target_report(one, &patient, 0, true, NO_PROBE, -1, 0).state, BREAKER_IS_OPEN);
    const config_hedge never = {.on = true}; /* but the first of a minute */
    assert_true(target_take_hedge(one, &never, 0, 0));
    assert_false(target_take_hedge(one, &never, 0, 0));
}

static void nothing_is_lost_between_workers(void **state) {
    for (int i = 0; i < TIMES; i++) {
        lose_nothing();
        (void)tear_down(state);
        (void)set_up(state);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_has_one_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_held_has_no_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_breaker_is_the_targets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_may_be_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(habits_are_learnt_one_by_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_never_answered_goes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strangers_know_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_budget_follows_the_last_minute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_quiet_minute_forgets_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hedges_are_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hedge_that_was_none_is_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_wait_before_a_hedge_is_measured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_measured_wait_is_kept_for_a_while, set_up, tear_down),
        cmocka_unit_test_setup_teardown(latency_is_smoothed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_share_the_states, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_lost_between_workers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
