/* The body that a request comes to, and what is said of one that is wrong. */
#include "unit.h"

#include "lib/request.h"

static void expect_asked(const weir_request *r, const char *model, bool stream, const char *body,
                         const char *says) {
    buf out = BUF_EMPTY, why = BUF_EMPTY, asked = BUF_EMPTY;
    if (!request_write_body(r, model, stream, &out, &asked, &why)) fail_msg("%s", buf_cstr(&why));
    assert_span(buf_span(&out), body);
    if (says) assert_span(buf_span(&asked), says);
    buf_done(&out);
    buf_done(&asked);
    buf_done(&why);
}

static void expect_body(const weir_request *r, const char *model, bool stream, const char *body) {
    expect_asked(r, model, stream, body, NULL);
}

static void expect_fault(weir_request *r, const char *says) {
    buf out = BUF_EMPTY, why = BUF_EMPTY, asked = BUF_EMPTY;
    assert_false(request_write_body(r, "m", false, &out, &asked, &why));
    assert_span(buf_span(&why), says);
    buf_done(&out);
    buf_done(&asked);
    buf_done(&why);
    weir_request_free(r);
}

/* Which model the body names, in its letters. */
static void the_model_that_is_asked(void **state) {
    (void)state;
    weir_request *r = weir_request_new();
    weir_request_set_json(r, "messages", "[]");
    expect_asked(r, "m", false, "{\"model\":\"m\",\"messages\":[]}", "m");
    expect_asked(r, NULL, false, "{\"messages\":[]}", "");
    weir_request_set_json(r, "model", "\"a\\u00e4\"");
    expect_asked(r, "m", false, "{\"messages\":[],\"model\":\"a\\u00e4\"}", "aä");
    weir_request_set_json(r, "model", "7");
    expect_asked(r, "m", false, "{\"messages\":[],\"model\":7}", "");
    weir_request_free(r);
    r = weir_request_new();
    weir_request_set_body(r, "{\"model\":\"x\\/y\"}", 16);
    expect_asked(r, "m", false, "{\"model\":\"x\\/y\"}", "x/y");
    weir_request_set_body(r, "{}", 2);
    expect_asked(r, "m", false, "{\"model\":\"m\"}", "m");
    weir_request_set_body(r, "no", 2);
    expect_asked(r, "m", false, "no", "");
    weir_request_free(r);
}

static void built_from_parts(void **state) {
    (void)state;
    weir_request *r = weir_request_new();
    weir_request_add_message(r, "system", "Be \"brief\".\n");
    weir_request_add_message(r, "user", "Größe?");
    weir_request_add_message_json(r,
                                  "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"x\"}");
    weir_request_set_number(r, "temperature", 0.1);
    weir_request_set_number(r, "top_p", 2);
    weir_request_set_integer(r, "seed", INT64_MAX);
    weir_request_set_integer(r, "max_tokens", 9);
    weir_request_set_integer(r, "max_tokens", 10); /* replaced, in its place */
    weir_request_set_string(r, "user", "a\"b");
    weir_request_set_json(r, "stop", "[\"\\n\", 1e400]");
#define REST                                                                                       \
    "\"temperature\":0.1,\"top_p\":2,\"seed\":9223372036854775807,\"max_tokens\":10,"              \
    "\"user\":\"a\\\"b\",\"stop\":[\"\\n\", 1e400]"
#define MESSAGES                                                                                   \
    "\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\\n\"},"                    \
    "{\"role\":\"user\",\"content\":\"Größe?\"},"                                                \
    "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"x\"}]"
    expect_body(r, "gpt", false, "{\"model\":\"gpt\"," REST "," MESSAGES "}");
    expect_body(r, "gpt", true, "{\"model\":\"gpt\"," REST ",\"stream\":true," MESSAGES "}");
    weir_request_set_model(r, "mine");
    expect_body(r, "gpt", false, "{" REST ",\"model\":\"mine\"," MESSAGES "}");
    weir_request_set_json(r, "stream", "true"); /* the way of asking decides */
    expect_body(r, "gpt", false, "{" REST ",\"model\":\"mine\"," MESSAGES "}");
    weir_request_free(r);
}

/* It is added to a clock. */
static void the_longest_timeout(void **state) {
    (void)state;
    weir_request *r = weir_request_new();
    weir_request_set_timeout_ms(r, INT64_MAX);
    assert_in_range(r->timeout_ms, 1, INT64_MAX / 2);
    weir_request_free(r);
}

static void odd_names_are_escaped(void **state) {
    (void)state;
    weir_request *r = weir_request_new();
    weir_request_set_integer(r, "a\"b", 1);
    expect_body(r, NULL, false, "{\"a\\\"b\":1}");
    weir_request_free(r);
}

/* Byte by byte, but for what must change. */
static void a_given_body(void **state) {
    (void)state;
    static const struct {
        const char *given, *model;
        bool stream;
        const char *body;
    } rows[] = {
        {"{ \"model\" : \"x\", \"n\":1e0 }", "gpt", false, "{ \"model\" : \"x\", \"n\":1e0 }"},
        {"{\"n\":1.0}", "gpt", false, "{\"n\":1.0,\"model\":\"gpt\"}"},
        {"{}", "gpt", false, "{\"model\":\"gpt\"}"},
        {"{}", NULL, false, "{}"},
        {"{\"model\":\"x\"}", "gpt", true, "{\"model\":\"x\",\"stream\":true}"},
        {"{\"model\":\"x\",\"stream\":false,\"z\":0}", "gpt", true,
         "{\"model\":\"x\",\"stream\":true,\"z\":0}"},
        {"{\"model\":\"x\",\"stream\":true}", "gpt", false, "{\"model\":\"x\",\"stream\":false}"},
        {"{\"model\":\"x\",\"stream\":null}", "gpt", false, "{\"model\":\"x\",\"stream\":null}"},
        {"{}", "gpt", true, "{\"stream\":true,\"model\":\"gpt\"}"},
        /* left for whoever refuses it */
        {"{", "gpt", true, "{"},
        {"[1]", "gpt", true, "[1]"},
        {"", "gpt", true, ""},
        {"{\"a\":1,\"a\":2}", "gpt", true, "{\"a\":1,\"a\":2}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        weir_request *r = weir_request_new();
        weir_request_add_message(r, "user", "not asked");
        weir_request_set_body(r, rows[i].given, strlen(rows[i].given));
        expect_body(r, rows[i].model, rows[i].stream, rows[i].body);
        weir_request_free(r);
    }
}

static void the_first_fault_is_kept(void **state) {
    (void)state;
    weir_request *r = weir_request_new();
    weir_request_set_json(r, "tools", "[1,]");
    weir_request_add_message(r, NULL, "x");
    expect_fault(r, "weir_request_set_json: not acceptable JSON: expected a value, at byte 3 "
                    "(line 1, column 4).");
    r = weir_request_new();
    weir_request_add_message(r, "user", NULL);
    expect_fault(r, "weir_request_add_message: the content is NULL.");
    r = weir_request_new();
    weir_request_add_message(r, "user", "\xff");
    expect_fault(r, "weir_request_add_message: the content is not valid UTF-8.");
    r = weir_request_new();
    weir_request_add_message_json(r, "[]");
    expect_fault(r, "weir_request_add_message_json: a message is a JSON object.");
    r = weir_request_new();
    weir_request_set_number(r, "temperature", 1.0 / 0.0);
    expect_fault(r, "weir_request_set_number: the value of 'temperature' is not a finite number.");
    r = weir_request_new();
    weir_request_set_header(r, "x-a", "b\r\nc: d");
    expect_fault(r, "weir_request_set_header: 'x-a' is no header field: a name and a value without "
                    "control characters.");
    r = weir_request_new();
    weir_request_set_header(r, "x-\xff", "b");
    expect_fault(r, "weir_request_set_header: the name is not valid UTF-8.");
    r = weir_request_new();
    weir_request_set_header(r, NULL, "b");
    expect_fault(r, "weir_request_set_header: the name is NULL.");
    r = weir_request_new();
    weir_request_set_timeout_ms(r, -5);
    expect_fault(r, "weir_request_set_timeout_ms: -5 is less than 0.");
    r = weir_request_new();
    weir_request_set_body(r, NULL, 3);
    expect_fault(r, "weir_request_set_body: the body is NULL.");
    r = weir_request_new();
    weir_request_add_message(r, "user", "x");
    weir_request_set_json(r, "messages", "[]");
    expect_fault(r, "The request has messages of its own and a member named messages.");
}

static void nothing_is_freed_twice(void **state) {
    (void)state;
    weir_request_free(NULL);
    weir_result_free(NULL);
    weir_summary_free(NULL);
    weir_options_free(NULL);
    weir_client_free(NULL);
    weir_call_free(NULL);
    weir_string_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_from_parts),       cmocka_unit_test(the_model_that_is_asked),
        cmocka_unit_test(the_longest_timeout),    cmocka_unit_test(odd_names_are_escaped),
        cmocka_unit_test(a_given_body),           cmocka_unit_test(the_first_fault_is_kept),
        cmocka_unit_test(nothing_is_freed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
