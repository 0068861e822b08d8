/* The results in the order of the input: what takes whose place, and what stays when it cannot. */
#include "unit.h"

#include "batch/ordered.h"
#include "batch/replace.h"
#include "batch/scratch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER(n)                                                                                  \
    "{\"id\":\"batch_req_" #n "_00000000000" #n "\",\"custom_id\":\"a" #n "\",\"response\":"       \
    "{\"status_code\":200,\"request_id\":\"r\",\"body\":{\"choices\":[{\"text\":\"t" #n            \
    "\"}]}},\"error\":null}\n"
#define FAILURE(n)                                                                                 \
    "{\"id\":\"batch_req_" #n "_00000000000" #n "\",\"custom_id\":null,\"response\":null,"         \
    "\"error\":{\"code\":\"timeout\",\"message\":\"\"}}\n"

static char folder[64], out_path[128], errors_path[128], view_path[128];
static outputs out;
static char *made;
static buf why;

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

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-ordered-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(out_path, sizeof out_path, "%s/out.jsonl", folder);
    snprintf(errors_path, sizeof errors_path, "%s/out.errors.jsonl", folder);
    snprintf(view_path, sizeof view_path, "%s/out.txt", folder);
    return 0;
}

/* Nothing is left over: else the folder is not empty. */
static int tear_down(void **state) {
    (void)state;
    (void)unlink(out_path);
    (void)unlink(errors_path);
    (void)unlink(view_path);
    buf_done(&why);
    return rmdir(folder);
}

static void open_record(const char *answers, const char *failures) {
    put(out_path, answers);
    put(errors_path, failures);
    buf_clear(&why);
    assert_true(outputs_open(&out, &(outputs_names){out_path, NULL}, false, &made, &why));
}

static void close_record(void) {
    outputs_done(&out);
    free(made);
}

static ino_t inode_of(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static const view to_record = {.wanted = true, .to_record = true, .fd = -1};
static const view apart = {.wanted = true, .to_record = true, .apart = true, .fd = -1};

static void puts_the_record_into_order(void **state) {
    (void)state;
    static const struct {
        const view *view;
        const char *answers, *failures, *answers_then, *failures_then;
    } rows[] = {
        {&to_record, ANSWER(3) ANSWER(1), FAILURE(2), ANSWER(1) FAILURE(2) ANSWER(3), NULL},
        {&to_record, ANSWER(1), FAILURE(2), ANSWER(1) FAILURE(2), NULL},
        {&to_record, FAILURE(2) ANSWER(1), "", ANSWER(1) FAILURE(2), NULL},
        {&to_record, ANSWER(1) FAILURE(2), FAILURE(2) FAILURE(4), ANSWER(1) FAILURE(2) FAILURE(4),
         NULL},
        {&to_record, "", "", "", NULL},
        {&apart, ANSWER(3) ANSWER(1), FAILURE(4) FAILURE(2), ANSWER(1) ANSWER(3),
         FAILURE(2) FAILURE(4)},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        open_record(rows[i].answers, rows[i].failures);
        if (!view_write(rows[i].view, &out, &why)) fail_msg("%s", buf_cstr(&why));
        /* Who comes meanwhile finds it locked, under its new name too. */
        int other = open(out_path, O_RDWR);
        assert_int_not_equal(flock(other, LOCK_EX | LOCK_NB), 0);
        close(other);
        close_record();
        assert_file(out_path, rows[i].answers_then);
        if (rows[i].failures_then)
            assert_file(errors_path, rows[i].failures_then);
        else
            assert_int_not_equal(access(errors_path, F_OK), 0);
    }
}

static void leaves_what_is_in_order(void **state) {
    (void)state;
    open_record(ANSWER(1) FAILURE(2) ANSWER(3), "");
    ino_t before = inode_of(out_path);
    assert_true(view_write(&to_record, &out, &why));
    assert_int_equal(inode_of(out_path), before);
    close_record();
}

static void shows_the_record_elsewhere(void **state) {
    (void)state;
    const view text = {.form = RESULTS_TEXT, .wanted = true, .path = view_path, .fd = -1};
    put(view_path, "what was there");
    assert_int_equal(chmod(view_path, 0640), 0);
    open_record(ANSWER(3) ANSWER(1), FAILURE(2));
    assert_true(view_write(&text, &out, &why));
    close_record();
    assert_file(view_path, "t1\n\nt3\n");
    assert_file(out_path, ANSWER(3) ANSWER(1));
    assert_file(errors_path, FAILURE(2));
    struct stat st;
    assert_int_equal(stat(view_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

/* A link stays one, and what it leads to is replaced. */
static void follows_links(void **state) {
    (void)state;
    char link[160];
    snprintf(link, sizeof link, "%s/link", folder);
    const view text = {.form = RESULTS_TEXT, .wanted = true, .path = link, .fd = -1};
    put(view_path, "");
    assert_int_equal(symlink("out.txt", link), 0);
    open_record(ANSWER(1), "");
    assert_true(view_write(&text, &out, &why));
    close_record();
    assert_file(view_path, "t1\n");
    assert_int_equal(unlink(link), 0);
}

static void shows_the_record_in_a_pipe(void **state) {
    (void)state;
    int fd = scratch_open();
    view text = {.form = RESULTS_TEXT, .wanted = true, .path = "p", .fd = fd};
    char read[16] = "";
    open_record(ANSWER(2) ANSWER(1), "");
    assert_true(view_write(&text, &out, &why));
    assert_true(scratch_read(fd, read, sizeof read - 1, 0));
    assert_string_equal(read, "t1\nt2\n");
    close(fd);
    text.fd = open("/dev/full", O_WRONLY);
    assert_false(view_write(&text, &out, &why));
    assert_string_equal(buf_cstr(&why), "cannot write p: No space left on device");
    close(text.fd);
    close_record();
}

static void what_fails_changes_nothing(void **state) {
    (void)state;
    view text = {.form = RESULTS_TEXT, .wanted = true, .path = "/dev/null/out.txt", .fd = -1};
    open_record(ANSWER(2) ANSWER(1), FAILURE(3));
    assert_false(view_write(&text, &out, &why));
    assert_string_equal(buf_cstr(&why), "cannot write /dev/null/out.txt: Not a directory");
    close_record();
    open_record(ANSWER(2) ANSWER(1), FAILURE(3) ANSWER(2)); /* of two batches */
    assert_false(view_write(&to_record, &out, &why));
    close_record();
    assert_file(out_path, ANSWER(2) ANSWER(1));
    assert_file(errors_path, FAILURE(3) ANSWER(2));
}

/* The folder is empty afterwards, but for what was there before. */
static void what_is_not_done_leaves_nothing(void **state) {
    (void)state;
    replacement r;
    put(view_path, "before");
    assert_true(replace_open(&r, view_path, &why));
    buf_add_cstr(&r.pending, "half");
    replace_done(&r);
    assert_file(view_path, "before");
}

static void drops_failures(void **state) {
    (void)state;
    open_record(ANSWER(3) FAILURE(2) ANSWER(1) FAILURE(4) "{\"id\":\"batch_req_5", "");
    assert_true(results_drop_failures(&out.answers, &why));
    buf_add_cstr(outputs_for(&out, false), ANSWER(2)); /* it goes on in the new file */
    assert_true(outputs_flush(&out));
    close_record();
    assert_file(out_path, ANSWER(3) ANSWER(1) ANSWER(2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(puts_the_record_into_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_what_is_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_the_record_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(follows_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_the_record_in_a_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_fails_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_done_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(drops_failures, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
