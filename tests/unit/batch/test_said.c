/* What results say, and how it is shown: as a table, as text, as it is. */
#include "unit.h"

#include "batch/csv.h"
#include "batch/forms.h"
#include "batch/said.h"

#define ANSWER(body)                                                                               \
    "{\"id\":\"batch_req_1_000000000001\",\"custom_id\":\"a\",\"response\":{\"status_code\":200,"  \
    "\"request_id\":\"r\",\"body\":" body "},\"error\":null}\n"
#define REFUSAL(status, body)                                                                      \
    "{\"id\":\"x\",\"custom_id\":\"a\",\"response\":{\"status_code\":" #status                     \
    ",\"request_id\":\"r\",\"body\":" body "},\"error\":null}\n"

static void shows(result_form form, const char *result, const char *expected) {
    buf out = BUF_EMPTY;
    result_form_add(form, span_cstr(result), &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
}

static void shows_tables(void **state) {
    (void)state;
    static const struct {
        const char *result, *record;
    } rows[] = {
        {ANSWER("{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"one, "
                "\\\"two\\\"\\nthree\"},\"finish_reason\":\"stop\"},{\"message\":{\"content\":"
                "\"other\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
                "\"total_tokens\":7,\"cost\":0.00012}}"),
         "a,\"one, \"\"two\"\"\nthree\",stop,m,3,4,7,0.00012,,\r\n"},
        {ANSWER("{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No.\"}}]}"),
         "a,No.,,,,,,,,\r\n"},
        {ANSWER("{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[1]},"
                "\"finish_reason\":\"tool_calls\"}]}"),
         "a,[1],tool_calls,,,,,,,\r\n"},
        {ANSWER("{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"},"
                "{\"type\":\"text\",\"text\":\"y\"}]}}]}"),
         "a,xy,,,,,,,,\r\n"},
        {ANSWER("{\"choices\":[{\"text\":\"old\",\"finish_reason\":\"length\"}]}"),
         "a,old,length,,,,,,,\r\n"},
        {ANSWER("{\"status\":\"completed\",\"output\":[{\"type\":\"reasoning\",\"summary\":[]},"
                "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}],"
                "\"usage\":{\"input_tokens\":1,\"output_tokens\":2,\"total_tokens\":3}}"),
         "a,hi,completed,,1,2,3,,,\r\n"},
        {ANSWER("{\"data\":[{\"embedding\":[0.5,1]}],\"usage\":{\"prompt_tokens\":1}}"),
         "a,\"[{\"\"embedding\"\":[0.5,1]}]\",,,1,,,,,\r\n"},
        {ANSWER("{\"results\":[{\"flagged\":false}]}"),
         "a,\"[{\"\"flagged\"\":false}]\",,,,,,,,\r\n"},
        {ANSWER("\"no JSON\""), "a,,,,,,,,,\r\n"},
        {ANSWER("\"[1]\""), "a,,,,,,,,,\r\n"},
        /* As weir writes a body that has members of one name. */
        {ANSWER("\"{\\\"model\\\":\\\"m\\\",\\\"x\\\":1,\\\"x\\\":2,\\\"choices\\\":[{\\\"text\\\":"
                "\\\"hi\\\"}]}\""),
         "a,hi,,m,,,,,,\r\n"},
        {ANSWER("{\"x\":1,\"x\":2,\"choices\":[{\"text\":\"hi\"}]}"), "a,hi,,,,,,,,\r\n"},
        {REFUSAL(400, "\"{\\\"x\\\":1,\\\"x\\\":2,\\\"error\\\":{\\\"message\\\":\\\"bad\\\"}}\""),
         "a,,,,,,,,http_400,bad\r\n"},
        {REFUSAL(400, "{\"error\":{\"message\":\"bad\",\"type\":\"invalid_request_error\","
                      "\"code\":null}}"),
         "a,,,,,,,,invalid_request_error,bad\r\n"},
        {REFUSAL(404, "{\"error\":{\"message\":\"no\",\"code\":\"model_not_found\"}}"),
         "a,,,,,,,,model_not_found,no\r\n"},
        {REFUSAL(502, "\"Bad Gateway\""), "a,,,,,,,,http_502,Bad Gateway\r\n"},
        {REFUSAL(500, "{\"error\":\"odd\"}"), "a,,,,,,,,http_500,odd\r\n"},
        {"{\"id\":\"x\",\"custom_id\":null,\"response\":null,\"error\":{\"code\":"
         "\"invalid_json_line\",\"message\":\"line 1: is not JSON\",\"line\":1}}\n",
         ",,,,,,,,invalid_json_line,line 1: is not JSON\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        shows(RESULTS_CSV, rows[i].result, rows[i].record);
        shows(RESULTS_JSONL, rows[i].result, rows[i].result);
    }
    buf head = BUF_EMPTY;
    result_form_begin(RESULTS_CSV, &head);
    assert_string_equal(buf_cstr(&head),
                        "custom_id,content,finish_reason,model,prompt_tokens,completion_tokens,"
                        "total_tokens,cost,error_code,error_message\r\n");
    buf_clear(&head);
    result_form_begin(RESULTS_TEXT, &head);
    result_form_begin(RESULTS_JSONL, &head);
    assert_int_equal(head.len, 0);
    buf_done(&head);
}

static void shows_text(void **state) {
    (void)state;
    shows(RESULTS_TEXT, ANSWER("{\"choices\":[{\"message\":{\"content\":\"=a\\nb\"}}]}"),
          "=a\nb\n");
    shows(RESULTS_TEXT, REFUSAL(400, "{\"error\":{\"message\":\"bad\"}}"), "\n");
}

static void refuses_what_is_no_result(void **state) {
    (void)state;
    static const char *const rows[] = {"", "[]", "{}", "{\"response\":null,\"error\":null}",
                                       "{\"response\":{\"status_code\":1.5},\"error\":null}"};
    arena a;
    said s;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_false(said_read(span_cstr(rows[i]), &a, &s));
    arena_done(&a);
}

/* What a spreadsheet would run is not run, and the text is not lost. */
static void disarms_formulas(void **state) {
    (void)state;
    static const struct {
        const char *text, *cell;
    } rows[] = {
        {"=1+1", "'=1+1"},
        {"+a", "'+a"},
        {"-a", "'-a"},
        {"- a list", "'- a list"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\t=1", "'\t=1"},
        {"\r=1", "\"'\r=1\""},
        {"\n=1", "\"'\n=1\""},
        {"=\"a\",1", "\"'=\"\"a\"\",1\""},
        {"'=1", "''=1"}, /* else it could not be told from =1 */
        {"''-", "'''-"},
        {"-12.5", "-12.5"},
        {"+3", "+3"},
        {"-1-2", "'-1-2"},
        {"-", "'-"},
        {"-.", "'-."},
        {"'quoted'", "'quoted'"},
        {"a=1", "a=1"},
        {" =1", " =1"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        csv_write_cell(span_cstr(rows[i].text), ',', &out);
        assert_string_equal(buf_cstr(&out), rows[i].cell);
        buf_done(&out);
    }
}

/* Whatever is written is read back. */
static void writes_what_it_reads(void **state) {
    (void)state;
    static const char *const texts[] = {"",     "a",    "a,b",  "a\tb", "\"",
                                        "a\"b", "\r\n", "a\nb", " x "};
    static const char separators[] = {',', '\t'};
    for (size_t s = 0; s < ARRAY_LEN(separators); s++) {
        buf record = BUF_EMPTY;
        arena a;
        span *fields;
        size_t count;
        arena_init(&a, 0);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
            if (i) buf_add_char(&record, separators[s]);
            csv_write_field(span_cstr(texts[i]), separators[s], &record);
        }
        assert_int_equal(csv_read(buf_span(&record), separators[s], &a, &fields, &count), CSV_GOOD);
        assert_int_equal(count, ARRAY_LEN(texts));
        for (size_t i = 0; i < count; i++)
            assert_true(span_eq(fields[i], span_cstr(texts[i])));
        arena_done(&a);
        buf_done(&record);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_tables),
        cmocka_unit_test(shows_text),
        cmocka_unit_test(refuses_what_is_no_result),
        cmocka_unit_test(disarms_formulas),
        cmocka_unit_test(writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
