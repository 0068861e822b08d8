/* What is said to the URL that approves calls of tools, and how its answers are read. */
#include "unit.h"

#include "tools/approval.h"

static void test_answers(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        approval_answer answer;
        const char *reason;
    } rows[] = {
        {200, "{\"approve\": true}", APPROVAL_GIVEN, ""},
        {200, "{\"approve\": true, \"reason\": \"fine\"}", APPROVAL_GIVEN, ""},
        {200, "{\"approve\": false}", APPROVAL_DENIED, ""},
        {200, "{\"approve\": false, \"reason\": \"Not on a Sunday.\"}", APPROVAL_DENIED,
         "Not on a Sunday."},
        {200, "{\"approve\": false, \"reason\": 5}", APPROVAL_DENIED, ""},
        {202, "", APPROVAL_LATER, ""},
        {202, "{\"approve\": true}", APPROVAL_LATER, ""},
        {200, "", APPROVAL_FAILED, "its answer is no JSON object"},
        {200, "true", APPROVAL_FAILED, "its answer is no JSON object"},
        {200, "{\"approve\": true", APPROVAL_FAILED, "its answer is no JSON object"},
        {200, "{\"approve\": false, \"approve\": true}", APPROVAL_FAILED,
         "its answer is no JSON object"},
        {200, "{}", APPROVAL_FAILED, "its answer has no 'approve' that is true or false"},
        {200, "{\"approve\": 1}", APPROVAL_FAILED,
         "its answer has no 'approve' that is true or false"},
        {201, "{\"approve\": true}", APPROVAL_FAILED, "its status is neither 200 nor 202"},
        {403, "{\"approve\": true}", APPROVAL_FAILED, "its status is neither 200 nor 202"},
        {307, "{\"approve\": true}", APPROVAL_FAILED,
         "it answers with a redirect, and those are not followed"},
        {0, "", APPROVAL_FAILED, "its status is neither 200 nor 202"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf reason = BUF_EMPTY;
        assert_int_equal(approval_read(rows[i].status, span_cstr(rows[i].body), &reason),
                         rows[i].answer);
        assert_string_equal(buf_cstr(&reason), rows[i].reason);
        buf_done(&reason);
    }
}

static void test_a_long_reason_is_cut(void **state) {
    (void)state;
    buf body = BUF_EMPTY, reason = BUF_EMPTY;
    buf_add_cstr(&body, "{\"approve\":false,\"reason\":\"");
    for (int i = 0; i < 5000; i++)
        buf_add_cstr(&body, "ä");
    buf_add_cstr(&body, "\"}");
    assert_int_equal(approval_read(200, buf_span(&body), &reason), APPROVAL_DENIED);
    assert_true(reason.len > 400 && reason.len < 520 && span_is_utf8(buf_span(&reason)));
    buf_done(&body);
    buf_done(&reason);
}

static void test_the_message(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    const approval_ask ask = {.tool = SPAN("delete"),
                              .arguments = SPAN("{\"path\": \"a\"}"),
                              .call = SPAN("call_1"),
                              .request = SPAN("r"),
                              .endpoint = SPAN("chat.functions"),
                              .client = SPAN("app"),
                              .confirmed = true};
    approval_write(&ask, SPAN_OF("x"), 0, &out);
    assert_string_equal(
        buf_cstr(&out),
        "{\"type\":\"tool.approval\",\"timestamp\":\"1970-01-01T00:00:00.000000Z\",\"data\":{"
        "\"id\":"
        "\"x\",\"tool\":\"delete\",\"arguments\":{\"path\": \"a\"},\"call_id\":\"call_1\","
        "\"request_id\":\"r\",\"endpoint\":\"chat.functions\",\"client\":\"app\",\"confirmed\":"
        "true}}");
    buf_done(&out);
}

static void test_arguments_that_are_none(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    const approval_ask bare = {.tool = SPAN("t")},
                       odd = {.tool = SPAN("t"), .arguments = SPAN("{\"a\":")};
    approval_write(&bare, SPAN_OF("x"), 0, &out);
    assert_non_null(strstr(buf_cstr(&out), "\"arguments\":{},"));
    buf_clear(&out);
    approval_write(&odd, SPAN_OF("x"), 0, &out);
    assert_non_null(strstr(buf_cstr(&out), "\"arguments\":\"{\\\"a\\\":\""));
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_a_long_reason_is_cut),
        cmocka_unit_test(test_the_message),
        cmocka_unit_test(test_arguments_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
