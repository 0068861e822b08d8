/* What a client does about targets that refuse, keys that change, and the waits between tries. */
#include "calls.h"

#include <unistd.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_halves_the_concurrency),
        cmocka_unit_test(a_limited_target_holds_nobody_else),
        cmocka_unit_test(a_fallback_answers_meanwhile),
        cmocka_unit_test(a_key_is_asked_for_again),
        cmocka_unit_test(waits_are_told),
        cmocka_unit_test(a_wait_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
