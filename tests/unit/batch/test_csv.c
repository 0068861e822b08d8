/* Records of a table, whatever way their bytes come, and their header. */
#include "unit.h"

#include "batch/csv.h"
#include "batch/lines.h"
#include "batch/table.h"

static arena a;

static int set_up(void **state) {
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&a);
    return 0;
}

/* "<one><two>", or what is wrong. */
static void expect_fields(const char *record, char separator, const char *expected) {
    span *fields;
    size_t count;
    buf found = BUF_EMPTY;
    csv_fault fault = csv_read(span_cstr(record), separator, &a, &fields, &count);
    if (fault != CSV_GOOD) buf_add_cstr(&found, csv_fault_text(fault));
    for (size_t i = 0; fault == CSV_GOOD && i < count; i++)
        buf_addf(&found, "<%.*s>", SPAN_ARG(fields[i]));
    assert_string_equal(found.len ? buf_cstr(&found) : "", expected);
    buf_done(&found);
}

static void fields(void **state) {
    (void)state;
    expect_fields("a,b,c", ',', "<a><b><c>");
    expect_fields("a", ',', "<a>");
    expect_fields("", ',', "<>");
    expect_fields(",", ',', "<><>");
    expect_fields("a,", ',', "<a><>");
    expect_fields("a\tb,c", '\t', "<a><b,c>");
    expect_fields("\"a\",\"b,c\",\"\"", ',', "<a><b,c><>");
    expect_fields("\"say \"\"hi\"\"\",x", ',', "<say \"hi\"><x>");
    expect_fields("\"two\r\nlines\",x", ',', "<two\r\nlines><x>");
    expect_fields(" a , b", ',', "< a >< b>");
    expect_fields("\"\"\"\"", ',', "<\">");
    expect_fields("1,2,3,4,5,6,7,8,9,10", ',', "<1><2><3><4><5><6><7><8><9><10>");
    expect_fields("5\" pipe,x", ',', "a quote inside a field that does not begin with one");
    expect_fields("a,\"b", ',', "a quote that is not closed");
    expect_fields("\"", ',', "a quote that is not closed");
    expect_fields("\"a\"b,c", ',', "text behind the quote that closes a field");
    expect_fields("\"a\" ,c", ',', "text behind the quote that closes a field");
}

/* "1:text|" of each record. */
static void read_in_steps(span doc, size_t step, char separator, buf *out) {
    lines l;
    line found;
    lines_init(&l, 1000, true);
    if (separator)
        lines_are_records(&l, separator);
    else
        lines_may_be_elements(&l);
    for (size_t at = 0; at < doc.len; at += step) {
        span input = span_slice(doc, at, at + step < doc.len ? at + step : doc.len);
        while (lines_next(&l, &input, &found))
            buf_addf(out, "%d:%.*s|", (int)found.number, SPAN_ARG(found.text));
        assert_int_equal(input.len, 0);
    }
    while (lines_end(&l, &found))
        buf_addf(out, "%d:%.*s|", (int)found.number, SPAN_ARG(found.text));
    lines_done(&l);
}

static void expect_records(const char *doc, char separator, const char *expected) {
    for (size_t step = 1; step <= strlen(doc) + 1; step++) {
        buf found = BUF_EMPTY;
        read_in_steps(span_cstr(doc), step, separator, &found);
        assert_string_equal(found.len ? buf_cstr(&found) : "", expected);
        buf_done(&found);
    }
}

static void records_end_outside_of_quotes(void **state) {
    (void)state;
    expect_records("a,b\nc,d\n", ',', "1:a,b|2:c,d|");
    expect_records("\xEF\xBB\xBF"
                   "a,b\r\nc,d",
                   ',', "1:a,b|2:c,d|");
    expect_records("\"x\ny\",b\r\nc,d\n", ',', "1:\"x\ny\",b|3:c,d|");
    expect_records("\"say \"\"\n\"\"\",b\nc\n", ',', "1:\"say \"\"\n\"\"\",b|3:c|");
    expect_records("5\" pipe,x\nc,d\n", ',', "1:5\" pipe,x|2:c,d|");
    expect_records("a\t\"b\nc\"\nd\n", '\t', "1:a\t\"b\nc\"|3:d|");
    expect_records("a,\"b\nc", ',', "1:a,\"b\nc|");
    expect_records("\"a\"\"\nb\",\"\nc\"\n\nd", ',', "1:\"a\"\"\nb\",\"\nc\"|4:|5:d|");
}

static void elements_of_an_array(void **state) {
    (void)state;
    expect_records("[{\"a\":1},{\"b\":[2,3]}]", 0, "1:{\"a\":1}|2:{\"b\":[2,3]}|");
    expect_records("[\n  {\"a\": \"],}\\\"{\"}\n ,\n  {}\n]\n", 0, "1:{\"a\": \"],}\\\"{\"}|2:{}|");
    expect_records("\xEF\xBB\xBF[1 , \"x,y\" ]", 0, "1:1|2:\"x,y\"|");
    expect_records("[]", 0, "");
    expect_records("[ ]\n", 0, "");
    expect_records("[{\"a\":1},{\"b\":", 0, "1:{\"a\":1}|2:{\"b\":|");
    expect_records("[1] {}, 2", 0, "1:1|2:{}, 2|");
    expect_records("[\"\\\\\",2]", 0, "1:\"\\\\\"|2:2|");
    /* none: lines of text */
    expect_records("{\"a\":\n1}\n", 0, "1:{\"a\":|2:1}|");
}

/* White space stands before an array as it may before any JSON; before lines it is lines. */
static void white_space_before_an_array(void **state) {
    (void)state;
    expect_records("\n[1]\n", 0, "1:1|");
    expect_records(" \t\r\n  [1,\n2]", 0, "1:1|2:2|");
    expect_records("\xEF\xBB\xBF\n [1]", 0, "1:1|");
    expect_records("\n \r\n{}\n[1]\n", 0, "1:|2: |3:{}|4:[1]|");
    expect_records("\xEF\xBB\xBF\n  {}", 0, "1:|2:  {}|");
    expect_records(" \n\n \t", 0, "1: |2:|3: \t|");
    expect_records("\n", 0, "1:|");
    expect_records("  x", 0, "1:  x|");
}

/* So much of it: what is longer is no array's. */
static void bounds_what_stands_before_an_array(void **state) {
    (void)state;
    buf doc = BUF_EMPTY, found = BUF_EMPTY;
    for (int i = 0; i < 5000; i++)
        buf_add_char(&doc, ' ');
    buf_add_cstr(&doc, "\n[1]\n");
    for (size_t step = 1; step < 6000; step += 613) {
        buf_clear(&found);
        read_in_steps(buf_span(&doc), step, 0, &found);
        assert_true(span_ends(buf_span(&found), SPAN_OF("|2:[1]|")));
    }
    buf_done(&doc);
    buf_done(&found);
}

static void expect_header(const char *header, const char *prompt, const char *id,
                          const char *expected) {
    buf found = BUF_EMPTY;
    table t = {.separator = ','};
    const table_wish wish = {span_cstr(prompt), span_cstr(id)};
    if (table_read_header(&t, span_cstr(header), &wish, &found))
        buf_addf(&found, "%zu %ld of %zu", t.prompt, t.id, t.columns);
    assert_string_equal(buf_cstr(&found), expected);
    buf_done(&found);
}

static void headers(void **state) {
    (void)state;
    expect_header("prompt", NULL, NULL, "0 -1 of 1");
    expect_header("text", NULL, NULL, "0 -1 of 1");
    expect_header("id,prompt", NULL, NULL, "1 -1 of 2");
    expect_header("custom_id,x,prompt", NULL, NULL, "2 0 of 3");
    expect_header("\"custom_id\", prompt ", NULL, NULL, "1 0 of 2");
    expect_header("sku,text", "text", "sku", "1 0 of 2");
    expect_header("a,b", NULL, NULL,
                  "no column is called 'prompt' (--prompt-column); the header has: a, b");
    expect_header("a,b", "c", NULL,
                  "no column is called 'c' (--prompt-column); the header has: a, b");
    expect_header("prompt,b", NULL, "sku",
                  "no column is called 'sku' (--id-column); the header has: prompt, b");
    expect_header("a,a", "a", NULL,
                  "more than one column is called 'a' (--prompt-column); the header has: a, a");
    expect_header("a", "b", NULL, "no column is called 'b' (--prompt-column); the header has: a");
    for (size_t i = 0; i < 3; i++) {
        static const char *const headers[] = {"id;prompt", "id\tprompt", "prompt\rone\rtwo"};
        static const char *const shown[] = {"id;prompt", "id prompt", "prompt one two"};
        char says[256];
        snprintf(says, sizeof says,
                 "the header has one column, '%s': columns are separated by commas here, and lines "
                 "end in LF or CRLF; --prompt-column asks it as it stands",
                 shown[i]);
        expect_header(headers[i], NULL, NULL, says);
        expect_header(headers[i], headers[i], NULL, "0 -1 of 1");
    }
    expect_header("\"a", NULL, NULL, "the header has a quote that is not closed");
}

static void names_of_tables(void **state) {
    (void)state;
    assert_int_equal(table_separator_of(SPAN_OF("in.csv")), ',');
    assert_int_equal(table_separator_of(SPAN_OF("IN.CSV")), ',');
    assert_int_equal(table_separator_of(SPAN_OF("in.tsv")), '\t');
    assert_int_equal(table_separator_of(SPAN_OF("csv")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields, set_up, tear_down),
        cmocka_unit_test(records_end_outside_of_quotes),
        cmocka_unit_test(elements_of_an_array),
        cmocka_unit_test(white_space_before_an_array),
        cmocka_unit_test(bounds_what_stands_before_an_array),
        cmocka_unit_test(headers),
        cmocka_unit_test(names_of_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
