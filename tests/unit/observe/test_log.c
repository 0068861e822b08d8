#include "unit.h"

#include "base/buf.h"
#include "json/json.h"
#include "observe/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* A logger that gives up cancels its thread, and in one that is cancelled gcc's runtime of the
 * address sanitizer writes over its own alternate stack. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "use_sigaltstack=0";
}

static config_logs json_logs = {.level = LEVEL_INFO, .format = LOG_AUTO, .buffer_bytes = 1 << 20};
static int ends[2]; /* a pipe: read, write */
static buf got;

static int set_up(void **state) {
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    buf_done(&got);
    return 0;
}

/* Reads once, waiting for it; false at the end. */
static bool read_more(void) {
    ssize_t n = read(ends[0], buf_reserve(&got, 65536), 65536);
    assert_true(n >= 0);
    buf_grow(&got, (size_t)n);
    return n > 0;
}

static void read_all(void) {
    close(ends[1]);
    ends[1] = -1;
    while (read_more())
        continue;
}

static size_t lines_with(const char *text) {
    size_t n = 0;
    span rest = buf_span(&got), line;
    while (span_cut(&rest, '\n', &line))
        n += line.len && span_find_span(line, 0, span_cstr(text)) < line.len;
    return n;
}

/* The sum of what the notes on dropped lines say. */
static uint64_t lines_told(void) {
    static const span before = SPAN("\"lines\":\"");
    uint64_t sum = 0, n;
    span rest = buf_span(&got), line;
    while (span_cut(&rest, '\n', &line)) {
        size_t at = span_find_span(line, 0, before) + before.len;
        if (span_u64(span_slice(line, at, span_find(line, at, '"')), &n)) sum += n;
    }
    return sum;
}

static call_record record(int status) {
    return (call_record){.request_id = "r",
                         .endpoint = SPAN("chat"),
                         .outcome = status < 400 ? CALL_OK : CALL_FAILED,
                         .status = status,
                         .usage = {-1, -1, -1, -1, -1, false},
                         .first_byte_us = -1,
                         .first_token_us = -1,
                         .own_us = 1,
                         .total_us = 1};
}

static void lines_arrive_by_themselves(void **state) {
    (void)state;
    logger *l = logger_new(&json_logs, ends[1]);
    log_shard *s = logger_add_shard(l);
    call_record r = record(200);
    for (size_t round = 1; round <= 3; round++) { /* it falls asleep in between, and wakes again */
        log_call(s, &r);
        log_event(s, LEVEL_WARN, "breaker_opened", SPAN_OF("Opened."), NULL, 0);
        log_flush(s);
        log_flush(s);
        while (lines_with("\"event\"") < 2 * round)
            assert_true(read_more());
    }
    assert_int_equal(lines_with("\"event\":\"call\""), 3);
    assert_int_equal(lines_with("\"event\":\"breaker_opened\""), 3);
    logger_free(l, 1000);
}

static void what_is_not_flushed_is_written_at_the_end(void **state) {
    (void)state;
    logger *l = logger_new(&json_logs, ends[1]);
    log_shard *s = logger_add_shard(l), *t = logger_add_shard(l);
    log_event(s, LEVEL_INFO, "first", SPAN_EMPTY, NULL, 0);
    log_event(t, LEVEL_INFO, "second", SPAN_EMPTY, NULL, 0);
    logger_free(l, 10000);
    read_all();
    assert_int_equal(lines_with("\"event\":\"first\""), 1);
    assert_int_equal(lines_with("\"event\":\"second\""), 1);
}

static void levels_choose_lines(void **state) {
    (void)state;
    logger *l = logger_new(&json_logs, ends[1]);
    log_shard *s = logger_add_shard(l);
    call_record good = record(404), bad = record(500);
    config_logs logs = json_logs;
    static const config_log_level levels[] = {LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR,
                                              LEVEL_OFF};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        logs.level = levels[i];
        logger_configure(l, &logs);
        log_call(s, &good);
        log_call(s, &bad);
        log_event(s, LEVEL_DEBUG, "d", SPAN_EMPTY, NULL, 0);
        log_event(s, LEVEL_ERROR, "e", SPAN_EMPTY, NULL, 0);
    }
    logger_free(l, 10000);
    read_all();
    assert_int_equal(lines_with("\"status\":404"), 2); /* debug and info */
    assert_int_equal(lines_with("\"status\":500"), 3); /* and warn */
    assert_int_equal(lines_with("\"event\":\"d\""), 1);
    assert_int_equal(lines_with("\"event\":\"e\""), 4);
}

static void the_format_may_change(void **state) {
    (void)state;
    logger *l = logger_new(&json_logs, ends[1]); /* auto, and a pipe is no terminal */
    log_shard *s = logger_add_shard(l);
    config_logs logs = json_logs;
    log_event(s, LEVEL_INFO, "one", SPAN_EMPTY, NULL, 0);
    logs.format = LOG_TEXT;
    logger_configure(l, &logs);
    log_event(s, LEVEL_INFO, "two", SPAN_EMPTY, NULL, 0);
    logs.format = LOG_JSON;
    logger_configure(l, &logs);
    log_event(s, LEVEL_INFO, "three", SPAN_EMPTY, NULL, 0);
    logger_free(l, 10000);
    read_all();
    assert_int_equal(lines_with("\"event\":\"one\""), 1);
    assert_int_equal(lines_with("info   two"), 1);
    assert_int_equal(lines_with("\033"), 0); /* no colour outside a terminal */
    assert_int_equal(lines_with("\"event\":\"three\""), 1);
}

/* The reader does not read: what fits in logs.buffer waits, the rest is dropped and counted, and
 * nobody is held up. Then it reads: every line that was kept is whole, and the gap is told. */
static void a_slow_reader_costs_lines_alone(void **state) {
    (void)state;
    enum { LINES = 20000 };
    config_logs small = json_logs;
    small.buffer_bytes = 64 * 1024;
    logger *l = logger_new(&small, ends[1]);
    log_shard *s = logger_add_shard(l);
    call_record r = record(200);
    for (int i = 0; i < LINES; i++) {
        r.bytes_in = (uint64_t)i;
        log_call(s, &r);
        if (i % 10 == 0) log_flush(s);
    }
    log_flush(s);
    uint64_t dropped = logger_dropped(l);
    assert_true(dropped > LINES / 2 && dropped < LINES);
    while (lines_told() < dropped)
        assert_true(read_more());
    assert_int_equal(logger_dropped(l), dropped);
    logger_free(l, 10000);
    read_all();
    assert_int_equal(lines_told(), dropped);
    assert_int_equal(lines_with("\"event\":\"call\""), LINES - dropped);
    assert_true(got.len < 3 * small.buffer_bytes); /* one bufferful beyond what the pipe holds */
    span rest = buf_span(&got), line;
    json_value root;
    json_fault fault;
    while (span_cut(&rest, '\n', &line))
        if (line.len && !json_scan(line, NULL, &root, &fault))
            fail_msg("no JSON (%s): %.*s", fault.what, SPAN_ARG(line));
}

/* Many times logs.buffer goes through as long as it is read. */
static void a_small_buffer_is_used_again(void **state) {
    (void)state;
    config_logs small = json_logs;
    small.buffer_bytes = 2048;
    logger *l = logger_new(&small, ends[1]);
    log_shard *s = logger_add_shard(l);
    call_record r = record(200);
    for (size_t i = 1; i <= 50; i++) {
        log_call(s, &r);
        log_flush(s);
        while (lines_with("\"event\":\"call\"") < i)
            assert_true(read_more());
    }
    assert_int_equal(logger_dropped(l), 0);
    logger_free(l, 10000);
}

static void the_end_does_not_wait_for_a_reader_that_never_reads(void **state) {
    (void)state;
    config_logs large = json_logs;
    large.buffer_bytes = 8 << 20;
    logger *l = logger_new(&large, ends[1]);
    log_shard *s = logger_add_shard(l);
    call_record r = record(200);
    for (int i = 0; i < 5000; i++)
        log_call(s, &r); /* more than a pipe holds */
    log_flush(s);
    logger_free(l, 50); /* returns */
    read_all();
    assert_true(got.len >= 4096); /* what the pipe held was written */
}

static void a_reader_that_left_costs_lines_alone(void **state) {
    (void)state;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR); /* it would end the process */
    close(ends[0]);
    ends[0] = -1;
    logger *l = logger_new(&json_logs, ends[1]);
    log_shard *s = logger_add_shard(l);
    call_record r = record(200);
    for (int i = 0; i < 10; i++)
        log_call(s, &r);
    log_flush(s);
    while (logger_dropped(l) < 10)
        (void)poll(NULL, 0, 1);
    log_call(s, &r);
    log_flush(s);
    while (logger_dropped(l) < 11)
        (void)poll(NULL, 0, 1);
    logger_free(l, 10000);
}

/* As a disk does that becomes full: the first lines, and a part of one, find room. */
static void may_grow_to(rlim_t bytes) {
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes < r.rlim_max ? bytes : r.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void put_until_dropped(logger *l, log_shard *s, uint64_t lines) {
    const call_record r = record(200);
    while (logger_dropped(l) < lines) {
        log_call(s, &r);
        log_flush(s);
        (void)poll(NULL, 0, 15); /* each for itself */
    }
}

/* Nothing is read as the rest of a line that was cut, and all that was lost is told, whatever had
 * become of earlier notes of it. */
static void a_disk_that_was_full_costs_whole_lines(void **state) {
    (void)state;
    enum { ROOM = 700 };
    char path[] = "/tmp/weir-log-XXXXXX";
    const int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0 && !unlink(path));
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    logger *l = logger_new(&json_logs, fd);
    log_shard *s = logger_add_shard(l), *other = logger_add_shard(l);
    may_grow_to(ROOM);
    put_until_dropped(l, s, 3);
    put_until_dropped(l, other, 6);
    may_grow_to(RLIM_INFINITY);
    log_event(s, LEVEL_INFO, "again", SPAN_EMPTY, NULL, 0);
    const uint64_t dropped = logger_dropped(l);
    logger_free(l, 10000);
    const ssize_t n = pread(fd, buf_reserve(&got, 65536), 65536, 0);
    assert_true(n > ROOM);
    buf_grow(&got, (size_t)n);
    close(fd);
    assert_int_equal(lines_with("\"event\":\"again\""), 1);
    assert_int_equal(lines_told(), dropped);
    span rest = buf_span(&got), line;
    json_value root;
    json_fault fault;
    for (size_t torn = 0; span_cut(&rest, '\n', &line);)
        if (line.len && !json_scan(line, NULL, &root, &fault) && torn++)
            fail_msg("a second line is no JSON (%s): %.*s", fault.what, SPAN_ARG(line));
}

/* Someone else may have made the descriptor non-blocking. */
static void a_full_descriptor_that_does_not_block_is_waited_for(void **state) {
    (void)state;
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    logger *l = logger_new(&json_logs, ends[1]);
    log_shard *s = logger_add_shard(l);
    call_record r = record(200);
    for (int i = 0; i < 2000; i++)
        log_call(s, &r);
    log_flush(s);
    while (lines_with("\"event\":\"call\"") < 2000)
        assert_true(read_more());
    assert_int_equal(logger_dropped(l), 0);
    logger_free(l, 10000);
}

/* ---- threads ---- */

enum { WORKERS = 3, ROUNDS = 2000 };

static void *work(void *arg) {
    log_shard *s = logger_add_shard(arg);
    call_record r = record(200);
    for (int i = 0; i < ROUNDS; i++) {
        log_call(s, &r);
        if (i % 100 == 0) {
            log_field field = {"n", SPAN("\xFF\n")};
            log_event(s, LEVEL_INFO, "tick", SPAN_OF("Tick."), &field, 1);
        }
        if (i % 7 == 0) log_flush(s);
        (void)logger_dropped(arg);
    }
    log_flush(s);
    return NULL;
}

static void workers_share_the_writer(void **state) {
    (void)state;
    config_logs large = json_logs;
    large.buffer_bytes = 64 << 20;
    logger *l = logger_new(&large, ends[1]);
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, l), 0);
    logger_configure(l, &large);
    while (got.len == 0 || lines_with("\"event\"") < WORKERS * (ROUNDS + ROUNDS / 100)) {
        char chunk[65536]; /* counting lines at every read would take its square */
        ssize_t n = read(ends[0], chunk, sizeof chunk);
        assert_true(n > 0);
        buf_add(&got, span_from(chunk, (size_t)n));
        struct pollfd more = {.fd = ends[0], .events = POLLIN};
        while (poll(&more, 1, 20) == 1) {
            n = read(ends[0], chunk, sizeof chunk);
            assert_true(n > 0);
            buf_add(&got, span_from(chunk, (size_t)n));
        }
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    logger_free(l, 10000);
    assert_int_equal(lines_with("\"event\":\"call\""), WORKERS * ROUNDS);
    assert_int_equal(lines_with("\"event\":\"tick\""), WORKERS * ROUNDS / 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_arrive_by_themselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_flushed_is_written_at_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(levels_choose_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_format_may_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_reader_costs_lines_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_small_buffer_is_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_does_not_wait_for_a_reader_that_never_reads, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_reader_that_left_costs_lines_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_was_full_costs_whole_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_descriptor_that_does_not_block_is_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(workers_share_the_writer, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
