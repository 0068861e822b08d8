/* Many threads: one client shared by eight, and eight that each make their own. Run under
 * ThreadSanitizer by `make tsan`. */
#include "lib.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 8, CALLS = 25 };

static weir_client *shared;

static int on_event(void *user, const weir_event *event) {
    (void)event;
    (*(unsigned *)user)++;
    return 0;
}

static void on_done(void *user, weir_result *result) {
    atomic_uint *ended = user;
    weir_result_free(result);
    atomic_fetch_add(ended, 1);
}

/* Every kind of call, and every question that may come from any thread. */
static unsigned use(weir_client *c) {
    unsigned ok = 0, events = 0;
    atomic_uint ended = 0;
    weir_request *q = lib_request("gpt", "hi"), *slow = lib_request("sim/words-50,pace-1", "hi");
    weir_call *calls[CALLS];
    for (int i = 0; i < CALLS; i++) {
        calls[i] = weir_start(c, slow, NULL, on_done, &ended);
        weir_result *r = i % 2 ? weir_chat(c, q) : weir_stream(c, q, on_event, &events);
        ok += r->code == WEIR_OK;
        weir_result_free(r);
        if (i % 3 == 0) weir_call_cancel(calls[i]);
        if (i % 3 == 1) weir_call_pause(calls[i]);
        weir_call_resume(calls[i]);
        weir_summary_free(weir_client_summary(c));
        ok += weir_client_limit(c) == 0;
        (void)weir_client_running(c);
        (void)weir_client_waiting(c);
    }
    for (int i = 0; i < CALLS; i++)
        weir_call_free(calls[i]);
    weir_result *r = weir_chat(c, q); /* behind all of them in the queue */
    ok += r->code == WEIR_OK;
    weir_result_free(r);
    while (atomic_load(&ended) < CALLS)
        weir_result_free(weir_chat(c, q));
    weir_request_free(q);
    weir_request_free(slow);
    return events ? ok : 0;
}

static void *use_shared(void *ret) {
    *(unsigned *)ret = use(shared);
    return NULL;
}

static void *use_own(void *ret) {
    weir_client *c = lib_client(lib_options());
    *(unsigned *)ret = use(c);
    weir_client_free(c);
    return NULL;
}

static void run_all(void *(*fn)(void *)) {
    pthread_t threads[THREADS];
    unsigned ok[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, &ok[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(ok[i], CALLS + 1);
}

static void one_client_in_eight_threads(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set_concurrency(o, 16);
    shared = lib_client(o);
    run_all(use_shared);
    weir_summary *s = weir_client_summary(shared);
    assert_true(s->total_calls >= (uint64_t)THREADS * (2 * CALLS + 1));
    assert_int_equal(s->successful_calls + s->failed_calls, s->total_calls);
    weir_summary_free(s);
    weir_client_free(shared);
}

static void eight_clients(void **state) {
    (void)state;
    run_all(use_own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_client_in_eight_threads),
        cmocka_unit_test(eight_clients),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
