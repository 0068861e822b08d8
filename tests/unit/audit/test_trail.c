/* Every record stands in the trail once, whatever happens between it and the store. */
#include "audit/trailing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#define FIRST  "audit-00000001.jsonl"
#define SECOND "audit-00000002.jsonl"

static void test_goes_on_at_each_start(void **state) {
    world *w = *state;
    for (unsigned life = 1; life <= 3; life++) {
        open_trail(w);
        take(w, 2, true);
        close_trail(w);
    }
    expect(w, NULL, "6 in 1: 1-6");
}

/* What was written and not committed is written anew: the store did not take the records. */
static void test_a_crash_before_the_commit(void **state) {
    world *w = *state;
    open_trail(w);
    take(w, 2, true);
    take(w, 3, false);
    close_trail(w);
    expect(w, NULL, "5 in 1: 1-5, 3 behind");
    open_trail(w);
    expect(w, NULL, "2 in 1: 1-2");
    take(w, 3, true);
    expect(w, NULL, "5 in 1: 1-5");
}

static void test_a_store_that_takes_back(void **state) {
    world *w = *state;
    open_trail(w);
    take(w, 2, true);
    take(w, 3, false);
    w->sink->ops->settled(w->sink, false);
    take(w, 1, true);
    expect(w, NULL, "3 in 1: 1-3");
}

/* The first record of a file that was begun is not committed either. */
static void test_a_crash_at_the_begin_of_a_file(void **state) {
    world *w = *state;
    w->file_bytes = 1;
    open_trail(w);
    take(w, 2, true);
    take(w, 1, false);
    close_trail(w);
    open_trail(w);
    expect(w, NULL, "2 in 1: 1-2");
    take(w, 1, true);
    expect(w, NULL, "3 in 2: 1-3");
}

/* The store committed, and the connection broke before it said so. */
static void a_commit_that_is_not_heard_of(world *w, size_t file_bytes, const char *wanted) {
    w->file_bytes = file_bytes;
    open_trail(w);
    take(w, 2, true);
    take_unheard(w, 3);
    buf why = BUF_EMPTY;
    assert_true(w->sink->ops->resume(w->sink, buf_span(&w->position), &why));
    take(w, 1, true);
    expect(w, NULL, wanted);
    buf_done(&why);
}

static void test_a_commit_that_is_not_heard_of(void **state) {
    a_commit_that_is_not_heard_of(*state, 1 << 20, "6 in 1: 1-6");
}

static void test_nor_of_one_in_a_new_file(void **state) {
    a_commit_that_is_not_heard_of(*state, 1, "6 in 3: 1-6");
}

static void test_taken_back_in_a_new_file(void **state) {
    world *w = *state;
    w->file_bytes = 1;
    open_trail(w);
    take(w, 2, true);
    take(w, 3, false);
    w->sink->ops->settled(w->sink, false);
    take(w, 1, true);
    expect(w, NULL, "3 in 2: 1-3");
}

static void test_torn_in_the_middle(void **state) {
    world *w = *state;
    open_trail(w);
    take(w, 2, true);
    take(w, 1, false);
    close_trail(w);
    buf text = read_file(w, FIRST);
    write_file(w, FIRST, span_from(text.ptr, text.len - 20)); /* a kill, behind the head */
    expect(w, NULL, "2 in 1: 1-2, torn");
    open_trail(w);
    take(w, 1, true);
    expect(w, NULL, "3 in 1: 1-3");
    buf_done(&text);
    close_trail(w);
    text = read_file(w, FIRST); /* what the head vouches for was whole */
    write_file(w, FIRST, span_from(text.ptr, text.len - 1));
    expect(w, NULL, FIRST ", line 3: its last record is cut off in its middle");
    buf_done(&text);
}

/* One that another file follows was whole. */
static void test_torn_before_another_file(void **state) {
    world *w = *state;
    w->file_bytes = 1;
    open_trail(w);
    take(w, 1, true);
    buf head = read_file(w, AUDIT_HEAD_NAME);
    take(w, 1, true);
    take(w, 1, true);
    close_trail(w);
    write_file(w, AUDIT_HEAD_NAME, buf_span(&head));
    expect(w, NULL, "3 in 3: 1-3, 2 behind");
    buf text = read_file(w, SECOND);
    write_file(w, SECOND, span_from(text.ptr, text.len - 20));
    expect(w, NULL, SECOND ", line 1: its last record is cut off in its middle");
    buf_done(&text);
    buf_done(&head);
}

/* Records that were committed are gone: that is not healed over. */
static void test_a_file_that_was_shortened(void **state) {
    world *w = *state;
    open_trail(w);
    take(w, 1, true);
    buf text = read_file(w, FIRST);
    take(w, 1, true);
    close_trail(w);
    write_file(w, FIRST, buf_span(&text));
    open_trail(w);
    take(w, 1, true);
    expect(w, NULL, SECOND ", line 1: record 2 is missing: record 3 stands behind 1");
    buf_done(&text);
}

/* Of a store that was removed the trail goes on behind what is there. */
static void test_another_store(void **state) {
    world *w = *state;
    open_trail(w);
    take(w, 2, true);
    close_trail(w);
    buf_clear(&w->position);
    open_trail(w);
    take(w, 1, true);
    expect(w, NULL, "3 in 1: 1-3");
}

static void keep(buf *at, const world *w) {
    buf_clear(at);
    buf_add(at, buf_span(&w->position));
}

/* What the head vouches for was committed, also where the store that knows of it was put back to
 * what it was before: nothing is cut. */
static void test_a_store_that_is_older(void **state) {
    world *w = *state;
    buf before = BUF_EMPTY;
    w->file_bytes = 1;
    for (unsigned several = 0; several < 2; several++) {
        open_trail(w);
        take(w, 2, true);
        keep(&before, w);
        take(w, 3, true);
        if (several) take(w, 1, true); /* in another file */
        close_trail(w);
        buf_clear(&w->position);
        buf_add(&w->position, buf_span(&before));
        open_trail(w);
        expect(w, NULL, several ? "12 in 6: 1-12" : "5 in 2: 1-5");
        take(w, 1, true);
        close_trail(w);
        expect(w, NULL, several ? "13 in 7: 1-13" : "6 in 3: 1-6");
    }
    buf_done(&before);
}

static void test_files_follow_each_other(void **state) {
    world *w = *state;
    w->file_bytes = 400;
    open_trail(w);
    for (unsigned i = 0; i < 9; i++)
        take(w, 1, true);
    expect(w, NULL, "9 in 5: 1-9");
    buf path = path_of(w, "audit-00000003.jsonl");
    assert_int_equal(remove(path.ptr), 0);
    expect(w, NULL,
           "audit-00000004.jsonl, line 1: records 5 to 6 are missing: record 7 stands "
           "behind 4");
    buf_done(&path);
}

static void age(const world *w, const char *name, int64_t by_s) {
    buf path = path_of(w, name);
    const struct timespec then[] = {{time(NULL) - by_s, 0}, {time(NULL) - by_s, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path.ptr, then, 0), 0);
    buf_done(&path);
}

static void test_old_files_go_and_are_named(void **state) {
    world *w = *state;
    w->file_bytes = 1;
    w->keep_ms = 3600 * 1000;
    open_trail(w);
    for (unsigned i = 0; i < 3; i++)
        take(w, 1, true);
    expect(w, NULL, "3 in 3: 1-3");
    close_trail(w);
    age(w, FIRST, 7200);
    open_trail(w); /* looks anew */
    assert_true(w->sink->ops->due(w->sink));
    take(w, 0, true);
    expect(w, NULL, "3 in 3: 2-4, pruned to 1");
    assert_false(w->sink->ops->due(w->sink));
    /* A file that somebody else has removed is not one of these. */
    buf path = path_of(w, SECOND);
    assert_int_equal(remove(path.ptr), 0);
    expect(w, NULL,
           "records 1 to 2 are missing at the beginning, and no record says that they were pruned");
    buf_done(&path);
}

/* A clock by which even the last of them is too old may be far ahead: what the trail writes by it
 * says nothing for it. */
static void test_a_clock_that_takes_all_files_away_is_doubted(void **state) {
    world *w = *state;
    w->file_bytes = 1;
    w->keep_ms = 3600 * 1000;
    w->doubt_ms = 3600 * 1000;
    open_trail(w);
    for (unsigned i = 0; i < 2; i++)
        take(w, 1, true);
    close_trail(w);
    age(w, FIRST, 7200);
    age(w, SECOND, 7200);
    open_trail(w);
    assert_false(w->sink->ops->due(w->sink));
    take(w, 1, true);
    expect(w, NULL, "3 in 3: 1-3");
    close_trail(w);
    open_trail(w); /* a process that this clock has started before bears no witness for it */
    assert_false(w->sink->ops->due(w->sink));
    close_trail(w);
    w->doubt_ms = 0;
    age(w, SECOND, 7200); /* which the first start has touched */
    open_trail(w);
    take(w, 0, true);
    expect(w, NULL, "2 in 2: 3-4, pruned to 2");
}

/* Committed, and gone only at the next look: nothing is named twice. */
static void test_a_crash_before_old_files_go(void **state) {
    world *w = *state;
    w->file_bytes = 1;
    w->keep_ms = 3600 * 1000;
    open_trail(w);
    for (unsigned i = 0; i < 2; i++)
        take(w, 1, true);
    close_trail(w);
    age(w, FIRST, 7200);
    open_trail(w);
    take(w, 0, false);
    close_trail(w);
    expect(w, NULL, "3 in 3: 1-3, 1 behind, pruned to 1");
    open_trail(w);
    expect(w, NULL, "2 in 2: 1-2");
    take(w, 0, true);
    expect(w, NULL, "2 in 2: 2-3, pruned to 1");
}

/* Of the files that a record names as gone some are still there. */
static void test_a_crash_while_old_files_go(void **state) {
    world *w = *state;
    w->file_bytes = 1;
    w->keep_ms = 3600 * 1000;
    open_trail(w);
    for (unsigned i = 0; i < 3; i++)
        take(w, 1, true);
    close_trail(w);
    buf second = read_file(w, SECOND);
    age(w, FIRST, 7200);
    age(w, SECOND, 7200);
    open_trail(w);
    take(w, 0, true);
    expect(w, NULL, "2 in 2: 3-4, pruned to 2");
    write_file(w, SECOND, buf_span(&second));
    expect(w, NULL, "3 in 3: 2-4, pruned to 2");
    buf_done(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goes_on_at_each_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_crash_before_the_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_store_that_takes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_crash_at_the_begin_of_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_commit_that_is_not_heard_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nor_of_one_in_a_new_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taken_back_in_a_new_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_torn_in_the_middle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_torn_before_another_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_was_shortened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_store_that_is_older, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_files_go_and_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_clock_that_takes_all_files_away_is_doubted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_crash_before_old_files_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_crash_while_old_files_go, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
