/* What a POST asks of an MCP server, by its headers and its body. */
#include "unit.h"

#include "mcp/asked.h"

#define META(version)                                                                              \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" version                            \
    "\",\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define NOW   META("2026-07-28")
#define V     "{\"jsonrpc\":\"2.0\","
#define ASK   V "\"id\":1,\"method\":"
#define LISTS ASK "\"tools/list\""

/* headers: "name: value\n" each. */
static http_headers headers_of(const char *text, http_header *ret) {
    size_t n = 0;
    span rest = span_cstr(text), line;
    while (rest.len && span_cut(&rest, '\n', &line)) {
        const size_t colon = span_find(line, 0, ':');
        ret[n++] = (http_header){span_slice(line, 0, colon),
                                 span_trim(span_slice(line, colon + 1, line.len))};
    }
    return (http_headers){ret, n};
}

static span raw_of(json_value v) {
    return v.type == JSON_NONE ? SPAN_OF("-") : v.raw;
}

/* "request REVISION METHOD …", "note", or "STATUS CODE ID MESSAGE". */
static void tell(const char *headers, const char *body, buf *out) {
    http_header h[8];
    mcp_asked q;
    arena a;
    arena_init(&a, 0);
    buf_clear(out);
    mcp_asked_read(span_cstr(body), NULL, headers_of(headers, h), &a, &q);
    if (q.sort == MCP_REFUSED) {
        buf_addf(out, "%d %d %.*s %.*s", q.refusal.status, q.refusal.code, SPAN_ARG(q.id),
                 SPAN_ARG(q.refusal.message));
        if (q.refusal.data.len) buf_addf(out, " %.*s", SPAN_ARG(q.refusal.data));
    } else if (q.sort == MCP_NOTE) {
        buf_addf(out, "note %.*s", SPAN_ARG(q.cancels));
    } else {
        buf_addf(out, "request %.*s %d %.*s", SPAN_ARG(mcp_revision_text(q.revision)),
                 (int)q.method, SPAN_ARG(q.id));
        if (q.method == MCP_INITIALIZE)
            buf_addf(out, " %.*s", SPAN_ARG(mcp_revision_text(q.offered)));
        if (q.method == MCP_TOOLS_LIST) buf_addf(out, " %.*s", SPAN_ARG(raw_of(q.cursor)));
        if (q.method == MCP_TOOLS_CALL)
            buf_addf(out, " %.*s %.*s %.*s", SPAN_ARG(q.name), SPAN_ARG(raw_of(q.arguments)),
                     SPAN_ARG(q.traceparent));
        if (q.method == MCP_LISTEN) buf_addf(out, " %d", q.tools_changed);
    }
    arena_done(&a);
}

typedef struct row {
    const char *headers, *body, *want;
} row;

static void check(const row *rows, size_t count) {
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < count; i++) {
        tell(rows[i].headers, rows[i].body, &out);
        assert_string_equal(buf_cstr(&out), rows[i].want);
    }
    buf_done(&out);
}

static void legacy_requests(void **state) {
    (void)state;
    static const row rows[] = {
        {"", ASK "\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\"}}",
         "request 2025-03-26 0 1 2025-06-18"},
        {"", ASK "\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\"}}",
         "request 2025-03-26 0 1 2025-11-25"},
        {"", ASK "\"initialize\",\"params\":{\"protocolVersion\":\"1999-01-01\"}}",
         "request 2025-03-26 0 1 2025-11-25"},
        {"", ASK "\"initialize\",\"params\":{\"protocolVersion\":\"2026-07-28\"}}",
         "request 2025-03-26 0 1 2025-11-25"},
        {"", ASK "\"initialize\",\"params\":{}}",
         "200 -32602 1 params.protocolVersion must be a string."},
        {"", ASK "\"initialize\"}", "200 -32602 1 params.protocolVersion must be a string."},
        {"MCP-Protocol-Version: 2025-11-25", ASK "\"ping\"}", "request 2025-11-25 1 1"},
        {"mcp-protocol-version: 2025-06-18", V "\"method\":\"ping\",\"id\":\"a\\\"b\"}",
         "request 2025-06-18 1 \"a\\\"b\""},
        {"", LISTS "}", "request 2025-03-26 3 1 -"},
        {"", LISTS ",\"params\":{\"cursor\":\"\"}}", "request 2025-03-26 3 1 \"\""},
        {"", LISTS ",\"params\":{\"cursor\":null}}", "request 2025-03-26 3 1 -"},
        {"", LISTS ",\"params\":{\"cursor\":7}}", "200 -32602 1 params.cursor must be a string."},
        {"",
         ASK "\"tools/call\",\"params\":{\"name\":\"a\\u0062\",\"arguments\":{\"x\":1},\"_meta\":{"
             "\"traceparent\":\"00-1\"}}}",
         "request 2025-03-26 4 1 ab {\"x\":1} 00-1"},
        {"", ASK "\"tools/call\",\"params\":{\"name\":\"a\"}}", "request 2025-03-26 4 1 a - "},
        {"", ASK "\"tools/call\",\"params\":{\"name\":\"a\",\"arguments\":null}}",
         "request 2025-03-26 4 1 a - "},
        {"", ASK "\"tools/call\",\"params\":{\"name\":\"a\",\"arguments\":[]}}",
         "200 -32602 1 params.arguments must be an object."},
        {"", ASK "\"tools/call\",\"params\":{\"arguments\":{}}}",
         "200 -32602 1 params.name must be a string: the tool's."},
        {"", ASK "\"tools/call\"}", "200 -32602 1 params.name must be a string: the tool's."},
        {"", ASK "\"prompts/list\"}", "200 -32601 1 Method not found: prompts/list"},
        {"", ASK "\"server/discover\"}", "200 -32601 1 Method not found: server/discover"},
        {"", ASK "\"subscriptions/listen\"}",
         "200 -32601 1 Method not found: subscriptions/listen"},
        {"MCP-Protocol-Version: 1999-01-01", ASK "\"ping\"}",
         "400 -32022 1 Unsupported protocol version {\"supported\":[\"2026-07-28\",\"2025-11-25\","
         "\"2025-06-18\",\"2025-03-26\"],\"requested\":\"1999-01-01\"}"},
        {"MCP-Protocol-Version:", ASK "\"ping\"}",
         "400 -32022 1 Unsupported protocol version {\"supported\":[\"2026-07-28\",\"2025-11-25\","
         "\"2025-06-18\",\"2025-03-26\"],\"requested\":\"\"}"},
    };
    check(rows, ARRAY_LEN(rows));
}

#define H(method) "MCP-Protocol-Version: 2026-07-28\nMcp-Method: " method

static void modern_requests(void **state) {
    (void)state;
    static const row rows[] = {
        {H("tools/list"), LISTS ",\"params\":{" NOW "}}", "request 2026-07-28 3 1 -"},
        {H("server/discover"), ASK "\"server/discover\",\"params\":{" NOW "}}",
         "request 2026-07-28 2 1"},
        {H("tools/call") "\nMcp-Name: add",
         ASK "\"tools/call\",\"params\":{\"name\":\"add\"," NOW "}}",
         "request 2026-07-28 4 1 add - "},
        {H("tools/call") "\nMcp-Name: =?base64?YWRk?=",
         ASK "\"tools/call\",\"params\":{\"name\":\"add\"," NOW "}}",
         "request 2026-07-28 4 1 add - "},
        {H("subscriptions/listen"),
         ASK
         "\"subscriptions/listen\",\"params\":{\"notifications\":{\"toolsListChanged\":true}," NOW
         "}}",
         "request 2026-07-28 5 1 1"},
        {H("subscriptions/listen"),
         ASK
         "\"subscriptions/listen\",\"params\":{\"notifications\":{\"promptsListChanged\":true}," NOW
         "}}",
         "request 2026-07-28 5 1 0"},
        {H("subscriptions/listen"), ASK "\"subscriptions/listen\",\"params\":{" NOW "}}",
         "200 -32602 1 params.notifications must be an object."},
        {H("ping"), ASK "\"ping\",\"params\":{" NOW "}}", "404 -32601 1 Method not found: ping"},
        {H("initialize"), ASK "\"initialize\",\"params\":{" NOW "}}",
         "404 -32601 1 Method not found: initialize"},
        /* what is missing */
        {H("tools/list"), LISTS "}",
         "400 -32602 1 params._meta must have io.modelcontextprotocol/protocolVersion, a string."},
        {H("tools/list"), LISTS ",\"params\":{\"_meta\":{}}}",
         "400 -32602 1 params._meta must have io.modelcontextprotocol/protocolVersion, a string."},
        {H("tools/list"),
         LISTS ",\"params\":{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
               "\"2026-07-28\"}}}",
         "400 -32602 1 params._meta must have io.modelcontextprotocol/clientCapabilities, an "
         "object."},
        {"MCP-Protocol-Version: 2026-07-28", LISTS ",\"params\":{" NOW "}}",
         "400 -32020 1 Header mismatch: Mcp-Method is '', and the body has 'tools/list'."},
        {"Mcp-Method: tools/list", LISTS ",\"params\":{" NOW "}}",
         "400 -32020 1 Header mismatch: MCP-Protocol-Version is '', and params._meta has "
         "'2026-07-28'."},
        {H("tools/call"), ASK "\"tools/call\",\"params\":{\"name\":\"add\"," NOW "}}",
         "400 -32020 1 Header mismatch: Mcp-Name is '', and the body has 'add'."},
        /* what differs */
        {H("TOOLS/LIST"), LISTS ",\"params\":{" NOW "}}",
         "400 -32020 1 Header mismatch: Mcp-Method is 'TOOLS/LIST', and the body has "
         "'tools/list'."},
        {H("tools/list") "\nMcp-Method: tools/list", LISTS ",\"params\":{" NOW "}}",
         "400 -32020 1 Header mismatch: Mcp-Method is '', and the body has 'tools/list'."},
        {H("tools/list"), LISTS ",\"params\":{" META("v999") "}}",
         "400 -32020 1 Header mismatch: MCP-Protocol-Version is '2026-07-28', and params._meta has "
         "'v999'."},
        {"MCP-Protocol-Version: v999", LISTS ",\"params\":{" META("v999") "}}",
         "400 -32022 1 Unsupported protocol version {\"supported\":[\"2026-07-28\",\"2025-11-25\","
         "\"2025-06-18\",\"2025-03-26\"],\"requested\":\"v999\"}"},
        {H("tools/call") "\nMcp-Name: =?base64?YWR?=",
         ASK "\"tools/call\",\"params\":{\"name\":\"add\"," NOW "}}",
         "400 -32020 1 Header mismatch: Mcp-Name is '=?base64?YWR?=', and the body has 'add'."},
        /* one that says by itself that it is meant as before */
        {"MCP-Protocol-Version: 2025-11-25", LISTS ",\"params\":{" META("2025-11-25") "}}",
         "request 2025-11-25 3 1 -"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void what_is_no_request(void **state) {
    (void)state;
    static const row rows[] = {
        {"", V "\"method\":\"notifications/initialized\"}", "note "},
        {"MCP-Protocol-Version: 2025-11-25",
         V "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}", "note 7"},
        {"", V "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"7\"}}",
         "note \"7\""},
        {"", V "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":[7]}}", "note "},
        {"", V "\"method\":\"notifications/cancelled\"}", "note "},
        {H("notifications/cancelled"),
         V "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7," NOW "}}", "note "},
        {"", V "\"id\":4,\"result\":{}}", "note "},
        {"MCP-Protocol-Version: x", V "\"method\":\"notifications/initialized\"}",
         "400 -32022  Unsupported protocol version {\"supported\":[\"2026-07-28\",\"2025-11-25\","
         "\"2025-06-18\",\"2025-03-26\"],\"requested\":\"x\"}"},
        {"", "[" LISTS "}]", "400 -32600  batches are not taken"},
        {"", "{\"id\":5,\"method\":\"ping\"}", "400 -32600 5 jsonrpc must be \"2.0\""},
        {"", V "\"id\":null,\"method\":\"ping\"}", "400 -32600  id must be a string or an integer"},
    };
    check(rows, ARRAY_LEN(rows));
    buf out = BUF_EMPTY;
    tell("", "{\"jsonrpc\":", &out);
    assert_true(span_starts(buf_span(&out), SPAN_OF("400 -32700  ")));
    buf_done(&out);
}

/* An id is kept as long as its request is, which may be a stream of days: it is no place for what a
 * body may have. */
static void ids_are_short(void **state) {
    (void)state;
    char id[MCP_ID_MAX + 2], body[1024], want[512];
    buf out = BUF_EMPTY;
    memset(id, '7', sizeof id);
    for (size_t len = MCP_ID_MAX; len <= MCP_ID_MAX + 1; len++) {
        const bool fits = len == MCP_ID_MAX;
        const int digits = (int)len;
        snprintf(body, sizeof body, V "\"id\":%.*s,\"method\":\"ping\"}", digits, id);
        tell("", body, &out);
        snprintf(want, sizeof want, "request 2025-03-26 %d %.*s", MCP_PING, digits, id);
        assert_string_equal(buf_cstr(&out),
                            fits ? want : "400 -32600  id is longer than 256 bytes");
        snprintf(body, sizeof body, V "\"id\":\"%.*s\",\"result\":1,\"method\":\"ping\"}",
                 digits - 2, id);
        tell("", body, &out);
        snprintf(want, sizeof want, "400 -32600 \"%.*s\" ", fits ? digits - 2 : 0, id);
        assert_true(span_starts(buf_span(&out), fits ? span_cstr(want) : SPAN_OF("400 -32600  ")));
        snprintf(body, sizeof body,
                 V "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"%.*s\"}}",
                 digits - 2, id);
        tell("", body, &out);
        snprintf(want, sizeof want, "note \"%.*s\"", digits - 2, id);
        assert_string_equal(buf_cstr(&out), fits ? want : "note ");
    }
    buf_done(&out);
}

static void what_is_accepted(void **state) {
    (void)state;
    static const struct {
        const char *headers;
        bool json, events;
    } rows[] = {
        {"", true, true},
        {"accept: application/json, text/event-stream", true, true},
        {"Accept: text/event-stream;q=0.9\nAccept: APPLICATION/JSON", true, true},
        {"accept: */*", true, true},
        {"accept: application/json", true, false},
        {"accept: text/event-stream", false, true},
        {"accept: text/html, application/xml", false, false},
        {"accept:", false, false},
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        http_header h[4];
        const mcp_accepts told = mcp_accepts_of(headers_of(rows[i].headers, h), &a);
        assert_int_equal(told.json, rows[i].json);
        assert_int_equal(told.events, rows[i].events);
    }
    arena_done(&a);
}

static void sessions_have_names_that_are_some(void **state) {
    (void)state;
    char long_one[160] = "mcp-session-id: ";
    http_header h[2];
    memset(long_one + 16, 'a', 129);
    assert_span(mcp_session_of(headers_of("Mcp-Session-Id: a-1", h)), "a-1");
    assert_int_equal(mcp_session_of(headers_of("Mcp-Session-Id: a b", h)).len, 0);
    assert_int_equal(mcp_session_of(headers_of("Mcp-Session-Id: \xC3\xA4", h)).len, 0);
    assert_int_equal(mcp_session_of(headers_of("", h)).len, 0);
    assert_int_equal(mcp_session_of(headers_of(long_one, h)).len, 0);
    long_one[16 + 128] = 0;
    assert_int_equal(mcp_session_of(headers_of(long_one, h)).len, 128);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legacy_requests),    cmocka_unit_test(modern_requests),
        cmocka_unit_test(what_is_no_request), cmocka_unit_test(ids_are_short),
        cmocka_unit_test(what_is_accepted),   cmocka_unit_test(sessions_have_names_that_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
