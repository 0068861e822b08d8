/* What MCP servers' answers say, and the names that their tools get. */
#include "unit.h"

#include "mcp/result.h"

static json_value read(const char *text) {
    json_value root;
    json_fault f;
    if (!json_scan(span_cstr(text), NULL, &root, &f)) fail_msg("%s: %s", text, f.what);
    return root;
}

static void pages_are_read(void **state) {
    (void)state;
    json_value page =
        read("{\"tools\":[{\"name\":\"a\",\"description\":\"b\\n\",\"inputSchema\":{\"type\":"
             "\"object\"}},"
             "7,{\"name\":\"\"},{\"description\":\"no name\"},{\"name\":[]},"
             "{\"name\":\"c.d\",\"description\":5,\"inputSchema\":true},"
             "{\"name\":\"t\",\"execution\":{\"taskSupport\":\"required\"}},"
             "{\"name\":\"o\",\"execution\":{\"taskSupport\":\"optional\"}}],\"nextCursor\":\"\"}");
    arena a;
    mcp_listed t;
    arena_init(&a, 0);
    json_iter it = mcp_tools_of(page);
    assert_true(mcp_next_tool(&it, &a, &t));
    assert_span(t.name, "a");
    assert_span(t.description.raw, "\"b\\n\"");
    assert_span(t.schema.raw, "{\"type\":\"object\"}");
    assert_true(t.callable);
    assert_true(mcp_next_tool(&it, &a, &t));
    assert_span(t.name, "c.d");
    assert_int_equal(t.description.type, JSON_NONE);
    assert_int_equal(t.schema.type, JSON_NONE);
    assert_true(mcp_next_tool(&it, &a, &t));
    assert_false(t.callable);
    assert_true(mcp_next_tool(&it, &a, &t));
    assert_true(t.callable);
    assert_false(mcp_next_tool(&it, &a, &t));
    assert_span(mcp_next_cursor(page).raw, "\"\"");
    assert_int_equal(mcp_next_cursor(read("{\"nextCursor\":null}")).type, JSON_NONE);
    assert_int_equal(mcp_next_cursor(read("{}")).type, JSON_NONE);
    it = mcp_tools_of(read("{\"tools\":{\"name\":\"a\"}}"));
    assert_false(mcp_next_tool(&it, &a, &t));
    it = mcp_tools_of(read("[]"));
    assert_false(mcp_next_tool(&it, &a, &t));
    arena_done(&a);
}

static void results_become_text(void **state) {
    (void)state;
    static const struct {
        const char *result;
        mcp_called called;
        const char *text;
    } rows[] = {
        {"{\"content\":[{\"type\":\"text\",\"text\":\"a\\u00e4\"}]}", MCP_ANSWERED, "a\xC3\xA4"},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}],"
         "\"structuredContent\":{\"x\":1},\"isError\":false}",
         MCP_ANSWERED, "a\nb"},
        {"{\"content\":[],\"structuredContent\":{\"x\":[1]}}", MCP_ANSWERED, "{\"x\":[1]}"},
        {"{\"structuredContent\":{\"x\":1}}", MCP_ANSWERED, "{\"x\":1}"},
        {"{\"content\":[]}", MCP_ANSWERED, ""},
        {"{\"toolResult\":3}", MCP_ANSWERED, "3"},
        {"{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"\"}]}",
         MCP_ANSWERED, ""},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"no\"}],\"isError\":true}", MCP_SAYS_FAILED,
         "no"},
        {"{\"content\":[{\"type\":\"image\",\"data\":\"QUJD\",\"mimeType\":\"image/png\"}]}",
         MCP_ANSWERED, "[image image/png, 3 bytes, which cannot be shown here]"},
        {"{\"content\":[{\"type\":\"audio\",\"data\":\"QUI=\",\"mimeType\":\"audio/wav\"}]}",
         MCP_ANSWERED, "[audio audio/wav, 2 bytes, which cannot be shown here]"},
        {"{\"content\":[{\"type\":\"image\"}]}", MCP_ANSWERED,
         "[image, 0 bytes, which cannot be shown here]"},
        {"{\"content\":[{\"type\":\"resource_link\",\"uri\":\"a://b\",\"name\":\"c\"},"
         "{\"type\":\"resource_link\",\"uri\":\"d://e\"}]}",
         MCP_ANSWERED, "[resource c: a://b]\n[resource d://e]"},
        {"{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"a://b\",\"text\":\"t\"}},"
         "{\"type\":\"resource\",\"resource\":{\"uri\":\"a://b\",\"mimeType\":\"x/y\",\"blob\":"
         "\"QQ==\"}}]}",
         MCP_ANSWERED, "t\n[resource a://b x/y, 1 bytes, which cannot be shown here]"},
        {"{\"content\":[{\"type\":\"new\",\"x\":1}]}", MCP_ANSWERED, "{\"type\":\"new\",\"x\":1}"},
        {"{\"content\":[7,{\"type\":\"text\"}]}", MCP_ANSWERED, "7\n"},
        {"{\"resultType\":\"input_required\"}", MCP_ASKS, ""},
        {"{}", MCP_SAYS_NOTHING, ""},
        {"{\"content\":\"a\"}", MCP_SAYS_NOTHING, ""},
        {"[]", MCP_SAYS_NOTHING, ""},
    };
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&text);
        assert_int_equal(mcp_read_called(read(rows[i].result), 1000, &text), rows[i].called);
        assert_string_equal(buf_cstr(&text), rows[i].text);
    }
    buf_done(&text);
}

/* A byte more than there may be, so that whoever bounds it sees it; never all of it. */
static void what_is_too_large_is_not_gathered(void **state) {
    (void)state;
    static const char *const results[] = {
        "{\"content\":[{\"type\":\"text\",\"text\":\"0123456789\"}]}",
        "{\"content\":[{\"type\":\"text\",\"text\":\"012\"},{\"text\":\"3\"},7,8,9]}",
        "{\"structuredContent\":\"0123456\"}",
        "{\"content\":[{\"type\":\"image\",\"data\":\"\"}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        buf text = BUF_EMPTY;
        assert_int_equal(mcp_read_called(read(results[i]), 5, &text), MCP_ANSWERED);
        assert_int_equal(text.len, 6);
        buf_done(&text);
    }
    buf text = BUF_EMPTY;
    assert_int_equal(mcp_read_called(read(results[0]), 10, &text), MCP_ANSWERED);
    assert_int_equal(text.len, 10);
    buf_done(&text);
}

static void questions_are_declined(void **state) {
    (void)state;
    static const struct {
        const char *result, *want; /* NULL: cannot be */
    } rows[] = {
        {"{\"inputRequests\":{\"k\\\"1\":{\"method\":\"elicitation/"
         "create\"}},\"requestState\":\"s\"}",
         "\"inputResponses\":{\"k\\\"1\":{\"action\":\"decline\"}},\"requestState\":\"s\""},
        {"{\"inputRequests\":{\"a\":{\"method\":\"elicitation/create\"},\"b\":{\"method\":"
         "\"elicitation/create\"}}}",
         "\"inputResponses\":{\"a\":{\"action\":\"decline\"},\"b\":{\"action\":\"decline\"}}"},
        {"{}", "\"inputResponses\":{}"},
        {"{\"inputRequests\":{\"a\":{\"method\":\"sampling/createMessage\"}}}", NULL},
        {"{\"inputRequests\":{\"a\":7}}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        json_value what = {JSON_NONE, SPAN_EMPTY};
        assert_int_equal(mcp_write_declines(read(rows[i].result), &out, &what),
                         rows[i].want != NULL);
        if (rows[i].want) assert_string_equal(buf_cstr(&out), rows[i].want);
        buf_done(&out);
    }
}

static void names_are_what_models_may_have(void **state) {
    (void)state;
    char a64[65], a65[66];
    memset(a64, 'a', 64), a64[64] = '\0';
    memset(a65, 'a', 65), a65[65] = '\0';
    arena a;
    arena_init(&a, 0);
    assert_span(mcp_model_name(SPAN_EMPTY, SPAN_OF("read_file"), false, &a), "read_file");
    assert_span(mcp_model_name(SPAN_OF("fs"), SPAN_OF("read_file"), false, &a), "fs_read_file");
    assert_span(mcp_model_name(SPAN_EMPTY, SPAN_OF("a.b/c d\xC3\xA4"), false, &a), "a_b_c_d_");
    assert_span(mcp_model_name(SPAN_EMPTY, SPAN_OF("\r\n\"$(x)"), false, &a), "_____x_");
    assert_span(mcp_model_name(SPAN_EMPTY, span_cstr(a64), false, &a), a64);
    span cut = mcp_model_name(SPAN_EMPTY, span_cstr(a65), false, &a);
    assert_int_equal(cut.len, 64);
    assert_int_equal(cut.ptr[55], '_');
    /* The same in every process, and another for another name. */
    assert_span(mcp_model_name(SPAN_EMPTY, SPAN_OF("a"), true, &a), "a_ca978112");
    assert_span(mcp_model_name(SPAN_EMPTY, SPAN_OF("b"), true, &a), "b_3e23e816");
    cut = mcp_model_name(span_cstr(a64), SPAN_OF("b"), false, &a);
    assert_int_equal(cut.len, 64);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_read),
        cmocka_unit_test(results_become_text),
        cmocka_unit_test(what_is_too_large_is_not_gathered),
        cmocka_unit_test(questions_are_declined),
        cmocka_unit_test(names_are_what_models_may_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
