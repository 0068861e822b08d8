/* The runner over a library that is played here: which calls it makes, how many at a time, and what
 * becomes of them when it is stopped, cancelled or cannot write. */
#include "unit.h"

#include "runner.h"

static void keeps_to_the_limit(void **state) {
    (void)state;
    put_lines(40);
    batch *b = begin();
    assert_int_equal(client.running, 5);
    assert_string_equal(client.calls[0]->asked.path, "/chat/completions");
    assert_string_equal(client.calls[0]->asked.body,
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"prompt 1\"}]}");
    end_call(3, answer());
    turn(b);
    assert_int_equal(client.running, 5);
    while (!batch_ended(b)) {
        assert_true(client.running > 0);
        end_call(client.running - 1, answer());
        turn(b);
    }
    assert_int_equal(client.most, 5);
    batch_counts counts = batch_count(b);
    assert_int_equal(counts.answered, 40);
    assert_int_equal(counts.lines, 40);
    assert_int_equal(counts.tokens, 280);
    assert_true(batch_complete(b));
    finish(b, "");
    expect_results(out_path, 40, false);
}

/* Lines of a target that rests wait in the client, and those behind them get their turn; so many,
 * and of those that wait nobody is asked once the batch is to stop. */
static void looks_beyond_lines_that_wait(void **state) {
    (void)state;
    put_lines(60);
    batch *b = begin();
    assert_int_equal(client.running, 5);
    client.waiting = 3;
    for (unsigned i = 0; i < 3; i++)
        client.calls[i]->waits = true;
    turn(b);
    assert_int_equal(client.running, 8);
    assert_int_equal(batch_count(b).under_way, 5);
    client.waiting = 0;
    turn(b);
    assert_int_equal(client.running, 8);
    client.waiting = 8;
    for (unsigned i = 3; i < 8; i++)
        client.calls[i]->waits = i % 2;
    turn(b);
    assert_int_equal(client.running, 13);
    batch_stop(b);
    for (unsigned i = 0; i < 13; i++)
        assert_int_equal(client.calls[i]->cancelled, client.calls[i]->waits);
    end_cancelled();
    assert_int_equal(client.running, 7);
    while (client.running)
        end_call(0, answer());
    turn(b);
    assert_false(batch_complete(b));
    assert_int_equal(batch_count(b).answered, 7);
    finish(b, "");
}

/* Not the whole file: memory does not depend on its length. */
static void looks_ahead_so_far(void **state) {
    (void)state;
    settings.max_line = 4 * 1024 * 1024;
    FILE *f = fopen(in_path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 40; i++)
        fprintf(f, "%01048576d\n", i);
    fclose(f);
    batch *b = begin();
    client.waiting = client.running;
    for (int i = 0; i < 20; i++) {
        turn(b);
        client.waiting = client.running;
    }
    assert_in_range(client.running, 5, 13);
    batch_cancel(b);
    end_cancelled();
    turn(b);
    finish(b, "");
}

/* The call that began i-th of those under way is to be asked again. */
static void wait_again(unsigned i, weir_code code, int status) {
    const weir_request *asked = &client.calls[i]->asked;
    assert_int_equal(asked->on_wait(asked->wait_user, &(weir_wait){.wait_ms = 1000,
                                                                   .code = code,
                                                                   .status = status,
                                                                   .target = "a/\x1b[2Jm",
                                                                   .attempts = 1}),
                     0);
}

static void tells_once_why_it_asks_again(void **state) {
    (void)state;
    put_lines(2);
    batch *b = begin();
    wait_again(0, WEIR_RATE_LIMITED, 429);
    assert_int_equal(batch_notes(b)->len, 0);
    wait_again(0, WEIR_UNREACHABLE, 0);
    wait_again(1, WEIR_UNREACHABLE, 0);
    wait_again(0, WEIR_PROVIDER, 500);
    wait_again(1, WEIR_PROVIDER, 503);
    assert_string_equal(
        buf_cstr(batch_notes(b)),
        "a/ [2Jm: there is no connection; each line is asked again, ever later (--retries)\n"
        "a/ [2Jm: the provider fails (status 500); each line is asked again, ever later "
        "(--retries)\n");
    end_call(0, answer());
    end_call(0, answer());
    turn(b);
    assert_true(batch_complete(b));
    finish(b, "");
}

static void tells_answers_refusals_and_failures_apart(void **state) {
    (void)state;
    put_lines(3);
    batch *b = begin();
    end_call(0, answer());
    weir_result refused = answer();
    refused.code = WEIR_INVALID;
    refused.status = 400;
    refused.body = "{\n\"error\":{}}";
    refused.body_len = strlen(refused.body);
    refused.error_message = "no";
    end_call(0, refused);
    end_call(0, (weir_result){.code = WEIR_TIMEOUT,
                              .error_message = "too late",
                              .request_id = "w",
                              .total_tokens = -1});
    turn(b);
    assert_true(batch_complete(b));
    assert_string_equal(batch_errors_name(b), errors_path);
    assert_string_equal(buf_cstr(batch_notes(b)), "line 2: other: no\nline 3: timeout: too late\n");
    finish(b, "");
    buf out = unit_read(out_path), errors = unit_read(errors_path);
    assert_non_null(strstr(buf_cstr(&out),
                           "\"custom_id\":\"line-1\",\"response\":{\"status_code\":200,"
                           "\"request_id\":\"p\",\"body\":{\"ok\":1}},\"error\":null}\n"));
    assert_non_null(strstr(buf_cstr(&errors),
                           "\"custom_id\":\"line-2\",\"response\":{\"status_code\":400,"
                           "\"request_id\":\"p\",\"body\":{ \"error\":{}}},\"error\":null}\n"));
    assert_non_null(strstr(buf_cstr(&errors),
                           "\"custom_id\":\"line-3\",\"response\":null,\"error\":{\"code\":"
                           "\"timeout\",\"message\":\"too late\"}}\n"));
    buf_done(&out);
    buf_done(&errors);
}

/* Stopped: what is under way ends, nothing new begins; the next run asks the rest. */
static void stops_and_goes_on(void **state) {
    (void)state;
    put_lines(20);
    batch *b = begin();
    batch_stop(b);
    turn(b);
    assert_false(batch_ended(b));
    while (client.running)
        end_call(0, answer());
    turn(b);
    assert_false(batch_complete(b));
    finish(b, "");
    b = begin();
    assert_int_equal(batch_found(b)->answers, 5);
    assert_non_null(strstr(client.calls[0]->asked.body, "prompt 6"));
    batch_cancel(b); /* these stay undone */
    assert_false(batch_ended(b));
    end_cancelled();
    turn(b);
    assert_int_equal(batch_count(b).answered + batch_count(b).failed, 0);
    finish(b, "");
    b = begin();
    while (!batch_ended(b)) {
        end_call(0, answer());
        turn(b);
    }
    assert_true(batch_complete(b));
    assert_int_equal(batch_count(b).answered, 15);
    finish(b, "");
    expect_results(out_path, 20, false);
    b = begin(); /* nothing is left */
    turn(b);
    assert_int_equal(client.running, 0);
    assert_true(batch_complete(b));
    finish(b, "");
}

/* A call that had just ended when it was cancelled has its result. */
static void keeps_a_result_that_came_after_all(void **state) {
    (void)state;
    put_lines(2);
    batch *b = begin();
    batch_cancel(b);
    end_call(0, answer());
    end_cancelled();
    turn(b);
    finish(b, "");
    expect_results(out_path, 1, false);
}

static void stops_asking_when_it_cannot_write(void **state) {
    (void)state;
    put_lines(20);
    settings.output = "/dev/full";
    batch *b = begin();
    end_call(0, answer());
    turn(b);
    assert_int_equal(client.running, 4);
    for (unsigned i = 0; i < client.running; i++)
        assert_true(client.calls[i]->cancelled);
    end_cancelled();
    turn(b);
    assert_false(batch_complete(b));
    finish(b, "cannot write /dev/full: No space left on device");
}

static void stops_at_a_changed_line(void **state) {
    (void)state;
    put_lines(6);
    batch *b = begin();
    batch_stop(b);
    while (client.running > 1)
        end_call(client.running - 1, answer()); /* 2 to 5 are done */
    batch_cancel(b);
    end_cancelled();
    turn(b);
    finish(b, "");
    FILE *f = fopen(in_path, "r+b");
    assert_non_null(f);
    fputs("prompt 1\nPROMPT 2\n", f);
    fclose(f);
    b = begin();
    assert_int_equal(client.running, 1); /* line 1 was good */
    end_call(0, answer());
    turn(b);
    char expected[300];
    snprintf(expected, sizeof expected,
             "%s: line 2 is not what it was when its result was written; name another output, or "
             "say --restart to begin anew",
             in_path);
    finish(b, expected);
    expect_results(out_path, 5, false);
}

static void tells_the_first_bad_lines(void **state) {
    (void)state;
    FILE *f = fopen(in_path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 30; i++)
        fputs("{}\n", f);
    fclose(f);
    batch *b = begin();
    turn(b);
    assert_int_equal(batch_count(b).failed, 30);
    span notes = buf_span(batch_notes(b)), note;
    unsigned told = 0;
    while (notes.len && span_cut(&notes, '\n', &note))
        told++;
    assert_int_equal(told, 11);
    assert_true(batch_complete(b));
    finish(b, "");
    expect_results(errors_path, 30, true);
}

static void refuses_impossible_files(void **state) {
    (void)state;
    char expected[300];
    assert_null(batch_open(&settings, &why));
    snprintf(expected, sizeof expected, "cannot open %s: No such file or directory", in_path);
    assert_string_equal(buf_cstr(&why), expected);
    put_lines(1);
    settings.output = in_path;
    buf_clear(&why);
    assert_null(batch_open(&settings, &why));
    snprintf(expected, sizeof expected,
             "%s would be written while it is read; name another output (--output)", in_path);
    assert_string_equal(buf_cstr(&why), expected);
    settings.input = folder;
    buf_clear(&why);
    assert_null(batch_open(&settings, &why));
    snprintf(expected, sizeof expected, "%s is a directory", folder);
    assert_string_equal(buf_cstr(&why), expected);
}

static void lays_patience_over_the_options(void **state) {
    (void)state;
    batch_set_options(NULL, 50, BATCH_RETRIES, BATCH_MAX_LINE);
    assert_int_equal(options_set, 50);
    assert_int_equal(first_bytes_set, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(keeps_to_the_limit),
        CASE(looks_beyond_lines_that_wait),
        CASE(looks_ahead_so_far),
        CASE(tells_once_why_it_asks_again),
        CASE(tells_answers_refusals_and_failures_apart),
        CASE(stops_and_goes_on),
        CASE(keeps_a_result_that_came_after_all),
        CASE(stops_asking_when_it_cannot_write),
        CASE(stops_at_a_changed_line),
        CASE(tells_the_first_bad_lines),
        CASE(refuses_impossible_files),
        CASE(lays_patience_over_the_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
