/* cli/records_text: what people and tables read of the API's records. */
#include "cli/records_text.h"

#include "unit.h"

static json_value object(const char *text) {
    json_value root;
    json_fault fault;
    assert_true(json_scan(span_cstr(text), NULL, &root, &fault));
    return root;
}

static void figures(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *count, *money, *seconds;
    } rows[] = {
        {-1, "0", "-", "-"},
        {0, "0", "0.0000", "0.0 ms"},
        {0.0123, "0", "0.0000", "12.3 ms"},
        {999, "999", "0.0000", "999.00 s"},
        {1000, "1,000", "0.0000", "1000.00 s"},
        {12345678, "12,345,678", "0.0123", "12345678.00 s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        record_add_count((int64_t)rows[i].value, &out);
        buf_add_char(&out, '|');
        record_add_money((int64_t)rows[i].value, &out);
        buf_add_char(&out, '|');
        record_add_seconds(rows[i].value, &out);
        buf expected = BUF_EMPTY;
        buf_addf(&expected, "%s|%s|%s", rows[i].count, rows[i].money, rows[i].seconds);
        assert_string_equal(buf_cstr(&out), buf_cstr(&expected));
        buf_done(&out);
        buf_done(&expected);
    }
}

static void fields_with_commas_are_quoted(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    static const struct {
        const char *object, *line;
    } rows[] = {
        {"{}", ",,\r\n"},
        {"{\"a\":null,\"b\":true,\"c\":-1.50}", ",true,-1.50\r\n"},
        {"{\"a\":\"x\",\"b\":\"x,y\",\"c\":\"\\\"\"}", "x,\"x,y\",\"\"\"\"\r\n"},
        {"{\"c\":\"one\\ntwo\\r\",\"a\":\"\\u0000\"}", "\""
                                                       "\0"
                                                       "\",,\"one\ntwo\r\"\r\n"},
        {"{\"a\":{\"k\":\"v\"},\"b\":[],\"c\":\"\\u00e4\"}",
         "\"{\"\"k\"\":\"\"v\"\"}\",[],\xc3\xa4\r\n"},
        /* of a client's own: no spreadsheet runs it */
        {"{\"a\":\"=1+2\",\"b\":\"@x\",\"c\":\"-5\"}", "'=1+2,'@x,-5\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        record_csv_line(object(rows[i].object), names, ARRAY_LEN(names), &out);
        if (i != 3) assert_string_equal(buf_cstr(&out), rows[i].line);
        if (i == 3) assert_int_equal(out.len, sizeof "\"0\",,\"one\ntwo\r\"\r\n" - 1);
        buf_done(&out);
    }
}

#define FIGURES                                                                                    \
    "\"total_calls\":%d,\"failed_calls\":1,\"prompt_tokens\":1200,\"completion_tokens\":3,"        \
    "\"cost_nano\":1500000000,\"average_response_time\":0.25"

static void days_have_their_hours(void **state) {
    (void)state;
    buf summary = BUF_EMPTY, hours = BUF_EMPTY, out = BUF_EMPTY;
    buf_addf(&summary,
             "{" FIGURES ",\"unpriced_calls\":1,\"groups\":[{\"key\":\"2026-11-27\"," FIGURES "},"
             "{\"key\":\"2026-11-28\"," FIGURES "}]}",
             16, 12, 4);
    buf_addf(&hours, "{\"groups\":[{\"key\":\"2026-11-27T00:00:00Z\",\"total_calls\":8},"
                     "{\"key\":\"2026-11-27T02:00:00Z\",\"total_calls\":4},"
                     "{\"key\":\"2026-11-28T23:00:00Z\",\"total_calls\":1}]}");
    usage_write(object(buf_cstr(&summary)), SPAN_OF("day"), object(buf_cstr(&hours)), false, &out);
    assert_string_equal(
        buf_cstr(&out),
        "day            calls  failed        prompt    completion        cost    average"
        "  0h    6h    12h   18h\n"
        "2026-11-27        12       1         1,200             3      1.5000   250.0 ms"
        "  █ ▄                     \n"
        "2026-11-28         4       1         1,200             3      1.5000   250.0 ms"
        "                         ▁\n"
        "total             16       1         1,200             3      1.5000   250.0 ms\n"
        "1 call without a price: the cost is that of the others\n");
    buf_done(&summary);
    buf_done(&hours);
    buf_done(&out);
}

#define CALL                                                                                       \
    "{\"success\":false,\"request_id\":\"the-id\",\"timestamp\":\"2026-11-28T18:00:01.5Z\","       \
    "\"client\":\"ci\\u001b[2J\",\"user\":\"a\\nb\\u009b\\u202e\",\"outcome\":\"failed\","         \
    "\"status\":503,"                                                                              \
    "\"error_code\":\"overloaded\",\"error_message\":\"No.\\r\\u202e\",\"target\":\"p/m\","        \
    "\"prompt_tokens\":1,\"completion_tokens\":2,\"estimated\":true,\"cost_nano\":null,"           \
    "\"response_time\":0.032,\"tags\":{\"x\":\"y\"},\"usage\":{\"z\":\n\"\xc2\x9b\"},"             \
    "\"tries\":[{\"target\":\"p/m\",\"outcome\":\"overload\",\"status\":503,\"hedge\":true,"       \
    "\"began_ms\":0,\"head_ms\":8,\"ended_ms\":16}]}"

/* Whatever others have written moves no cursor. */
static void assert_harmless(const buf *out) {
    assert_true(span_is_utf8(buf_span(out)));
    for (size_t i = 0; i < out->len; i++) {
        unsigned char c = (unsigned char)out->ptr[i];
        assert_true(c >= ' ' || c == '\n');
        assert_int_not_equal(c, 0x7F);
        if (i && (unsigned char)out->ptr[i - 1] == 0xC2) assert_true(c >= 0xA0);
    }
    span all = buf_span(out); /* nor makes what stands beside it read from right to left */
    assert_int_equal(span_find_span(all, 0, SPAN_OF("\u202e")), all.len);
}

static void a_call_is_a_line(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    calls_write_row(object(CALL), false, &out);
    assert_harmless(&out);
    assert_non_null(strstr(buf_cstr(&out),
                           "2026-11-28 18:00:01  503             ~1+2          -    "
                           "32.0 ms  p/m  "));
    assert_int_equal(span_find(buf_span(&out), 0, '\n'), out.len - 1);
    buf_done(&out);
}

static void a_call_has_a_story(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    calls_write_story(object(CALL), false, &out);
    assert_harmless(&out);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "call the-id: failed 503\n"));
    assert_non_null(strstr(text, "  tags        {\"x\":\"y\"}\n"));
    assert_non_null(strstr(text, "  tokens      ~1+2\n"));
    assert_non_null(strstr(text, "|────────━━━━━━━━━               |  p/m  overload 503 after "
                                 "16.0 ms, a hedge\n"));
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),
        cmocka_unit_test(fields_with_commas_are_quoted),
        cmocka_unit_test(days_have_their_hours),
        cmocka_unit_test(a_call_is_a_line),
        cmocka_unit_test(a_call_has_a_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
