/* mcp/jsonrpc.h: messages of JSON-RPC 2.0 as the Model Context Protocol uses it, read and written;
 * for both sides.
 *
 * Pure. A message that was read points into its text, which must outlive it and not move. What is
 * written is one line, without its end, however the JSON that it is given is laid out: over the
 * standard streams of a process a line is a message.
 *
 * Ids are kept as they are spelt, "7" (with its quotes) or 7: each side numbers its own requests,
 * so an id says nothing without who gave it.
 *
 * Source   jsonrpc.org/specification; modelcontextprotocol.io, specification 2025-11-25 and
 *          2026-07-28, "Base protocol": ids are strings or integers and never null, params are an
 *          object, and there are no batches (2025-03-26 alone had them, and no client sends any).
 */
#ifndef WEIR_MCP_JSONRPC_H
#define WEIR_MCP_JSONRPC_H

#include "json/json.h"

typedef enum jsonrpc_kind {
    JSONRPC_REQUEST,
    JSONRPC_NOTIFICATION,
    JSONRPC_RESULT,
    JSONRPC_ERROR,
} jsonrpc_kind;

/* Of errors; those below -32000 are JSON-RPC's, others the protocol's. */
enum {
    JSONRPC_PARSE = -32700,
    JSONRPC_INVALID_REQUEST = -32600,
    JSONRPC_METHOD_NOT_FOUND = -32601,
    JSONRPC_INVALID_PARAMS = -32602,
    JSONRPC_INTERNAL = -32603,
    MCP_HEADER_MISMATCH = -32020,    /* 2026-07-28: a header says other than the body, or nothing */
    MCP_MISSING_CAPABILITY = -32021, /* data.requiredCapabilities */
    MCP_UNSUPPORTED_VERSION = -32022, /* data.supported, data.requested */
    MCP_RESOURCE_NOT_FOUND = -32002,
    MCP_CANCELLED = -32800, /* what Python's SDK answers to what was cancelled */
};

typedef struct jsonrpc_message {
    jsonrpc_kind kind;
    json_value id;     /* of a request, and of what answers one: a string or an integer; of an error
                          that answers nobody in particular JSON_NULL or JSON_NONE */
    json_value method; /* a string */
    json_value params; /* an object, or JSON_NONE */
    json_value result; /* any value */
    int64_t code;      /* of an error */
    json_value text;   /* of an error: its message, a string, or JSON_NONE */
    json_value data;   /* of an error: any value, or JSON_NONE */
} jsonrpc_message;

typedef enum jsonrpc_fault_kind {
    JSONRPC_OK,
    JSONRPC_NO_JSON,    /* -32700 */
    JSONRPC_BATCH,      /* an array: -32600 */
    JSONRPC_NO_MESSAGE, /* JSON, and none of the four: -32600 */
} jsonrpc_fault_kind;

typedef struct jsonrpc_fault {
    jsonrpc_fault_kind kind;
    const char *what; /* constant text: "id must be a string or an integer" */
    json_value id; /* that of the request that is none, where it has a good one; else JSON_NONE */
} jsonrpc_fault;

/* limits as of json_scan(), NULL: its own. Members that are none of the specification's are passed
 * over. false: *ret_fault. */
MUST_USE bool jsonrpc_read(span text, const json_limits *limits, jsonrpc_message *ret,
                           jsonrpc_fault *ret_fault);
/* What whoever sent that is answered. */
int64_t jsonrpc_fault_code(jsonrpc_fault_kind kind);

/* Whether it is the method of that name. */
static inline bool jsonrpc_is(const jsonrpc_message *m, const char *method) {
    return json_is(m->method, span_cstr(method));
}
/* The same id: 7 is not "7", nor 7.0 either. */
static inline bool jsonrpc_id_eq(json_value a, json_value b) {
    return a.type == b.type && span_eq(a.raw, b.raw);
}

/* An error may answer nobody in particular. */
static inline bool jsonrpc_has_id(const jsonrpc_message *m) {
    return m->id.type == JSON_STRING || m->id.type == JSON_NUMBER;
}

/* ---- Writing: appended; id, params, result and data are JSON text ---- */

/* params empty: none. */
void jsonrpc_write_request(buf *out, span id, span method, span params);
void jsonrpc_write_notification(buf *out, span method, span params);
void jsonrpc_write_result(buf *out, span id, span result);
/* id empty: null; data empty: none. */
void jsonrpc_write_error(buf *out, span id, int64_t code, span text, span data);

/* A result that is written in place: what stands between the two is its value. */
json_writer jsonrpc_open_result(buf *out, span id);
void jsonrpc_close_result(json_writer *w);

#endif
