/* The lines of an input beside their results: which columns there are, and what stands in them. */
#include "unit.h"

#include "batch/join.h"

#include <unistd.h>

#define RESULT(id, text)                                                                           \
    "{\"id\":\"x\",\"custom_id\":\"" id                                                            \
    "\",\"response\":{\"status_code\":200,\"request_id\":\"r\","                                   \
    "\"body\":{\"choices\":[{\"message\":{\"content\":\"" text "\"}}]}},\"error\":null}\n"
#define ADDED                                                                                      \
    "finish_reason,model,prompt_tokens,completion_tokens,total_tokens,cost,error_code,error_"      \
    "message\r\n"

static char folder[64], in_path[128], out_path[128], errors_path[128], joined_path[128];
static buf notes, why;

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-join-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(out_path, sizeof out_path, "%s/out.jsonl", folder);
    snprintf(errors_path, sizeof errors_path, "%s/out.errors.jsonl", folder);
    snprintf(joined_path, sizeof joined_path, "%s/joined", folder);
    return 0;
}

/* Nothing is left over: else the folder is not empty. */
static int tear_down(void **state) {
    (void)state;
    (void)unlink(in_path);
    (void)unlink(out_path);
    (void)unlink(errors_path);
    (void)unlink(joined_path);
    buf_done(&notes);
    buf_done(&why);
    return rmdir(folder);
}

static void put(const char *path, const char *text) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}

static bool join(const char *name, const char *input, const char *results, join_counts *ret) {
    const char *files[] = {out_path};
    const join_settings settings = {.input = in_path,
                                    .results = files,
                                    .result_count = 1,
                                    .output = joined_path,
                                    .rules = {.format = FORMAT_AUTO}};
    (void)unlink(in_path);
    (void)unlink(joined_path);
    snprintf(in_path, sizeof in_path, "%s/%s", folder, name);
    put(in_path, input);
    put(out_path, results);
    buf_clear(&notes);
    buf_clear(&why);
    return join_write(&settings, ret, &notes, &why);
}

static void makes_tables(void **state) {
    (void)state;
    static const struct {
        const char *name, *input, *results, *table;
        join_counts counts;
    } rows[] = {
        {"in.csv",
         "custom_id,q\nb,1\na,\"2,\"\nc,3\n",
         RESULT("a", "A") RESULT("b", "B"),
         "custom_id,q,content," ADDED "b,1,B,,,,,,,,\r\na,\"2,\",A,,,,,,,,\r\nc,3,,,,,,,,,\r\n",
         {.lines = 3, .joined = 2}},
        /* A line that is named as an earlier one has no result of its own. */
        {"in.csv",
         "custom_id\na\na\n",
         RESULT("a", "A"),
         "custom_id,content," ADDED "a,A,,,,,,,,\r\na,,,,,,,,,\r\n",
         {.lines = 2, .joined = 1}},
        {"in.csv",
         "custom_id, content\na,1\n",
         RESULT("a", "A"),
         "custom_id, content,result_content," ADDED "a,1,A,,,,,,,,\r\n",
         {.lines = 1, .joined = 1}},
        {"in.tsv",
         "q\tr\nx\ty\n",
         RESULT("line-2", "a\\tb") RESULT("z", ""),
         "q\tr\tcustom_id\tcontent\tfinish_reason\tmodel\tprompt_tokens\tcompletion_tokens\t"
         "total_tokens\tcost\terror_code\terror_message\r\n"
         "x\ty\tline-2\t\"a\tb\"\t\t\t\t\t\t\t\t\r\n",
         {.lines = 1, .joined = 1, .unused = 1}},
        {"in.txt",
         "=one\n\ntwo",
         RESULT("line-3", "2"),
         "custom_id,input,content," ADDED "line-1,=one,,,,,,,,,\r\nline-3,two,2,,,,,,,,\r\n",
         {.lines = 2, .joined = 1}},
        {"in.csv", "custom_id,q\n", RESULT("a", "A"), "custom_id,q,content," ADDED, {.unused = 1}},
        {"in.csv",
         "custom_id,q\na\nb,1\n",
         RESULT("b", "B"),
         "custom_id,q,content," ADDED "b,1,B,,,,,,,,\r\n",
         {.lines = 1, .joined = 1, .bad = 1}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        join_counts counts;
        if (!join(rows[i].name, rows[i].input, rows[i].results, &counts))
            fail_msg("%zu: %s", i, buf_cstr(&why));
        buf made = unit_read(joined_path);
        assert_string_equal(buf_cstr(&made), rows[i].table);
        buf_done(&made);
        assert_int_equal(counts.lines, rows[i].counts.lines);
        assert_int_equal(counts.joined, rows[i].counts.joined);
        assert_int_equal(counts.bad, rows[i].counts.bad);
        assert_int_equal(counts.unused, rows[i].counts.unused);
    }
    assert_string_equal(buf_cstr(&notes), "line 2: has 1 columns; the header has 2\n");
}

/* A failure that lies beside the answers, and one that an answer came after. */
static void reads_failures_too(void **state) {
    (void)state;
    join_counts counts;
    put(errors_path, "{\"id\":\"x\",\"custom_id\":\"b\",\"response\":null,\"error\":{\"code\":"
                     "\"timeout\",\"message\":\"m\"}}\n"
                     "{\"id\":\"x\",\"custom_id\":\"a\",\"response\":null,\"error\":{}}\n");
    assert_true(join("in.csv", "custom_id\na\nb\n", RESULT("a", "A"), &counts));
    buf made = unit_read(joined_path);
    assert_string_equal(buf_cstr(&made),
                        "custom_id,content," ADDED "a,A,,,,,,,,\r\nb,,,,,,,,timeout,m\r\n");
    buf_done(&made);
}

static void makes_nothing_of_what_does_not_belong_together(void **state) {
    (void)state;
    join_counts counts;
    assert_false(join("in.csv", "custom_id\na\n", RESULT("b", "B"), &counts));
    assert_non_null(strstr(buf_cstr(&why), "none of the results is of a line of"));
    assert_int_not_equal(access(joined_path, F_OK), 0);
    assert_false(join("in.csv", "custom_id,custom_id\na\n", RESULT("b", "B"), &counts));
    assert_non_null(strstr(buf_cstr(&why), "more than one column is called 'custom_id'"));
    assert_true(join("in.csv", "custom_id\na\n", "", &counts)); /* nobody has answered yet */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_failures_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(makes_nothing_of_what_does_not_belong_together, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
