/* The chain: filters that hold, and what waits meanwhile. */
#include "exchange/probe.h"

static void what_comes_while_a_filter_holds_waits(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    assert_true(s.paused);
    script_say(&s, "{\"n\":2}");
    script_say(&s, "{\"n\":3}");
    assert_said(&a, "head 200|piece {\"n\":1}");
    assert_int_equal(live->events, 1);
    live->hold_next = true; /* again, in the middle of what has waited */
    filter_release(&live->filter);
    assert_said(&a, "head 200|piece {\"n\":1}|piece {\"n\":2}");
    assert_true(s.paused);
    script_say(&s, "{\"n\":4}"); /* behind the third */
    script_end(&s);
    assert_int_equal(live->ends, 0);
    filter_release(&live->filter);
    world_turn(w);
    assert_said(
        &a, "head 200|piece {\"n\":1}|piece {\"n\":2}|piece {\"n\":3}|piece {\"n\":4}|end|done");
    assert_int_equal(s.pauses, 1); /* as long as it held */
    assert_int_equal(s.resumes, 0);
    asked_done(&a);
    world_free(w);
}

static stage_result stage_hold(exchange *x) {
    filter_hold(&live->filter);
    (void)x;
    return STAGE_NEXT;
}

/* There is nothing yet that could be held: a refusal is not. */
static void nothing_is_held_before_there_is_an_answer(void **state) {
    (void)state;
    static const stage_row rows[] = {{"probe", stage_probe, NULL, 0},
                                     {"hold", stage_hold, NULL, 0},
                                     {"parse", stage_parse, NULL, 0},
                                     TAIL};
    static const exchange_plan plan = {rows, ARRAY_LEN(rows), NULL, 0};
    world *w = world_new(&plan, "");
    asked a;
    exchange_request r = world_request(&form_openai, "{\"model\":\"\"}");
    ask(w, &a, NULL, &r);
    assert_int_equal(a.status, 400);
    assert_int_equal(w->loop.timers.count, 0);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* Its bytes are the source's, which gives them back when it has told the end. */
static void a_plain_answer_that_waits_outlives_its_source(void **state) {
    (void)state;
    world *w = world_new(&probed, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    ask(w, &a, &s, &r);
    filter_hold(&live->filter);
    script_head(&s, ANSWER_PLAIN);
    script_say_plain(&s, "{\"n\":1}");
    script_end(&s);
    assert_int_equal(a.said.len, 0);
    filter_release(&live->filter);
    assert_int_equal(w->env.event_arena.used, 0);
    world_turn(w);
    assert_said(&a, "answer 200 {\"n\":1}|done");
    asked_done(&a);
    world_free(w);
}

/* The filter has passed it on, and keeps its end back: the form has its bytes. */
static void a_plain_answer_whose_end_waits_outlives_its_source(void **state) {
    (void)state;
    world *w = world_new(&probed, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_PLAIN);
    live->hold_next = true;
    script_say_as(&s, ANSWER_PLAIN, "{\"choices\":[]}");
    script_end(&s);
    assert_int_equal(a.said.len, 0);
    filter_release(&live->filter);
    world_turn(w);
    assert_said(&a, "answer 200 {\"choices\":[]}|done");
    asked_done(&a);
    world_free(w);
}

/* Two filters at one place hold: the source goes on when both have let go. */
static void the_source_waits_for_the_last_that_holds(void **state) {
    (void)state;
    static const stage_row two_rows[] = {{"probe", stage_probe, NULL, 0},
                                         {"another", stage_probe, NULL, 0},
                                         {"parse", stage_parse, NULL, 0},
                                         {"script", stage_script, NULL, 0},
                                         TAIL};
    static const exchange_plan two = {two_rows, ARRAY_LEN(two_rows), NULL, 0};
    world *w = world_new(&two, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    filter *outer = &live->filter, *inner = a.x->filters;
    assert_ptr_equal(inner->next, outer);
    script_head(&s, ANSWER_STREAM);
    filter_hold(inner);
    filter_hold(outer);
    filter_release(inner);
    assert_true(s.paused);
    filter_release(outer);
    assert_false(s.paused);
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* One that has had its end hears of no failure, whoever behind it holds that back. */
static void who_has_had_the_end_is_not_failed(void **state) {
    (void)state;
    static filter_add_fn *const inner_too[] = {probe_add};
    static const exchange_plan plan = {probed_rows, ARRAY_LEN(probed_rows), inner_too, 1};
    world *w = world_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    const probe *inner = CONTAINER_OF(a.x->filters, probe, filter), *outer = live;
    script_head(&s, ANSWER_STREAM);
    filter_hold(&live->filter);
    script_end(&s);
    assert_int_equal(inner->ends, 1);
    exchange_env_fail_all(&w->env, ERR_DRAINING);
    assert_int_equal(inner->fails, 0);
    assert_int_equal(outer->ends, 0);
    assert_int_equal(outer->fails, 1);
    world_turn(w);
    assert_said(&a, "head 200|abort|done");
    asked_done(&a);
    world_free(w);
}

static void release_while_it_is_fed(asked *a) {
    if (live->filter.held) filter_release(&live->filter);
    (void)a;
}

static void a_filter_that_holds_and_releases_at_each_event_is_fed_on(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    script_say(&s, "{\"n\":2}");
    script_say(&s, "{\"n\":3}");
    live->hold_each = true;
    a.on_piece = release_while_it_is_fed;
    filter_release(&live->filter);
    assert_said(&a, "head 200|piece {\"n\":1}|piece {\"n\":2}|piece {\"n\":3}");
    assert_false(s.paused);
    live->hold_each = false;
    script_end(&s);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* Whoever keeps the head back may want another answer in its place. */
static void a_comment_tells_nothing_of_a_head_that_waits(void **state) {
    (void)state;
    world *w = world_new(&probed, "server: {keep_alive_comment: 10s}\n");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, &s, &r);
    filter_hold(&live->filter);
    script_head(&s, ANSWER_STREAM);
    world_pass(w, 10 * 1000 + 1);
    assert_said(&a, "head 200|piece : keep-alive\n\n");
    assert_headers(&a, "x-request-id: ID\n"
                       "content-type: text/event-stream; charset=utf-8\n"
                       "cache-control: no-cache\n"
                       "x-accel-buffering: no\n");
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

static void a_head_waits_too(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    filter_hold(&live->filter);
    filter_hold(&live->filter);
    script_head(&s, ANSWER_STREAM);
    script_say(&s, "{\"n\":1}");
    assert_int_equal(a.said.len, 0);
    filter_release(&live->filter);
    assert_said(&a, "head 200|piece {\"n\":1}");
    assert_int_equal(s.resumes, 1);
    filter_release(&live->filter); /* nothing is held */
    assert_int_equal(s.resumes, 1);
    script_end(&s);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

static void a_failure_comes_behind_what_waits(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    script_say(&s, "{\"n\":2}");
    script_fail(&s, ERR_STREAM_CUT);
    filter_release(&live->filter);
    world_turn(w);
    assert_said(&a, "head 200|piece {\"n\":1}|piece {\"n\":2}|abort|done");
    assert_int_equal(a.error, ERR_STREAM_CUT);
    asked_done(&a);
    world_free(w);
}

static void pauses_have_reasons(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    script_head(&s, ANSWER_STREAM);
    a.full = true;
    script_say(&s, "{\"n\":1}"); /* the door is full */
    assert_true(s.paused);
    filter_hold(&live->filter);
    exchange_room(a.x);
    assert_true(s.paused); /* the filter still holds */
    filter_release(&live->filter);
    assert_false(s.paused);
    a.full = false;
    filter_hold(&live->filter);
    filter_release(&live->filter);
    assert_int_equal(s.pauses, 2);
    assert_int_equal(s.resumes, 2);
    script_end(&s);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* Held for ever: the client leaves, the deadline passes, the process drains. */
static void a_hold_ends_with_its_exchange(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        world *w;
        asked a;
        script s;
        begin_probed(&w, &a, &s, "timeouts: {total: 20ms}\n");
        script_head(&s, ANSWER_STREAM);
        live->hold_next = true;
        script_say(&s, "{\"n\":1}");
        script_say(&s, "{\"n\":2}");
        bool ended = way == 3; /* the source has said its last word */
        if (ended) script_end(&s);
        if (way == 0) exchange_cancel(a.x);
        if (way == 1) exchange_env_fail_all(&w->env, ERR_DRAINING);
        world_until_over(w, &a);
        assert_int_equal(s.cancelled, !ended);
        assert_said(&a, way == 0 ? "head 200|piece {\"n\":1}|done"
                                 : "head 200|piece {\"n\":1}|abort|done");
        static const error_id errors[] = {ERR_CLIENT_GONE, ERR_DRAINING, ERR_TOTAL_TIMEOUT,
                                          ERR_TOTAL_TIMEOUT};
        assert_int_equal(a.error, errors[way]);
        assert_int_equal(seen.dones, 1);
        asked_done(&a);
        world_free(w);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_while_a_filter_holds_waits),
        cmocka_unit_test(a_filter_that_holds_and_releases_at_each_event_is_fed_on),
        cmocka_unit_test(nothing_is_held_before_there_is_an_answer),
        cmocka_unit_test(a_plain_answer_that_waits_outlives_its_source),
        cmocka_unit_test(a_plain_answer_whose_end_waits_outlives_its_source),
        cmocka_unit_test(the_source_waits_for_the_last_that_holds),
        cmocka_unit_test(who_has_had_the_end_is_not_failed),
        cmocka_unit_test(a_comment_tells_nothing_of_a_head_that_waits),
        cmocka_unit_test(a_head_waits_too),
        cmocka_unit_test(a_failure_comes_behind_what_waits),
        cmocka_unit_test(pauses_have_reasons),
        cmocka_unit_test(a_hold_ends_with_its_exchange),
    };
    return run_watched(tests);
}
