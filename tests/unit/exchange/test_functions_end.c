/* How runs end that do not end by themselves: limits, clients that leave, failures. */
#include "exchange/run_scene.h"

/* ---- the end of what does not end ---- */

static void a_model_that_never_stops_is_stopped(void **state) {
    (void)state;
    scene *s = scene_new("functions: {max_steps: 5}\n", "{\"message\":\"Hi\",\"max_steps\":2}");
    for (size_t i = 0; i < 2; i++) {
        assert_null(strstr(bodies[i], "tool_choice"));
        model_says(i, CALLS_("\"more\"", CALL("c", "beside", "{}")));
        answer_call(i, "x");
        turn(s);
    }
    assert_non_null(strstr(bodies[2], "],\"tool_choice\":\"none\"}"));
    model_says(2, CALLS_("\"and more\"", CALL("c", "beside", "{}")));
    turn(s);
    assert_int_equal(call_count, 2);
    assert_heard(s,
                 "answer 200 {\"success\":false,\"response\":\"and more\",\"error\":{\"type\":"
                 "\"run_stopped\",\"message\":\"The model went on calling tools after 2 rounds of "
                 "calls, which is the limit.\",\"code\":\"max_steps\"},\"steps\":[" STEP(
                     "beside", "{}",
                     "\"result\":\"x\"") "," STEP("beside", "{}",
                                                  "\"result\":\"x\"") "]," FIGURES("30", "15",
                                                                                   "45") "|done");
    assert_string_equal(s->a.reason, "max_steps");
    scene_done(s);
}

static void tokens_have_a_limit(void **state) {
    (void)state;
    scene *s = scene_new("functions: {max_tokens: 15}\n", "{\"message\":\"Hi\"}");
    model_says(0, CALLS_("null", CALL("c", "beside", "{}")));
    turn(s);
    assert_int_equal(call_count, 0);
    assert_heard(
        s,
        "answer 200 {\"success\":false,\"response\":\"The run has used 15 tokens, as many "
        "as it may, and the model has not finished.\",\"error\":{\"type\":\"run_stopped\","
        "\"message\":\"The run has used 15 tokens, as many as it may, and the model has "
        "not finished.\",\"code\":\"max_tokens\"},\"steps\":[]," FIGURES("10", "5", "15") "|done");
    scene_done(s);
}

/* A tool, or a model, that never answers. */
static void time_has_a_limit(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        bool stream = way >= 2, tool_hangs = way % 2;
        scene *s =
            scene_new("functions: {max_time: 5s}\n",
                      stream ? "{\"message\":\"Hi\",\"stream\":true}" : "{\"message\":\"Hi\"}");
        world_pass(s->w, 4000);
        if (tool_hangs && stream) {
            stream_head(0);
            script_say(&scripts[0],
                       DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{"
                             "\"name\":\"beside\",\"arguments\":\"{}\"}}]"));
            script_end(&scripts[0]);
        } else if (tool_hangs) {
            model_says(0, CALLS_("null", CALL("c", "beside", "{}")));
        }
        world_pass(s->w, 900);
        assert_non_null(s->a.x);
        assert_int_equal(under_way(), tool_hangs);
        world_pass(s->w, 100);
        assert_int_equal(under_way(), 0);
        assert_int_equal(scripts[0].cancelled, !tool_hangs);
        assert_null(s->a.x);
        const char *said = buf_cstr(&s->a.said);
        assert_non_null(strstr(said, "\"code\":\"max_time\""));
        assert_non_null(strstr(said, "The run was not over within 5s"));
        if (tool_hangs) assert_non_null(strstr(said, "\"error\":\"the time of the run was over\""));
        if (stream) assert_non_null(strstr(said, "\"done\":true,\"success\":false"));
        assert_string_equal(s->a.reason, "max_time");
        scene_done(s);
    }
}

static void the_time_of_a_call_holds_too(void **state) {
    (void)state;
    scene *s = scene_new("timeouts: {total: 3s}\n", "{\"message\":\"Hi\"}");
    model_says(0, CALLS_("null", CALL("c", "beside", "{}")));
    world_pass(s->w, 3000);
    assert_null(s->a.x);
    assert_int_equal(s->a.status, 504);
    assert_int_equal(s->a.error, ERR_TOTAL_TIMEOUT);
    scene_done(s);
}

static void a_client_that_leaves_ends_all(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        scene *s = scene_new("", "{\"message\":\"Hi\"}");
        if (way > 0)
            model_says(0, CALLS_("null", CALL("c", "beside", "{}") "," CALL("d", "beside", "{}")));
        if (way > 1) answer_call(0, "x");
        if (way > 2) turn(s);
        exchange_cancel(s->a.x);
        assert_int_equal(under_way(), 0);
        assert_int_equal(scripts[0].cancelled, way == 0);
        assert_int_equal(tool_runner_calls(s->w->env.tools), 0);
        turn(s);
        assert_heard(s, "done");
        assert_int_equal(s->a.error, ERR_CLIENT_GONE);
        scene_done(s);
    }
}

static stage_wait slow; /* of the run's record */

static void never_cancelled(stage_wait *w) {
    (void)w;
    fail_msg("a record was cut short");
}

static stage_result stage_slow_record(exchange *x) {
    if (x->parent) return STAGE_NEXT;
    exchange_wait(x, &slow, never_cancelled);
    return STAGE_WAIT;
}

/* Not when the run has been recorded, which may take a while. */
static void tools_end_when_the_client_leaves(void **state) {
    (void)state;
    static const stage_row recorded[] = {
        {"parse", stage_parse, NULL, STAGE_CHILD},
        {"functions", stage_functions, stage_functions_done, 0},
        {"scripts", stage_scripts, NULL, STAGE_CHILD},
        {"slow", stage_slow_record, NULL, STAGE_ALWAYS | STAGE_CHILD},
    };
    static const exchange_plan slowly = {recorded, ARRAY_LEN(recorded), filters,
                                         ARRAY_LEN(filters)};
    scene *s = scene_of(&slowly, "");
    const exchange_request r = world_request(&form_functions, "{\"message\":\"Hi\"}");
    ask(s->w, &s->a, NULL, &r);
    turn(s);
    model_says(0, CALLS_("null", CALL("c", "beside", "{}")));
    assert_int_equal(under_way(), 1);
    exchange_cancel(s->a.x);
    assert_int_equal(under_way(), 0);
    assert_int_equal(s->a.said.len, 0);
    exchange_resume(&slow, STAGE_NEXT);
    turn(s);
    assert_heard(s, "done");
    scene_done(s);
}

/* From inside a piece: a word, a step. */
static void a_client_that_leaves_while_it_is_told(void **state) {
    (void)state;
    for (unsigned at = 1; at <= 3; at++) {
        scene *s = scene_new("", "{\"message\":\"Hi\",\"stream\":true}");
        s->a.leave_at = at;
        stream_head(0);
        script_say(&scripts[0], DELTA("\"content\":\"a\""));
        if (at > 1) {
            script_say(
                &scripts[0],
                DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"x\"}},"
                      "{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"y\"}},"
                      "{\"index\":2,\"id\":\"c3\",\"function\":{\"name\":\"beside\"}}]"));
            script_end(&scripts[0]);
        }
        assert_true(s->a.left);
        turn(s);
        assert_null(s->a.x);
        assert_int_equal(asked_count, 1);
        scene_done(s);
    }
}

/* ---- failures ---- */

static void a_model_call_that_fails_fails_the_run(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\"}");
    script_fail(&scripts[0], ERR_CONNECT_FAILED);
    turn(s);
    assert_int_equal(s->a.error, ERR_CONNECT_FAILED);
    assert_null(strstr(buf_cstr(&s->a.said), "steps"));
    scene_done(s);
    /* Later, with what was done so far. */
    s = scene_new("", "{\"message\":\"Hi\"}");
    model_says(0, CALLS_("null", CALL("c", "beside", "{}")));
    answer_call(0, "x");
    turn(s);
    script_fail(&scripts[1], ERR_CONNECT_FAILED);
    turn(s);
    const char *said = buf_cstr(&s->a.said);
    assert_non_null(strstr(said, "\"success\":false"));
    assert_non_null(strstr(said, "\"steps\":[{\"tool\":\"beside\""));
    assert_non_null(strstr(said, "\"total_tokens\":15"));
    assert_int_equal(s->a.record.usage.total, 15);
    scene_done(s);
}

static void a_stream_that_breaks_off_says_so(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\",\"stream\":true}");
    stream_head(0);
    script_say(&scripts[0], DELTA("\"content\":\"a\""));
    script_fail(&scripts[0], ERR_STREAM_CUT);
    turn(s);
    const char *said = buf_cstr(&s->a.said);
    assert_non_null(strstr(said, "{\"success\":false,\"response\":\""));
    assert_non_null(strstr(said, "\"code\":\"stream_interrupted\""));
    assert_non_null(strstr(said, "|end|done"));
    scene_done(s);
}

/* Before anybody is asked: by a row of the step's. */
static void a_step_that_is_refused_fails_the_run(void **state) {
    (void)state;
    static const stage_row refusing[] = {
        {"parse", stage_parse, NULL, STAGE_CHILD},
        {"functions", stage_functions, stage_functions_done, 0},
        {"refuse", refuse_steps, NULL, STAGE_CHILD},
        {"settle", stage_settle, NULL, STAGE_ALWAYS | STAGE_CHILD},
    };
    static const exchange_plan broke = {refusing, ARRAY_LEN(refusing), filters, ARRAY_LEN(filters)};
    for (int stream = 0; stream < 2; stream++) {
        scene *s = scene_of(&broke, "");
        const exchange_request r =
            world_request(&form_functions,
                          stream ? "{\"message\":\"Hi\",\"stream\":true}" : "{\"message\":\"Hi\"}");
        ask(s->w, &s->a, NULL, &r);
        turn(s);
        assert_int_equal(s->a.error, ERR_OVER_BUDGET);
        assert_int_equal(s->a.status, error_get(ERR_OVER_BUDGET)->status);
        assert_non_null(strstr(buf_cstr(&s->a.said), "No more money."));
        scene_done(s);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_never_stops_is_stopped),
        cmocka_unit_test(tokens_have_a_limit),
        cmocka_unit_test(time_has_a_limit),
        cmocka_unit_test(the_time_of_a_call_holds_too),
        cmocka_unit_test(a_client_that_leaves_ends_all),
        cmocka_unit_test(tools_end_when_the_client_leaves),
        cmocka_unit_test(a_client_that_leaves_while_it_is_told),
        cmocka_unit_test(a_model_call_that_fails_fails_the_run),
        cmocka_unit_test(a_stream_that_breaks_off_says_so),
        cmocka_unit_test(a_step_that_is_refused_fails_the_run),
    };
    return run_watched(tests);
}
