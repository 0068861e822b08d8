/* Calls of a client that wait for their turn, and those that are late or end with it. */
#include "calls.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_in_order),
        cmocka_unit_test(calls_wait_their_turn_in_order),
        cmocka_unit_test(a_deadline_in_the_queue_and_out_of_it),
        cmocka_unit_test(an_own_deadline_does_not_hide_what_failed),
        cmocka_unit_test(a_resting_target_is_told_in_an_own_time),
        cmocka_unit_test(freeing_a_client_ends_its_calls),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
