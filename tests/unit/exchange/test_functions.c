/* Runs: what a model is asked, what becomes of the tools that it calls, and what the client hears.
 */
#include "exchange/run_scene.h"

/* ---- runs ---- */

static void a_model_calls_a_tool_and_answers(void **state) {
    (void)state;
    scene *s = scene_new("chat: {model: m, system: Be brief., max_tokens: 50, temperature: 0.5}\n",
                         "{\"message\":\" Hi \",\"tools\":[\"beside\"],\"user\":\"u-1\"}");
    assert_int_equal(asked_count, 1);
#define REQUEST                                                                                    \
    "{\"model\":\"m\",\"max_tokens\":50,\"temperature\":0.5,\"user\":\"u-1\",\"tools\":[{"         \
    "\"type\":"                                                                                    \
    "\"function\",\"function\":{\"name\":\"beside\",\"parameters\":{\"type\":\"object\","          \
    "\"properties\":{\"a\":{\"type\":\"integer\"}}}}}],\"messages\":[{\"role\":\"system\","        \
    "\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi\"}"
    assert_string_equal(bodies[0], REQUEST "]}");
    model_says(0, CALLS_("\"Well.\"", CALL("c1", "beside", "{\\\"a\\\":1}")));
    assert_int_equal(under_way(), 1);
    assert_int_equal(s->a.said.len, 0);
    answer_call(0, "it is 7");
    turn(s);
    assert_int_equal(asked_count, 2);
    assert_string_equal(
        bodies[1], REQUEST ",{\"role\":\"assistant\",\"content\":\"Well.\",\"tool_calls\":[" CALL(
                       "c1", "beside",
                       "{\\\"a\\\":1}") "]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":"
                                        "\"it is 7\"}]}");
    assert_int_equal(s->w->env.open_children, 1);
    model_says(1, SAYS("Seven."));
    turn(s);
    assert_heard(s, "answer 200 {\"success\":true,\"response\":\"Seven.\",\"steps\":[" STEP(
                        "beside", "{\"a\":1}",
                        "\"result\":\"it is 7\"") "]," FIGURES("20", "10", "30") "|done");
    assert_int_equal(s->a.record.usage.total, 30);
    assert_int_equal(s->a.record.attempts, 0);
    assert_string_equal(s->a.reason, "stop");
    scene_done(s);
}

/* A tool that answers at once costs its run no tick of the clock. */
static void a_step_takes_no_time_of_its_own(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\"}");
    const int64_t before_ms = s->w->loop.now_ms;
    model_says(0, CALLS_("null", CALL("c1", "beside", "{}")));
    answer_call(0, "7");
    assert_int_equal(asked_count, 1); /* not from inside the tool's own stack */
    world_pass(s->w, 0);
    assert_int_equal(asked_count, 2);
    assert_int_equal(s->w->loop.now_ms, before_ms);
    model_says(1, SAYS("ok"));
    scene_done(s);
}

static void a_run_without_calls_is_one_model_call(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\",\"tools\":[],\"model\":\"n\"}");
    assert_null(strstr(bodies[0], "tools"));
    model_says(0, SAYS("Hello."));
    turn(s);
    assert_heard(s, "answer 200 {\"success\":true,\"response\":\"Hello.\",\"steps\":[]," FIGURES(
                        "10", "5", "15") "|done");
    scene_done(s);
}

/* Odd servers leave it out. */
static void a_last_answer_that_tells_no_reason(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\"}");
    model_says(0,
               "{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":\"Hello.\"}}]" USAGE "}");
    turn(s);
    assert_heard(s, "answer 200 {\"success\":true,\"response\":\"Hello.\",\"steps\":[]," FIGURES(
                        "10", "5", "15") "|done");
    assert_string_equal(s->a.reason, "");
    scene_done(s);
}

static void messages_of_the_clients_own(void **state) {
    (void)state;
    static const struct {
        const char *messages, *sent;
    } cases[] = {
        {"[{\"role\":\"user\",\"content\":\"a\"}, {\"role\":\"assistant\",\"content\":\"b\"} ]",
         "[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"a\"}, "
         "{\"role\":\"assistant\",\"content\":\"b\"}]"},
        {"[{\"role\":\"system\",\"content\":\"mine\"}]",
         "[{\"role\":\"system\",\"content\":\"mine\"}]"},
        {"[{\"role\":\"developer\",\"content\":\"mine\"}]",
         "[{\"role\":\"developer\",\"content\":\"mine\"}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf body = BUF_EMPTY;
        buf_addf(&body, "{\"messages\":%s,\"tools\":[]}", cases[i].messages);
        scene *s = scene_new("chat: {system: S}\n", buf_cstr(&body));
        assert_non_null(strstr(bodies[0], cases[i].sent));
        model_says(0, SAYS("x"));
        scene_done(s);
        buf_done(&body);
    }
}

static void text_beside_calls_and_calls_beside_each_other(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\"}");
    model_says(0, CALLS_("null", CALL("c1", "beside", "{}") "," CALL("c2", "beside", "{}") "," CALL(
                                     "c3", "alone", "{}") "," CALL("c4", "beside", "{}")));
    assert_int_equal(under_way(), 2); /* the third must be alone, and is not overtaken */
    answer_call(1, "two");
    turn(s);
    assert_int_equal(under_way(), 1);
    assert_int_equal(call_count, 2);
    answer_call(0, "one");
    turn(s);
    assert_int_equal(under_way(), 1);
    assert_string_equal(names[2], "alone");
    answer_call(2, "three");
    turn(s);
    assert_int_equal(asked_count, 1);
    answer_call(3, "four");
    turn(s);
    const char *one = strstr(bodies[1], "\"one\""), *two = strstr(bodies[1], "\"two\"");
    assert_true(one && two && one < two); /* whichever was there first */
    model_says(1, SAYS("ok"));
    turn(s);
    assert_heard(
        s,
        "answer 200 {\"success\":true,\"response\":\"ok\",\"steps\":[" STEP("beside", "{}", "\"result\":\"one\"") "," STEP(
            "beside", "{}",
            "\"result\":\"two\"") "," STEP("alone", "{}",
                                           "\"result\":\"three\"") "," STEP("beside", "{}",
                                                                            "\"result\":"
                                                                            "\"four\"") "]"
                                                                                        "," FIGURES(
                                                                                            "20",
                                                                                            "10",
                                                                                            "30") "|done");
    scene_done(s);
}

/* What is wrong with a call goes back to the model, which may do better. */
static void wrong_calls_go_back_to_the_model(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\",\"tools\":[\"beside\"]}");
    model_says(0, CALLS_("null", CALL("c1", "nope", "{}") "," CALL(
                                     "c1", "beside", "{\\\"a\\\":") "," CALL("", "alone", "{}")));
    turn(s);
    assert_int_equal(call_count, 0);
    assert_int_equal(asked_count, 2);
    assert_non_null(strstr(bodies[1], "Error: there is no tool of the name 'nope' here; those that "
                                      "there are: beside"));
    assert_non_null(strstr(bodies[1], "Error: there is no tool of the name 'alone' here"));
    model_says(1, SAYS("ok"));
    turn(s);
    assert_non_null(strstr(buf_cstr(&s->a.said),
                           "{\"tool\":\"beside\",\"arguments\":\"{\\\"a\\\":\","
                           "\"error\":\""));
    scene_done(s);
}

static void a_tool_that_fails_is_told_to_the_model(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\"}");
    model_says(0, CALLS_("null", CALL("c1", "beside", "{}") "," CALL("c2", "again", "{}")));
    tool_call_fail(calls[0], TOOL_FAILED, "it is broken");
    tool_call_fail(calls[1], TOOL_FAILED, "it is broken, too");
    turn(s);
    assert_int_equal(under_way(), 1); /* the one that may be called twice */
    assert_string_equal(names[2], "again");
    tool_call_fail(calls[2], TOOL_UNREACHABLE, "still broken");
    turn(s);
    assert_int_equal(call_count, 3); /* but not three times */
    model_says(1, SAYS("ok"));
    turn(s);
    assert_heard(
        s,
        "answer 200 {\"success\":true,\"response\":\"ok\",\"steps\":[" STEP(
            "beside", "{}",
            "\"error\":\"it is broken\"") "," STEP("again", "{}",
                                                   "\"error\":\"still broken\"") "]," FIGURES("20",
                                                                                              "10",
                                                                                              "30") "|done");
    scene_done(s);
}

/* ---- streams ---- */

static void a_streamed_run_tells_words_and_steps_as_they_come(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\",\"stream\":true}");
    assert_non_null(strstr(bodies[0], "\"stream\":true"));
    stream_head(0);
    assert_heard(s, "head 200");
    script_say(&scripts[0], DELTA("\"content\":\"Let me \""));
    script_say(&scripts[0], DELTA("\"content\":\"see.\""));
    script_say(&scripts[0],
               DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\","
                     "\"function\":{\"name\":\"beside\",\"arguments\":\"\"}}]"));
    script_say(&scripts[0], DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
                                  "\"{\\\"a\\\":\"}}]"));
    script_say(&scripts[0],
               DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"2}\"}}]"));
    script_say(&scripts[0], FINISH("tool_calls"));
    script_say(&scripts[0], USED);
    assert_int_equal(call_count, 0);
    script_end(&scripts[0]);
#define BEGUN "head 200" PIECE("{\"delta\":\"Let me \"}") PIECE("{\"delta\":\"see.\"}")
    assert_heard(s, BEGUN);
    answer_call(0, "7");
    turn(s);
#define STEPPED BEGUN PIECE("{\"step\":" STEP("beside", "{\"a\":2}", "\"result\":\"7\"") "}")
    assert_heard(s, STEPPED);
    assert_non_null(strstr(bodies[1], "\"content\":\"Let me see.\""));
    assert_non_null(strstr(bodies[1], "\"arguments\":\"{\\\"a\\\":2}\""));
    stream_head(1);
    script_say(&scripts[1], DELTA("\"content\":\"Seven.\""));
    script_say(&scripts[1], FINISH("stop"));
    script_say(&scripts[1], USED);
    script_end(&scripts[1]);
    turn(s);
    assert_heard(s, STEPPED PIECE("{\"delta\":\"Seven.\"}") PIECE(
                        "{\"done\":true,\"success\":true," FIGURES("20", "10", "30")) "|end|done");
    assert_string_equal(s->a.reason, "stop");
    assert_true(s->a.record.stream);
    scene_done(s);
}

static void a_slow_client_holds_the_model_back(void **state) {
    (void)state;
    scene *s = scene_new("", "{\"message\":\"Hi\",\"stream\":true}");
    s->a.full = true;
    stream_head(0);
    script_say(&scripts[0], DELTA("\"content\":\"a\""));
    script_say(&scripts[0], DELTA("\"content\":\"b\""));
    assert_true(scripts[0].paused);
    s->a.full = false;
    exchange_room(s->a.x);
    assert_false(scripts[0].paused);
    script_say(&scripts[0], FINISH("stop"));
    script_end(&scripts[0]);
    scene_done(s);
}

/* ---- requests ---- */

static void requests_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *body, *field, *says;
    } cases[] = {
        {"{}", "message", "'message' is missing."},
        {"{\"message\":\" \"}", "message", "'message' cannot be empty."},
        {"{\"message\":7}", "message", "'message' must be a string."},
        {"{\"message\":\"a\",\"messages\":[{\"role\":\"user\"}]}", "messages", "both there"},
        {"{\"messages\":{}}", "messages", "'messages' must be an array."},
        {"{\"messages\":[]}", "messages", "'messages' is empty"},
        {"{\"messages\":[{\"role\":\"user\"},7]}", "messages", "'messages[1]' must be an object"},
        {"{\"messages\":[{\"content\":\"a\"}]}", "messages", "'messages[0]' must be an object"},
        {"{\"messages\":[{\"role\":\"user\"},{\"role\":\"user\"},{\"role\":\"user\"}]}", "messages",
         "'messages' has 3 items; at most 2 are allowed"},
        {"{\"message\":\"a\",\"tools\":\"beside\"}", "tools", "'tools' must be an array"},
        {"{\"message\":\"a\",\"tools\":[\"beside\",7]}", "tools", "'tools[1]' must be a string"},
        {"{\"message\":\"a\",\"tools\":[\"beside\",\"nope\"]}", "tools",
         "There is no tool 'nope' here"},
        {"{\"message\":\"a\",\"max_steps\":0}", "max_steps",
         "'max_steps' is 0; it must be between 1 and 8"},
        {"{\"message\":\"a\",\"max_steps\":9}", "max_steps", "'max_steps' is 9"},
        {"{\"message\":\"a\",\"max_steps\":1.5}", "max_steps", "'max_steps' must be an integer."},
        {"{\"message\":\"a\",\"max_steps\":\"2\"}", "max_steps", "'max_steps' must be an integer."},
        {"{\"message\":\"a\",\"stream\":1}", "stream", "'stream' must be true or false."},
        {"{\"message\":\"a\",\"model\":7}", "model", "'model' must be a string."},
        {"{\"message\":\"a\",\"model\":\"\"}", "model", "'model' is empty."},
        {"{\"message\":\"a\",\"max_tokens\":0}", "max_tokens", "'max_tokens' is 0"},
        {"{\"message\":\"a\",\"temperature\":3}", "temperature", "'temperature' is 3"},
        {"{\"message\":\"a\",\"parallel_tool_calls\":\"yes\"}", "parallel_tool_calls",
         "'parallel_tool_calls' must be true or false."},
        {"{\"message\":\"a\",\"user\":7}", "user", "'user' must be a string."},
        {"{\"message\":\"a\",\"functions\":[]}", "functions",
         "'functions' is not a field of /chat/functions"},
        {"{\"message\":\"a\",\"message\":\"b\"}", "", "already has a member"},
        {"[]", "", "expected an object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene *s = scene_of(&plan, "limits: {messages: 2}\n");
        const exchange_request r = world_request(&form_functions, cases[i].body);
        buf named = BUF_EMPTY;
        ask(s->w, &s->a, NULL, &r);
        turn(s);
        const char *said = buf_cstr(&s->a.said);
        if (!strstr(said, cases[i].says)) fail_msg("%s: %s", cases[i].body, said);
        assert_non_null(strstr(said, "answer 4"));
        buf_addf(&named, "\"field\":\"%s\"", cases[i].field);
        if (cases[i].field[0]) assert_non_null(strstr(said, buf_cstr(&named)));
        assert_int_equal(asked_count, 0);
        buf_done(&named);
        scene_done(s);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_calls_a_tool_and_answers),
        cmocka_unit_test(a_step_takes_no_time_of_its_own),
        cmocka_unit_test(a_run_without_calls_is_one_model_call),
        cmocka_unit_test(a_last_answer_that_tells_no_reason),
        cmocka_unit_test(messages_of_the_clients_own),
        cmocka_unit_test(text_beside_calls_and_calls_beside_each_other),
        cmocka_unit_test(wrong_calls_go_back_to_the_model),
        cmocka_unit_test(a_tool_that_fails_is_told_to_the_model),
        cmocka_unit_test(a_streamed_run_tells_words_and_steps_as_they_come),
        cmocka_unit_test(a_slow_client_holds_the_model_back),
        cmocka_unit_test(requests_are_checked),
    };
    return run_watched(tests);
}
