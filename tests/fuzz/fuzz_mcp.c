/* mcp_asked_read() and mirrored_arguments(): what a POST asks of an MCP server.
 *
 * The input is header lines, an empty line, and the body. Holds: what is refused has a status, a
 * code and a sentence in UTF-8; an id, as it is repeated, is a JSON value of the body; an error
 * and a result with it are JSON; a method that needs a name has one.
 */
#include "fuzz.h"

#include "mcp/asked.h"
#include "mcp/mirrored.h"
#include "mcp/told.h"

enum { HEADERS = 16 };

static const span schema =
    SPAN("{\"properties\":{\"a\":{\"x-mcp-header\":\"A\"},\"b\":{\"properties\":{\"c\":{"
         "\"x-mcp-header\":\"C\"}}}}}");

static span read_headers(span input, http_header *h, size_t *ret_count) {
    span line;
    *ret_count = 0;
    while (input.len && span_cut(&input, '\n', &line) && line.len) {
        const size_t colon = span_find(line, 0, ':');
        if (*ret_count < HEADERS)
            h[(*ret_count)++] = (http_header){span_slice(line, 0, colon),
                                              span_trim(span_slice(line, colon + 1, line.len))};
    }
    return input;
}

static void check_json(buf *text) {
    json_value root;
    json_fault fault;
    HOLDS(json_scan(buf_span(text), NULL, &root, &fault) && root.type == JSON_OBJECT);
    buf_clear(text);
}

static void check_told(const mcp_asked *q, span body) {
    buf out = BUF_EMPTY;
    jsonrpc_write_error(&out, q->id, q->refusal.code, q->refusal.message, q->refusal.data);
    check_json(&out);
    if (q->id.len) {
        HOLDS(q->id.ptr >= body.ptr && q->id.ptr + q->id.len <= body.ptr + body.len);
        mcp_write_called(q->id, MCP_2026_07_28, body, false, &out);
        check_json(&out);
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    http_header h[HEADERS];
    size_t count;
    arena a;
    mcp_asked q;
    span why = SPAN_EMPTY;
    arena_init(&a, 0);
    const span body = read_headers(span_from((const char *)data, size), h, &count);
    const http_headers headers = {h, count};
    mcp_asked_read(body, NULL, headers, &a, &q);
    check_told(&q, body);
    if (q.sort == MCP_REFUSED) {
        HOLDS(q.refusal.status >= 200 && q.refusal.code && q.refusal.message.len);
    } else if (q.sort == MCP_REQUEST) {
        HOLDS(q.method < MCP_METHODS && q.revision < MCP_REVISIONS && q.id.len);
        HOLDS(q.method != MCP_TOOLS_CALL || q.name.ptr);
    }
    const bool same = mirrored_arguments(schema, q.arguments, headers, &a, &why);
    HOLDS(same == !why.len);
    (void)mcp_accepts_of(headers, &a);
    HOLDS(mcp_session_of(headers).len <= 128);
    arena_done(&a);
    return 0;
}
