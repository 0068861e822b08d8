/* mcp/told.h: what weir answers as an MCP server: results and notes, whole messages each.
 *
 * Pure; any thread. id: JSON text, as it was asked.
 * Source   MCP 2026-07-28 and 2025-11-25: lifecycle, discovery, tools, caching, subscriptions.
 */
#ifndef WEIR_MCP_TOLD_H
#define WEIR_MCP_TOLD_H

#include "mcp/jsonrpc.h"
#include "mcp/revision.h"

void mcp_write_initialize(span id, mcp_revision offered, buf *out);
void mcp_write_discover(span id, buf *out);
void mcp_write_empty(span id, buf *out);

/* Of tools/list: open, then an element of `tools` for each, then close. next: where the next page
 * begins; empty: this is the last. */
json_writer mcp_open_tools(span id, buf *out);
void mcp_put_tool(json_writer *w, span name, span description, span schema, bool repeatable);
void mcp_close_tools(json_writer *w, mcp_revision r, span next);

/* What a tool answered, or why it did not. Text that is a JSON object is told as such, too, where
 * the revision knows how. */
void mcp_write_called(span id, mcp_revision r, span text, bool failed, buf *out);

/* notifications/tools/list_changed; of a subscription, whose request's id that is; empty: of none.
 */
void mcp_write_tools_changed(span subscription, buf *out);
/* The first and the last word to a subscription. tools_changed: what of it is kept. */
void mcp_write_acknowledged(span subscription, bool tools_changed, buf *out);
void mcp_write_subscription_end(span subscription, buf *out);

#endif
