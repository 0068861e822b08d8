/* The forms of result lines, and what a later run reads in them. */
#include "unit.h"

#include "batch/results.h"

static buf text;

static int tear_down(void **state) {
    (void)state;
    buf_done(&text);
    return 0;
}

static const result_of of = {12, 0x0123456789ab, SPAN("\"a\\n\"")};

static void read_back(bool failed) {
    result_head head;
    assert_true(result_read(buf_span(&text), &head));
    assert_int_equal(head.line, 12);
    assert_int_equal(head.mark, 0x0123456789ab);
    assert_int_equal(head.failed, failed);
}

static void writes_answers(void **state) {
    (void)state;
    buf_clear(&text);
    result_write_response(&text, &of, 200, SPAN_OF("req_1"), SPAN_OF("{\"n\": 1.0}"));
    assert_string_equal(buf_cstr(&text),
                        "{\"id\":\"batch_req_12_0123456789ab\",\"custom_id\":\"a\\n\","
                        "\"response\":{\"status_code\":200,\"request_id\":\"req_1\",\"body\":"
                        "{\"n\": 1.0}},\"error\":null}\n");
    read_back(false);
    buf_clear(&text);
    result_write_response(&text, &of, 429, SPAN_OF("r"), SPAN_OF("{\"error\":{}}"));
    read_back(true);
}

/* A result is one line, whatever a provider sends. */
static void writes_bodies_on_one_line(void **state) {
    (void)state;
    static const struct {
        const char *body, *written;
    } rows[] = {
        {"{\n  \"a\": [\r\n 1\n]\n}\n", "{   \"a\": [   1 ] }"},
        {"Bad\nGateway", "\"Bad\\nGateway\""},
        {"", "\"\""},
        {"{\"a\":1} trailing", "\"{\\\"a\\\":1} trailing\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char expected[300];
        buf_clear(&text);
        result_write_response(&text, &of, 500, SPAN_OF("r"), span_cstr(rows[i].body));
        snprintf(expected, sizeof expected, "\"body\":%s},\"error\":null}\n", rows[i].written);
        assert_non_null(strstr(buf_cstr(&text), expected));
        assert_int_equal(span_find(buf_span(&text), 0, '\n'), text.len - 1);
    }
}

static void writes_errors(void **state) {
    (void)state;
    buf_clear(&text);
    result_write_error(&text, &of, SPAN_OF("timeout"), SPAN_OF("It took \"long\""));
    assert_string_equal(buf_cstr(&text),
                        "{\"id\":\"batch_req_12_0123456789ab\",\"custom_id\":\"a\\n\","
                        "\"response\":null,\"error\":{\"code\":\"timeout\",\"message\":"
                        "\"It took \\\"long\\\"\"}}\n");
    read_back(true);
    buf_clear(&text);
    result_write_bad_line(&text, &(result_of){12, 0x0123456789ab, SPAN_EMPTY},
                          SPAN_OF("invalid_line"), SPAN_OF("line 12: is []"));
    assert_string_equal(buf_cstr(&text),
                        "{\"id\":\"batch_req_12_0123456789ab\",\"custom_id\":null,"
                        "\"response\":null,\"error\":{\"code\":\"invalid_line\",\"message\":"
                        "\"line 12: is []\",\"line\":12}}\n");
    read_back(true);
}

#define BEGIN "{\"id\":\"batch_req_1_0123456789ab\",\"custom_id\":"

static void refuses_what_is_no_result(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "{}",
        "{\"id\":\"batch_req_1_0123456789a\",\"custom_id\":\"a\",\"response\":null,",
        "{\"id\":\"batch_req_0_0123456789ab\",\"custom_id\":\"a\",\"response\":null,",
        "{\"id\":\"batch_req_x_0123456789ab\",\"custom_id\":\"a\",\"response\":null,",
        "{\"id\":\"batch_req_99999999999999_0123456789ab\",\"custom_id\":\"a\",\"response\":null,",
        "{\"id\":\"batch_req_1_0123456789ag\",\"custom_id\":\"a\",\"response\":null,",
        BEGIN,
        BEGIN "7,\"response\":null,",
        BEGIN "\"a,\"response\":null,",
        BEGIN "\"a\\\",\"response\":null,",
        BEGIN "\"a\",\"response\":{},",
        BEGIN "\"a\",\"response\":{\"status_code\":\"200\",",
        BEGIN "\"a\",\"response\":{\"status_code\":200}",
        "{\"custom_id\":\"a\",\"method\":\"POST\"}",
    };
    result_head head = {.line = 77};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_false(result_read(span_cstr(rows[i]), &head));
    assert_int_equal(head.line, 77);
    assert_true(result_read(SPAN_OF(BEGIN "\"a\\\"\\\\\",\"response\":null,"), &head));
    assert_true(result_read(SPAN_OF(BEGIN "null,\"response\":{\"status_code\":299,"), &head));
    assert_false(head.failed);
    assert_true(result_read(SPAN_OF(BEGIN "null,\"response\":{\"status_code\":199,"), &head));
    assert_true(head.failed);
}

static void knows_a_torn_result(void **state) {
    (void)state;
    assert_true(result_may_begin(SPAN_OF("{")));
    assert_true(result_may_begin(SPAN_OF("{\"id\":\"batch_r")));
    assert_true(result_may_begin(SPAN_OF(BEGIN)));
    assert_true(result_may_begin(SPAN_OF("{\"id\":\"batch_req_1_01")));
    assert_true(result_may_begin(SPAN_OF(BEGIN "\"a\",\"resp")));
    assert_false(result_may_begin(SPAN_OF("{\"id\":7")));
    assert_false(result_may_begin(
        SPAN_OF("{\"id\":\"batch_req_7f2c\",\"custom_id\":\"a\"}"))); /* OpenAI's */
    assert_false(result_may_begin(SPAN_OF("{\"id\":\"batch_req__")));
    assert_false(result_may_begin(SPAN_OF("{\"id\":\"batch_req_1_0123456789abc")));
    assert_false(result_may_begin(SPAN_OF("my notes")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_answers),      cmocka_unit_test(writes_bodies_on_one_line),
        cmocka_unit_test(writes_errors),       cmocka_unit_test(refuses_what_is_no_result),
        cmocka_unit_test(knows_a_torn_result),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
