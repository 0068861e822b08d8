/* A batch over a library that is played here: the test says what becomes of its calls. */
#ifndef WEIR_TEST_RUNNER_H
#define WEIR_TEST_RUNNER_H

#include "base/mem.h"
#include "batch/batch.h"
#include "batch/results.h"

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

/* ---- what tests do with it ---- */

static weir_client client;

static inline weir_result answer(void) {
    return (weir_result){.code = WEIR_OK,
                         .status = 200,
                         .body = "{\"ok\":1}",
                         .body_len = 8,
                         .request_id = "w",
                         .provider_request_id = "p",
                         .total_tokens = 7};
}

/* Ends the call at this place. */
static inline void end_call(unsigned at, weir_result result) {
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

static inline void end_cancelled(void) {
    for (unsigned i = client.running; i-- > 0;)
        if (client.calls[i]->cancelled)
            end_call(i, (weir_result){.code = WEIR_CANCELLED,
                                      .error_message = "cancelled",
                                      .request_id = "w"});
}

static char folder[64], in_path[128], out_path[128], errors_path[128];
static batch_settings settings;
static buf why;

static inline int set_up(void **state) {
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

static inline int tear_down(void **state) {
    (void)state;
    (void)unlink(in_path);
    (void)unlink(out_path);
    (void)unlink(errors_path);
    (void)rmdir(folder);
    buf_done(&why);
    return 0;
}

static inline void put_lines(unsigned count) {
    FILE *f = fopen(in_path, "wb");
    assert_non_null(f);
    for (unsigned i = 1; i <= count; i++)
        fprintf(f, "prompt %u\n", i);
    fclose(f);
}

static inline batch *begin(void) {
    buf_clear(&why);
    batch *b = batch_open(&settings, &why);
    if (!b) fail_msg("%s", buf_cstr(&why));
    batch_start(b, &client, 5);
    batch_step(b, true);
    return b;
}

/* Until nothing is left that only the loop's turning would change. */
static inline void turn(batch *b) {
    do
        batch_step(b, batch_input(b) >= 0);
    while (!batch_ended(b) && (batch_timeout_ms(b) == 0 || batch_input(b) >= 0));
}

static inline void expect_results(const char *path, unsigned count, bool failed) {
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

static inline void finish(batch *b, const char *expected_why) {
    buf_clear(&why);
    assert_true(batch_ended(b));
    assert_int_equal(batch_finish(b, &why), *expected_why == '\0');
    assert_string_equal(buf_cstr(&why), expected_why);
    batch_free(b);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
