/* The files of results: their names, their locks, what is written, and what a later run finds. */
#include "unit.h"

#include "batch/lines.h"
#include "batch/outputs.h"
#include "batch/results.h"
#include "batch/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static char out_path[128], errors_path[128];
static buf why;

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-output-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(out_path, sizeof out_path, "%s/out.jsonl", folder);
    snprintf(errors_path, sizeof errors_path, "%s/out.errors.jsonl", folder);
    buf_clear(&why);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    (void)unlink(out_path);
    (void)unlink(errors_path);
    (void)rmdir(folder);
    buf_done(&why);
    return 0;
}

static void put(const char *path, const char *text) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}

static void assert_file(const char *path, const char *text) {
    buf content = unit_read(path);
    assert_string_equal(buf_cstr(&content), text);
    buf_done(&content);
}

/* An output, and the name it made. */
typedef struct opened {
    outputs out;
    char *made;
} opened;

static opened open_pair(const char *errors) {
    opened o = {0};
    bool ok = outputs_open(&o.out, &(outputs_names){out_path, errors}, false, &o.made, &why);
    if (!ok) fail_msg("%s", buf_cstr(&why));
    return o;
}

static void close_pair(opened *o) {
    outputs_done(&o->out);
    free(o->made);
}

static void makes_names(void **state) {
    (void)state;
    static const struct {
        const char *input, *output, *errors;
    } rows[] = {
        {"in.jsonl", "in.out.jsonl", "in.out.errors.jsonl"},
        {"a.b/in", "a.b/in.out.jsonl", "a.b/in.out.errors.jsonl"},
        {"dir/prompts.v2.txt", "dir/prompts.v2.out.jsonl", "dir/prompts.v2.out.errors.jsonl"},
        {"dir/.hidden", "dir/.hidden.out.jsonl", "dir/.hidden.out.errors.jsonl"},
        {"-", "-", "-.errors"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *made = outputs_name_for(rows[i].input);
        char *errors = outputs_errors_name_for(made);
        assert_string_equal(made, rows[i].output);
        assert_string_equal(errors, rows[i].errors);
        free(made);
        free(errors);
    }
    static const struct {
        const char *out, *record;
    } views[] = {{"out.csv", "out.jsonl"}, {"a.b/out", "a.b/out.jsonl"}, {"x.jsonl", "x.jsonl"}};
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        char *record = outputs_record_name_for(views[i].out);
        assert_string_equal(record, views[i].record);
        free(record);
    }
    char *shown = outputs_name_with("a/in.txt", ".csv");
    assert_string_equal(shown, "a/in.out.csv");
    free(shown);
    char *bare = outputs_errors_name_for("results/out");
    assert_string_equal(bare, "results/out.errors");
    free(bare);
}

static void writes_into_two_files(void **state) {
    (void)state;
    put(out_path, "before\n");
    opened o = open_pair(NULL);
    assert_string_equal(o.out.failures.path, errors_path);
    buf_add_cstr(outputs_for(&o.out, false), "good\n");
    buf_add_cstr(outputs_for(&o.out, true), "bad\n");
    assert_file(out_path, "before\n"); /* gathered only */
    assert_true(outputs_flush(&o.out));
    assert_int_equal(outputs_pending(&o.out), 0);
    assert_true(outputs_sync(&o.out));
    close_pair(&o);
    assert_file(out_path, "before\ngood\n");
    assert_file(errors_path, "bad\n");
}

static void writes_both_into_one(void **state) {
    (void)state;
    opened o = open_pair(out_path);
    assert_int_equal(o.out.failures.fd, -1);
    buf_add_cstr(outputs_for(&o.out, true), "bad\n");
    assert_true(outputs_flush(&o.out));
    close_pair(&o);
    assert_file(out_path, "bad\n");
}

static void leaves_no_empty_error_file(void **state) {
    (void)state;
    opened o = open_pair(NULL);
    assert_int_equal(access(errors_path, F_OK), 0);
    close_pair(&o);
    assert_int_not_equal(access(errors_path, F_OK), 0);
    assert_int_equal(access(out_path, F_OK), 0);
}

static void lets_one_batch_write(void **state) {
    (void)state;
    char expected[200];
    opened o = open_pair(NULL), second = {0};
    outputs_names names = {out_path, NULL};
    assert_false(outputs_open(&second.out, &names, false, &second.made, &why));
    snprintf(expected, sizeof expected, "another weir batch is writing %s", out_path);
    assert_string_equal(buf_cstr(&why), expected);
    assert_true(outputs_open(&second.out, &names, true, &second.made, &why)); /* looking is free */
    close_pair(&second);
    close_pair(&o);
    o = open_pair(NULL);
    close_pair(&o);
}

static void looking_makes_nothing(void **state) {
    (void)state;
    opened o = {0};
    assert_true(outputs_open(&o.out, &(outputs_names){out_path, errors_path}, true, &o.made, &why));
    close_pair(&o);
    assert_int_not_equal(access(out_path, F_OK), 0);
    assert_int_not_equal(access(errors_path, F_OK), 0);
}

/* A pipe that nobody reads does not stop the caller, and gets the rest when it is read. */
static void does_not_wait_for_a_pipe(void **state) {
    (void)state;
    enum { SIZE = 300 * 1000 };
    int ends[2];
    opened o = {.out = OUTPUTS_NONE};
    assert_int_equal(pipe(ends), 0);
    o.out.answers = (sink){.fd = ends[1], .path = "a pipe"};
    for (int i = 0; i < SIZE; i++)
        buf_add_char(outputs_for(&o.out, false), (char)('a' + i % 23));
    assert_true(outputs_flush(&o.out));
    assert_true(outputs_pending(&o.out) > 0 && outputs_pending(&o.out) < SIZE);
    static char piece[7000];
    for (size_t got = 0; got < SIZE;) {
        ssize_t n = read(ends[0], piece, sizeof piece);
        assert_true(n > 0);
        for (ssize_t i = 0; i < n; i++, got++)
            assert_int_equal(piece[i], 'a' + (int)(got % 23));
        assert_true(outputs_flush(&o.out));
    }
    assert_int_equal(outputs_pending(&o.out), 0);
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    buf_add_cstr(outputs_for(&o.out, false), "x");
    assert_false(outputs_flush(&o.out));
    assert_int_equal(o.out.answers.error, EPIPE);
    close_pair(&o);
}

static void keeps_what_a_full_disk_refuses(void **state) {
    (void)state;
    opened o = {.out = OUTPUTS_NONE};
    o.out.answers = (sink){.fd = open("/dev/full", O_WRONLY), .path = "/dev/full"};
    buf_add_cstr(outputs_for(&o.out, false), "x\n");
    assert_false(outputs_flush(&o.out));
    assert_int_equal(o.out.answers.error, ENOSPC);
    assert_int_equal(outputs_pending(&o.out), 2);
    close_pair(&o);
}

/* A file that takes the beginning of a result alone is left with whole ones. */
static void leaves_no_torn_result(void **state) {
    (void)state;
    struct rlimit before, small;
    put(out_path, "one\n");
    opened o = open_pair(NULL);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 10, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    buf_add_cstr(outputs_for(&o.out, false), "two\nthree\n");
    bool ok = outputs_flush(&o.out);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_int_equal(o.out.answers.error, EFBIG);
    close_pair(&o);
    assert_file(out_path, "one\ntwo\n");
}

/* Between open() and flock() the file may lose its name: the lock then is of nothing. */
static void does_not_write_into_a_file_without_a_name(void **state) {
    (void)state;
    int named = 0;
    for (int i = 0; i < 200; i++) {
        pid_t other = fork();
        assert_true(other >= 0);
        if (other == 0) { /* makes empty error files, and removes them */
            opened o = {0};
            buf none = BUF_EMPTY;
            outputs_names names = {"/dev/null", errors_path};
            if (outputs_open(&o.out, &names, false, &o.made, &none)) outputs_done(&o.out);
            _exit(0);
        }
        opened o = {0};
        outputs_names names = {"/dev/null", errors_path};
        bool ok = outputs_open(&o.out, &names, false, &o.made, &why);
        if (ok) {
            named += access(errors_path, F_OK) == 0;
            close_pair(&o);
        } else {
            named++; /* the other had it */
            buf_clear(&why);
        }
        assert_int_equal(waitpid(other, NULL, 0), other);
    }
    assert_int_equal(named, 200);
}

static void a_pipe_is_opened_for_writing_alone(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(mkfifo(out_path, 0600), 0);
    int reader = open(out_path, O_RDONLY | O_NONBLOCK);
    opened o = open_pair(NULL);
    assert_false(o.out.answers.regular);
    close(reader);
    buf_add_cstr(outputs_for(&o.out, false), "x\n");
    assert_false(outputs_flush(&o.out));
    assert_int_equal(o.out.answers.error, EPIPE);
    close_pair(&o);
}

/* ---- what a later run finds ---- */

#define RESULT(n, status)                                                                          \
    "{\"id\":\"batch_req_" #n "_00000000000" #n "\",\"custom_id\":\"a\",\"response\":"             \
    "{\"status_code\":" #status ",\"request_id\":\"r\",\"body\":{}},\"error\":null}\n"
#define FAILURE(n)                                                                                 \
    "{\"id\":\"batch_req_" #n "_00000000000" #n "\",\"custom_id\":null,\"response\":null,"         \
    "\"error\":{\"code\":\"timeout\",\"message\":\"\"}}\n"

static marks found_marks;

static bool resume(resume_mode mode, resume_found *found) {
    opened o = open_pair(NULL);
    marks_init(&found_marks);
    buf_clear(&why);
    bool ok =
        resume_read(&o.out, mode, &found_marks, found, &why) && resume_cut(&o.out, found, &why);
    close_pair(&o);
    return ok;
}

static bool is_marked(uint64_t number) {
    bool known;
    uint64_t mark = 0;
    assert_true(marks_get(&found_marks, number, &known, &mark));
    if (known) assert_int_equal(mark & LINE_MARK_MAX, number);
    return known;
}

static void finds_what_is_done(void **state) {
    (void)state;
    resume_found found;
    put(out_path, RESULT(5, 200) RESULT(1, 200));
    put(errors_path, RESULT(2, 400) FAILURE(3));
    assert_true(resume(RESUME, &found));
    assert_int_equal(found.answers, 2);
    assert_int_equal(found.failures, 2);
    assert_true(found.kept_answers == RESUME_ALL && found.kept_failures == RESUME_ALL);
    for (uint64_t n = 1; n <= 6; n++)
        assert_int_equal(is_marked(n), n != 4 && n != 6);
    marks_done(&found_marks);
    assert_file(out_path, RESULT(5, 200) RESULT(1, 200));
}

static void cuts_a_torn_line(void **state) {
    (void)state;
    resume_found found;
    put(out_path, RESULT(5, 200) "{\"id\":\"batch_req_1_00");
    put(errors_path, "{");
    assert_true(resume(RESUME, &found));
    assert_int_equal(found.answers, 1);
    assert_int_equal(found.kept_answers, strlen(RESULT(5, 200)));
    assert_int_equal(found.kept_failures, 0);
    assert_false(is_marked(1));
    marks_done(&found_marks);
    assert_file(out_path, RESULT(5, 200));
    assert_int_not_equal(access(errors_path, F_OK), 0);
}

/* A machine that is lost may leave a file as long as it had become, and zeros in what had not
 * reached the disk. */
static void cuts_zeros_at_the_end(void **state) {
    (void)state;
    static const char *const before[] = {"", "{\"id\":\"batch_req_1_00"};
    static const char zeros[20000];
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        resume_found found;
        char text[400];
        snprintf(text, sizeof text, "%s%s", RESULT(5, 200), before[i]);
        put(out_path, text);
        FILE *f = fopen(out_path, "ab");
        assert_non_null(f);
        assert_int_equal(fwrite(zeros, 1, sizeof zeros, f), sizeof zeros);
        fclose(f);
        if (!resume(RESUME, &found)) fail_msg("%s", buf_cstr(&why));
        assert_int_equal(found.answers, 1);
        assert_int_equal(found.kept_answers, strlen(RESULT(5, 200)));
        marks_done(&found_marks);
        assert_file(out_path, RESULT(5, 200));
    }
}

/* Of a long line the beginning alone is read at first. */
static void leaves_alone_what_stands_behind_zeros(void **state) {
    (void)state;
    static const struct {
        const char *before, *behind;
        size_t zeros;
    } rows[] = {
        {"", "precious", RESULT_HEAD_MAX},
        {"", "precious", 100000},
        {"", "\r", RESULT_HEAD_MAX},
        {"{\"id\":\"batch_req_1_00", "precious", RESULT_HEAD_MAX},
        {RESULT(5, 200), "precious", RESULT_HEAD_MAX},
    };
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        const char *path = i % 2 ? errors_path : out_path;
        resume_found found;
        buf text = BUF_EMPTY;
        buf_add_cstr(&text, rows[i / 2].before);
        memset(buf_reserve(&text, rows[i / 2].zeros), 0, rows[i / 2].zeros);
        buf_grow(&text, rows[i / 2].zeros);
        buf_add_cstr(&text, rows[i / 2].behind);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
        fclose(f);
        if (resume(RESUME, &found)) fail_msg("row %zu: taken for torn", i / 2);
        marks_done(&found_marks);
        buf kept = unit_read(path);
        assert_true(span_eq(buf_span(&kept), buf_span(&text)));
        buf_done(&kept);
        buf_done(&text);
        assert_int_equal(unlink(path), 0);
    }
}

static void refuses(const char *out, const char *what) {
    resume_found found;
    char expected[400];
    put(out_path, out);
    assert_false(resume(RESUME, &found));
    snprintf(expected, sizeof expected, "%s: %s", out_path, what);
    if (!span_starts(buf_span(&why), span_cstr(expected)))
        fail_msg("%s is not %s", buf_cstr(&why), expected);
    marks_done(&found_marks);
    assert_file(out_path, out); /* untouched */
}

static void leaves_the_files_of_others_alone(void **state) {
    (void)state;
    refuses("my notes", "line 1 is no result of weir batch; name another output, or say --restart");
    refuses(RESULT(1, 200) "{}\n", "line 2 is no result of weir batch");
    refuses(RESULT(1, 200) "more", "line 2 is no result of weir batch");
    refuses(RESULT(1, 200) RESULT(2, 200) RESULT(1, 200),
            "line 3 is a second result of line 1 of the input");
    refuses(FAILURE(1) FAILURE(1), "line 2 is a second result of line 1 of the input");
}

static void forgets_failures_or_everything(void **state) {
    (void)state;
    resume_found found;
    put(out_path, RESULT(5, 200) "{\"id\"");
    put(errors_path, FAILURE(3) FAILURE(4) "{\"id\"");
    assert_true(resume(RESUME_RETRY_FAILED, &found));
    assert_int_equal(found.answers, 1);
    assert_int_equal(found.failures, 0);
    assert_int_equal(found.forgotten, 2);
    assert_true(is_marked(5) && !is_marked(3));
    marks_done(&found_marks);
    assert_file(out_path, RESULT(5, 200));
    put(errors_path, "my notes\n");
    assert_false(resume(RESUME_RETRY_FAILED, &found));
    marks_done(&found_marks);
    assert_file(errors_path, "my notes\n");
    assert_true(resume(RESUME_RESTART, &found));
    assert_false(is_marked(5));
    marks_done(&found_marks);
    assert_file(out_path, "");
}

/* Answers that went into a pipe are known to nobody. */
static void goes_on_from_files_alone(void **state) {
    (void)state;
    resume_found found;
    opened o = {0};
    put(errors_path, FAILURE(3));
    outputs_names names = {"/dev/null", errors_path};
    assert_true(outputs_open(&o.out, &names, false, &o.made, &why));
    marks_init(&found_marks);
    assert_false(resume_read(&o.out, RESUME, &found_marks, &found, &why));
    assert_non_null(strstr(buf_cstr(&why), "has the failures of an earlier run"));
    buf_clear(&why);
    assert_false(resume_read(&o.out, RESUME_RETRY_FAILED, &found_marks, &found, &why));
    assert_non_null(strstr(buf_cstr(&why), "--retry-failed needs the answers in a file"));
    assert_file(errors_path, FAILURE(3));
    assert_true(resume_read(&o.out, RESUME_RESTART, &found_marks, &found, &why));
    assert_file(errors_path, FAILURE(3));
    assert_true(resume_cut(&o.out, &found, &why));
    assert_file(errors_path, "");
    marks_done(&found_marks);
    close_pair(&o);
    buf_clear(&why);
    put(out_path, RESULT(1, 200));
    o = open_pair("/dev/null");
    assert_false(resume_read(&o.out, RESUME_RETRY_FAILED, &found_marks, &found, &why));
    assert_non_null(strstr(buf_cstr(&why), "needs the failures in a file"));
    close_pair(&o);
}

/* Those that stand among the answers, since they were written there, or were put in order there. */
static void forgets_failures_among_answers(void **state) {
    (void)state;
    resume_found found;
    put(out_path, RESULT(5, 200) FAILURE(3) RESULT(6, 400) RESULT(1, 200) "{\"id\"");
    put(errors_path, FAILURE(4));
    assert_true(resume(RESUME_RETRY_FAILED, &found));
    assert_int_equal(found.answers, 2);
    assert_int_equal(found.failures, 0);
    assert_int_equal(found.forgotten, 3);
    for (uint64_t n = 1; n <= 6; n++)
        assert_int_equal(is_marked(n), n == 1 || n == 5);
    marks_done(&found_marks);
    assert_file(out_path, RESULT(5, 200) RESULT(1, 200));
    assert_int_not_equal(access(errors_path, F_OK), 0);
}

/* The machine was lost between the two. */
static void takes_a_failure_that_was_moved_for_one(void **state) {
    (void)state;
    resume_found found;
    put(out_path, RESULT(1, 200) FAILURE(3) RESULT(5, 200));
    put(errors_path, FAILURE(3) FAILURE(4));
    assert_true(resume(RESUME, &found));
    assert_int_equal(found.answers, 2);
    assert_int_equal(found.failures, 2);
    marks_done(&found_marks);
    put(errors_path, FAILURE(1)); /* but an answer never becomes a failure */
    assert_false(resume(RESUME, &found));
    assert_non_null(strstr(buf_cstr(&why), "line 1 is a second result of line 1 of the input"));
    marks_done(&found_marks);
}

/* What is shown when all is done is kept meanwhile where nobody else sees it. */
static void keeps_results_in_a_file_without_a_name(void **state) {
    (void)state;
    resume_found found;
    opened o = {0};
    assert_true(outputs_open(&o.out, &(outputs_names){NULL, NULL}, false, &o.made, &why));
    assert_null(o.made);
    assert_true(o.out.answers.unnamed && o.out.failures.fd < 0);
    marks_init(&found_marks);
    assert_false(resume_read(&o.out, RESUME_RETRY_FAILED, &found_marks, &found, &why));
    buf_clear(&why);
    assert_true(resume_read(&o.out, RESUME, &found_marks, &found, &why));
    buf_add_cstr(outputs_for(&o.out, true), FAILURE(3));
    assert_true(outputs_flush(&o.out));
    marks_done(&found_marks);
    close_pair(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_into_two_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_both_into_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_no_empty_error_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lets_one_batch_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(looking_makes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_wait_for_a_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_what_a_full_disk_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_no_torn_result, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_write_into_a_file_without_a_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_pipe_is_opened_for_writing_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_from_files_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_failures_among_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_a_failure_that_was_moved_for_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_results_in_a_file_without_a_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_what_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_a_torn_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_zeros_at_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_alone_what_stands_behind_zeros, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_the_files_of_others_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_failures_or_everything, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
