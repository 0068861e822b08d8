/* mcp/mirrored.h: what headers repeat of a message, so that whoever stands between can route by
 * them: they must say what the body says.
 *
 * Pure; any thread.
 * Source   MCP 2026-07-28, transports, "Request Metadata" (Mcp-Name, Mcp-Param-*, the encoding of
 *          values that a header cannot carry: =?base64?…?=).
 */
#ifndef WEIR_MCP_MIRRORED_H
#define WEIR_MCP_MIRRORED_H

#include "http/message.h"
#include "json/json.h"

/* What a header's value stands for: itself, or what it has encoded; *ret is it, or in the arena.
 * false: it is encoded, and not as it should be. */
MUST_USE bool mirrored_value(span header, arena *a, span *ret);

/* Whether the headers say of each argument that the tool's schema marks (x-mcp-header) what the
 * arguments say. false: *ret_why has a sentence. arguments: JSON_NONE or an object. */
MUST_USE bool mirrored_arguments(span schema, json_value arguments, http_headers h, arena *a,
                                 span *ret_why);

#endif
