/* Runs: a model of the simulator's, and functions of a program that it calls. */
#include "lib.h"

#define CITY                                                                                       \
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"pattern\":\"^[A-Z]\"}}," \
    "\"required\":[\"city\"],\"additionalProperties\":false}"

typedef struct heard {
    unsigned calls;
    char arguments[200], id[100];
    const char *says; /* NULL: nothing at all */
    size_t len;       /* 0: all of it */
    bool fails;
} heard;

static void note(void *user, weir_run *run, const weir_tool_call *call) {
    heard *h = user;
    h->calls++;
    assert_ptr_equal(call->user, user);
    assert_int_equal(strlen(call->arguments), call->arguments_len);
    snprintf(h->arguments, sizeof h->arguments, "%s", call->arguments);
    snprintf(h->id, sizeof h->id, "%s", call->id);
    if (!h->says) return;
    const size_t len = h->len ? h->len : strlen(h->says);
    if (h->fails)
        weir_run_fail(run, call, h->says, len);
    else
        weir_run_answer(run, call, h->says, len);
    weir_run_answer(run, call, "twice", 5); /* passed over */
}

static weir_client *client_with(heard *h, const char *schema) {
    weir_client *c = lib_client(lib_options());
    char *why = NULL;
    if (!weir_client_add_tool(c, "weather", "Of a city.", schema, note, h, &why))
        fail_msg("%s", why);
    return c;
}

/* What the steps say, of the script (docs/simulator.md); their times are not looked at. */
static void check_script(const char *script, heard *h, const char *steps, const char *text) {
    weir_client *c = client_with(h, CITY);
    weir_request *q = lib_request("sim/script", script);
    weir_run *run = weir_run_new(c, q);
    weir_request_free(q); /* it is copied */
    const weir_result *r = weir_run_wait(run);
    if (r->code != WEIR_OK) fail_msg("%s", r->error_message);
    assert_non_null(strstr(r->text, text));
    size_t len;
    const char *told = weir_run_steps(run, &len);
    assert_int_equal(strlen(told), len);
    if (!strstr(told, steps)) fail_msg("%s", told);
    assert_true(r->total_tokens > 0);
    assert_ptr_equal(weir_run_result(run), r);
    assert_int_equal(weir_run_next(run), WEIR_RUN_ENDED);
    weir_run_free(run);
    weir_client_free(c);
}

static void a_function_is_called(void **state) {
    (void)state;
    heard h = {.says = "18 degrees"};
    check_script("weather {\"city\": \"Berlin\"}", &h,
                 "{\"tool\":\"weather\",\"arguments\":{\"city\": \"Berlin\"},\"result\":\"18 "
                 "degrees\",\"ms\":",
                 "18 degrees");
    assert_int_equal(h.calls, 1);
    assert_true(h.id[0]);
}

static void what_is_wrong_goes_to_the_model(void **state) {
    (void)state;
    heard h = {.says = "18 degrees"};
    check_script("weather {\"city\": 5}", &h, "\"error\":\"city: expected a string, got 5\"", "");
    check_script("weather {\"city\": \"berlin\"}", &h, "\"error\":\"city: ", "");
    check_script("weather {}", &h, "\"error\":\"", "");
    check_script(
        "nothing {}", &h,
        "\"error\":\"there is no tool of the name 'nothing' here; those that there are: weather\"",
        "");
    assert_int_equal(h.calls, 0);
    check_script("weather {}\n\nweather {\"city\": \"Bonn\"}", &h, "\"result\":\"18 degrees\"", "");
    assert_int_equal(h.calls, 1);
}

static void answers_that_are_none(void **state) {
    (void)state;
    static const struct {
        heard h;
        const char *error;
    } rows[] = {
        {{.says = NULL}, "\"error\":\"the tool gave no answer\""},
        {{.says = "It rains.", .fails = true}, "\"error\":\"It rains.\""},
        {{.says = "\xff\xfe"}, "\"error\":\"the tool's answer is not text in UTF-8\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        heard h = rows[i].h;
        check_script("weather {\"city\": \"Berlin\"}", &h, rows[i].error, "");
        assert_int_equal(h.calls, 1);
    }
}

static void a_large_answer_is_too_large(void **state) {
    (void)state;
    heard h = {.says = "0123456789"};
    weir_client *c = client_with(&h, CITY);
    weir_request *q = lib_request("sim/script", "weather {\"city\": \"Berlin\"}");
    weir_run *run = weir_run_new(c, q);
    weir_run_set_max_result(run, 9);
    assert_int_equal(weir_run_wait(run)->code, WEIR_OK);
    assert_non_null(
        strstr(weir_run_steps(run, NULL), "\"error\":\"the tool's answer is larger than 9B\""));
    weir_run_free(run);
    weir_request_free(q);
    weir_client_free(c);
}

static const weir_result *stopped(weir_run *run, const char *code) {
    const weir_result *r = weir_run_wait(run);
    assert_int_equal(r->code, WEIR_STOPPED);
    assert_string_equal(weir_code_name(r->code), "stopped");
    assert_string_equal(r->error_type, "run_stopped");
    assert_string_equal(r->error_code, code);
    assert_true(r->safe_text[0]);
    return r;
}

static void a_model_that_never_stops(void **state) {
    (void)state;
    heard h = {.says = "on"};
    weir_client *c = client_with(&h, NULL);
    weir_request *q = lib_request("sim/forever", "Go on");
    weir_run *run = weir_run_new(c, q);
    weir_run_set_max_steps(run, 3);
    const weir_result *r = stopped(run, "max_steps");
    assert_string_equal(
        r->error_message,
        "The model went on calling tools after 3 rounds of calls, which is the limit.");
    assert_int_equal(h.calls, 3);
    weir_run_free(run);
    weir_request_free(q);

    /* Slow: an idle machine takes the usual number of rounds within a millisecond. */
    q = lib_request("sim/forever,ttft-50", "Go on");
    run = weir_run_new(c, q);
    weir_run_set_timeout_ms(run, 1);
    (void)stopped(run, "max_time");
    weir_run_free(run);
    weir_request_free(q);
    weir_client_free(c);
}

static void limits_of_the_configuration(void **state) {
    (void)state;
    heard h = {.says = "on"};
    weir_options *o = lib_options();
    weir_options_set(o, "functions.max_steps", "2");
    weir_client *c = lib_client(o);
    assert_true(weir_client_add_tool(c, "weather", NULL, NULL, note, &h, NULL));
    weir_request *q = lib_request("sim/forever", "Go on");
    weir_run *run = weir_run_new(c, q);
    (void)stopped(run, "max_steps");
    assert_int_equal(h.calls, 2);
    weir_run_free(run);
    weir_client_free(c);

    o = lib_options();
    weir_options_set(o, "functions.max_tokens", "1");
    c = lib_client(o);
    assert_true(weir_client_add_tool(c, "weather", NULL, NULL, note, &h, NULL));
    run = weir_run_new(c, q);
    (void)stopped(run, "max_tokens");
    weir_run_free(run);
    weir_client_free(c);
    weir_request_free(q);
}

/* By a program that asks and calls itself, in any order. */
static void a_step_at_a_time(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    assert_true(weir_client_add_tool(c, "weather", NULL, CITY, NULL, NULL, NULL));
    weir_request *q =
        lib_request("sim/script",
                    "weather {\"city\": \"A\"}\nweather {\"city\": 1}\nweather {\"city\": \"B\"}");
    weir_run *run = weir_run_new(c, q);
    assert_null(weir_run_result(run));
    assert_int_equal(weir_run_next(run), WEIR_RUN_ASK);
    assert_int_equal(weir_run_next(run), WEIR_RUN_ASK);
    weir_result *r = weir_chat(c, weir_run_request(run));
    weir_run_take(run, r);
    weir_result_free(r);
    assert_int_equal(weir_run_next(run), WEIR_RUN_CALLS);
    size_t count;
    const weir_tool_call *const *calls = weir_run_calls(run, &count);
    assert_int_equal(count, 2);
    assert_string_equal(calls[0]->tool, "weather");
    const weir_tool_call *first = calls[0];
    weir_run_answer(run, calls[1], "second", 6);
    assert_int_equal(weir_run_next(run), WEIR_RUN_CALLS);
    (void)weir_run_calls(run, &count);
    assert_int_equal(count, 1);
    weir_run_answer(run, first, "first", 5);
    assert_int_equal(weir_run_next(run), WEIR_RUN_ASK);
    const char *steps = weir_run_steps(run, NULL);
    assert_true(strstr(steps, "first") <
                strstr(steps, "second")); /* as the model has called them */
    r = weir_chat(c, weir_run_request(run));
    weir_run_take(run, r);
    assert_int_equal(weir_run_next(run), WEIR_RUN_ENDED);
    assert_int_equal(weir_run_result(run)->code, WEIR_OK);
    weir_run_take(run, r); /* passed over */
    weir_result_free(r);
    weir_run_free(run);
    weir_request_free(q);
    weir_client_free(c);
}

static void a_result_that_nobody_asked_for(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    weir_request *q = lib_request("gpt", "hi");
    weir_result *r = weir_chat(c, q);
    weir_run *run = weir_run_new(c, q);
    weir_run_take(run, r); /* not before weir_run_next() */
    assert_int_equal(weir_run_result(run)->code, WEIR_MISUSE);
    weir_run_free(run);
    run = weir_run_new(c, q);
    (void)weir_run_next(run);
    weir_run_take(run, NULL);
    assert_int_equal(weir_run_result(run)->code, WEIR_MISUSE);
    weir_run_free(run);
    weir_result_free(r);
    weir_request_free(q);
    weir_client_free(c);
}

static void a_failure_is_the_result(void **state) {
    (void)state;
    heard h = {.says = "on"};
    weir_client *c = client_with(&h, CITY);
    weir_request *q = lib_request("sim/401", "hi");
    weir_run *run = weir_run_new(c, q);
    const weir_result *r = weir_run_wait(run);
    assert_int_equal(r->code, WEIR_UNAUTHENTICATED);
    assert_int_equal(r->status, 401);
    assert_non_null(r->error_message);
    assert_string_equal(weir_run_steps(run, NULL), "[]");
    weir_run_free(run);
    weir_request_free(q);
    weir_client_free(c);
}

static void requests_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *body, *path, *says;
    } rows[] = {
        {"{\"messages\":[]}", NULL, "has no messages"},
        {"{\"model\":\"gpt\"}", NULL, "has no messages"},
        {"[]", NULL, "is no JSON object"},
        {"{", NULL, "is no JSON object"},
        {"{\"messages\":[{}],\"tools\":[]}", NULL, "has tools of its own"},
        {"{\"messages\":[{}],\"n\":2}", NULL, "n is 1"},
        {"{\"messages\":[{}]}", "/embeddings", "is a chat completion"},
    };
    weir_client *c = lib_client(lib_options());
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        weir_request *q = weir_request_new();
        weir_request_set_body(q, rows[i].body, strlen(rows[i].body));
        if (rows[i].path) weir_request_set_path(q, rows[i].path);
        weir_run *run = weir_run_new(c, q);
        const weir_result *r = weir_run_wait(run);
        assert_int_equal(r->code, WEIR_INVALID);
        if (!strstr(r->error_message, rows[i].says)) fail_msg("%s", r->error_message);
        weir_run_free(run);
        weir_request_free(q);
    }
    weir_client_free(c);
}

static void tools_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *name, *description, *parameters, *says;
    } rows[] = {
        {NULL, "", NULL, "'' is no name of a tool"},
        {"", "", NULL, "'' is no name of a tool"},
        {"a b", "", NULL, "'a b' is no name of a tool: 1 to 64 letters, digits, _ and -"},
        {"0123456789012345678901234567890123456789012345678901234567890123x", "", NULL,
         "is no name"},
        {"a", "\xff", NULL, "the description of a is not valid UTF-8"},
        {"a", "", "[]", "the parameters of a are no JSON object"},
        {"a", "", "{", "the parameters of a are no JSON object"},
        {"a", "", "{\"type\":\"objekt\"}", "the parameters of a: "},
        {"a", "", "{\"properties\":{\"x\":{\"pattern\":\"(\"}}}", "the parameters of a: "},
        {"weather", "", NULL, "there is a tool of the name weather already"},
    };
    heard h = {.says = ""};
    weir_client *c = client_with(&h, CITY);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *why = NULL;
        assert_false(weir_client_add_tool(c, rows[i].name, rows[i].description, rows[i].parameters,
                                          note, &h, &why));
        if (!strstr(why, rows[i].says)) fail_msg("%s", why);
        weir_string_free(why);
        assert_false(weir_client_add_tool(c, rows[i].name, rows[i].description, rows[i].parameters,
                                          note, &h, NULL));
    }
    assert_false(weir_client_add_tool(NULL, "a", "", NULL, note, &h, NULL));
    weir_client_free(c);
}

static void a_client_that_is_none(void **state) {
    (void)state;
    weir_request *q = lib_request("gpt", "hi");
    weir_run *run = weir_run_new(NULL, q);
    assert_int_equal(weir_run_wait(run)->code, WEIR_MISUSE);
    weir_run_free(run);
    weir_run_free(NULL);
    weir_request_free(q);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_called),
        cmocka_unit_test(what_is_wrong_goes_to_the_model),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(a_large_answer_is_too_large),
        cmocka_unit_test(a_model_that_never_stops),
        cmocka_unit_test(limits_of_the_configuration),
        cmocka_unit_test(a_step_at_a_time),
        cmocka_unit_test(a_result_that_nobody_asked_for),
        cmocka_unit_test(a_failure_is_the_result),
        cmocka_unit_test(requests_that_are_none),
        cmocka_unit_test(tools_that_are_none),
        cmocka_unit_test(a_client_that_is_none),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
