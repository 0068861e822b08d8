/* What is still to be done: lines, blank ones, done ones, changed ones. */
#include "unit.h"

#include "batch/source.h"
#include "batch/tally.h"

#include <unistd.h>

static marks done;
static source src;

/* A file that holds text. */
static int file_of(const char *text) {
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(write(fileno(f), text, strlen(text)), strlen(text));
    int fd = dup(fileno(f));
    fclose(f);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void begin(const char *text, batch_format format) {
    source_init(&src, file_of(text), "in", &(item_rules){.format = format}, 100, &done);
}

static void finish(void) {
    close(src.fd);
    source_done(&src);
    marks_done(&done);
}

static source_verdict next_line(void) {
    source_verdict verdict;
    while ((verdict = source_next(&src)) == SOURCE_MORE)
        source_read(&src);
    return verdict;
}

static void expect(uint64_t number, item_problem problem) {
    assert_int_equal(next_line(), SOURCE_LINE);
    assert_int_equal(src.line.number, number);
    assert_int_equal(src.item.problem, problem);
}

static void expect_failure(const char *why) {
    assert_int_equal(next_line(), SOURCE_FAILED);
    assert_int_equal(next_line(), SOURCE_FAILED); /* for good */
    assert_string_equal(buf_cstr(&src.why), why);
}

#define PLAIN "{\"messages\":[]}"
#define LINE(id)                                                                                   \
    "{\"custom_id\":\"" id "\",\"method\":\"POST\",\"url\":\"/v1/embeddings\",\"body\":{}}"

static void mark(const char *text, uint64_t number) {
    bool known;
    lines l;
    line found;
    span input = span_cstr(text);
    lines_init(&l, 100, true);
    assert_true(lines_next(&l, &input, &found) || lines_end(&l, &found));
    assert_true(marks_set(&done, number, found.mark, &known));
    lines_done(&l);
}

static void detects_by_the_first_line_that_is_not_blank(void **state) {
    (void)state;
    begin("\n \n" PLAIN "\n\nHow?\n" LINE("a") "\n", FORMAT_AUTO);
    expect(3, ITEM_GOOD);
    expect(5, ITEM_NOT_JSON);
    expect(6, ITEM_GOOD);
    assert_int_equal(next_line(), SOURCE_END);
    assert_int_equal(next_line(), SOURCE_END);
    assert_int_equal(src.blank, 3);
    assert_int_equal(src.told, 3);
    finish();
    begin("How?\n" PLAIN, FORMAT_AUTO);
    expect(1, ITEM_GOOD);
    expect(2, ITEM_GOOD);
    assert_span(src.item.body,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"{\\\"messages\\\":[]}\"}]}");
    finish();
}

/* Whatever the input is called: standard input has no name that tells it. */
static void reads_what_the_user_says(void **state) {
    (void)state;
    begin("custom_id,prompt\na,\"x\ny\"\nb,z\n", FORMAT_CSV);
    expect(2, ITEM_GOOD);
    assert_span(src.item.custom_id, "\"a\"");
    expect(4, ITEM_GOOD);
    assert_int_equal(next_line(), SOURCE_END);
    finish();
    begin("n\tprompt\n1\ta, b\n", FORMAT_TSV);
    expect(2, ITEM_GOOD);
    assert_span(src.item.body, "{\"messages\":[{\"role\":\"user\",\"content\":\"a, b\"}]}");
    finish();
    begin(" [" PLAIN ",\n" LINE("a") "]", FORMAT_JSON);
    expect(1, ITEM_GOOD);
    expect(2, ITEM_GOOD);
    assert_int_equal(next_line(), SOURCE_END);
    finish();
    begin("How?\n", FORMAT_JSON); /* and no prompt */
    expect(1, ITEM_NOT_JSON);
    finish();
}

static void finds_duplicates(void **state) {
    (void)state;
    begin(LINE("a") "\n" LINE("b") "\n" LINE("\\u0061") "\n" PLAIN "\n" LINE(
              "line-4") "\n"
                        "{\"custom_id\":\"c\"}\n" LINE("c"),
          FORMAT_AUTO);
    expect(1, ITEM_GOOD);
    expect(2, ITEM_GOOD);
    expect(3, ITEM_DUPLICATE);
    assert_span(src.item.message, "line 3: custom_id \"\\u0061\" is that of line 1 too");
    expect(4, ITEM_GOOD);
    expect(5, ITEM_DUPLICATE);
    expect(6, ITEM_METHOD);
    expect(7, ITEM_DUPLICATE);
    assert_int_equal(next_line(), SOURCE_END);
    finish();
}

static void passes_over_what_is_done(void **state) {
    (void)state;
    marks_init(&done);
    mark(LINE("a"), 1);
    mark(LINE("x"), 3);
    begin(LINE("a") "\n" LINE("b") "\n" LINE("x") "\n" LINE("a"), FORMAT_AUTO);
    expect(2, ITEM_GOOD);
    expect(4, ITEM_DUPLICATE); /* of a line that is done */
    assert_int_equal(next_line(), SOURCE_END);
    assert_int_equal(src.told, 2);
    finish();
}

static void stops_at_a_line_that_has_changed(void **state) {
    (void)state;
    marks_init(&done);
    mark(LINE("b"), 2);
    begin(LINE("a") "\n" LINE("c") "\n" LINE("d") "\n", FORMAT_AUTO);
    expect(1, ITEM_GOOD);
    expect_failure("in: line 2 is not what it was when its result was written; name another "
                   "output, or say --restart to begin anew");
    finish();
    marks_init(&done);
    mark(LINE("b"), 3);
    begin(LINE("a") "\n" LINE("b") "\n", FORMAT_AUTO);
    expect(1, ITEM_GOOD);
    expect(2, ITEM_GOOD);
    expect_failure(
        "in: ends with line 2, but there is a result of line 3; name another output, or say "
        "--restart to begin anew");
    finish();
}

static void tells_when_it_cannot_read(void **state) {
    (void)state;
    marks_init(&done);
    source_init(&src, -1, "in", &(item_rules){.format = FORMAT_AUTO}, 100, &done);
    expect_failure("cannot read in: Bad file descriptor");
    finish();
}

/* What a broken copy left of an array is not all of it, wherever it breaks off. */
static void stops_where_an_array_is_not_closed(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned whole;
        const char *behind;
    } cut[] = {
        {"[" PLAIN "," PLAIN "\n", 1, "2"},
        {"[" PLAIN "," PLAIN ",", 2, "2"},
        {"[" PLAIN ",{\"mess", 1, "2"},
        {"[" PLAIN, 0, "1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
        char why[200];
        (void)snprintf(why, sizeof why,
                       "in: the array that it holds is not closed: a ] is missing behind element "
                       "%s, so that the file may have been cut short",
                       cut[i].behind);
        marks_init(&done);
        begin(cut[i].text, FORMAT_JSON);
        for (unsigned n = 1; n <= cut[i].whole; n++)
            expect(n, ITEM_GOOD);
        expect_failure(why);
        finish();
    }
    marks_init(&done);
    begin("[" PLAIN "]\n", FORMAT_JSON);
    expect(1, ITEM_GOOD);
    assert_int_equal(next_line(), SOURCE_END);
    finish();
}

static void counts_beside_the_run(void **state) {
    (void)state;
    tally t;
    int fd = file_of("a\n\n  \nb\nc");
    tally_init(&t, fd, "in", &(item_rules){0});
    assert_true(tally_wanted(&t));
    while (tally_wanted(&t))
        tally_step(&t);
    assert_int_equal(t.count, 3);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    tally_done(&t);
    close(fd);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    tally_init(&t, ends[0], "in", &(item_rules){0});
    assert_false(tally_wanted(&t));
    tally_done(&t);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    marks_init(&done);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detects_by_the_first_line_that_is_not_blank),
        cmocka_unit_test(reads_what_the_user_says),
        cmocka_unit_test(finds_duplicates),
        cmocka_unit_test(passes_over_what_is_done),
        cmocka_unit_test(stops_at_a_line_that_has_changed),
        cmocka_unit_test(tells_when_it_cannot_read),
        cmocka_unit_test(stops_where_an_array_is_not_closed),
        cmocka_unit_test(counts_beside_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
