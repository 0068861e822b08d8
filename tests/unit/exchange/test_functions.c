/* Runs: a model, the tools that it calls, and what the client is answered. Who answers the model
 * calls is a script, the tools are the test's own, and time is moved by hand. */
#include "exchange/world.h"

#include "exchange/functions.h"
#include "tools/runner.h"
#include "tools/set.h"

/* ---- the models: one script for each model call, in their order ---- */

enum { SCRIPTS = 8 };
static script scripts[SCRIPTS];
static char *bodies[SCRIPTS]; /* what each was asked */
static size_t asked_count;

static stage_result stage_scripts(exchange *x) {
    assert_true(asked_count < SCRIPTS);
    bodies[asked_count] = strndup(x->request->body.ptr, x->request->body.len);
    script_next = &scripts[asked_count++];
    return stage_script(x);
}

static void forget_models(void) {
    for (size_t i = 0; i < asked_count; i++)
        free(bodies[i]);
    asked_count = 0;
}

static stage_result refuse_steps(exchange *x) {
    return exchange_refuse(x, ERR_OVER_BUDGET, NULL, "No more money.");
}

static const stage_row rows[] = {
    {"parse", stage_parse, NULL, STAGE_CHILD},
    {"functions", stage_functions, stage_functions_done, 0},
    {"scripts", stage_scripts, NULL, STAGE_CHILD},
    {"settle", stage_settle, NULL, STAGE_ALWAYS | STAGE_CHILD},
    {"price", stage_price, NULL, STAGE_ALWAYS | STAGE_CHILD},
};
static filter_add_fn *const filters[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {rows, ARRAY_LEN(rows), filters, ARRAY_LEN(filters)};

/* ---- the tools: the test says what comes of each call ---- */

enum { CALLS = 32 };
static tool_call *calls[CALLS]; /* that were started; NULL: over */
static char names[CALLS][16];
static size_t call_count;

static void start_call(tool_call *c) {
    assert_true(call_count < CALLS);
    const tool *t = tool_call_tool(c);
    snprintf(names[call_count], sizeof names[0], "%.*s", SPAN_ARG(t->name));
    *(size_t *)tool_call_own(c) = call_count;
    calls[call_count++] = c;
}

static void stop_call(tool_call *c) {
    calls[*(size_t *)tool_call_own(c)] = NULL;
}

static const tool_kind_ops by_test = {
    .name = "by_test", .call_size = sizeof(size_t), .start = start_call, .stop = stop_call};

static void answer_call(size_t i, const char *text) {
    assert_true(i < call_count);
    assert_non_null(calls[i]);
    assert_true(tool_call_add(calls[i], span_cstr(text)));
    tool_call_done(calls[i]);
}

static size_t under_way(void) {
    size_t n = 0;
    for (size_t i = 0; i < call_count; i++)
        n += calls[i] != NULL;
    return n;
}

static tool make_tool(tool_set *set, const char *name, bool parallel, bool repeatable) {
    buf why = BUF_EMPTY;
    span parameters =
        SPAN_OF("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    tool t = {.name = span_cstr(name),
              .parameters = parameters,
              .checker = schema_new(parameters, &why),
              .kind = &by_test,
              .timeout_ms = 60000,
              .max_result = 1000,
              .parallel = parallel,
              .repeatable = repeatable,
              .set = set};
    assert_non_null(t.checker);
    buf_done(&why);
    return t;
}

static tool_set *make_tools(config *c) {
    tool_set *s = tool_set_new(c, 3);
    s->items[0] = make_tool(s, "beside", true, false);
    s->items[1] = make_tool(s, "alone", false, false);
    s->items[2] = make_tool(s, "again", true, true);
    return s;
}

/* ---- the scene ---- */

typedef struct scene {
    world *w;
    asked a;
    loop_snapshot *usual;
} scene;

static scene *scene_of(const exchange_plan *p, const char *options) {
    static const snapshot_part *const parts[] = {&provider_tls_part, &tools_part};
    scene *s = calloc(1, sizeof *s);
    buf why = BUF_EMPTY, yaml = BUF_EMPTY;
    buf_addf(&yaml, "tools: {get_current_time: {kind: builtin}}\n%s", options);
    s->w = world_new(p, buf_cstr(&yaml));
    snapshot *made = snapshot_new(s->w->config, parts, ARRAY_LEN(parts), &why);
    assert_non_null(made);
    tool_registry_publish(snapshot_tools(made), 0, make_tools(s->w->config));
    s->usual = s->w->env.snapshot;
    s->w->env.snapshot = loop_snapshot_new(s->w->client, made, s->w->targets);
    s->w->env.tools = tool_runner_new(&s->w->loop, s->w->client);
    snapshot_unref(made);
    buf_done(&why);
    buf_done(&yaml);
    call_count = 0;
    forget_models();
    return s;
}

/* What is put off to the next turn comes about. */
static void turn(scene *s) {
    world_pass(s->w, 1);
}

static scene *scene_new(const char *options, const char *body) {
    scene *s = scene_of(&plan, options);
    const exchange_request r = world_request(&form_functions, body);
    ask(s->w, &s->a, NULL, &r);
    assert_int_equal(s->a.said.len, 0); /* nothing from inside the start */
    turn(s);
    return s;
}

static void scene_done(scene *s) {
    turn(s);
    assert_null(s->a.x);
    assert_int_equal(under_way(), 0);
    assert_int_equal(tool_runner_calls(s->w->env.tools), 0);
    assert_int_equal(s->w->loop.timers.count, 0);
    asked_done(&s->a);
    tool_runner *tools = s->w->env.tools;
    tool_runner_close(tools);
    assert_int_equal(s->w->env.snapshot->refs, 1);
    loop_snapshot_unref(s->w->env.snapshot);
    s->w->env.snapshot = s->usual;
    world_free(s->w);
    tool_runner_free(tools);
    free(s);
    forget_models();
}

/* What the client heard, with N for how long a tool took. */
static void assert_heard(scene *s, const char *expected) {
    buf out = BUF_EMPTY;
    span rest = buf_span(&s->a.said);
    static const span ms = SPAN("\"ms\":");
    for (size_t at; (at = span_find_span(rest, 0, ms)) < rest.len;) {
        buf_add(&out, span_slice(rest, 0, at + ms.len));
        buf_add_char(&out, 'N');
        rest = span_slice(rest, at + ms.len, rest.len);
        while (rest.len && rest.ptr[0] >= '0' && rest.ptr[0] <= '9')
            rest = span_slice(rest, 1, rest.len);
    }
    buf_add(&out, rest);
    assert_text(&s->a, &out, expected);
    buf_done(&out);
}

/* The model calls what it was asked last for. */
static void model_says(size_t i, const char *body) {
    script *s = &scripts[i];
    assert_true(i < asked_count);
    script_head(s, ANSWER_PLAIN);
    script_say_plain(s, body);
    script_end(s);
}

#define USAGE ",\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15}"
#define SAYS(text)                                                                                 \
    "{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":\"" text                            \
    "\"},\"finish_reason\":\"stop\"}]" USAGE "}"
#define CALLS_(text, list)                                                                         \
    "{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":" text ",\"tool_calls\":[" list     \
    "]},\"finish_reason\":\"tool_calls\"}]" USAGE "}"
#define CALL(id, name, arguments)                                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":\"" arguments "\"}}"
#define FIGURES(p, c, t)                                                                           \
    "\"usage\":{\"prompt_tokens\":" p ",\"completion_tokens\":" c ",\"total_tokens\":" t           \
    "},\"model\":\"m-1\",\"request_id\":\"ID\"}"
#define STEP(name, arguments, what)                                                                \
    "{\"tool\":\"" name "\",\"arguments\":" arguments "," what ",\"ms\":N}"

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

static void stream_head(size_t i) {
    script_head(&scripts[i], ANSWER_STREAM);
}

#define DELTA(members) "{\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{" members "}}]}"
#define FINISH(reason)                                                                             \
    "{\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]" \
    "}"
#define USED        "{\"model\":\"m-1\",\"choices\":[]" USAGE "}"
#define PIECE(json) "|piece data: " json "\n\n"

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
        cmocka_unit_test(requests_are_checked),
    };
    return run_watched(tests);
}
