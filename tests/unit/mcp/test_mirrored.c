/* What headers repeat of a message. */
#include "unit.h"

#include "mcp/mirror.h"
#include "mcp/mirrored.h"

static void values_are_undone(void **state) {
    (void)state;
    static const struct {
        const char *header, *want; /* NULL: it is not as it should be */
    } rows[] = {
        {"us-west1", "us-west1"},
        {"", ""},
        {"=?base64?SGVsbG8=?=", "Hello"},
        {"=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, \xE4\xB8\x96\xE7\x95\x8C"},
        {"=?base64?IHBhZGRlZCA=?=", " padded "},
        {"=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="},
        {"=?base64?"
         "?=",
         ""},
        {"=?base64?SGVsbG8=", "=?base64?SGVsbG8="},     /* no end: itself */
        {"SGVsbG8=?=", "SGVsbG8=?="},                   /* no beginning */
        {"=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="}, /* another one */
        {"=?base64?=", "=?base64?="},                   /* the two do not share a byte */
        {"=?base64?SGVsbG8?=", NULL},
        {"=?base64?SGVs!!!bG8=?=", NULL},
        {"=?base64?SGVsbG9=?=", NULL}, /* bits that the padding leaves over */
        {"=?base64?====?=", NULL},
        {"=?base64?S===?=", NULL},
        {"=?base64?SG=s?=", NULL},
        {"=?base64?gICA?=", NULL}, /* no UTF-8 */
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span value;
        const bool good = mirrored_value(span_cstr(rows[i].header), &a, &value);
        assert_int_equal(good, rows[i].want != NULL);
        if (good) assert_span(value, rows[i].want);
    }
    arena_done(&a);
}

#define MARK(type, name) "{\"type\":\"" type "\",\"x-mcp-header\":\"" name "\"}"

static void marked_arguments_are_compared(void **state) {
    (void)state;
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{"
        "\"region\":" MARK(
            "string",
            "Region") ","
                      "\"count\":" MARK(
                          "integer",
                          "Count") ","
                                   "\"dry\":" MARK(
                                       "boolean",
                                       "Dry") ","
                                              "\"deep\":{\"type\":\"object\",\"properties\":{"
                                              "\"a\":" MARK("string",
                                                            "A") "}},"
                                                                 "\"free\":{\"type\":\"string\"}}}";
    static const struct {
        const char *arguments;
        http_header headers[3];
        const char *why;
    } rows[] = {
        {"{\"free\":\"x\"}", {{SPAN_EMPTY, SPAN_EMPTY}}, ""},
        {"{\"region\":\"eu\"}", {{SPAN("mcp-param-region"), SPAN("eu")}}, ""},
        {"{\"region\":\"eu\"}", {{SPAN("MCP-PARAM-REGION"), SPAN("=?base64?ZXU=?=")}}, ""},
        {"{\"count\":42}", {{SPAN("Mcp-Param-Count"), SPAN("42.0")}}, ""},
        {"{\"count\":4.2e1}", {{SPAN("Mcp-Param-Count"), SPAN("42")}}, ""},
        {"{\"count\":0.1}", {{SPAN("Mcp-Param-Count"), SPAN("1e-1")}}, ""},
        {"{\"count\":-0}", {{SPAN("Mcp-Param-Count"), SPAN("0")}}, ""},
        {"{\"count\":9007199254740993}",
         {{SPAN("Mcp-Param-Count"), SPAN("9007199254740993.0")}},
         ""},
        {"{\"count\":9007199254740993}",
         {{SPAN("Mcp-Param-Count"), SPAN("9007199254740992")}},
         "Header mismatch: Mcp-Param-Count does not say what the arguments say."},
        {"{\"count\":1e400}",
         {{SPAN("Mcp-Param-Count"), SPAN("2e400")}},
         "Header mismatch: Mcp-Param-Count does not say what the arguments say."},
        {"{\"dry\":true}", {{SPAN("Mcp-Param-Dry"), SPAN("true")}}, ""},
        {"{\"dry\":false}", {{SPAN("Mcp-Param-Dry"), SPAN("false")}}, ""},
        {"{\"deep\":{\"a\":\"b\"}}", {{SPAN("Mcp-Param-A"), SPAN("b")}}, ""},
        {"{\"region\":null}", {{SPAN_EMPTY, SPAN_EMPTY}}, ""},
        {NULL, {{SPAN_EMPTY, SPAN_EMPTY}}, ""},
        {"{\"region\":\"eu\"}",
         {{SPAN_EMPTY, SPAN_EMPTY}},
         "Header mismatch: Mcp-Param-Region is missing, and the arguments have a value for it."},
        {"{\"region\":\"eu\"}",
         {{SPAN("Mcp-Param-Region"), SPAN("us")}},
         "Header mismatch: Mcp-Param-Region does not say what the arguments say."},
        {"{\"region\":\"eu\"}",
         {{SPAN("Mcp-Param-Region"), SPAN("=?base64?ZXU?=")}},
         "Header mismatch: Mcp-Param-Region is not encoded as it should be."},
        {"{\"region\":\"eu\"}",
         {{SPAN("Mcp-Param-Region"), SPAN("eu")}, {SPAN("Mcp-Param-Region"), SPAN("us")}},
         "Header mismatch: Mcp-Param-Region comes more than once."},
        {"{\"region\":null}",
         {{SPAN("Mcp-Param-Region"), SPAN("null")}},
         "Header mismatch: Mcp-Param-Region is there, and the arguments have no value for it."},
        {NULL,
         {{SPAN("Mcp-Param-Region"), SPAN("eu")}},
         "Header mismatch: Mcp-Param-Region is there, and the arguments have no value for it."},
        {"{\"count\":42}",
         {{SPAN("Mcp-Param-Count"), SPAN("forty-two")}},
         "Header mismatch: Mcp-Param-Count does not say what the arguments say."},
        {"{\"dry\":true}",
         {{SPAN("Mcp-Param-Dry"), SPAN("True")}},
         "Header mismatch: Mcp-Param-Dry does not say what the arguments say."},
        {"{\"region\":[]}",
         {{SPAN("Mcp-Param-Region"), SPAN("[]")}},
         "Header mismatch: Mcp-Param-Region does not say what the arguments say."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        span why = SPAN_EMPTY;
        json_value arguments = {JSON_NONE, SPAN_EMPTY};
        json_fault fault;
        arena_init(&a, 0);
        if (rows[i].arguments)
            assert_true(json_scan(span_cstr(rows[i].arguments), NULL, &arguments, &fault));
        const bool good = mirrored_arguments(span_cstr(schema), arguments,
                                             (http_headers){rows[i].headers, 3}, &a, &why);
        assert_span(why, rows[i].why);
        assert_int_equal(good, !rows[i].why[0]);
        arena_done(&a);
    }
}

/* Nobody's business but the tool's. */
static void what_is_not_marked_is_not_looked_at(void **state) {
    (void)state;
    const http_header h = {SPAN("mcp-param-region"), SPAN("us")};
    json_value arguments;
    json_fault fault;
    arena a;
    span why = SPAN_EMPTY;
    arena_init(&a, 0);
    assert_true(
        json_scan(SPAN_OF("{\"region\":\"eu\",\"list\":[\"a\"]}"), NULL, &arguments, &fault));
    static const char *const schemas[] = {
        "{\"properties\":{\"region\":{\"type\":\"string\"}}}",
        "{\"properties\":{\"list\":{\"items\":" MARK("string", "Region") "}}}",
        "{\"anyOf\":[{\"properties\":{\"region\":" MARK("string", "Region") "}}]}",
        "{\"properties\":{\"region\":{\"x-mcp-header\":7}}}",
        "{\"properties\":[" MARK("string", "Region") "]}",
        "{}",
    };
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        assert_true(
            mirrored_arguments(span_cstr(schemas[i]), arguments, (http_headers){&h, 1}, &a, &why));
    arena_done(&a);
}

static void a_client_repeats_what_is_marked(void **state) {
    (void)state;
    static const span schema =
        SPAN("{\"properties\":{\"a\":{\"x-mcp-header\":\"A\"},\"b\":{\"x-mcp-header\":\"no name\"},"
             "\"c\":{\"properties\":{\"d\":{\"x-mcp-header\":\"D-d\"}}},\"e\":{\"x-mcp-header\":7},"
             "\"f\":{\"x-mcp-header\":\"F\\r\\nX\"}}}");
    static const struct {
        const char *arguments, *want;
    } rows[] = {
        {"{}", ""},
        {"{\"a\":\"x y\",\"b\":\"1\",\"e\":\"2\",\"f\":\"3\"}", "Mcp-Param-A: x y\n"},
        {"{\"a\":\"x\\r\\nY: z\"}", "Mcp-Param-A: =?base64?eA0KWTogeg==?=\n"},
        {"{\"a\":1.50,\"c\":{\"d\":true}}", "Mcp-Param-A: 1.50\nMcp-Param-D-d: true\n"},
        {"{\"a\":null,\"c\":[]}", ""},
        {"{\"a\":{\"x\":1}}", ""},
    };
    buf lines = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&lines);
        mirror_arguments(schema, span_cstr(rows[i].arguments), &lines);
        assert_string_equal(buf_cstr(&lines), rows[i].want);
    }
    buf_clear(&lines);
    mirror_arguments(SPAN_OF("{\"properties\":{}}"), SPAN_OF("{\"a\":1}"), &lines);
    assert_int_equal(lines.len, 0);
    buf_done(&lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_repeats_what_is_marked),
        cmocka_unit_test(values_are_undone),
        cmocka_unit_test(marked_arguments_are_compared),
        cmocka_unit_test(what_is_not_marked_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
