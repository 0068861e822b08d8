/* A client with a thread of its own, against the simulator: what a call comes to, and what becomes
 * of calls that are stopped, held, late, too many, or made where they may not be. */
#include "lib.h"

#include "lib/client.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

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

static void failures_have_a_code_and_a_sentence(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set(o, "retry.retries", "1");
    weir_options_set(o, "timeouts.first_byte", "80ms");
    weir_options_set(o, "chat.say.rate_limited", "Later.");
    weir_options_set(o, "chat.say.unreachable", "Nobody there.");
    weir_options_set(o, "chat.say.invalid", "No.");
    weir_options_set(o, "chat.say.failed", "Broken.");
    weir_client *c = lib_client(o);
    expect_failure(c, "sim/429", WEIR_RATE_LIMITED, 429, "rate_limit_exceeded", "Later.");
    expect_failure(c, "sim/401", WEIR_UNAUTHENTICATED, 401, "provider_refused", "Broken.");
    expect_failure(c, "sim/404", WEIR_NOT_FOUND, 404, NULL, "No.");
    expect_failure(c, "sim/context-length", WEIR_INVALID, 400, "context_length_exceeded", "No.");
    expect_failure(c, "sim/500", WEIR_PROVIDER, 500, NULL, "Broken.");
    expect_failure(c, "sim/reset", WEIR_UNREACHABLE, 0, "provider_connection_lost",
                   "Nobody there.");
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

/* ---- streams ---- */

typedef struct stream {
    buf text;
    unsigned events, stop_after;
} stream;

static int on_event(void *user, const weir_event *event) {
    stream *s = user;
    assert_int_equal(strlen(event->text), event->text_len);
    assert_int_equal(strlen(event->json), event->json_len);
    assert_true(event->json[0] == '{');
    buf_add(&s->text, span_from(event->text, event->text_len));
    return ++s->events == s->stop_after;
}

static weir_result *stream_with(weir_client *c, const char *model, stream *s) {
    weir_request *q = lib_request(model, "a b c d e f");
    weir_result *r = weir_stream(c, q, on_event, s);
    weir_request_free(q);
    return r;
}

static void a_stream(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    stream s = {0};
    weir_result *r = stream_with(c, "gpt", &s);
    assert_int_equal(r->code, WEIR_OK);
    assert_string_equal(r->text, "You said: a b c d e f");
    assert_string_equal(buf_cstr(&s.text), r->text);
    assert_null(r->body);
    assert_string_equal(r->model, "gpt");
    assert_true(r->first_token_seconds >= 0);
    assert_true(r->first_token_seconds <= r->response_seconds);
    assert_int_equal(r->completion_tokens, 8);
    assert_true(s.events >= 8);
    weir_result_free(r);
    buf_done(&s.text);
    weir_client_free(c);
}

/* Its texts come again in its last events, and its model stands within a response. */
static void a_stream_of_a_response(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    weir_request *q = weir_request_new();
    stream s = {0};
    weir_request_set_path(q, "/responses");
    static const char body[] = "{\"model\":\"gpt\",\"input\":\"hi\"}";
    weir_request_set_body(q, body, strlen(body));
    weir_result *r = weir_stream(c, q, on_event, &s);
    assert_int_equal(r->code, WEIR_OK);
    assert_string_equal(r->text, "You said: hi");
    assert_string_equal(buf_cstr(&s.text), "You said: hi");
    assert_string_equal(r->model, "gpt");
    weir_result_free(r);
    weir_request_free(q);
    buf_done(&s.text);
    weir_client_free(c);
}

static void a_stream_that_is_stopped(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    stream s = {.stop_after = 4};
    weir_result *r = stream_with(c, "sim/words-1000", &s);
    assert_int_equal(r->code, WEIR_CANCELLED);
    assert_int_equal(s.events, 4);
    assert_string_equal(r->text, buf_cstr(&s.text));
    assert_string_equal(r->error_message, "The call was cancelled.");
    weir_result_free(r);
    buf_done(&s.text);
    weir_client_free(c);
}

static void a_stream_that_is_cut(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    stream s = {0};
    weir_result *r = stream_with(c, "sim/cut-3", &s);
    assert_int_equal(r->code, WEIR_INTERRUPTED);
    assert_int_equal(r->status, 200);
    assert_string_equal(r->error_code, "stream_interrupted");
    assert_string_equal(r->text, buf_cstr(&s.text));
    assert_true(r->text_len > 0);
    assert_non_null(strstr(r->body, "stream_interrupted"));
    assert_non_null(strstr(r->safe_text, "An unexpected error occurred: "));
    weir_result_free(r);
    buf_done(&s.text);
    weir_client_free(c);
}

static void a_stream_that_never_begins(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set(o, "retry.retries", "0");
    weir_client *c = lib_client(o);
    stream s = {0};
    weir_result *r = stream_with(c, "sim/500", &s);
    assert_int_equal(r->code, WEIR_PROVIDER);
    assert_int_equal(s.events, 0);
    assert_null(r->text);
    weir_result_free(r);
    weir_client_free(c);
}

/* A provider without an end would fill the memory. */
static void a_stream_that_is_too_long(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set(o, "limits.answer", "1KB");
    weir_client *c = lib_client(o);
    stream s = {0};
    weir_result *r = stream_with(c, "sim/words-2000,pace-0", &s);
    assert_int_equal(r->code, WEIR_INTERRUPTED);
    assert_string_equal(r->error_code, "provider_answer_too_large");
    assert_true(r->text_len <= 1024);
    weir_result_free(r);
    buf_done(&s.text);
    weir_client_free(c);
}

/* Without a word the memory is the program's own affair. */
static void answers_take_the_memory_that_was_told(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    assert_null(c->loop.memory.bound);
    weir_client_free(c);
    weir_options *o = lib_options();
    weir_options_set(o, "limits.memory", "16MB");
    c = lib_client(o);
    assert_int_equal(c->loop.memory.bound->most_all, 16 << 20);
    weir_result *r = lib_chat(c, lib_request("sim/words-10000", "Hi"));
    assert_int_equal(r->code, WEIR_OK);
    weir_result_free(r);
    weir_client_free(c);
}

/* ---- batches and the queue ---- */

enum { BATCH = 30 };

static void a_batch_in_order(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set_concurrency(o, 3);
    weir_client *c = lib_client(o);
    weir_request *requests[BATCH];
    weir_result *results[BATCH];
    char text[32], said[48];
    for (int i = 0; i < BATCH; i++) {
        snprintf(text, sizeof text, "number %d", i);
        requests[i] = lib_request(i == 7 ? "sim/404" : "gpt", text);
    }
    weir_batch(c, (const weir_request *const *)requests, BATCH, results);
    for (int i = 0; i < BATCH; i++) {
        snprintf(said, sizeof said, "You said: number %d", i);
        if (i == 7)
            assert_int_equal(results[i]->code, WEIR_NOT_FOUND);
        else
            assert_string_equal(results[i]->text, said);
        weir_result_free(results[i]);
        weir_request_free(requests[i]);
    }
    weir_batch(c, NULL, 0, NULL); /* of nothing: at once */
    weir_client_free(c);
}

typedef struct tally {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned done;
    weir_code last;
    char order[64];
    weir_client *client;
} tally;

#define TALLY                                                                                      \
    { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER }

static void on_done(void *user, weir_result *result) {
    tally *t = user;
    pthread_mutex_lock(&t->lock);
    t->done++;
    t->last = result->code;
    size_t len = strlen(t->order);
    if (result->text_len && len + 1 < sizeof t->order)
        t->order[len] = result->text[result->text_len - 1];
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    weir_result_free(result);
}

static void await(tally *t, unsigned done) {
    pthread_mutex_lock(&t->lock);
    while (t->done < done)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

static weir_call *start(weir_client *c, const char *model, const char *text, int64_t timeout_ms,
                        tally *t) {
    weir_request *q = lib_request(model, text);
    weir_request_set_timeout_ms(q, timeout_ms);
    weir_call *call = weir_start(c, q, NULL, on_done, t);
    weir_request_free(q);
    return call;
}

static void calls_wait_their_turn_in_order(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set_concurrency(o, 1);
    weir_client *c = lib_client(o);
    tally t = TALLY;
    const char *const texts[] = {"1", "2", "3", "4", "5"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        weir_call_free(start(c, "gpt", texts[i], 0, &t));
    await(&t, 5);
    assert_string_equal(t.order, "12345");
    assert_int_equal(weir_client_running(c), 0);
    assert_int_equal(weir_client_waiting(c), 0);
    weir_client_free(c);
}

/* The first call never ends; the second waits behind it until its own time is over. */
static void a_deadline_in_the_queue_and_out_of_it(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set_concurrency(o, 1);
    weir_client *c = lib_client(o);
    tally t = TALLY;
    weir_call *first = start(c, "sim/silent", "x", 0, &t);
    weir_call_free(start(c, "gpt", "x", 30, &t));
    await(&t, 1);
    assert_int_equal(t.last, WEIR_TIMEOUT);
    weir_call_cancel(first);
    await(&t, 2);
    assert_int_equal(t.last, WEIR_CANCELLED);
    weir_call_cancel(first); /* has ended: nothing */
    weir_call_free(first);
    weir_request *q = lib_request("sim/silent", "x");
    weir_request_set_timeout_ms(q, 30);
    weir_result *r = lib_chat(c, q);
    assert_int_equal(r->code, WEIR_TIMEOUT);
    assert_string_equal(r->error_code, "total_timeout");
    weir_result_free(r);
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

/* It is one more deadline for the rules of retrying: what lasts is what is told. */
static void an_own_deadline_does_not_hide_what_failed(void **state) {
    (void)state;
    static const struct {
        const char *model;
        weir_code code;
        int status;
        int64_t retry_after_ms;
    } rows[] = {
        {"sim/429", WEIR_RATE_LIMITED, 429, 1000},
        {"sim/429-7s", WEIR_RATE_LIMITED, 429, 7000},
        {"sim/429,slow-60ms", WEIR_RATE_LIMITED, 429, 1000},
        {"sim/500", WEIR_PROVIDER, 500, -1},
        {"sim/503-9s", WEIR_PROVIDER, 503, 9000},
        {"sim/reset", WEIR_UNREACHABLE, 0, -1},
        {"sim/garbage", WEIR_PROVIDER, 0, -1},
        {"sim/html", WEIR_PROVIDER, 502, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        weir_options *o = lib_options();
        weir_options_set(o, "retry.base", "100ms");
        weir_options_set(o, "retry.retries", "20");
        weir_options_set(o, "breaker", "off");
        weir_client *c = lib_client(o);
        weir_request *q = lib_request(rows[i].model, "x");
        weir_request_set_timeout_ms(q, 400);
        weir_result *r = lib_chat(c, q);
        if (r->code != rows[i].code || r->status != rows[i].status)
            fail_msg("%s: %s %d %s", rows[i].model, weir_code_name(r->code), r->status,
                     r->error_message);
        assert_int_equal(r->retry_after_ms, rows[i].retry_after_ms);
        weir_result_free(r);
        weir_client_free(c);
    }
}

/* A target that rests after a refusal is not asked, and that is told. */
static void a_resting_target_is_told_in_an_own_time(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    for (int i = 0; i < 2; i++) {
        weir_request *q = lib_request("sim/429-60s", "x");
        weir_request_set_timeout_ms(q, 5000);
        weir_result *r = lib_chat(c, q);
        assert_int_equal(r->code, WEIR_RATE_LIMITED);
        assert_in_range(r->retry_after_ms, 50000, 60000);
        assert_int_equal(r->attempts, i ? 0 : 1);
        weir_result_free(r);
    }
    weir_client_free(c);
}

static void freeing_a_client_ends_its_calls(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set_concurrency(o, 2);
    weir_client *c = lib_client(o);
    tally t = TALLY;
    weir_call *calls[5];
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        calls[i] = start(c, "sim/silent", "x", 0, &t);
    weir_client_free(c);
    assert_int_equal(t.done, 5);
    assert_int_equal(t.last, WEIR_CANCELLED);
    /* Handles outlive it. */
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        weir_call_cancel(calls[i]);
        weir_call_pause(calls[i]);
        weir_call_resume(calls[i]);
        weir_call_free(calls[i]);
    }
}

/* ---- from inside a callback ---- */

static void expect_no_client(weir_result *r) {
    assert_int_equal(r->code, WEIR_MISUSE);
    assert_int_equal(r->status, 0);
    assert_null(r->text);
    assert_non_null(strstr(r->error_message, "weir_client_new()"));
    assert_non_null(strstr(r->error_message, "OPENAI_API_KEY"));
    assert_string_equal(r->safe_text + strlen(r->safe_text) - strlen(r->error_message),
                        r->error_message);
    assert_non_null(strstr(r->body, "\"error\""));
    assert_int_equal(strlen(r->request_id), 36);
    weir_result_free(r);
}

static void no_client_is_told(void *user, weir_result *result) {
    ++*(int *)user;
    expect_no_client(result);
}

static int no_event(void *user, const weir_event *event) {
    (void)user, (void)event;
    fail();
    return 1;
}

static void without_a_client_each_call_says_so(void **state) {
    (void)state;
    int told = 0;
    weir_request *q = lib_request("gpt", "hi");
    const weir_request *both[] = {q, q};
    weir_result *results[2] = {NULL, NULL};
    expect_no_client(weir_chat(NULL, q));
    expect_no_client(weir_stream(NULL, q, no_event, NULL));
    weir_batch(NULL, both, 2, results);
    expect_no_client(results[0]);
    expect_no_client(results[1]);
    weir_call *call = weir_start(NULL, q, no_event, no_client_is_told, &told);
    assert_null(call);
    assert_int_equal(told, 1);
    weir_call_pause(call);
    weir_call_resume(call);
    weir_call_cancel(call);
    weir_call_free(call);
    assert_int_equal(told, 1);
    weir_request_free(q);
}

static void without_a_client_nothing_is_counted(void **state) {
    (void)state;
    assert_int_equal(weir_client_limit(NULL), 0);
    assert_int_equal(weir_client_running(NULL), 0);
    assert_int_equal(weir_client_waiting(NULL), 0);
    assert_int_equal(weir_client_fd(NULL), -1);
    assert_int_equal(weir_client_timeout_ms(NULL), -1);
    weir_client_step(NULL);
    weir_client_free(NULL);
    weir_summary *s = weir_client_summary(NULL);
    assert_int_equal(s->total_calls, 0);
    assert_int_equal(s->models_used_count, 0);
    weir_summary_free(s);
}

static void ask_from_inside(void *user, weir_result *result) {
    tally *t = user;
    weir_result_free(result);
    weir_request *q = lib_request("gpt", "x");
    weir_result *r = weir_chat(t->client, q);
    assert_int_equal(r->code, WEIR_MISUSE);
    assert_non_null(strstr(r->error_message, "callback"));
    weir_result_free(r);
    /* This is allowed. */
    weir_call_free(weir_start(t->client, q, NULL, on_done, t));
    weir_request_free(q);
}

static void blocking_in_a_callback_is_refused(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    tally t = TALLY;
    t.client = c;
    weir_request *q = lib_request("gpt", "x");
    weir_call_free(weir_start(c, q, NULL, ask_from_inside, &t));
    weir_request_free(q);
    await(&t, 1);
    assert_int_equal(t.last, WEIR_OK);
    weir_client_free(c);
}

static void free_from_inside(void *user, weir_result *result) {
    tally *t = user;
    weir_client_free(t->client);
    on_done(t, result);
}

static void a_client_freed_in_a_callback(void **state) {
    (void)state;
    tally t = TALLY;
    t.client = lib_client(lib_options());
    weir_request *q = lib_request("gpt", "x");
    weir_call_free(start(t.client, "sim/silent", "x", 0, &t));
    weir_call_free(weir_start(t.client, q, NULL, free_from_inside, &t));
    weir_request_free(q);
    await(&t, 2);
    assert_int_equal(t.last, WEIR_CANCELLED);
    /* Its thread is on its way out; the simulator's end waits for the connections, not for it. */
}

/* ---- holding a stream ---- */

typedef struct held {
    tally tally; /* first */
    weir_call *call;
    unsigned events;
} held;

static int hold_at_third(void *user, const weir_event *event) {
    held *h = user;
    (void)event;
    pthread_mutex_lock(&h->tally.lock);
    if (++h->events == 3) weir_call_pause(h->call);
    pthread_cond_signal(&h->tally.changed);
    pthread_mutex_unlock(&h->tally.lock);
    return 0;
}

static void a_stream_is_held_and_let_go(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    held h = {.tally = TALLY};
    weir_request *q = lib_request("sim/words-5000,pace-0", "x");
    pthread_mutex_lock(&h.tally.lock);
    h.call = weir_start(c, q, hold_at_third, on_done, &h);
    while (h.events < 3)
        pthread_cond_wait(&h.tally.changed, &h.tally.lock);
    pthread_mutex_unlock(&h.tally.lock);
    weir_request_free(q);
    /* Another call comes and goes meanwhile: the held one does not. */
    weir_result *r = lib_chat(c, lib_request("gpt", "x"));
    assert_int_equal(r->code, WEIR_OK);
    weir_result_free(r);
    pthread_mutex_lock(&h.tally.lock);
    assert_int_equal(h.tally.done, 0);
    pthread_mutex_unlock(&h.tally.lock);
    weir_call_resume(h.call);
    await(&h.tally, 1);
    assert_int_equal(h.tally.last, WEIR_OK);
    assert_true(h.events >= 5000);
    weir_call_free(h.call);
    weir_client_free(c);
}

/* ---- adapting ---- */

/* A minute's Retry-After of one target is not waited for while another one answers. */
static void a_fallback_answers_meanwhile(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_add_fallback(o, lib_url, NULL, "gpt");
    weir_options_set_adaptive(o, 1);
    weir_options_set(o, "breaker", "off");
    weir_client *c = lib_client(o);
    for (int i = 0; i < 3; i++) {
        weir_request *q = lib_request("sim/429-60s", "hi");
        weir_request_set_timeout_ms(q, 30 * 1000);
        weir_result *r = lib_chat(c, q);
        assert_int_equal(r->code, WEIR_OK);
        assert_int_equal(r->attempts, i ? 1 : 2); /* it is not asked again while it rests */
        weir_result_free(r);
    }
    weir_client_free(c);
}

/* Calls of the one are all told to come again in a minute; those of the other pass by. */
static void a_limited_target_holds_nobody_else(void **state) {
    (void)state;
    static const char *const faults[] = {"429-60s", "503-60s", "503", "reset"};
    for (size_t k = 0; k < ARRAY_LEN(faults); k++)
        for (int adaptive = 0; adaptive < 2; adaptive++) {
            weir_options *o = lib_options();
            weir_options_set_concurrency(o, 3);
            weir_options_set_adaptive(o, adaptive);
            weir_options_set(o, "breaker", "off");
            weir_options_set(o, "retry.base", "30s");
            weir_options_set(o, "retry.retries", "9");
            weir_client *c = lib_client(o);
            tally limited = TALLY, free_ones = TALLY;
            weir_call *kept[10];
            for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
                weir_request *q = lib_request("limited", "x");
                weir_request_set_header(q, "x-sim-fault", faults[k]);
                kept[i] = weir_start(c, q, NULL, on_done, &limited);
                weir_request_free(q);
            }
            for (int i = 0; i < 20; i++)
                weir_call_free(start(c, "gpt", "x", 0, &free_ones));
            await(&free_ones, 20);
            assert_int_equal(free_ones.last, WEIR_OK);
            assert_int_equal(limited.done, 0);
            while (weir_client_running(c))
                usleep(1000);
            assert_int_equal(weir_client_waiting(c), 10);
            assert_false(weir_call_begun(kept[9]));
            assert_true(weir_call_begun(kept[0]));
            for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
                weir_call_cancel(kept[i]);
                weir_call_free(kept[i]);
            }
            await(&limited, 10);
            weir_client_free(c);
        }
}

static void a_refusal_halves_the_concurrency(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set_concurrency(o, 8);
    weir_options_set_adaptive(o, 1);
    weir_options_set(o, "retry.retries", "0");
    weir_client *c = lib_client(o);
    assert_int_equal(weir_client_limit(c), 8);
    weir_request *refused = lib_request("gpt", "x");
    weir_request_set_header(refused, "x-sim-fault", "503");
    weir_result_free(lib_chat(c, refused));
    assert_int_equal(weir_client_limit(c), 4);
    for (int i = 0; i < 6; i++)
        weir_result_free(lib_chat(c, lib_request("gpt", "x")));
    assert_true(weir_client_limit(c) > 4);
    weir_client_free(c);
}

/* ---- keys that change ---- */

static void write_key(const char *path, const char *key) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(key, f);
    fclose(f);
}

/* The command gives out another key after a while; calls that begin then use it. */
static void a_key_is_asked_for_again(void **state) {
    (void)state;
    int err = 0;
    http_bind at = {.host = SPAN_OF("127.0.0.1")};
    sim_thread *sim = sim_thread_start(&(sim_settings){.key = SPAN_OF("sk-new")}, &at, &err);
    assert_non_null(sim);
    char path[] = "/tmp/weir-key-XXXXXX", yaml[512];
    close(mkstemp(path));
    write_key(path, "sk-old");
    snprintf(yaml, sizeof yaml,
             "providers: {p: {kind: openai, url: http://127.0.0.1:%u/v1,"
             " key: {command: [cat, %s], refresh: 1s}}}",
             (unsigned)at.port, path);
    weir_options *o = weir_options_new();
    weir_options_set_yaml(o, yaml);
    weir_client *c = lib_client(o);
    weir_result *r = lib_chat(c, lib_request("gpt", "x"));
    assert_int_equal(r->code, WEIR_UNAUTHENTICATED);
    write_key(path, "sk-new");
    while (r->code != WEIR_OK) {
        assert_int_equal(r->code, WEIR_UNAUTHENTICATED);
        weir_result_free(r);
        r = lib_chat(c, lib_request("gpt", "x"));
    }
    weir_result_free(r);
    weir_client_free(c);
    unlink(path);
    sim_thread_stop(sim);
}

/* ---- waits ---- */

typedef struct waits {
    unsigned count;
    int ends; /* what the callback answers */
    weir_wait last;
    char target[64];
} waits;

static int hear_wait(void *user, const weir_wait *wait) {
    waits *w = user;
    w->count++;
    w->last = *wait;
    snprintf(w->target, sizeof w->target, "%s", wait->target);
    return w->ends;
}

static void waits_are_told(void **state) {
    (void)state;
    static const struct {
        const char *model;
        unsigned count;
        int64_t wait_ms; /* of the last; -1: there is jitter in it */
        weir_code code;
        int status;
    } rows[] = {
        {"sim/flaky,429-20ms", 1, 20, WEIR_RATE_LIMITED, 429},
        {"sim/flaky-2,503-30ms", 2, 30, WEIR_PROVIDER, 503},
        {"sim/flaky,reset", 1, -1, WEIR_UNREACHABLE, 0},
        {"sim/400", 0, 0, WEIR_OK, 0},
        {"sim/echo", 0, 0, WEIR_OK, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int streams = 0; streams < 2; streams++) {
            weir_client *c = lib_client(lib_options());
            weir_request *q = lib_request(rows[i].model, "hi");
            waits w = {0};
            stream s = {0};
            weir_request_set_on_wait(q, hear_wait, &w);
            weir_result *r = streams ? weir_stream(c, q, on_event, &s) : weir_chat(c, q);
            if (w.count != rows[i].count) print_error("in row %zu: %s\n", i, rows[i].model);
            assert_int_equal(w.count, rows[i].count);
            if (w.count) {
                assert_int_equal(r->code, WEIR_OK);
                assert_int_equal(w.last.code, rows[i].code);
                assert_int_equal(w.last.status, rows[i].status);
                assert_int_equal(w.last.attempts, rows[i].count);
                assert_string_equal(w.target, r->target);
                if (rows[i].wait_ms >= 0) assert_int_equal(w.last.wait_ms, rows[i].wait_ms);
            }
            weir_result_free(r);
            weir_request_free(q);
            buf_done(&s.text);
            weir_client_free(c);
        }
}

/* Whoever does not like to wait so long does not. */
static void a_wait_is_not_waited_for(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    weir_request *q = lib_request("sim/429-30s", "hi");
    waits w = {.ends = 1};
    weir_request_set_on_wait(q, hear_wait, &w);
    weir_result *r = weir_chat(c, q);
    assert_int_equal(r->code, WEIR_CANCELLED);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last.wait_ms, 30000);
    weir_result_free(r);
    weir_request_free(q);
    weir_client_free(c);
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
        cmocka_unit_test(no_simulator_without_a_client),
        cmocka_unit_test(without_a_client_each_call_says_so),
        cmocka_unit_test(without_a_client_nothing_is_counted),
        cmocka_unit_test(failures_have_a_code_and_a_sentence),
        cmocka_unit_test(a_hint_is_handed_on),
        cmocka_unit_test(retries_and_fallbacks),
        cmocka_unit_test(other_endpoints),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(a_stream),
        cmocka_unit_test(a_stream_of_a_response),
        cmocka_unit_test(a_stream_that_is_stopped),
        cmocka_unit_test(a_stream_that_is_cut),
        cmocka_unit_test(a_stream_that_never_begins),
        cmocka_unit_test(a_stream_that_is_too_long),
        cmocka_unit_test(answers_take_the_memory_that_was_told),
        cmocka_unit_test(a_batch_in_order),
        cmocka_unit_test(calls_wait_their_turn_in_order),
        cmocka_unit_test(a_deadline_in_the_queue_and_out_of_it),
        cmocka_unit_test(an_own_deadline_does_not_hide_what_failed),
        cmocka_unit_test(a_resting_target_is_told_in_an_own_time),
        cmocka_unit_test(freeing_a_client_ends_its_calls),
        cmocka_unit_test(blocking_in_a_callback_is_refused),
        cmocka_unit_test(a_client_freed_in_a_callback),
        cmocka_unit_test(a_stream_is_held_and_let_go),
        cmocka_unit_test(a_refusal_halves_the_concurrency),
        cmocka_unit_test(a_limited_target_holds_nobody_else),
        cmocka_unit_test(a_fallback_answers_meanwhile),
        cmocka_unit_test(a_key_is_asked_for_again),
        cmocka_unit_test(waits_are_told),
        cmocka_unit_test(a_wait_is_not_waited_for),
        cmocka_unit_test(a_summary),
        cmocka_unit_test(a_stopped_answer_is_counted),
        cmocka_unit_test(its_thread_takes_no_signal),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
