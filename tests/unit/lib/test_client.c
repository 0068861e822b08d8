/* A client with a thread of its own, against the simulator: what a call comes to, what is counted
 * of it, and what belongs to the program. */
#include "calls.h"

#include "comma.h"

#include <signal.h>

/* ---- blocking calls ---- */

static void a_call(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    weir_result *r = lib_chat(c, lib_request("gpt-4o-mini", "hi there"));
    assert_int_equal(r->code, WEIR_OK);
    assert_int_equal(r->status, 200);
    assert_string_equal(r->text, "You said: hi there");
    assert_int_equal(r->text_len, strlen(r->text));
    assert_string_equal(r->safe_text, r->text);
    assert_non_null(strstr(r->body, "\"chat.completion\""));
    assert_int_equal(r->body_len, strlen(r->body));
    assert_null(r->error_message);
    assert_string_equal(r->model, "gpt-4o-mini");
    assert_string_equal(r->target, "127.0.0.1/gpt-4o-mini");
    assert_string_equal(r->finish_reason, "stop");
    assert_int_equal(strlen(r->request_id), 36);
    assert_non_null(r->provider_request_id);
    assert_int_equal(r->attempts, 1);
    assert_int_equal(r->completion_tokens, 4);
    assert_int_equal(r->total_tokens, r->prompt_tokens + r->completion_tokens);
    assert_false(r->tokens_estimated);
    assert_true(r->response_seconds > 0);
    assert_true(r->first_token_seconds < 0);
    assert_int_equal(r->retry_after_ms, -1);
    weir_result_free(r);
    weir_client_free(c);
}

static void expect_failure(weir_client *c, const char *model, weir_code code, int status,
                           const char *error_code, const char *safe) {
    weir_result *r = lib_chat(c, lib_request(model, "hi"));
    assert_int_equal(r->code, code);
    assert_int_equal(r->status, status);
    assert_null(r->text);
    assert_string_equal(r->safe_text, safe);
    assert_true(*r->error_message);
    if (error_code) assert_string_equal(r->error_code, error_code);
    assert_non_null(strstr(r->body, "\"error\""));
    weir_result_free(r);
}

static weir_client *client_with_words(const char *first_byte) {
    weir_options *o = lib_options();
    weir_options_set(o, "retry.retries", "1");
    weir_options_set(o, "timeouts.first_byte", first_byte);
    weir_options_set(o, "chat.say.rate_limited", "Later.");
    weir_options_set(o, "chat.say.unreachable", "Nobody there.");
    weir_options_set(o, "chat.say.invalid", "No.");
    weir_options_set(o, "chat.say.failed", "Broken.");
    return lib_client(o);
}

static void failures_have_a_code_and_a_sentence(void **state) {
    (void)state;
    weir_client *c = client_with_words("20s");
    expect_failure(c, "sim/429", WEIR_RATE_LIMITED, 429, "rate_limit_exceeded", "Later.");
    expect_failure(c, "sim/401", WEIR_UNAUTHENTICATED, 401, "provider_refused", "Broken.");
    expect_failure(c, "sim/404", WEIR_NOT_FOUND, 404, NULL, "No.");
    expect_failure(c, "sim/context-length", WEIR_INVALID, 400, "context_length_exceeded", "No.");
    expect_failure(c, "sim/500", WEIR_PROVIDER, 500, NULL, "Broken.");
    expect_failure(c, "sim/reset", WEIR_UNREACHABLE, 0, "provider_connection_lost",
                   "Nobody there.");
    weir_client_free(c);
    c = client_with_words("80ms");
    expect_failure(c, "sim/silent", WEIR_TIMEOUT, 0, "first_byte_timeout", "Nobody there.");
    weir_client_free(c);
}

static void a_hint_is_handed_on(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set(o, "retry.retries", "0");
    weir_client *c = lib_client(o);
    weir_result *r = lib_chat(c, lib_request("sim/429-7s", "hi"));
    assert_int_equal(r->code, WEIR_RATE_LIMITED);
    assert_int_equal(r->retry_after_ms, 7000);
    weir_result_free(r);
    weir_client_free(c);
}

static void retries_and_fallbacks(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set_url(o, "http://127.0.0.1:1/v1"); /* nobody listens there */
    weir_options_add_fallback(o, lib_url, NULL, NULL);
    weir_options_set(o, "retry.retries", "5");
    weir_client *c = lib_client(o);
    weir_result *r = lib_chat(c, lib_request("gpt", "hi"));
    assert_int_equal(r->code, WEIR_OK);
    assert_string_equal(r->target, "127.0.0.1-2/gpt");
    assert_true(r->attempts > 1);
    weir_result_free(r);
    weir_client_free(c);

    c = lib_client(lib_options());
    r = lib_chat(c, lib_request("sim/flaky-2", "hi"));
    assert_int_equal(r->code, WEIR_OK);
    assert_int_equal(r->attempts, 3);
    weir_result_free(r);
    weir_client_free(c);
}

static void other_endpoints(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    static const struct {
        const char *path, *body, *text;
    } rows[] = {
        {"/embeddings", "{\"model\":\"e\",\"input\":\"hi\"}", NULL},
        {"/moderations", "{\"input\":\"hi\"}", NULL},
        {"/completions", "{\"model\":\"m\",\"prompt\":\"hi\"}", "You said: hi"},
        {"/responses", "{\"model\":\"m\",\"input\":\"hi\"}", "You said: hi"},
        {"/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
         "You said: hi"},
        {"/chat/completions?tier=1", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
         "You said: hi"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        weir_request *q = weir_request_new();
        weir_request_set_path(q, rows[i].path);
        weir_request_set_body(q, rows[i].body, strlen(rows[i].body));
        weir_result *r = lib_chat(c, q);
        if (r->code != WEIR_OK) fail_msg("%s: %s", rows[i].path, r->error_message);
        if (rows[i].text)
            assert_string_equal(r->text, rows[i].text);
        else
            assert_null(r->text);
        assert_non_null(r->safe_text);
        weir_result_free(r);
    }
    weir_client_free(c);
}

static void bad_requests(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    static const struct {
        const char *path, *body, *says;
    } rows[] = {
        {"/files", "{}", "No call can be made to the path /files"},
        {"/files?a=b", "{}", "No call can be made to the path /files?a=b"},
        {"/chat/completions?a b", "{}", "is no path with a query"},
        {"/chat/completions?a\r\nb: c", "{}", "is no path with a query"},
        {"/chat/completions?a#b", "{}", "is no path with a query"},
        {"/chat/completions", "{", "not acceptable JSON"},
        {"/chat/completions", "[]", "expected an object"},
        {"/chat/completions", "{\"model\":\"m\"}", "'messages' is missing"},
        {"/embeddings", "{\"input\":\"x\"}", "'model' is missing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        weir_request *q = weir_request_new();
        weir_request_set_path(q, rows[i].path);
        weir_request_set_body(q, rows[i].body, strlen(rows[i].body));
        weir_result *r = lib_chat(c, q);
        assert_int_equal(r->code, WEIR_INVALID);
        if (!strstr(r->error_message, rows[i].says)) fail_msg("%s", r->error_message);
        assert_string_equal(r->error_type, "invalid_request_error");
        assert_non_null(strstr(r->safe_text, "Invalid request: "));
        assert_int_equal(r->attempts, 0);
        weir_result_free(r);
    }
    weir_client_free(c);
}

/* By its name, without a key: first or as a fallback, on a thread of its own or on the caller's. */
static void the_simulator_by_name(void **state) {
    (void)state;
    static const struct {
        const char *url, *fallback;
        bool foreign;
        const char *target;
    } rows[] = {
        {"simulator", NULL, false, "simulator/gpt"},
        {"simulator", NULL, true, "simulator/gpt"},
        {"http://127.0.0.1:1/v1", "simulator", false, "simulator/gpt"},
        {"simulator", "simulator", false, "simulator/gpt"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        weir_options *o = lib_options();
        weir_options_set_url(o, rows[i].url);
        if (rows[i].fallback) weir_options_add_fallback(o, rows[i].fallback, NULL, NULL);
        if (rows[i].foreign) weir_options_set_foreign_loop(o);
        weir_client *c = lib_client(o);
        weir_result *r = lib_chat(c, lib_request("gpt", "hi"));
        if (r->code != WEIR_OK) fail_msg("row %zu: %s", i, r->error_message);
        assert_string_equal(r->text, "You said: hi");
        assert_string_equal(r->target, rows[i].target);
        weir_result_free(r);
        weir_client_free(c);
    }
}

/* Options that are wrong leave none behind; the word means nothing in a configuration. */
/* Numbers of JSON have a point there too. */
static void the_simulator_in_a_locale_with_a_comma(void **state) {
    (void)state;
    comma_enter();
    weir_options *o = weir_options_new();
    weir_options_set_url(o, "simulator");
    weir_client *c = lib_client(o);
    weir_request *q = lib_request("gpt", "x");
    weir_request_set_json(q, "logprobs", "true");
    weir_request_set_number(q, "temperature", 0.7);
    weir_result *r = lib_chat(c, q);
    if (r->code != WEIR_OK) fail_msg("%s", r->error_message);
    assert_non_null(strstr(r->body, "\"logprob\":-0."));
    weir_result_free(r);
    weir_client_free(c);
    comma_leave();
}

static void no_simulator_without_a_client(void **state) {
    (void)state;
    char *why = NULL;
    weir_options *o = weir_options_new();
    weir_options_set_url(o, "simulator");
    weir_options_set_concurrency(o, 0);
    assert_null(weir_client_new(o, &why));
    assert_non_null(strstr(why, "concurrency"));
    weir_string_free(why);
    weir_options_set_concurrency(o, 1);
    weir_options_set_url(o, "simulators");
    assert_null(weir_client_new(o, &why));
    weir_string_free(why);
    weir_options_free(o);
}

/* ---- the summary ---- */

/* It was made, and is paid: counted as stopped, with what is guessed of its tokens. */
static void a_stopped_answer_is_counted(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    stream s = {.stop_after = 4};
    weir_result *r = stream_with(c, "sim/words-1000", &s);
    assert_true(r->tokens_estimated && r->prompt_tokens > 0 && r->completion_tokens > 0);
    weir_summary *sum = weir_client_summary(c);
    assert_int_equal(sum->total_calls, 1);
    assert_int_equal(sum->failed_calls, 1);
    assert_int_equal(sum->cancelled_calls, 1);
    assert_int_equal(sum->total_tokens, r->total_tokens);
    assert_int_equal(sum->estimated_tokens, r->total_tokens);
    assert_int_equal(sum->completion_tokens, r->completion_tokens);
    weir_summary_free(sum);
    weir_result_free(r);
    buf_done(&s.text);
    weir_client_free(c);
}

static void a_summary(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set(o, "retry.retries", "2");
    weir_client *c = lib_client(o);
    weir_summary *s = weir_client_summary(c);
    assert_int_equal(s->total_calls, 0);
    assert_true(s->success_rate == 0);
    assert_int_equal(s->models_used_count, 0);
    weir_summary_free(s);
    static const char *const models[] = {"one", "two", "one", "sim/500"};
    int64_t tokens = 0;
    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        weir_result *r = lib_chat(c, lib_request(models[i], "hi"));
        if (r->code == WEIR_OK) tokens += r->total_tokens;
        weir_result_free(r);
    }
    s = weir_client_summary(c);
    assert_int_equal(s->total_calls, 4);
    assert_int_equal(s->successful_calls, 3);
    assert_int_equal(s->failed_calls, 1);
    assert_int_equal(s->cancelled_calls, 0);
    assert_int_equal(s->estimated_tokens, 0);
    assert_true(s->success_rate == 75);
    assert_int_equal(s->total_tokens, tokens);
    assert_int_equal(s->prompt_tokens + s->completion_tokens, tokens);
    assert_true(s->average_response_time > 0);
    assert_int_equal(s->models_used_count, 2);
    assert_string_equal(s->models_used[0], "one");
    assert_string_equal(s->models_used[1], "two");
    assert_int_equal(s->retries, 2);
    weir_summary_free(s);
    weir_client_free(c);
}

/* ---- what belongs to the program ---- */

static int tell_mask(void *user, const weir_event *event) {
    (void)event;
    pthread_sigmask(SIG_SETMASK, NULL, user);
    return 0;
}

static void its_thread_takes_no_signal(void **state) {
    (void)state;
    sigset_t theirs, ours;
    sigemptyset(&theirs);
    weir_client *c = lib_client(lib_options());
    weir_request *q = lib_request("gpt", "x");
    weir_result_free(weir_stream(c, q, tell_mask, &theirs));
    weir_request_free(q);
    assert_true(sigismember(&theirs, SIGTERM) && sigismember(&theirs, SIGINT));
    assert_true(sigismember(&theirs, SIGPIPE) && sigismember(&theirs, SIGCHLD));
    pthread_sigmask(SIG_SETMASK, NULL, &ours);
    assert_false(sigismember(&ours, SIGTERM) || sigismember(&ours, SIGPIPE));
    weir_client_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call),
        cmocka_unit_test(the_simulator_by_name),
        cmocka_unit_test(the_simulator_in_a_locale_with_a_comma),
        cmocka_unit_test(no_simulator_without_a_client),
        cmocka_unit_test(failures_have_a_code_and_a_sentence),
        cmocka_unit_test(a_hint_is_handed_on),
        cmocka_unit_test(retries_and_fallbacks),
        cmocka_unit_test(other_endpoints),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(a_summary),
        cmocka_unit_test(a_stopped_answer_is_counted),
        cmocka_unit_test(its_thread_takes_no_signal),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
