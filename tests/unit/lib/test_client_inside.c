/* What may be done from inside a callback, and without a client. */
#include "calls.h"

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
    weir_call *call = weir_start(NULL, q, no_event, NULL, NULL);
    assert_null(call);
    call = weir_start(NULL, q, no_event, no_client_is_told, &told);
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

static void expect_no_request(const weir_result *r) {
    assert_int_equal(r->code, WEIR_INVALID);
    assert_non_null(strstr(r->error_message, "There is no request (NULL)"));
}

static void no_request_is_told(void *user, weir_result *result) {
    expect_no_request(result);
    on_done(user, result);
}

static void without_a_request_nobody_is_asked(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    tally t = TALLY;
    weir_request *q = lib_request("gpt", "hi");
    const weir_request *both[] = {NULL, q};
    weir_result *results[4] = {NULL, NULL, weir_chat(c, NULL),
                               weir_stream(c, NULL, no_event, NULL)};
    weir_batch(c, both, 2, results);
    assert_int_equal(results[1]->code, WEIR_OK);
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        if (i != 1) expect_no_request(results[i]);
        weir_result_free(results[i]);
    }
    weir_call_free(weir_start(c, NULL, NULL, no_request_is_told, &t));
    await(&t, 1);
    weir_run *run = weir_run_new(c, NULL);
    expect_no_request(weir_run_wait(run));
    weir_run_free(run);
    weir_request_free(q);
    weir_client_free(c);
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

static int free_at_once(void *user, const weir_event *event) {
    tally *t = user;
    (void)event;
    t->events++;
    weir_client_free(t->client);
    return 0;
}

/* All of a quick answer's events may come in the turn of the first. */
static void no_event_comes_after_the_client_was_freed(void **state) {
    (void)state;
    for (int foreign = 0; foreign < 2; foreign++) {
        tally t = TALLY;
        weir_options *o = lib_options();
        if (foreign) weir_options_set_foreign_loop(o);
        t.client = lib_client(o);
        weir_request *q = lib_request("sim/words-500,pace-0", "x");
        weir_call_free(weir_start(t.client, q, free_at_once, on_done, &t));
        weir_request_free(q);
        while (foreign && !t.done)
            weir_client_step(t.client);
        await(&t, 1);
        assert_int_equal(t.events, 1);
        assert_int_equal(t.last, WEIR_CANCELLED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_client_each_call_says_so),
        cmocka_unit_test(without_a_client_nothing_is_counted),
        cmocka_unit_test(without_a_request_nobody_is_asked),
        cmocka_unit_test(blocking_in_a_callback_is_refused),
        cmocka_unit_test(a_client_freed_in_a_callback),
        cmocka_unit_test(no_event_comes_after_the_client_was_freed),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
