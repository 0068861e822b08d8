/* A client that another event loop drives: epoll and nothing else knows of it. */
#include "lib.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct driver {
    weir_client *client;
    int epoll;
    unsigned done, ok, events;
} driver;

static driver now; /* for callbacks that know of their own call alone */

static driver drive(weir_options *o) {
    driver d = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    weir_options_set_foreign_loop(o);
    d.client = lib_client(o);
    int fd = weir_client_fd(d.client);
    assert_true(fd >= 0);
    assert_int_equal(
        epoll_ctl(d.epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN}), 0);
    return d;
}

static void turn(driver *d) {
    struct epoll_event event;
    int64_t wait_ms = weir_client_timeout_ms(d->client);
    assert_true(wait_ms >= -1);
    (void)epoll_wait(d->epoll, &event, 1, (int)wait_ms);
    weir_client_step(d->client);
}

static void count(void *user, weir_result *result) {
    driver *d = user;
    d->done++;
    d->ok += result->code == WEIR_OK;
    weir_result_free(result);
}

enum { MANY = 1000 };

static int room_for_many(void **state) {
    (void)state;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &files);
}

static int note_first(void *user, const weir_event *event) {
    bool *spoke = user;
    (void)event;
    *spoke = true;
    return 0;
}

static void count_done(void *user, weir_result *result) {
    (void)user;
    now.done++;
    now.ok += result->code == WEIR_OK;
    weir_result_free(result);
}

/* All at once, in this thread alone: each has spoken and none has ended when the last one speaks.
 */
static void a_thousand_calls_at_once(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set_concurrency(o, MANY);
    now = drive(o);
    weir_request *stalled = lib_request("sim/stall-1", "hi"), *q = lib_request("gpt", "hi");
    bool *spoke = calloc(MANY, sizeof *spoke);
    weir_call **calls = calloc(MANY, sizeof(weir_call *));
    for (unsigned i = 0; i < MANY; i++)
        calls[i] = weir_start(now.client, stalled, note_first, count_done, &spoke[i]);
    assert_int_equal(weir_client_timeout_ms(now.client), 0);
    for (unsigned i = 0; i < MANY; i++)
        while (!spoke[i])
            turn(&now);
    assert_int_equal(now.done, 0);
    assert_int_equal(weir_client_running(now.client), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        weir_call_cancel(calls[i]);
        weir_call_free(calls[i]);
    }
    while (now.done < MANY)
        turn(&now);
    assert_int_equal(now.ok, 0);
    for (unsigned i = 0; i < MANY; i++)
        weir_call_free(weir_start(now.client, q, NULL, count_done, NULL));
    while (now.done < 2 * MANY)
        turn(&now);
    assert_int_equal(now.ok, MANY);
    free(spoke);
    free(calls);
    weir_request_free(stalled);
    weir_request_free(q);
    weir_client_free(now.client);
    close(now.epoll);
}

/* Between two turns nothing keeps the processor busy: a silent call lets the loop sleep until its
 * deadline. */
static void it_lets_the_loop_sleep(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set(o, "retry.retries", "0");
    driver d = drive(o);
    weir_request *q = lib_request("sim/silent", "hi");
    weir_request_set_timeout_ms(q, 400);
    weir_call_free(weir_start(d.client, q, NULL, count, &d));
    unsigned turns = 0;
    for (; !d.done; turns++)
        turn(&d);
    assert_int_equal(d.ok, 0);
    assert_true(turns < 50);
    assert_int_equal(weir_client_timeout_ms(d.client) == 0, 0);
    weir_request_free(q);
    weir_client_free(d.client);
    close(d.epoll);
}

/* The wait before a retry begins in the middle of a turn, when nothing else is going on. */
static void it_wakes_for_a_retry(void **state) {
    (void)state;
    weir_options *o = lib_options();
    weir_options_set(o, "retry.base", "20ms");
    driver d = drive(o);
    for (unsigned i = 1; i <= 3; i++) {
        weir_request *q = lib_request("sim/flaky-2", "hi");
        weir_call_free(weir_start(d.client, q, NULL, count, &d));
        assert_int_equal(weir_client_timeout_ms(d.client), 0);
        while (d.done < i)
            turn(&d);
        assert_int_equal(d.ok, i);
        weir_request_free(q);
    }
    weir_client_free(d.client);
    close(d.epoll);
}

static void blocking_calls_turn_it(void **state) {
    (void)state;
    driver d = drive(lib_options());
    weir_result *r = lib_chat(d.client, lib_request("gpt", "hi"));
    assert_string_equal(r->text, "You said: hi");
    weir_result_free(r);
    weir_request *requests[12];
    weir_result *results[12];
    for (int i = 0; i < 12; i++)
        requests[i] = lib_request("gpt", "hi");
    weir_batch(d.client, (const weir_request *const *)requests, 12, results);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(results[i]->code, WEIR_OK);
        weir_result_free(results[i]);
        weir_request_free(requests[i]);
    }
    weir_client_free(d.client);
    close(d.epoll);
}

static void misuse_it(void *user, weir_result *result) {
    driver *d = user;
    weir_result_free(result);
    weir_client_step(d->client); /* does nothing */
    weir_request *q = lib_request("gpt", "hi");
    result = weir_chat(d->client, q);
    weir_request_free(q);
    assert_int_equal(result->code, WEIR_MISUSE);
    count(d, result);
}

static void from_inside_a_callback(void **state) {
    (void)state;
    driver d = drive(lib_options());
    weir_request *q = lib_request("gpt", "hi");
    weir_call_free(weir_start(d.client, q, NULL, misuse_it, &d));
    while (!d.done)
        turn(&d);
    weir_request_free(q);
    weir_client_free(d.client);
    close(d.epoll);
}

static void free_it(void *user, weir_result *result) {
    driver *d = user;
    weir_client_free(d->client);
    count(d, result);
}

static void freed_from_inside_a_callback(void **state) {
    (void)state;
    driver d = drive(lib_options());
    weir_request *silent = lib_request("sim/silent", "hi"), *q = lib_request("gpt", "hi");
    weir_call_free(weir_start(d.client, silent, NULL, count, &d));
    weir_call_free(weir_start(d.client, q, NULL, free_it, &d));
    struct epoll_event event;
    while (!d.done) {
        (void)epoll_wait(d.epoll, &event, 1, (int)weir_client_timeout_ms(d.client));
        weir_client_step(d.client); /* the last one frees the client */
    }
    assert_int_equal(d.done, 2);
    weir_request_free(silent);
    weir_request_free(q);
    close(d.epoll);
}

static int free_at_once(void *user, const weir_event *event) {
    driver *d = user;
    (void)event;
    if (d->events++ == 0) weir_client_free(d->client);
    return 0;
}

/* The wait for it is over at once, and for the other call too. */
static void freed_from_inside_a_call_that_waits(void **state) {
    (void)state;
    driver d = drive(lib_options());
    weir_request *silent = lib_request("sim/silent", "hi");
    weir_request *q = lib_request("sim/words-5000,pace-1", "hi");
    weir_call_free(weir_start(d.client, silent, NULL, count, &d));
    weir_result *r = weir_stream(d.client, q, free_at_once, &d);
    assert_int_equal(r->code, WEIR_CANCELLED);
    assert_int_equal(d.done, 1);
    assert_true(d.events < 5000);
    weir_result_free(r);
    weir_request_free(silent);
    weir_request_free(q);
    close(d.epoll);
}

static weir_call *stop_me;
static int stop_at_once(void *user, const weir_event *event) {
    driver *d = user;
    (void)event;
    d->events++;
    weir_call_cancel(stop_me);
    return 0;
}

static void cancelled_from_an_event(void **state) {
    (void)state;
    driver d = drive(lib_options());
    weir_request *q = lib_request("sim/words-500,pace-0", "hi");
    stop_me = weir_start(d.client, q, stop_at_once, count, &d);
    while (!d.done)
        turn(&d);
    assert_int_equal(d.events, 1);
    assert_int_equal(d.ok, 0);
    weir_call_free(stop_me);
    weir_request_free(q);
    weir_client_free(d.client);
    close(d.epoll);
}

enum { CHAIN = 100 * 1000 };

/* It ends at once, as nothing can be asked: and is followed by the next. */
static void start_next(void *user, weir_result *result) {
    weir_request *wrong = user;
    assert_int_equal(result->code, WEIR_INVALID);
    weir_result_free(result);
    if (++now.done < CHAIN) weir_call_free(weir_start(now.client, wrong, NULL, start_next, wrong));
}

static void a_chain_of_calls_lets_the_owner_in_between(void **state) {
    (void)state;
    weir_request *wrong = lib_request("gpt", "\xFF");
    now = drive(lib_options());
    weir_call_free(weir_start(now.client, wrong, NULL, start_next, wrong));
    weir_client_step(now.client);
    assert_in_range(now.done, 1, CHAIN - 1);
    while (now.done < CHAIN)
        turn(&now);
    weir_request_free(wrong);
    weir_client_free(now.client);
    close(now.epoll);
}

static void note_code(void *user, weir_result *result) {
    *(weir_code *)user = result->code;
    weir_result_free(result);
    now.done++;
}

/* Also when its owner did other things since it was started. */
static void a_deadline_begins_with_the_call(void **state) {
    (void)state;
    weir_code code = WEIR_OK;
    now = drive(lib_options());
    weir_request *q = lib_request("gpt", "hi");
    weir_request_set_timeout_ms(q, 5);
    weir_call_free(weir_start(now.client, q, NULL, note_code, &code));
    usleep(10 * 1000);
    while (!now.done)
        turn(&now);
    assert_int_equal(code, WEIR_TIMEOUT);
    assert_int_equal(weir_client_waiting(now.client), 0);
    weir_request_free(q);
    weir_client_free(now.client);
    close(now.epoll);
}

static void freed_without_a_turn(void **state) {
    (void)state;
    driver d = drive(lib_options());
    weir_request *q = lib_request("gpt", "hi");
    weir_call_free(weir_start(d.client, q, NULL, count, &d));
    weir_request_free(q);
    weir_client_free(d.client);
    assert_int_equal(d.done, 1);
    assert_int_equal(d.ok, 0);
    close(d.epoll);
}

static void a_threaded_client_has_nothing_to_drive(void **state) {
    (void)state;
    weir_client *c = lib_client(lib_options());
    assert_int_equal(weir_client_fd(c), -1);
    assert_int_equal(weir_client_timeout_ms(c), -1);
    weir_client_step(c);
    weir_client_free(c);
}

/* The provider goes away while we write to it: that is a failed call, not the program's end. */
static void a_broken_pipe_is_no_signal(void **state) {
    (void)state;
    sigset_t pending;
    driver d = drive(lib_options());
    weir_request *q = lib_request("sim/reset", "hi");
    buf big = BUF_EMPTY;
    for (int i = 0; i < 200000; i++)
        buf_add_cstr(&big, "0123456789");
    weir_request_add_message(q, "user", buf_cstr(&big));
    for (int i = 0; i < 5; i++)
        weir_call_free(weir_start(d.client, q, NULL, count, &d));
    while (d.done < 5)
        turn(&d);
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
    buf_done(&big);
    weir_request_free(q);
    weir_client_free(d.client);
    close(d.epoll);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_thousand_calls_at_once, room_for_many),
        cmocka_unit_test(it_lets_the_loop_sleep),
        cmocka_unit_test(it_wakes_for_a_retry),
        cmocka_unit_test(blocking_calls_turn_it),
        cmocka_unit_test(from_inside_a_callback),
        cmocka_unit_test(freed_from_inside_a_callback),
        cmocka_unit_test(freed_from_inside_a_call_that_waits),
        cmocka_unit_test(cancelled_from_an_event),
        cmocka_unit_test(a_chain_of_calls_lets_the_owner_in_between),
        cmocka_unit_test(a_deadline_begins_with_the_call),
        cmocka_unit_test(freed_without_a_turn),
        cmocka_unit_test(a_threaded_client_has_nothing_to_drive),
        cmocka_unit_test(a_broken_pipe_is_no_signal),
    };
    return cmocka_run_group_tests(tests, lib_set_up, lib_tear_down);
}
