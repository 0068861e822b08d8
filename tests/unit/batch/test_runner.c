/* The runner over a library that is played here: which calls it makes, how many at a time, and what
 * becomes of them when it is stopped, cancelled or cannot write. */
#include "unit.h"

#include "base/mem.h"
#include "batch/batch.h"
#include "batch/refusals.h"
#include "batch/results.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- the library, as far as a batch uses it ---- */

enum { CALLS_MAX = 64 };

struct weir_request {
    char path[64];
    char body[256];
    weir_wait_fn *on_wait;
    void *wait_user;
};
struct weir_call {
    weir_done_fn *on_done;
    void *user;
    weir_request asked;
    bool waits; /* for its turn */
    bool cancelled;
    bool freed;
};
struct weir_client {
    unsigned waiting;
    weir_call *calls[CALLS_MAX]; /* under way, in the order of their start */
    unsigned running;
    unsigned most; /* that ever ran at once */
};

unsigned weir_client_waiting(const weir_client *client) {
    return client->waiting;
}

int weir_call_begun(const weir_call *call) {
    return !call->waits;
}

weir_request *weir_request_new(void) {
    return mem_zalloc(sizeof(weir_request));
}

void weir_request_free(weir_request *request) {
    free(request);
}

void weir_request_set_path(weir_request *request, const char *path) {
    snprintf(request->path, sizeof request->path, "%s", path);
}

void weir_request_set_body(weir_request *request, const char *json, size_t len) {
    snprintf(request->body, sizeof request->body, "%.*s", (int)len, json);
}

void weir_request_set_on_wait(weir_request *request, weir_wait_fn *on_wait, void *user) {
    request->on_wait = on_wait;
    request->wait_user = user;
}

weir_call *weir_start(weir_client *client, const weir_request *request, weir_event_fn *on_event,
                      weir_done_fn *on_done, void *user) {
    assert_null(on_event);
    assert_true(client->running < CALLS_MAX);
    weir_call *call = mem_zalloc(sizeof *call);
    *call = (weir_call){.on_done = on_done, .user = user, .asked = *request};
    client->calls[client->running++] = call;
    if (client->running > client->most) client->most = client->running;
    return call;
}

void weir_call_cancel(weir_call *call) {
    call->cancelled = true;
}

void weir_call_free(weir_call *call) {
    call->freed = true; /* the memory goes when the call has ended */
}

const char *weir_code_name(weir_code code) {
    return code == WEIR_TIMEOUT ? "timeout" : "other";
}

void weir_result_free(weir_result *result) {
    free(result);
}

static unsigned options_set, first_bytes_set;
void weir_options_set_concurrency(weir_options *options, unsigned calls) {
    (void)options;
    options_set += calls;
}
void weir_options_set_adaptive(weir_options *options, int on) {
    (void)options;
    assert_true(on);
}
void weir_options_set(weir_options *options, const char *path, const char *value) {
    (void)options;
    assert_true(*path && *value);
    if (strcmp(path, "retry.retries") == 0) assert_string_equal(value, "8");
    if (strcmp(path, "limits.body") == 0) assert_string_equal(value, "8392704B");
    if (strcmp(path, "timeouts.first_byte") != 0) return;
    assert_string_equal(value, "10m"); /* long answers take minutes */
    first_bytes_set++;
}

/* ---- what the tests do with it ---- */

static weir_client client;

static weir_result answer(void) {
    return (weir_result){.code = WEIR_OK,
                         .status = 200,
                         .body = "{\"ok\":1}",
                         .body_len = 8,
                         .request_id = "w",
                         .provider_request_id = "p",
                         .total_tokens = 7};
}

/* Ends the call at this place. */
static void end_call(unsigned at, weir_result result) {
    weir_call *call = client.calls[at];
    weir_result *copy = mem_alloc(sizeof *copy);
    *copy = result;
    client.running--;
    for (unsigned i = at; i < client.running; i++)
        client.calls[i] = client.calls[i + 1];
    call->on_done(call->user, copy);
    assert_true(call->freed);
    free(call);
}

static void end_cancelled(void) {
    for (unsigned i = client.running; i-- > 0;)
        if (client.calls[i]->cancelled)
            end_call(i, (weir_result){.code = WEIR_CANCELLED,
                                      .error_message = "cancelled",
                                      .request_id = "w"});
}

static char folder[64], in_path[128], out_path[128], errors_path[128];
static batch_settings settings;
static buf why;

static int set_up(void **state) {
    (void)state;
    client = (weir_client){0};
    snprintf(folder, sizeof folder, "/tmp/weir-runner-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(in_path, sizeof in_path, "%s/in.txt", folder);
    snprintf(out_path, sizeof out_path, "%s/in.out.jsonl", folder);
    snprintf(errors_path, sizeof errors_path, "%s/in.out.errors.jsonl", folder);
    settings = (batch_settings){.input = in_path, .max_line = 200, .tally = true};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    (void)unlink(in_path);
    (void)unlink(out_path);
    (void)unlink(errors_path);
    (void)rmdir(folder);
    buf_done(&why);
    return 0;
}

static void put_lines(unsigned count) {
    FILE *f = fopen(in_path, "wb");
    assert_non_null(f);
    for (unsigned i = 1; i <= count; i++)
        fprintf(f, "prompt %u\n", i);
    fclose(f);
}

static batch *begin(void) {
    buf_clear(&why);
    batch *b = batch_open(&settings, &why);
    if (!b) fail_msg("%s", buf_cstr(&why));
    batch_start(b, &client, 5);
    batch_step(b, true);
    return b;
}

/* Until nothing is left that only the loop's turning would change. */
static void turn(batch *b) {
    do
        batch_step(b, batch_input(b) >= 0);
    while (!batch_ended(b) && (batch_timeout_ms(b) == 0 || batch_input(b) >= 0));
}

static void expect_results(const char *path, unsigned count, bool failed) {
    buf text = unit_read(path);
    span rest = buf_span(&text), result;
    unsigned found = 0;
    while (rest.len && span_cut(&rest, '\n', &result)) {
        result_head head;
        assert_true(result_read(result, &head));
        assert_int_equal(head.failed, failed);
        found++;
    }
    assert_int_equal(found, count);
    buf_done(&text);
}

static void finish(batch *b, const char *expected_why) {
    buf_clear(&why);
    assert_true(batch_ended(b));
    assert_int_equal(batch_finish(b, &why), *expected_why == '\0');
    assert_string_equal(buf_cstr(&why), expected_why);
    batch_free(b);
}

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

static weir_result refusal(weir_code code, int status) {
    return (weir_result){.code = code,
                         .status = status,
                         .body = "{\"error\":{}}",
                         .body_len = 12,
                         .error_message = "Incorrect API key",
                         .target = "main/m",
                         .request_id = "w",
                         .total_tokens = -1};
}

#define ALL_REFUSED                                                                                \
    "every line would be refused: main/m: 401 Incorrect API key; the lines that met this stay "    \
    "undone: mend it and run the same command again"

/* A key that is not accepted fails no line: the batch stops, and what it asked stays undone. */
static void stops_where_every_line_is_refused(void **state) {
    (void)state;
    put_lines(100);
    batch *b = begin();
    end_call(0, answer());
    turn(b);
    unsigned refused = 0;
    weir_call *first = client.calls[0];
    while (client.running > 1) { /* the one that was begun first takes its time */
        end_call(1, refusal(WEIR_UNAUTHENTICATED, 401));
        refused++;
        turn(b);
    }
    assert_int_equal(refused, 20 + 3); /* no more are begun after the twentieth */
    assert_false(batch_ended(b));
    assert_ptr_equal(client.calls[0], first);
    end_call(0, answer()); /* which says nothing of those that were begun later */
    turn(b);
    assert_true(batch_ended(b));
    assert_false(batch_complete(b));
    assert_int_equal(batch_count(b).failed, 0);
    finish(b, ALL_REFUSED);
    expect_results(out_path, 2, false);
    assert_int_not_equal(access(errors_path, F_OK), 0);
}

/* Some lines are refused quickly, others are answered slowly: the batch waits for those before it
 * thinks that all are refused, and is slower to think so again. */
static void goes_on_where_others_are_answered(void **state) {
    (void)state;
    put_lines(100);
    batch *b = begin();
    unsigned refused = 0;
    for (unsigned limit = 20; limit <= 40; limit *= 2) {
        while (client.running > 1) {
            end_call(0, refusal(WEIR_UNAUTHENTICATED, 401));
            refused++;
            turn(b);
        }
        assert_false(batch_ended(b));
        end_call(0, answer());
        turn(b);
        assert_int_equal(batch_count(b).failed, refused);
        assert_int_equal(client.running, 5);
    }
    assert_true(refused >= 20 + 40);
    while (client.running) {
        end_call(0, answer());
        turn(b);
    }
    assert_true(batch_complete(b));
    finish(b, "");
    expect_results(errors_path, refused, true);
}

/* While lines meet what every line would meet, none are taken beforehand. */
static void takes_nothing_beforehand_after_a_refusal(void **state) {
    (void)state;
    put_lines(40);
    batch *b = begin();
    client.waiting = 2;
    end_call(4, refusal(WEIR_UNAUTHENTICATED, 401));
    turn(b);
    assert_int_equal(client.running, 5);
    end_call(4, answer()); /* others are served */
    client.waiting = 2;
    turn(b);
    assert_int_equal(client.running, 7);
    batch_cancel(b);
    end_cancelled();
    turn(b);
    finish(b, "");
}

static void a_short_batch_is_refused_too(void **state) {
    (void)state;
    put_lines(2);
    batch *b = begin();
    end_call(0, refusal(WEIR_UNAUTHENTICATED, 401));
    end_call(0, refusal(WEIR_UNAUTHENTICATED, 401));
    assert_false(batch_ended(b));
    turn(b);
    assert_false(batch_complete(b));
    finish(b, ALL_REFUSED);
    assert_int_not_equal(access(errors_path, F_OK), 0);
}

/* Where others are answered, a refusal is the line's own failure. */
static void refusals_among_answers_are_failures(void **state) {
    (void)state;
    put_lines(7);
    batch *b = begin();
    end_call(0, refusal(WEIR_UNAUTHENTICATED, 401));
    turn(b); /* line 6 is begun */
    end_call(0, answer());
    assert_int_equal(batch_count(b).failed, 0); /* line 2 was asked before */
    end_call(3, answer());
    assert_int_equal(batch_count(b).failed, 1);
    turn(b);
    while (client.running > 1)
        end_call(0, answer());
    end_call(0, refusal(WEIR_NOT_FOUND, 404));
    turn(b);
    assert_true(batch_ended(b) && batch_complete(b));
    assert_int_equal(batch_count(b).failed, 2);
    finish(b, "");
    expect_results(errors_path, 2, true);
}

static void tells_general_refusals(void **state) {
    (void)state;
    weir_result quota = refusal(WEIR_RATE_LIMITED, 429);
    assert_false(refusal_is_general(&quota, false));
    quota.error_code = "insufficient_quota";
    assert_true(refusal_is_general(&quota, true));
    weir_result model = refusal(WEIR_NOT_FOUND, 404), money = refusal(WEIR_INVALID, 402);
    assert_true(refusal_is_general(&model, false));
    assert_false(refusal_is_general(&model, true));
    assert_true(refusal_is_general(&money, true));
    weir_result bad = refusal(WEIR_INVALID, 400);
    assert_false(refusal_is_general(&bad, false));
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        CASE(stops_where_every_line_is_refused),
        CASE(goes_on_where_others_are_answered),
        CASE(a_short_batch_is_refused_too),
        CASE(takes_nothing_beforehand_after_a_refusal),
        CASE(refusals_among_answers_are_failures),
        CASE(tells_general_refusals),
        CASE(refuses_impossible_files),
        CASE(lays_patience_over_the_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
