/* mcp/mirror.h: what a client repeats of a call in header fields, for whoever stands between; the
 * other side of mcp/mirrored.h. Pure.
 *
 * Source   MCP 2026-07-28, transports, "Request Metadata" (x-mcp-header, Mcp-Param-*).
 */
#ifndef WEIR_MCP_MIRROR_H
#define WEIR_MCP_MIRROR_H

#include "json/json.h"

/* Appends a line "Mcp-Param-NAME: value\n" for each argument that the tool's schema marks. Marks
 * that are no name of a field are passed over. arguments: a JSON object. */
void mirror_arguments(span schema, span arguments, buf *lines);

#endif
