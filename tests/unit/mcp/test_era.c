/* Which era an MCP server speaks, by what it answers, and what each era wants written. */
#include "unit.h"

#include "mcp/era.h"

#define V "{\"jsonrpc\":\"2.0\",\"id\":1,"

/* As servers of six SDKs were seen to answer. */
static void what_comes_back_tells_the_era(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *text; /* NULL: nothing that is a message */
        mcp_next next;
    } rows[] = {
        {0, V "\"result\":{\"supportedVersions\":[\"2025-11-25\",\"2026-07-28\"]}}", MCP_GO_ON},
        {200, V "\"result\":{\"supportedVersions\":[\"2026-07-28\"]}}", MCP_GO_ON},
        /* Go's with sessions */
        {200, V "\"result\":{\"supportedVersions\":[\"2025-11-25\"]}}", MCP_INITIALIZE},
        {0, V "\"result\":{\"supportedVersions\":[\"2025-11-25\"]}}", MCP_ANEW},
        {400, V "\"error\":{\"code\":-32022,\"data\":{\"supported\":[\"2025-11-25\"]}}}",
         MCP_INITIALIZE},
        {400, V "\"error\":{\"code\":-32022,\"data\":{\"supported\":[\"2026-07-28\"]}}}",
         MCP_GIVE_UP},
        {400, V "\"error\":{\"code\":-32022}}", MCP_INITIALIZE},
        {400, V "\"error\":{\"code\":-32021}}", MCP_GIVE_UP},
        {400, V "\"error\":{\"code\":-32020}}", MCP_GIVE_UP},
        /* TypeScript's 1 and Python's 1 */
        {0, V "\"error\":{\"code\":-32601}}", MCP_INITIALIZE},
        {0, V "\"error\":{\"code\":-32602}}", MCP_INITIALIZE},
        {400, V "\"error\":{\"code\":-32000}}", MCP_INITIALIZE},
        {400, NULL, MCP_INITIALIZE},
        {404, NULL, MCP_INITIALIZE},
        {405, NULL, MCP_INITIALIZE},
        {202, NULL, MCP_INITIALIZE},
        {500, NULL, MCP_INITIALIZE},
        {401, NULL, MCP_GIVE_UP},
        {403, NULL, MCP_GIVE_UP},
        /* What is no answer of the method. */
        {0, V "\"result\":{}}", MCP_ANEW},
        {200, V "\"result\":7}", MCP_INITIALIZE},
        {200, V "\"result\":{\"supportedVersions\":\"2026-07-28\"}}", MCP_INITIALIZE},
        {200, V "\"result\":{\"supportedVersions\":[20260728,{}]}}", MCP_INITIALIZE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jsonrpc_message m;
        jsonrpc_fault f;
        mcp_heard h = {rows[i].status, NULL};
        if (rows[i].text) {
            assert_true(jsonrpc_read(span_cstr(rows[i].text), NULL, &m, &f));
            h.message = &m;
        }
        if (mcp_after_discover(&h) != rows[i].next) fail_msg("row %zu", i);
    }
}

static void versions_of_the_handshake(void **state) {
    (void)state;
    static const char *const good[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
    static const char *const bad[] = {"", "2026-07-28", "1999-01-01", "2025-11-2", "2025-11-25 "};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(mcp_is_legacy_version(span_cstr(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(mcp_is_legacy_version(span_cstr(bad[i])));
}

static void changes_are_told_of(void **state) {
    (void)state;
    static const struct {
        const char *result;
        bool tells;
    } rows[] = {
        {"{\"capabilities\":{\"tools\":{\"listChanged\":true}}}", true},
        {"{\"capabilities\":{\"tools\":{\"listChanged\":false}}}", false},
        {"{\"capabilities\":{\"tools\":{\"listChanged\":1}}}", false},
        {"{\"capabilities\":{\"tools\":{}}}", false},
        {"{\"capabilities\":{}}", false},
        {"[]", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_value root;
        json_fault f;
        assert_true(json_scan(span_cstr(rows[i].result), NULL, &root, &f));
        assert_int_equal(mcp_tells_of_changes(root), rows[i].tells);
    }
}

#define SELF "{\"name\":\"weir\",\"version\":\"" WEIR_VERSION "\"}"
#define META                                                                                       \
    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                  \
    "\"io.modelcontextprotocol/clientCapabilities\":{},"                                           \
    "\"io.modelcontextprotocol/clientInfo\":" SELF

static void params_are_what_the_era_wants(void **state) {
    (void)state;
    static const struct {
        mcp_era era;
        const char *members, *trace, *want;
    } rows[] = {
        {MCP_LEGACY, "", "", "{}"},
        {MCP_LEGACY, "\"a\":1", "", "{\"a\":1}"},
        {MCP_LEGACY, "\"a\":1", "00-1", "{\"a\":1,\"_meta\":{\"traceparent\":\"00-1\"}}"},
        {MCP_MODERN, "", "", "{\"_meta\":{" META "}}"},
        {MCP_MODERN, "\"a\":1", "00-1", "{\"a\":1,\"_meta\":{" META ",\"traceparent\":\"00-1\"}}"},
    };
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&out);
        mcp_write_params(&out, rows[i].era, span_cstr(rows[i].members), span_cstr(rows[i].trace));
        assert_string_equal(buf_cstr(&out), rows[i].want);
    }
    buf_clear(&out);
    mcp_write_hello(&out);
    assert_string_equal(
        buf_cstr(&out),
        "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":" SELF "}");
    buf_done(&out);
}

static void fields_hold_any_text(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"read_file", "read_file"},
        {"a b", "a b"},
        {"", ""},
        {" a", "=?base64?IGE=?="},
        {"a ", "=?base64?YSA=?="},
        {"a\r\nX: y", "=?base64?YQ0KWDogeQ==?="},
        {"\xC3\xA4", "=?base64?w6Q=?="},
        {"abc\x7F", "=?base64?YWJjfw==?="},
        {"=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="},
    };
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&out);
        mcp_write_field(&out, span_cstr(rows[i].text));
        assert_string_equal(buf_cstr(&out), rows[i].want);
    }
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_back_tells_the_era),
        cmocka_unit_test(versions_of_the_handshake),
        cmocka_unit_test(changes_are_told_of),
        cmocka_unit_test(params_are_what_the_era_wants),
        cmocka_unit_test(fields_hold_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
