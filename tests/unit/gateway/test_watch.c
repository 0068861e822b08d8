#include "unit.h"

#include "base/clock.h"
#include "gateway/watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static const char *at(const char *name) {
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void start(watch *w, const char *name) {
    span path = span_cstr(at(name));
    watch_init(w);
    watch_set(w, &path, 1, INT64_MAX);
    assert_false(watch_changed(w));
}

/* A change is told once. */
static void assert_change(watch *w) {
    assert_true(watch_changed(w));
    assert_false(watch_changed(w));
}

static void test_written_in_place(void **state) {
    (void)state;
    watch w;
    put("a", "one");
    start(&w, "a");
    put("a", "three");
    assert_change(&w);
    watch_done(&w);
}

static void test_renamed_over(void **state) {
    (void)state;
    watch w;
    put("a", "one");
    start(&w, "a");
    put("new", "two");
    assert_int_equal(rename(at("new"), at("a")), 0);
    assert_change(&w);
    watch_done(&w);
}

/* The same size, and times set to what they were: what an editor or a copy may leave behind. */
static void test_same_size_and_time(void **state) {
    (void)state;
    watch w;
    struct stat s;
    put("a", "one");
    assert_int_equal(stat(at("a"), &s), 0);
    start(&w, "a");
    put("new", "two");
    const struct timespec times[] = {s.st_atim, s.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, at("new"), times, 0), 0);
    assert_int_equal(rename(at("new"), at("a")), 0);
    assert_change(&w);
    watch_done(&w);
}

/* Kubernetes: file → ..data/file, ..data → a dated directory, and ..data is turned. */
static void test_symbolic_link_turned(void **state) {
    (void)state;
    watch w;
    assert_int_equal(mkdir(at("v1"), 0700), 0);
    assert_int_equal(mkdir(at("v2"), 0700), 0);
    put("v1/a", "one");
    put("v2/a", "two");
    assert_int_equal(symlink("v1", at("data")), 0);
    assert_int_equal(symlink("data/a", at("link")), 0);
    start(&w, "link");
    assert_int_equal(symlink("v2", at("data.new")), 0);
    assert_int_equal(rename(at("data.new"), at("data")), 0);
    assert_change(&w);
    watch_done(&w);
}

static void test_gone_and_back(void **state) {
    (void)state;
    watch w;
    put("a", "one");
    start(&w, "a");
    assert_int_equal(unlink(at("a")), 0);
    assert_change(&w);
    put("a", "one");
    assert_change(&w);
    watch_done(&w);
}

/* Other paths are watched from now on; what was seen of the one that stays is not forgotten. */
static void test_set_again_keeps_what_was_seen(void **state) {
    (void)state;
    watch w;
    put("a", "one");
    put("b", "one");
    start(&w, "a");
    put("a", "three");
    span both[] = {span_cstr(at("a")), span_cstr(at("b"))};
    watch_set(&w, both, 2, INT64_MAX);
    assert_change(&w);
    put("b", "three");
    assert_change(&w);
    watch_done(&w);
}

/* What was written while it was read may have been read before. */
static void test_written_since_it_was_read(void **state) {
    (void)state;
    watch w;
    const int64_t began_us = clock_wall_us() - 60 * 1000000;
    put("a", "one");
    span both[] = {span_cstr(at("a")), span_cstr(at("b"))};
    watch_init(&w);
    watch_set(&w, both, 2, began_us);
    assert_change(&w); /* "b" is not there, and was not */
    put("b", "one");
    assert_change(&w);
    watch_set(&w, both, 2, began_us); /* what has been seen is known */
    assert_false(watch_changed(&w));
    watch_done(&w);
}

static int make_dir(void **state) {
    (void)state;
    strcpy(dir, "/tmp/weir-watch-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    static const char *const names[] = {"a",    "b",    "new", "link", "data",
                                        "v1/a", "v2/a", "v1",  "v2"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)remove(at(names[i]));
    return rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_written_in_place, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_renamed_over, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_same_size_and_time, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_symbolic_link_turned, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_gone_and_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_set_again_keeps_what_was_seen, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_written_since_it_was_read, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
