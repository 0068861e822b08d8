#include "unit.h"

#include "base/random.h"
#include "call/retry.h"

#include <stdio.h>

/* ---- decisions ---- */

static const config_retry policy = {
    .retries = 3,
    .base_ms = 1000,
    .cap_ms = 30000,
    .patience_ms = 5000,
    .budget_ratio = 0.2,
    .budget_floor = 10,
    .context_length_next = true,
};

/* Another target is left; the budget is spent; the request had left. */
enum { OTHER = 1, NO_BUDGET = 2, SENT = 4, PATIENT = 8 };

typedef struct row {
    failure_class failure;
    int should_retry;
    int64_t hint_ms;
    unsigned retries_done, target_tries, flags;
    int64_t left_ms;
    retry_verdict verdict;
    const char *why;
    int64_t wait_ms; /* with rnd 0.5 */
    bool client_may_retry;
    int64_t client_after_ms;
} row;

#define A_WHILE 600000

static const row rows[] = {
    /* rule 1 */
    {FAIL_GONE, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "the call was cancelled", 0, false, -1},
    {FAIL_GONE, 1, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "the call was cancelled", 0, false, -1},
    {FAIL_OUR_LIMIT, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "larger than weir takes", 0, false,
     -1},
    {FAIL_OUR_LIMIT, 1, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "larger than weir takes", 0, false,
     -1},
    {FAIL_OUR_SHORTAGE, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "weir's own shortage", 0, true,
     1000},
    {FAIL_OUR_SHORTAGE, 1, 7000, 0, 1, OTHER, A_WHILE, RETRY_STOP, "weir's own shortage", 0, true,
     1000},
    {FAIL_OUR_WAY, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "weir's own shortage", 0, false, -1},
    {FAIL_OUR_WAY, 1, -1, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "weir's own shortage", 0, false, -1},
    {FAIL_OUR_WAY, 0, -1, 3, 4, NO_BUDGET, A_WHILE, RETRY_STOP, "weir's own shortage", 0, true,
     1000},
    {FAIL_OUR_SHORTAGE, -1, -1, 0, 1, PATIENT | OTHER | NO_BUDGET, A_WHILE, RETRY_WAIT,
     "weir's own shortage", 1250, false, -1},
    {FAIL_OUR_WAY, -1, -1, 1, 2, PATIENT, A_WHILE, RETRY_WAIT, "weir's own shortage", 2500, false,
     -1},
    {FAIL_OUR_WAY, -1, -1, 0, 1, PATIENT | OTHER, A_WHILE, RETRY_NEXT, "weir's own shortage", 0,
     false, -1},
    {FAIL_OUR_WAY, -1, -1, 3, 4, PATIENT, A_WHILE, RETRY_STOP, "weir's own shortage", 0, true,
     1000},
    {FAIL_OUR_WAY, -1, -1, 0, 1, PATIENT, 1250, RETRY_STOP, "weir's own shortage", 0, true, 1000},
    {FAIL_OUR_LIMIT, -1, -1, 0, 1, PATIENT | OTHER, A_WHILE, RETRY_STOP, "larger than weir takes",
     0, false, -1},
    /* rule 2 */
    {FAIL_REQUEST, 1, -1, 0, 1, 0, A_WHILE, RETRY_WAIT, "backs off", 1250, false, -1},
    {FAIL_CONTENT_POLICY, 1, 10, 0, 1, 0, A_WHILE, RETRY_WAIT, "waits as asked", 10, false, -1},
    {FAIL_TARGET, 1, -1, 0, 1, OTHER, A_WHILE, RETRY_WAIT, "backs off", 1250, false, -1},
    {FAIL_SILENT, 1, -1, 0, 1, OTHER, A_WHILE, RETRY_WAIT, "backs off", 1250, false, -1},
    {FAIL_REQUEST, 1, 9000, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, true, 9000},
    {FAIL_TLS, 1, -1, 0, 1, 0, A_WHILE, RETRY_STOP, "certificate not trusted", 0, false, -1},
    /* rule 3 */
    {FAIL_REQUEST, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "the request is at fault", 0, false,
     -1},
    {FAIL_REQUEST, 0, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "the request is at fault", 0, false,
     -1},
    /* rule 4 */
    {FAIL_CONTENT_POLICY, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "content policy", 0, false, -1},
    {FAIL_CONTENT_POLICY, 0, -1, 0, 1, OTHER, A_WHILE, RETRY_STOP, "content policy", 0, false, -1},
    /* rule 5 */
    {FAIL_CONTEXT_LENGTH, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "context length", 0, false, -1},
    {FAIL_CONTEXT_LENGTH, -1, -1, 0, 1, 0, A_WHILE, RETRY_STOP, "context length", 0, false, -1},
    /* rule 6 */
    {FAIL_TARGET, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "this target cannot serve it", 0, false,
     -1},
    {FAIL_KEY, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "this target cannot serve it", 0, false,
     -1},
    {FAIL_KEY, -1, 7000, 0, 1, 0, A_WHILE, RETRY_STOP, "this target cannot serve it", 0, false,
     7000},
    {FAIL_LIMIT, -1, -1, 2, 3, 0, A_WHILE, RETRY_WAIT, "backs off", 5000, false, -1},
    {FAIL_LIMIT, -1, 60000, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, true, 60000},
    {FAIL_TARGET, -1, 7000, 0, 1, 0, A_WHILE, RETRY_STOP, "this target cannot serve it", 0, false,
     7000},
    {FAIL_TLS, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "certificate not trusted", 0, false, -1},
    {FAIL_TLS, -1, -1, 0, 1, 0, A_WHILE, RETRY_STOP, "certificate not trusted", 0, false, -1},
    /* rule 7 */
    {FAIL_OVERLOAD, 0, 100, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "the provider says not to retry", 0,
     false, -1},
    {FAIL_OVERLOAD, 0, 100, 0, 1, 0, A_WHILE, RETRY_STOP, "the provider says not to retry", 0,
     false, 100},
    /* rule 8 */
    {FAIL_SILENT, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "silent target", 0, false, -1},
    {FAIL_SILENT, -1, -1, 0, 1, 0, A_WHILE, RETRY_WAIT, "backs off", 1250, false, -1},
    {FAIL_SILENT, -1, -1, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, false, -1},
    {FAIL_SILENT, -1, -1, 0, 1, SENT | OTHER, A_WHILE, RETRY_NEXT, "silent target", 0, false, -1},
    {FAIL_SILENT, -1, -1, 0, 1, SENT, A_WHILE, RETRY_STOP, "it may be at it still", 0, false, -1},
    {FAIL_SILENT, 1, -1, 0, 1, SENT, A_WHILE, RETRY_WAIT, "backs off", 1250, false, -1},
    {FAIL_CONNECTION, -1, -1, 0, 1, SENT, A_WHILE, RETRY_WAIT, "backs off", 1500, false, -1},
    {FAIL_OVERLOAD, -1, -1, 0, 1, SENT, A_WHILE, RETRY_WAIT, "backs off", 1250, false, -1},
    {FAIL_CONNECTION, -1, -1, 0, 1, OTHER, A_WHILE, RETRY_NEXT, "nobody is there", 0, false, -1},
    {FAIL_CONNECTION, -1, -1, 3, 1, OTHER, A_WHILE, RETRY_NEXT, "nobody is there", 0, false, -1},
    {FAIL_CONNECTION, -1, -1, 0, 1, 0, A_WHILE, RETRY_WAIT, "backs off", 1500, false, -1},
    /* rule 9 */
    {FAIL_CONNECTION, -1, -1, 0, 1, SENT | OTHER, A_WHILE, RETRY_WAIT, "backs off", 1500, false,
     -1},
    {FAIL_CONNECTION, -1, -1, 1, 2, SENT | OTHER, A_WHILE, RETRY_NEXT, "tried twice", 0, false, -1},
    {FAIL_OVERLOAD, -1, -1, 1, 2, OTHER, A_WHILE, RETRY_NEXT, "tried twice", 0, false, -1},
    {FAIL_MALFORMED, -1, -1, 1, 2, OTHER, A_WHILE, RETRY_NEXT, "tried twice", 0, false, -1},
    {FAIL_OVERLOAD, -1, -1, 2, 3, 0, A_WHILE, RETRY_WAIT, "backs off", 5000, false, -1},
    /* rule 10 */
    {FAIL_CONNECTION, -1, -1, 3, 1, SENT | OTHER, A_WHILE, RETRY_NEXT, "retries used up", 0, false,
     -1},
    {FAIL_CONNECTION, -1, 5, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, false, 5},
    {FAIL_MALFORMED, -1, -1, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, false, -1},
    {FAIL_OVERLOAD, -1, -1, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, false, -1},
    {FAIL_OVERLOAD, -1, 0, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, true, 0},
    {FAIL_OVERLOAD, -1, 60000, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, true, 60000},
    {FAIL_OVERLOAD, -1, 60001, 3, 4, 0, A_WHILE, RETRY_STOP, "retries used up", 0, false, 60001},
    /* rule 11 */
    {FAIL_OVERLOAD, -1, 10, 0, 1, NO_BUDGET, A_WHILE, RETRY_STOP, "retry budget spent", 0, false,
     10},
    {FAIL_OVERLOAD, -1, 10, 0, 1, NO_BUDGET | OTHER, A_WHILE, RETRY_NEXT, "retry budget spent", 0,
     false, -1},
    {FAIL_SILENT, -1, -1, 0, 1, NO_BUDGET, A_WHILE, RETRY_STOP, "retry budget spent", 0, false, -1},
    /* rule 12 */
    {FAIL_OVERLOAD, -1, 5000, 0, 1, OTHER, A_WHILE, RETRY_WAIT, "waits as asked", 5000, false, -1},
    {FAIL_OVERLOAD, -1, 5001, 0, 1, OTHER, A_WHILE, RETRY_NEXT,
     "asked to wait longer than retry.patience", 0, false, -1},
    {FAIL_OVERLOAD, -1, 5001, 0, 1, 0, A_WHILE, RETRY_WAIT, "waits as asked", 5001, false, -1},
    {FAIL_OVERLOAD, -1, 0, 0, 1, OTHER, A_WHILE, RETRY_WAIT, "waits as asked", 0, false, -1},
    /* rule 13 */
    {FAIL_OVERLOAD, -1, 2000, 0, 1, 0, 2000, RETRY_STOP, "no time left for the wait", 0, true,
     2000},
    {FAIL_OVERLOAD, -1, 2000, 0, 1, 0, 2001, RETRY_WAIT, "waits as asked", 2000, false, -1},
    {FAIL_OVERLOAD, -1, 2000, 0, 1, OTHER, 1500, RETRY_NEXT, "no time left for the wait", 0, false,
     -1},
    {FAIL_OVERLOAD, -1, 700000, 0, 1, 0, A_WHILE, RETRY_STOP, "no time left for the wait", 0, false,
     700000},
    {FAIL_OVERLOAD, -1, RETRY_HINT_MAX_MS, 0, 1, 0, A_WHILE, RETRY_STOP,
     "no time left for the wait", 0, false, RETRY_HINT_MAX_MS},
    {FAIL_OVERLOAD, -1, -1, 0, 1, 0, 1250, RETRY_STOP, "no time left for the wait", 0, false, -1},
    {FAIL_OVERLOAD, -1, -1, 0, 1, 0, 1251, RETRY_WAIT, "backs off", 1250, false, -1},
    {FAIL_OVERLOAD, -1, 0, 0, 1, 0, 0, RETRY_STOP, "no time left for the wait", 0, true, 0},
};

static retry_facts facts_of(const row *r) {
    return (retry_facts){.failure = r->failure,
                         .hint = {.after_ms = r->hint_ms, .should_retry = r->should_retry},
                         .retries_done = r->retries_done,
                         .target_tries = r->target_tries,
                         .sent = (r->flags & SENT) != 0,
                         .other_left = (r->flags & OTHER) != 0,
                         .patient = (r->flags & PATIENT) != 0,
                         .budget_left = (r->flags & NO_BUDGET) == 0,
                         .left_ms = r->left_ms};
}

static void each_rule_decides(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        retry_facts facts = facts_of(&rows[i]);
        retry_plan plan;
        retry_verdict verdict = retry_decide(&policy, &facts, 0.5, &plan);
        if (verdict != rows[i].verdict || strcmp(plan.why, rows[i].why) != 0 ||
            plan.wait_ms != rows[i].wait_ms || plan.client_may_retry != rows[i].client_may_retry ||
            plan.client_after_ms != rows[i].client_after_ms)
            fail_msg("row %zu (%s): verdict %d, %s, wait %lld, client %d after %lld", i,
                     rows[i].why, (int)verdict, plan.why, (long long)plan.wait_ms,
                     (int)plan.client_may_retry, (long long)plan.client_after_ms);
    }
}

static void refusals_follow_the_configuration(void **state) {
    (void)state;
    config_retry turned = policy;
    turned.context_length_next = false;
    turned.content_policy_next = true;
    retry_plan plan;
    retry_facts facts = {.failure = FAIL_CONTEXT_LENGTH,
                         .hint = {-1, -1},
                         .target_tries = 1,
                         .other_left = true,
                         .budget_left = true,
                         .left_ms = A_WHILE};
    assert_int_equal(retry_decide(&turned, &facts, 0, &plan), RETRY_STOP);
    facts.failure = FAIL_CONTENT_POLICY;
    assert_int_equal(retry_decide(&turned, &facts, 0, &plan), RETRY_NEXT);
    facts.other_left = false;
    assert_int_equal(retry_decide(&turned, &facts, 0, &plan), RETRY_STOP);
}

/* Who asks for it has a call made twice that may be paid twice; the retries are as many as ever. */
static void a_silent_target_is_asked_again_on_demand(void **state) {
    (void)state;
    config_retry turned = policy;
    turned.after_timeout = true;
    retry_plan plan;
    retry_facts facts = {.failure = FAIL_SILENT,
                         .hint = {-1, -1},
                         .target_tries = 1,
                         .sent = true,
                         .budget_left = true,
                         .left_ms = A_WHILE};
    assert_int_equal(retry_decide(&turned, &facts, 0, &plan), RETRY_WAIT);
    facts.retries_done = 3;
    assert_int_equal(retry_decide(&turned, &facts, 0, &plan), RETRY_STOP);
    facts.other_left = true;
    assert_int_equal(retry_decide(&turned, &facts, 0, &plan), RETRY_NEXT);
}

static int64_t wait_of(const config_retry *p, failure_class class, unsigned retries_done,
                       double rnd) {
    retry_facts facts = {.failure = class,
                         .hint = {-1, -1},
                         .retries_done = retries_done,
                         .target_tries = retries_done + 1,
                         .budget_left = true,
                         .left_ms = INT64_MAX};
    retry_plan plan;
    assert_int_equal(retry_decide(p, &facts, rnd, &plan), RETRY_WAIT);
    return plan.wait_ms;
}

static void waits_double_up_to_the_cap(void **state) {
    (void)state;
    config_retry many = policy;
    many.retries = UINT32_MAX;
    static const int64_t expected[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (unsigned i = 0; i < ARRAY_LEN(expected); i++)
        assert_int_equal(wait_of(&many, FAIL_OVERLOAD, i, 0), expected[i]);
    assert_int_equal(wait_of(&many, FAIL_OVERLOAD, 4000000000u, 0), 30000);
    many.cap_ms = INT64_MAX / 4; /* doubling stops before it overflows */
    assert_int_equal(wait_of(&many, FAIL_OVERLOAD, 4000000000u, 0), INT64_MAX / 4);
    many.base_ms = 0;
    assert_int_equal(wait_of(&many, FAIL_OVERLOAD, 3, 0.99), 0);
}

static void jitter_has_its_bounds(void **state) {
    (void)state;
    const double nearly_one = 0x1.fffffffffffffp-1;
    config_retry p = policy;
    assert_int_equal(wait_of(&p, FAIL_OVERLOAD, 1, nearly_one), 2999);
    assert_int_equal(wait_of(&p, FAIL_CONNECTION, 1, nearly_one), 2999);
    assert_int_equal(wait_of(&p, FAIL_CONNECTION, 2, nearly_one), 4999);
    assert_int_equal(wait_of(&p, FAIL_MALFORMED, 2, nearly_one), 5999);
    p.base_ms = 10; /* small bases scale */
    assert_int_equal(wait_of(&p, FAIL_CONNECTION, 0, nearly_one), 19);
    assert_int_equal(wait_of(&p, FAIL_OVERLOAD, 0, nearly_one), 14);
}

/* What must hold for any facts at all. */
static void no_facts_break_the_invariants(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 7);
    static const int64_t times[] = {-1, 0, 1, 900, 5000, 5001, 60000, 60001, RETRY_HINT_MAX_MS};
    for (int round = 0; round < 200000; round++) {
        uint64_t bits = rng_u64(&r);
        retry_facts f = {
            .failure = (failure_class)(1 + bits % (uint64_t)FAIL_GONE),
            .hint = {times[(bits >> 8) % ARRAY_LEN(times)], (int)((bits >> 16) % 3) - 1},
            .retries_done = (unsigned)((bits >> 20) % 6),
            .target_tries = 1 + (unsigned)((bits >> 24) % 5),
            .other_left = bits >> 28 & 1,
            .budget_left = bits >> 29 & 1,
            .left_ms = times[(bits >> 32) % ARRAY_LEN(times)],
        };
        retry_plan plan;
        retry_verdict verdict = retry_decide(&policy, &f, rng_unit(&r), &plan);
        assert_non_null(plan.why);
        if (verdict == RETRY_NEXT) assert_true(f.other_left);
        if (verdict == RETRY_WAIT) {
            assert_true(plan.wait_ms >= 0 && plan.wait_ms < f.left_ms);
            assert_true(f.budget_left && f.retries_done < policy.retries);
            assert_true(f.failure != FAIL_GONE && f.failure != FAIL_TLS &&
                        f.failure != FAIL_OUR_LIMIT && f.failure != FAIL_OUR_SHORTAGE &&
                        f.failure != FAIL_OUR_WAY);
            assert_true(f.hint.should_retry != 0);
            assert_true(!f.other_left || f.target_tries < 2);
        }
        if (verdict == RETRY_STOP) {
            assert_true(!plan.client_may_retry || plan.client_after_ms >= 0);
            bool own = f.failure == FAIL_OUR_SHORTAGE || f.failure == FAIL_OUR_WAY;
            assert_int_equal(plan.client_after_ms, own ? RETRY_OWN_AFTER_MS : f.hint.after_ms);
        } else {
            assert_false(plan.client_may_retry);
            assert_int_equal(plan.client_after_ms, -1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_decides),
        cmocka_unit_test(refusals_follow_the_configuration),
        cmocka_unit_test(a_silent_target_is_asked_again_on_demand),
        cmocka_unit_test(waits_double_up_to_the_cap),
        cmocka_unit_test(jitter_has_its_bounds),
        cmocka_unit_test(no_facts_break_the_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
