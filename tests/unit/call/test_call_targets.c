/* What is known of targets, and how much more than its calls one may be asked. */
#include "call_rows.h"

/* ---- what is known of targets ---- */

static void an_open_breaker_is_not_asked(void **state) {
    (void)state;
    static const row alone = {.options = BREAKER, .plain = true, .a = {"refuse", "refuse", PLAIN}};
    owner o;
    owner_begin(&o, &alone);
    assert_string_equal(call_again(&o), "connection provider_unreachable 502");
    assert_string_equal(call_again(&o), "connection provider_unreachable 502");
    /* Open: refused without a request, and told when to come again. */
    const char *said = call_again(&o);
    assert_non_null(strstr(said, "overload provider_unavailable 503 retry "));
    assert_true(o.last.client_after_ms > 0 && o.last.client_after_ms <= 500);
    assert_int_equal(o.w.asking.len, 0);
    assert_int_equal(call_get_report(o.call).attempts, 0);
    assert_null(call_get_report(o.call).tries);
    world_run_until(&o.w, o.w.loop.now_ms + 500);
    assert_string_equal(call_again(&o), "plain 200; Hi; end"); /* the probe closes it */
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    owner_done(&o);
}

static void an_open_breaker_is_passed_over(void **state) {
    (void)state;
    static const row two = {.options = BREAKER, .plain = true, .a = {"refuse"}, .b = {PLAIN}};
    owner o;
    owner_begin(&o, &two);
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    assert_string_equal(o.w.asking.ptr, "ab");
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    assert_string_equal(o.w.asking.ptr, "ab");
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    assert_string_equal(o.w.asking.ptr, "b"); /* it does not even count as an attempt */
    owner_done(&o);
}

/* Its key was refused somebody else after the order was laid: it is asked last, not never. */
static void one_that_was_passed_over_is_asked_at_last(void **state) {
    (void)state;
    static const row three = {
        .options = OFF, .plain = true, .a = {"wait 300|500|end"}, .b = {PLAIN}, .c = {"500|end"}};
    owner o;
    owner_begin(&o, &three);
    owner_start(&o);
    world_run_until(&o.w, o.w.loop.now_ms + 100);
    const upstream *b = loop_snapshot_find(o.w.snapshot, &o.w.config->providers[1]);
    assert_true(key_refused(b->keys[0].state, 401, SPAN_EMPTY, 0, o.w.loop.now_ms));
    world_run_until(&o.w, o.w.loop.now_ms + 1000);
    assert_true(o.over);
    assert_string_equal(buf_cstr(&o.heard), "plain 200; Hi; end");
    assert_string_equal(buf_cstr(&o.w.asking), "acb");
    owner_done(&o);
}

/* A probe that was cancelled tells nothing, and leaves its place to the next; one whose request was
 * at fault tells enough. */
static void a_probe_that_is_no_success(void **state) {
    (void)state;
    static const row rows[] = {
        {.options = BREAKER,
         .plain = true,
         .a = {"refuse", "refuse", "wait 900", PLAIN},
         .at_time = CANCEL,
         .time_ms = 750},
        {.options = BREAKER, .plain = true, .a = {"refuse", "refuse", "400|end", PLAIN}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i]);
        (void)call_again(&o);
        (void)call_again(&o);
        world_run_until(&o.w, o.w.began_ms + 700);
        (void)call_again(&o); /* the probe */
        assert_string_equal(call_again(&o), "plain 200; Hi; end");
        owner_done(&o);
    }
}

/* Without a hint no retry comes sooner than retry.base. */
static void a_retry_waits(void **state) {
    (void)state;
    static const row r = {.options = "retry: {retries: 1, base: 500ms, cap: 500ms}\n",
                          .plain = true,
                          .a = {"refuse", PLAIN}};
    owner o;
    owner_begin(&o, &r);
    owner_call(&o);
    assert_string_equal(buf_cstr(&o.heard), "plain 200; Hi; end");
    assert_in_range(o.ended_ms, 500, 1010);
    owner_done(&o);
}

/* Each attempt, retry, fallback and hedge once, under the target that it was made at. */
static void what_is_counted(void **state) {
    (void)state;
    static const struct {
        row row;
        const char *counted; /* of the families attempts, retries, fallbacks and hedges */
    } rows[] = {
        {{.options = ONCE, .a = {"500|end"}, .b = {STREAM}},
         "attempts{target=\"a\",outcome=\"overload\"} 2; attempts{target=\"b\",outcome=\"ok\"} 1; "
         "retries{target=\"a\"} 1; fallbacks{target=\"b\",from=\"a\",reason=\"overload\"} 1"},
        {{.options = HEDGE, .a = {"wait 900"}, .b = {STREAM}},
         "attempts{target=\"a\",outcome=\"cancelled\"} 1; attempts{target=\"b\",outcome=\"ok\"} 1; "
         "hedges{target=\"b\",outcome=\"won\"} 1"},
        {{.options = HEDGE, .a = {"wait 150|" STREAM}, .b = {"wait 900"}},
         "attempts{target=\"b\",outcome=\"cancelled\"} 1; attempts{target=\"a\",outcome=\"ok\"} 1; "
         "hedges{target=\"b\",outcome=\"lost\"} 1"},
        {{.options = HEDGE, .a = {"wait 150|" STREAM}, .b = {"refuse"}},
         "attempts{target=\"b\",outcome=\"connection\"} 1; attempts{target=\"a\",outcome=\"ok\"} "
         "1; hedges{target=\"b\",outcome=\"lost\"} 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        metrics *m = metrics_new();
        owner_begin(&o, &rows[i].row);
        o.metrics = metrics_add_shard(m);
        owner_call(&o);
        buf text = BUF_EMPTY, said = BUF_EMPTY;
        metrics_write(m, false, &text);
        span rest = buf_span(&text), line;
        while (span_cut(&rest, '\n', &line)) {
            static const char *const families[] = {"attempts", "retries", "fallbacks", "hedges"};
            for (size_t k = 0; k < ARRAY_LEN(families); k++) {
                char name[64];
                snprintf(name, sizeof name, "weir_%s_total{", families[k]);
                if (!span_starts(line, span_cstr(name))) continue;
                heard_add(&said, families[k]);
                buf_add(&said, span_slice(line, strlen(name) - 1, line.len));
            }
        }
        assert_string_equal(said.len ? buf_cstr(&said) : "", rows[i].counted);
        buf_done(&text);
        buf_done(&said);
        owner_done(&o);
        metrics_free(m);
    }
}

/* Others have opened the breaker meanwhile: the client hears what went wrong, not that. */
static void a_breaker_that_opens_during_a_wait(void **state) {
    (void)state;
    static const row r = {.options = "retry: {retries: 3, base: 50ms, cap: 50ms}\n"
                                     "breaker: {failures: 50%, of: 2, window: 60s, probe: 10s}\n",
                          .a = {"refuse", PLAIN}};
    owner o;
    owner_begin(&o, &r);
    owner_start(&o);
    world_run_until(&o.w, o.w.began_ms + 10);
    fail_often(&o, SPAN_OF("a"));
    world_run_until(&o.w, o.w.began_ms + 1000);
    assert_string_equal(buf_cstr(&o.heard), "connection provider_unreachable 502");
    assert_string_equal(buf_cstr(&o.w.asking), "a");
    owner_done(&o);
}

/* The total is the call's own, a target's deadlines are not. */
static void what_a_deadline_says_of_a_target(void **state) {
    (void)state;
    static const row own[] = {
        {.options = BREAKER, .total_ms = 50, .a = {"200 stream|say Hi|wait 60"}},
        {.options = BREAKER, .total_ms = 50, .a = {"200 stream|role|wait 60"}},
        {.options = BREAKER, .total_ms = 50, .a = {"wait 60"}},
        {.options = BREAKER, .total_ms = 50, .plain = true, .a = {"200|bytes {|wait 60"}},
    };
    static const row theirs[] = {
        {.options = BREAKER "timeouts: {first_token: 50ms}\n", .a = {"200 stream|role|wait 60"}},
        {.options = BREAKER, .a = {"mute"}},
        {.options = BREAKER, .plain = true, .a = {"mute"}},
        {.options = BREAKER, .plain = true, .a = {"200|bytes {|idle"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        assert_int_equal(asked_in_four(&own[i]), 4);
    for (size_t i = 0; i < ARRAY_LEN(theirs); i++)
        assert_int_equal(asked_in_four(&theirs[i]), 2); /* then its breaker is open */
}

/* A whole answer that is late is one that was long, at a target that answers others meanwhile; a
 * stream has no such excuse. */
static void a_long_answer_is_no_silence(void **state) {
    (void)state;
    static const row rows[] = {
        {.options = BREAKER, .plain = true, .a = {"wait 50|mute"}},
        {.options = BREAKER, .plain = true, .a = {"200|bytes {|wait 50|idle"}},
        {.options = BREAKER, .a = {"wait 50|mute"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i]);
        target_state *a = target_get(o.w.targets, SPAN_OF("a"));
        for (int n = 0; n < 4; n++) {
            o.over = false;
            o.call = NULL;
            owner_start(&o);
            world_run_until(&o.w, o.w.loop.now_ms + 20);
            (void)target_report(a, &o.w.config->breaker, 0, false, NO_PROBE, 5, o.w.loop.now_ms);
            world_run_until(&o.w, o.w.loop.now_ms + 100);
            assert_true(o.over);
        }
        assert_int_equal(o.w.asked[0], rows[i].plain ? 4 : 1); /* then its breaker is open */
        owner_done(&o);
    }
}

/* ---- budgets: how much more than its calls a target may be asked ---- */

static void retries_have_a_budget(void **state) {
    (void)state;
    static const struct {
        row row;
        const char *first, *asked, *second, *asked_then;
    } rows[] = {
        /* one a minute, whatever the calls */
        {{.options = "retry: {retries: 1, base: 1ms, cap: 1ms, budget: 0%, budget_floor: 1}\n",
          .plain = true,
          .a = {"500|end", PLAIN, "500|end"}},
         "plain 200; Hi; end",
         "aa",
         "overload provider_error 500",
         "a"},
        /* as many as calls; a fallback is a call of its target */
        {{.options = "retry: {retries: 1, base: 1ms, cap: 1ms, budget: 100%, budget_floor: 0}\n",
          .plain = true,
          .a = {"500|end", PLAIN, "500|end", PLAIN}},
         "plain 200; Hi; end",
         "aa",
         "plain 200; Hi; end",
         "aa"},
        {{.options = "retry: {retries: 1, base: 1ms, cap: 1ms, budget: 100%, budget_floor: 0}\n",
          .plain = true,
          .a = {"401|end"},
          .b = {"500|end", PLAIN, "500|end", PLAIN}},
         "plain 200; Hi; end",
         "abb",
         "plain 200; Hi; end",
         "bb"}, /* while the key of the first is refused */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i].row);
        assert_string_equal(call_again(&o), rows[i].first);
        assert_string_equal(o.w.asking.ptr, rows[i].asked);
        assert_string_equal(call_again(&o), rows[i].second);
        assert_string_equal(o.w.asking.ptr, rows[i].asked_then);
        owner_done(&o);
    }
}

static void a_hedge_is_taken_from_the_budget_of_its_target(void **state) {
    (void)state;
    static const row r = {.options = "retry: {retries: 0, budget: 0%, budget_floor: 1}\n"
                                     "hedge: {after: 10ms, at_most: 100%}\n",
                          .a = {"wait 900"},
                          .b = {STREAM}};
    owner o;
    owner_begin(&o, &r);
    const config_retry *policy = &o.w.config->retry;
    target_state *a = target_get(o.w.targets, SPAN_OF("a")),
                 *b = target_get(o.w.targets, SPAN_OF("b"));
    assert_string_equal(call_again(&o), STREAMED);
    assert_true(target_budget_left(a, policy, 0, o.w.loop.now_ms));
    assert_false(target_budget_left(b, policy, 0, o.w.loop.now_ms));
    owner_done(&o);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_breaker_is_not_asked),
        cmocka_unit_test(an_open_breaker_is_passed_over),
        cmocka_unit_test(one_that_was_passed_over_is_asked_at_last),
        cmocka_unit_test(a_probe_that_is_no_success),
        cmocka_unit_test(a_retry_waits),
        cmocka_unit_test(what_is_counted),
        cmocka_unit_test(a_breaker_that_opens_during_a_wait),
        cmocka_unit_test(what_a_deadline_says_of_a_target),
        cmocka_unit_test(a_long_answer_is_no_silence),
        cmocka_unit_test(retries_have_a_budget),
        cmocka_unit_test(a_hedge_is_taken_from_the_budget_of_its_target),
    };
    return run_watched(tests);
}
