/* JSON-RPC as the Model Context Protocol has it. */
#include "unit.h"

#include "mcp/jsonrpc.h"

static span text_of(json_value v) {
    return v.type == JSON_NONE ? SPAN_OF("-") : v.raw;
}

/* "kind id method params result code text data", or what is wrong. */
static void tell(span text, buf *out) {
    static const char *const kinds[] = {"request", "notification", "result", "error"};
    static const char *const faults[] = {"good", "no json", "batch", "no message"};
    jsonrpc_message m;
    jsonrpc_fault f;
    buf_clear(out);
    if (!jsonrpc_read(text, NULL, &m, &f)) {
        buf_addf(out, "%s %.*s: %s", faults[f.kind], SPAN_ARG(text_of(f.id)), f.what);
        return;
    }
    assert_int_equal(f.kind, JSONRPC_OK);
    buf_addf(out, "%s %.*s %.*s %.*s %.*s %lld %.*s %.*s", kinds[m.kind], SPAN_ARG(text_of(m.id)),
             SPAN_ARG(text_of(m.method)), SPAN_ARG(text_of(m.params)), SPAN_ARG(text_of(m.result)),
             (long long)m.code, SPAN_ARG(text_of(m.text)), SPAN_ARG(text_of(m.data)));
}

#define V "{\"jsonrpc\":\"2.0\","

static void messages_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {V "\"id\":1,\"method\":\"tools/list\"}", "request 1 \"tools/list\" - - 0 - -"},
        {V "\"id\":\"1\",\"method\":\"a\",\"params\":{\"b\":[1]}}",
         "request \"1\" \"a\" {\"b\":[1]} - 0 - -"},
        {V "\"id\":-12345678901234567890123,\"method\":\"a\"}",
         "request -12345678901234567890123 \"a\" - - 0 - -"},
        {" {\"params\":{},\"method\":\"a\\u002fb\",\"jsonrpc\":\"2.0\",\"more\":1} \r",
         "notification - \"a\\u002fb\" {} - 0 - -"},
        {V "\"id\":0,\"result\":null}", "result 0 - - null 0 - -"},
        {"{\"result\":{\"a\":1},\"jsonrpc\":\"2.0\",\"id\":\"x\"}",
         "result \"x\" - - {\"a\":1} 0 - -"},
        {V "\"id\":2,\"error\":{\"code\":-32601,\"message\":\"no\",\"data\":[2]}}",
         "error 2 - - - -32601 \"no\" [2]"},
        {V "\"id\":null,\"error\":{\"code\":0,\"message\":7}}", "error null - - - 0 - -"},
        {V "\"error\":{\"code\":1}}", "error - - - - 1 - -"},
        {V "\"id\":\"\",\"method\":\"\"}", "request \"\" \"\" - - 0 - -"},
    };
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tell(span_cstr(rows[i].text), &out);
        assert_string_equal(buf_cstr(&out), rows[i].want);
    }
    buf_done(&out);
}

static void what_is_none_is_told(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"[]", "batch -: batches are not taken"},
        {"[" V "\"id\":1,\"method\":\"a\"}]", "batch -: batches are not taken"},
        {"7", "no message -: a message is an object"},
        {"{}", "no message -: jsonrpc must be \"2.0\""},
        {"{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"a\"}",
         "no message 3: jsonrpc must be \"2.0\""},
        {"{\"jsonrpc\":2.0,\"id\":3,\"method\":\"a\"}", "no message 3: jsonrpc must be \"2.0\""},
        {V "\"id\":null,\"method\":\"a\"}", "no message -: id must be a string or an integer"},
        {V "\"id\":1.5,\"method\":\"a\"}", "no message -: id must be a string or an integer"},
        {V "\"id\":1e3,\"method\":\"a\"}", "no message -: id must be a string or an integer"},
        {V "\"id\":{},\"method\":\"a\"}", "no message -: id must be a string or an integer"},
        {V "\"id\":1,\"method\":7}", "no message 1: method must be a string"},
        {V "\"id\":1,\"method\":null}", "no message 1: method must be a string"},
        {V "\"id\":1,\"method\":\"a\",\"params\":[1]}", "no message 1: params must be an object"},
        {V "\"id\":1,\"method\":\"a\",\"params\":null}", "no message 1: params must be an object"},
        {V "\"id\":1,\"method\":\"a\",\"result\":1}",
         "no message 1: a request has neither result nor error"},
        {V "\"id\":1}", "no message 1: it has neither method nor result nor error"},
        {V "\"id\":1,\"result\":1,\"error\":{\"code\":1}}",
         "no message 1: an answer has a result or an error, not both"},
        {V "\"result\":1}", "no message -: id must be a string or an integer"},
        {V "\"id\":1,\"error\":\"no\"}", "no message 1: error must be an object"},
        {V "\"id\":1,\"error\":{\"code\":\"1\"}}", "no message 1: error.code must be an integer"},
        {V "\"id\":[],\"error\":{\"code\":1}}", "no message -: id must be a string or an integer"},
    };
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tell(span_cstr(rows[i].text), &out);
        assert_string_equal(buf_cstr(&out), rows[i].want);
    }
    static const char *const broken[] = {"", "{", V "\"id\":1,\"method\":\"\xFF\"}",
                                         V "\"id\":1,\"id\":2,\"method\":\"a\"}",
                                         "Content-Length: 30"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        tell(span_cstr(broken[i]), &out);
        assert_true(span_starts(buf_span(&out), SPAN_OF("no json -: ")));
    }
    assert_int_equal(jsonrpc_fault_code(JSONRPC_NO_JSON), -32700);
    assert_int_equal(jsonrpc_fault_code(JSONRPC_BATCH), -32600);
    assert_int_equal(jsonrpc_fault_code(JSONRPC_NO_MESSAGE), -32600);
    buf_done(&out);
}

/* Of members that come twice the first counts, for whoever lets them. */
static void limits_are_the_callers(void **state) {
    (void)state;
    const json_limits lax = {.repeats = true}, flat = {.depth = 2};
    jsonrpc_message m;
    jsonrpc_fault f;
    assert_true(jsonrpc_read(SPAN_OF(V "\"id\":1,\"id\":2,\"result\":{}}"), &lax, &m, &f));
    assert_false(jsonrpc_read(SPAN_OF(V "\"id\":1,\"result\":{\"a\":{\"b\":1}}}"), &flat, &m, &f));
    assert_int_equal(f.kind, JSONRPC_NO_JSON);
}

static void ids_are_what_they_are_spelt(void **state) {
    (void)state;
    static const char *const ids[] = {"7", "\"7\"", "70", "-7", "\"\"", "\"\\u0037\""};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
            json_value a, b;
            json_fault f;
            assert_true(json_scan(span_cstr(ids[i]), NULL, &a, &f));
            assert_true(json_scan(span_cstr(ids[k]), NULL, &b, &f));
            assert_int_equal(jsonrpc_id_eq(a, b), i == k);
        }
}

static void messages_are_written(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    jsonrpc_write_request(&out, SPAN_OF("1"), SPAN_OF("a/b"), SPAN_OF("{\"c\":1}"));
    assert_string_equal(buf_cstr(&out), V "\"id\":1,\"method\":\"a/b\",\"params\":{\"c\":1}}");
    buf_clear(&out);
    jsonrpc_write_request(&out, SPAN_OF("\"x\""), SPAN_OF("ping"), SPAN_EMPTY);
    assert_string_equal(buf_cstr(&out), V "\"id\":\"x\",\"method\":\"ping\"}");
    buf_clear(&out);
    jsonrpc_write_notification(&out, SPAN_OF("n"), SPAN_EMPTY);
    assert_string_equal(buf_cstr(&out), V "\"method\":\"n\"}");
    buf_clear(&out);
    jsonrpc_write_result(&out, SPAN_OF("0"), SPAN_OF("{}"));
    assert_string_equal(buf_cstr(&out), V "\"id\":0,\"result\":{}}");
    buf_clear(&out);
    jsonrpc_write_error(&out, SPAN_EMPTY, JSONRPC_PARSE, SPAN_OF("no \"JSON\""), SPAN_EMPTY);
    assert_string_equal(buf_cstr(&out), V
                        "\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no \\\"JSON\\\"\"}}");
    buf_clear(&out);
    jsonrpc_write_error(&out, SPAN_OF("5"), MCP_UNSUPPORTED_VERSION, SPAN_OF("v"),
                        SPAN_OF("{\"supported\":[]}"));
    assert_string_equal(buf_cstr(&out), V "\"id\":5,\"error\":{\"code\":-32022,\"message\":\"v\","
                                          "\"data\":{\"supported\":[]}}}");
    buf_clear(&out);
    json_writer w = jsonrpc_open_result(&out, SPAN_OF("9"));
    json_open_object(&w);
    json_key(&w, "tools");
    json_open_array(&w);
    json_close_array(&w);
    json_close_object(&w);
    jsonrpc_close_result(&w);
    assert_string_equal(buf_cstr(&out), V "\"id\":9,\"result\":{\"tools\":[]}}");
    buf_done(&out);
}

/* Over standard streams what stands behind a line's end is another message. */
static void a_message_is_one_line(void **state) {
    (void)state;
    static const span laid_out = SPAN("{\"a\":\n{\"jsonrpc\": \"2.0\"}\r\n,\"b\":\r\"\\n\"}\n");
    static const char *const line = "{\"a\": {\"jsonrpc\": \"2.0\"}  ,\"b\": \"\\n\"} ";
    buf out = BUF_EMPTY, want = BUF_EMPTY;
    jsonrpc_write_request(&out, SPAN_OF("1"), SPAN_OF("a"), laid_out);
    buf_addf(&want, V "\"id\":1,\"method\":\"a\",\"params\":%s}", line);
    jsonrpc_write_notification(&out, SPAN_OF("a"), laid_out);
    buf_addf(&want, V "\"method\":\"a\",\"params\":%s}", line);
    jsonrpc_write_result(&out, SPAN_OF("1"), laid_out);
    buf_addf(&want, V "\"id\":1,\"result\":%s}", line);
    jsonrpc_write_error(&out, SPAN_OF("1"), JSONRPC_INTERNAL, SPAN_OF("a\nb"), laid_out);
    buf_addf(&want, V "\"id\":1,\"error\":{\"code\":-32603,\"message\":\"a\\nb\",\"data\":%s}}",
             line);
    json_writer w = jsonrpc_open_result(&out, SPAN_OF("1"));
    json_open_object(&w);
    json_key(&w, "c");
    json_put_raw(&w, laid_out);
    json_close_object(&w);
    jsonrpc_close_result(&w);
    buf_addf(&want, V "\"id\":1,\"result\":{\"c\":%s}}", line);
    assert_string_equal(buf_cstr(&out), buf_cstr(&want));
    buf_done(&out);
    buf_done(&want);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read),      cmocka_unit_test(what_is_none_is_told),
        cmocka_unit_test(limits_are_the_callers), cmocka_unit_test(ids_are_what_they_are_spelt),
        cmocka_unit_test(messages_are_written),   cmocka_unit_test(a_message_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
