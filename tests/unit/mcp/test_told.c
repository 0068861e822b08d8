/* What weir answers as an MCP server. */
#include "unit.h"

#include "mcp/told.h"

#define BEGIN  "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"
#define SERVER "{\"name\":\"weir\",\"title\":\"weir\",\"version\":\"" WEIR_VERSION "\"}"
#define COMPLETE                                                                                   \
    "\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":" SERVER "}"

static void the_handshake(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    mcp_write_initialize(SPAN_OF("1"), MCP_2025_06_18, &out);
    assert_string_equal(buf_cstr(&out),
                        BEGIN "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{"
                              "\"listChanged\":true}},\"serverInfo\":" SERVER "}}");
    buf_clear(&out);
    mcp_write_discover(SPAN_OF("1"), &out);
    assert_string_equal(
        buf_cstr(&out), BEGIN
        "{\"supportedVersions\":[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\"],"
        "\"capabilities\":{\"tools\":{\"listChanged\":true}}," COMPLETE
        ",\"ttlMs\":60000,\"cacheScope\":\"public\"}}");
    buf_clear(&out);
    mcp_write_empty(SPAN_OF("\"x\""), &out);
    assert_string_equal(buf_cstr(&out), "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}");
    buf_done(&out);
}

static void tools_are_listed(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    json_writer w = mcp_open_tools(SPAN_OF("1"), &out);
    mcp_put_tool(&w, SPAN_OF("a"), SPAN_OF("Says \"a\"."), SPAN_OF("{\"type\":\"object\"}"), true);
    mcp_put_tool(&w, SPAN_OF("b"), SPAN_EMPTY, SPAN_OF("{}"), false);
    mcp_close_tools(&w, MCP_2025_11_25, SPAN_OF("b.1"));
    assert_string_equal(
        buf_cstr(&out),
        BEGIN "{\"tools\":[{\"name\":\"a\",\"description\":\"Says \\\"a\\\".\",\"inputSchema\":{"
              "\"type\":\"object\"},\"annotations\":{\"idempotentHint\":true}},{\"name\":\"b\","
              "\"inputSchema\":{\"type\":\"object\"}}],\"nextCursor\":\"b.1\"}}");
    buf_clear(&out);
    w = mcp_open_tools(SPAN_OF("1"), &out);
    mcp_close_tools(&w, MCP_2026_07_28, SPAN_EMPTY);
    assert_string_equal(buf_cstr(&out), BEGIN "{\"tools\":[]," COMPLETE
                                              ",\"ttlMs\":60000,\"cacheScope\":\"private\"}}");
    buf_done(&out);
}

/* Clients refuse a whole list for one schema that does not say that it is an object's. */
static void schemas_are_objects(void **state) {
    (void)state;
    static const struct {
        const char *schema, *want;
    } rows[] = {
        {"{\"type\":\"object\",\"a\":1}", "{\"type\":\"object\",\"a\":1}"},
        {" {\"a\": 1, \"type\" : \"object\"} ", " {\"a\": 1, \"type\" : \"object\"} "},
        {"{\"properties\":{\"type\":{}},\"\\u0061\":[1, 2]}",
         "{\"type\":\"object\",\"properties\":{\"type\":{}},\"\\u0061\":[1, 2]}"},
        {"{\"type\":[\"object\",\"null\"],\"a\":1}", "{\"type\":\"object\",\"a\":1}"},
        {"{\"a\":1,\"typ\\u0065\":null}", "{\"type\":\"object\",\"a\":1}"},
        {"true", "{\"type\":\"object\"}"},
        {"{\n\"a\":\r1,\"type\":\"object\"}", "{ \"a\": 1,\"type\":\"object\"}"},
        {"{\n\"a\":\r[\n]}", "{\"type\":\"object\",\"a\":[ ]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY, want = BUF_EMPTY;
        json_writer w = json_writer_of(&out);
        mcp_put_tool(&w, SPAN_OF("a"), SPAN_EMPTY, span_cstr(rows[i].schema), false);
        buf_addf(&want, "{\"name\":\"a\",\"inputSchema\":%s}", rows[i].want);
        assert_string_equal(buf_cstr(&out), buf_cstr(&want));
        buf_done(&out);
        buf_done(&want);
    }
}

static void results(void **state) {
    (void)state;
    static const struct {
        mcp_revision revision;
        const char *text;
        bool failed;
        const char *want; /* behind the text */
    } rows[] = {
        {MCP_2025_11_25, "noon", false, "\"isError\":false}}"},
        {MCP_2025_11_25, "noon", true, "\"isError\":true}}"},
        {MCP_2025_06_18, " {\"a\": 1.50}\n", false,
         "\"structuredContent\":{\"a\": 1.50},\"isError\":false}}"},
        {MCP_2025_03_26, "{\"a\":1}", false, "\"isError\":false}}"}, /* it does not know of that */
        {MCP_2025_11_25, "{\"a\":1}", true, "\"isError\":true}}"},
        {MCP_2025_11_25, "{\"a\":1,\"a\":2}", false, "\"isError\":false}}"},
        {MCP_2025_11_25, "{\"a\":1} {}", false, "\"isError\":false}}"},
        {MCP_2025_11_25, "[1]", false, "\"isError\":false}}"},
        {MCP_2025_11_25, "", false, "\"isError\":false}}"},
        {MCP_2026_07_28, "3", false, "\"isError\":false," COMPLETE "}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY, want = BUF_EMPTY;
        buf_add_cstr(&want, BEGIN "{\"content\":[{\"type\":\"text\",\"text\":");
        json_write_string(&want, span_cstr(rows[i].text));
        buf_addf(&want, "}],%s", rows[i].want);
        mcp_write_called(SPAN_OF("1"), rows[i].revision, span_cstr(rows[i].text), rows[i].failed,
                         &out);
        assert_string_equal(buf_cstr(&out), buf_cstr(&want));
        buf_done(&out);
        buf_done(&want);
    }
}

#define SUBSCRIPTION "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"s\"}"

static void subscriptions(void **state) {
    (void)state;
    static const span id = SPAN("\"s\"");
    buf out = BUF_EMPTY;
    mcp_write_acknowledged(id, true, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"
                        "acknowledged\",\"params\":{" SUBSCRIPTION
                        ",\"notifications\":{\"toolsListChanged\":true}}}");
    buf_clear(&out);
    mcp_write_acknowledged(id, false, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"
                        "acknowledged\",\"params\":{" SUBSCRIPTION ",\"notifications\":{}}}");
    buf_clear(&out);
    mcp_write_tools_changed(id, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\","
                        "\"params\":{" SUBSCRIPTION "}}");
    buf_clear(&out);
    mcp_write_tools_changed(SPAN_EMPTY, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\","
                        "\"params\":{}}");
    buf_clear(&out);
    mcp_write_subscription_end(id, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"result\":{\"resultType\":"
                        "\"complete\"," SUBSCRIPTION "}}");
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake),       cmocka_unit_test(tools_are_listed),
        cmocka_unit_test(schemas_are_objects), cmocka_unit_test(results),
        cmocka_unit_test(subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
