/* mcp/result.h: what a server's answers say: a page of its tools, and what a call brought back.
 *
 * Pure. Values point into the message that was read.
 *
 * Source   modelcontextprotocol.io, specification 2025-11-25 and 2026-07-28, "Tools".
 */
#ifndef WEIR_MCP_RESULT_H
#define WEIR_MCP_RESULT_H

#include "json/json.h"

/* ---- tools/list ---- */

typedef struct mcp_listed {
    span name;              /* 1 to 128 bytes, unescaped */
    json_value description; /* a string, or JSON_NONE */
    json_value schema;      /* inputSchema, an object, or JSON_NONE */
    bool callable;          /* not one that can be called as a task alone (execution.taskSupport) */
} mcp_listed;

/* The tools of a page in their order; what is no tool is passed over:
 *   json_iter it = mcp_tools_of(result); while (mcp_next_tool(&it, &a, &t)) … */
json_iter mcp_tools_of(json_value result);
bool mcp_next_tool(json_iter *it, arena *a, mcp_listed *ret);
/* The cursor of the page behind it, a string, which may be empty; JSON_NONE: there is none. */
json_value mcp_next_cursor(json_value result);

/* ---- tools/call ---- */

typedef enum mcp_called {
    MCP_ANSWERED,
    MCP_SAYS_FAILED,  /* isError */
    MCP_ASKS,         /* resultType input_required: it wants something of the client first */
    MCP_SAYS_NOTHING, /* it is no result of a call */
} mcp_called;

/* Appends what the model is told, up to max bytes and a little more, so that whoever bounds it sees
 * that it is too large: the texts of its content, a line for what is none, or its structured
 * content as JSON where it has no other. */
mcp_called mcp_read_called(json_value result, size_t max, buf *text);

/* Answers to what a modern server asks for (MCP_ASKS): members of the params of the same call, made
 * again. Questions for people are declined. false: it asks for what cannot be declined: *ret_what
 * is its method. */
MUST_USE bool mcp_write_declines(json_value result, buf *members, json_value *ret_what);

/* ---- names ---- */

enum { MCP_NAME_MAX = 64 };

/* What a model may call it: ^[a-zA-Z0-9_-]{1,64}$, before it prefix and '_' where that is not
 * empty. Characters that may not be there become '_'; what is too long, or is to be hashed because
 * another came out the same, is cut and ends with a piece of its hash. */
span mcp_model_name(span prefix, span name, bool hashed, arena *a);

#endif
