/* Streams of a client: told whole, stopped, cut, too long, and held. */
#include "calls.h"

#include "lib/client.h"

/* ---- streams ---- */

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream),
        cmocka_unit_test(a_stream_of_a_response),
        cmocka_unit_test(a_stream_that_is_stopped),
        cmocka_unit_test(a_stream_that_is_cut),
        cmocka_unit_test(a_stream_that_never_begins),
        cmocka_unit_test(a_stream_that_is_too_long),
        cmocka_unit_test(answers_take_the_memory_that_was_told),
        cmocka_unit_test(a_stream_is_held_and_let_go),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
