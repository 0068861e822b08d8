/* The chain: filters that break an answer off or keep its last word, and clients that leave. */
#include "exchange/probe.h"

static void a_filter_breaks_the_answer_off(void **state) {
    (void)state;
    for (int after = 0; after < 2; after++) {
        world *w;
        asked a;
        script s;
        begin_probed(&w, &a, &s, "");
        script_head(&s, after ? ANSWER_STREAM : ANSWER_PLAIN);
        if (after) script_say(&s, "{\"n\":1}");
        live->break_next = true;
        if (after)
            script_say(&s, "{\"n\":2}");
        else
            script_say_plain(&s, "{\"n\":2}");
        assert_true(s.cancelled);
        script_forget(&s);
        world_turn(w);
        assert_said(&a, after ? "head 200|piece {\"n\":1}|abort|done"
                              : "answer 403 {\"error\":{\"message\":\"Broken "
                                "off.\",\"type\":\"invalid_request_error\","
                                "\"param\":null,\"code\":\"forbidden\"}}|done");
        assert_int_equal(a.error, ERR_FORBIDDEN);
        assert_int_equal(seen.fails, 0); /* it is those behind that are told */
        assert_int_equal(seen.dones, 1);
        asked_done(&a);
        world_free(w);
    }
}

/* A filter that keeps the last word to itself, for whatever it wants to find out: the deadline
 * passes it. */
static void a_last_word_is_not_kept_for_ever(void **state) {
    (void)state;
    for (int way = 0; way < 3; way++) {
        world *w;
        asked a;
        script s;
        begin_probed(&w, &a, &s, "timeouts: {total: 30s}\n");
        live->keeps_end = way == 0;
        live->keeps_failure = way > 0;
        if (way < 2) script_head(&s, ANSWER_STREAM);
        if (way == 0) script_end(&s);
        if (way == 1) script_fail(&s, ERR_STREAM_CUT);
        if (way == 2) { /* the process ends; the filter is told twice */
            exchange_env_fail_all(&w->env, ERR_DRAINING);
            assert_true(s.cancelled);
            exchange_watch_deadline(a.x); /* as whoever keeps it must */
        }
        world_pass(w, 30 * 1000);
        assert_said(&a, way < 2 ? "head 200" : "");
        world_pass(w, 1);
        assert_null(a.x);
        static const error_id errors[] = {ERR_TOTAL_TIMEOUT, ERR_STREAM_CUT, ERR_DRAINING};
        assert_int_equal(a.error, errors[way]);
        if (way < 2)
            assert_said(&a, "head 200|abort|done");
        else
            assert_int_equal(a.status, 503);
        asked_done(&a);
        world_free(w);
    }
}

/* A filter behind the one that breaks may hold: nothing comes meanwhile. */
static probe *outer;

static void outer_add(exchange *x) {
    static const filter_ops ops = {.name = "outer", PROBE_HEARS, .done = filter_pass_done};
    outer = arena_zalloc(&x->arena, sizeof *outer);
    filter_add(x, &outer->filter, &ops);
}

static void a_break_waits_for_those_that_hold(void **state) {
    (void)state;
    static filter_add_fn *const filters[] = {probe_add, outer_add};
    static const exchange_plan plan = {plain_rows, ARRAY_LEN(plain_rows), filters,
                                       ARRAY_LEN(filters)};
    world *w = world_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    assert_ptr_equal(live->filter.next, &outer->filter); /* who comes later stands behind */
    script_head(&s, ANSWER_STREAM);
    filter_hold(&outer->filter);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    script_say(&s, "{\"n\":2}");
    script_say(&s, "{\"n\":3}");
    live->break_next = true;
    filter_release(&live->filter);
    assert_true(s.cancelled);
    assert_int_equal(live->events, 2); /* the third is dropped */
    assert_said(&a, "head 200");
    filter_release(&outer->filter);
    world_turn(w);
    assert_said(&a, "head 200|piece {\"n\":1}|abort|done");
    assert_int_equal(a.error, ERR_FORBIDDEN);
    asked_done(&a);
    world_free(w);
}

/* One behind it keeps the failure without holding: the deadline is left to it. */
static void a_break_is_not_kept_for_ever(void **state) {
    (void)state;
    static filter_add_fn *const filters[] = {probe_add, outer_add};
    static const exchange_plan plan = {plain_rows, ARRAY_LEN(plain_rows), filters,
                                       ARRAY_LEN(filters)};
    world *w = world_new(&plan, "timeouts: {total: 30s}\nserver: {keep_alive_comment: off}\n");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    live->break_next = outer->keeps_failure = true;
    script_say(&s, "{\"n\":1}");
    world_pass(w, 30 * 1000);
    assert_said(&a, "head 200");
    world_pass(w, 1);
    assert_null(a.x);
    assert_int_equal(a.error, ERR_FORBIDDEN); /* is why, and not that it took so long */
    asked_done(&a);
    world_free(w);
}

static void a_client_that_leaves_from_inside_a_piece_hears_no_more(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    a.leave_at = 2;
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    script_say(&s, "{\"n\":2}");
    script_say(&s, "{\"n\":3}");
    filter_release(&live->filter);
    assert_true(s.cancelled);
    world_turn(w);
    assert_said(&a, "head 200|piece {\"n\":1}|piece {\"n\":2}|done");
    asked_done(&a);
    world_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_breaks_the_answer_off),
        cmocka_unit_test(a_last_word_is_not_kept_for_ever),
        cmocka_unit_test(a_break_waits_for_those_that_hold),
        cmocka_unit_test(a_break_is_not_kept_for_ever),
        cmocka_unit_test(a_client_that_leaves_from_inside_a_piece_hears_no_more),
    };
    return run_watched(tests);
}
