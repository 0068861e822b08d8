/* A target that cannot be asked what is asked is passed over. */
#include "call_rows.h"

/* ---- a target that cannot be asked what is asked ---- */

static bool build_nothing(const provider_ask *ask, provider_request *ret, weir_error *ret_error) {
    (void)ask, (void)ret;
    *ret_error = error_of(ERR_INTERNAL);
    return false;
}

static void use_unfit(owner *o, size_t provider) {
    static provider_ops unfit;
    unfit = *o->w.snapshot->items[provider].ops;
    unfit.build = build_nothing;
    o->w.snapshot->items[provider].ops = &unfit;
}

/* The next one is asked; where there is none the call ends, but not from inside its start. */
static void a_target_that_is_unfit_is_passed_over(void **state) {
    (void)state;
    static const row rows[] = {
        {.options = QUICK,
         .plain = true,
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "b",
         .report = "b ok 200"},
        {.options = ONCE, /* one retry, and no more, as with any target */
         .plain = true,
         .a = {PLAIN},
         .b = {"500|end", PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "bb",
         .report = "b overload 500; b ok 200"},
        {.options = ONCE,
         .plain = true,
         .a = {PLAIN},
         .b = {"500|end", "500|end", PLAIN},
         .heard = "overload provider_error 500",
         .asked = "bb",
         .report = "b overload 500; b overload 500"},
        {.options = QUICK,
         .a = {PLAIN},
         .heard = "target internal_error 500",
         .asked = "",
         .report = ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i]);
        use_unfit(&o, 0);
        owner_call(&o);
        buf report = BUF_EMPTY;
        write_report(&o, &report);
        assert_string_equal(buf_cstr(&o.heard), rows[i].heard);
        assert_string_equal(buf_cstr(&o.w.asking), rows[i].asked);
        assert_string_equal(report.ptr, rows[i].report);
        buf_done(&report);
        owner_done(&o);
    }
}

/* Whatever it costs to find that out, it is one call. */
static void a_call_to_an_unfit_target_counts_once(void **state) {
    (void)state;
    static const row r = {.options = OFF, .a = {PLAIN}};
    static const config_retry as_many = {.budget_ratio = 1};
    owner o;
    owner_begin(&o, &r);
    use_unfit(&o, 0);
    owner_call(&o);
    target_state *a = target_get(o.w.targets, SPAN_OF("a"));
    assert_true(target_budget_left(a, &as_many, 0, o.w.began_ms));
    target_take_budget(a, 0, o.w.began_ms);
    assert_false(target_budget_left(a, &as_many, 0, o.w.began_ms));
    owner_done(&o);
}

/* Neither a hedge nor the breaker's probe is used up by it. */
static void what_is_unfit_uses_nothing_up(void **state) {
    (void)state;
    static const row hedged = {.options = HEDGE, .a = {"wait 150|" STREAM}, .b = {STREAM}};
    static const config_hedge seldom = {.on = true, .after_ms = 100, .at_most_ratio = 0.01};
    owner o;
    owner_begin(&o, &hedged);
    use_unfit(&o, 1);
    owner_call(&o);
    assert_string_equal(buf_cstr(&o.heard), STREAMED);
    assert_string_equal(buf_cstr(&o.w.asking), "a");
    assert_int_equal(call_get_report(o.call).hedges, 0);
    target_state *a = target_get(o.w.targets, SPAN_OF("a"));
    assert_true(target_take_hedge(a, &seldom, 0, o.w.began_ms + 200));
    assert_false(target_take_hedge(a, &seldom, 0, o.w.began_ms + 200));
    owner_done(&o);

    static const row probed = {.options = BREAKER, .plain = true, .a = {PLAIN}};
    owner_begin(&o, &probed);
    const provider_ops *fit = o.w.snapshot->items[0].ops;
    fail_often(&o, SPAN_OF("a"));
    world_run_until(&o.w, o.w.began_ms + 500);
    use_unfit(&o, 0);
    assert_string_equal(call_again(&o), "target internal_error 500");
    o.w.snapshot->items[0].ops = fit;
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    owner_done(&o);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_is_unfit_is_passed_over),
        cmocka_unit_test(a_call_to_an_unfit_target_counts_once),
        cmocka_unit_test(what_is_unfit_uses_nothing_up),
    };
    return run_watched(tests);
}
