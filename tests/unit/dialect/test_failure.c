/* What a failure is called, and whose fault it is. */
#include "unit.h"

#include "dialect/failure.h"

static void a_failure_has_a_name_and_a_fault(void **state) {
    (void)state;
    static const struct {
        failure_class failure;
        const char *name;
        bool counts; /* against the target's breaker */
    } rows[] = {
        {FAIL_NONE, "ok", false},
        {FAIL_CONNECTION, "connection", true},
        {FAIL_SILENT, "silent", true},
        {FAIL_MALFORMED, "malformed", true},
        {FAIL_OVERLOAD, "overload", true},
        {FAIL_LIMIT, "limit", false},
        {FAIL_KEY, "key", false},
        {FAIL_CONTEXT_LENGTH, "context_length", false},
        {FAIL_CONTENT_POLICY, "content_policy", false},
        {FAIL_TARGET, "target", false},
        {FAIL_REQUEST, "request", false},
        {FAIL_OUR_LIMIT, "our_limit", false},
        {FAIL_OUR_SHORTAGE, "our_shortage", false},
        {FAIL_OUR_WAY, "our_way", false},
        {FAIL_TLS, "tls", true},
        {FAIL_GONE, "cancelled", false},
    };
    assert_int_equal(ARRAY_LEN(rows), FAIL_GONE + 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(rows[i].failure, i);
        assert_string_equal(failure_name(rows[i].failure), rows[i].name);
        assert_int_equal(failure_counts(rows[i].failure), rows[i].counts);
    }
}

/* What the error table says, and nothing that a provider would have to say. */
static void an_error_of_weirs_own(void **state) {
    (void)state;
    weir_error e = error_of(ERR_TOO_BUSY);
    e.retry_after_ms = 5;
    failure f = failure_of(&e);
    assert_int_equal(f.error, ERR_TOO_BUSY);
    assert_int_equal(f.class, FAIL_NONE);
    assert_int_equal(f.status, 503);
    assert_span(f.text, "The gateway is at its limit of concurrent calls.");
    assert_int_equal(f.hint.after_ms, -1);
    assert_int_equal(f.hint.should_retry, -1);
    assert_true(f.client_may_retry);
    assert_int_equal(f.client_after_ms, 5);
    assert_false(f.committed);
}

static void what_only_says_that_a_text_was_cut(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t marks;
    } rows[] = {{"", 0}, {"a; b", 0}, {"a…", 3}, {"a…; …", 8}, {"a; …", 5}, {"…", 3}, {"…a", 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(failure_cut_marks(span_cstr(rows[i].text)), rows[i].marks);
}

/* Where a head has gone out nobody sees the status: each row's error, and what is told of it. */
static void a_status_is_told_in_words(void **state) {
    (void)state;
    static const struct {
        const char *body, *told;
    } rows[] = {
        {"{\"error\":{\"message\":\"Too "
         "\\\"fast\\\".\",\"type\":\"t\",\"param\":null,\"code\":\"slow\"}}",
         "{\"error\":{\"message\":\"Too \\\"fast\\\". (status "
         "429)\",\"type\":\"t\",\"param\":null,\"code\":"
         "\"slow\",\"status\":429}}"},
        {" {\"error\":{\"code\":null,\"message\":\"status 429: no\",\"status\":1,\"x\":[]}}",
         "{\"error\":{\"message\":\"status 429: no\",\"x\":[],\"code\":\"429\",\"status\":429}}"},
        {"{\"error\":{\"code\":7,\"message\":\"\"}}",
         "{\"error\":{\"message\":\"For people. (status 429)\",\"code\":7,\"status\":429}}"},
        {"{\"error\":{\"message\":5}}",
         "{\"error\":{\"message\":\"For people. (status 429)\",\"code\":\"429\",\"status\":429}}"},
        {"", "{\"error\":{\"message\":\"For people. (status "
             "429)\",\"type\":\"server_error\",\"param\":null,"
             "\"code\":\"overloaded\",\"status\":429}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const failure f = {.error = ERR_TOO_BUSY,
                           .status = 429,
                           .text = SPAN("For people."),
                           .body = span_cstr(rows[i].body)};
        buf out = BUF_EMPTY;
        failure_body_told(&f, &out);
        assert_string_equal(buf_cstr(&out), rows[i].told);
        buf_done(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_has_a_name_and_a_fault),
        cmocka_unit_test(an_error_of_weirs_own),
        cmocka_unit_test(what_only_says_that_a_text_was_cut),
        cmocka_unit_test(a_status_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
