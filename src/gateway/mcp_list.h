/* gateway/mcp_list.h: the tools that a client of /mcp sees. Pure.
 *
 * Pages go by the names' order, and a cursor names the last tool that was told: it holds on any
 * worker, and when the list has changed in between.
 */
#ifndef WEIR_GATEWAY_MCP_LIST_H
#define WEIR_GATEWAY_MCP_LIST_H

#include "mcp/revision.h"
#include "tools/registry.h"

/* What a cursor stands for: the name after which its page begins. false: it is none of weir's. */
MUST_USE bool mcp_cursor_read(json_value cursor, arena *a, span *ret_after);

/* The answer to tools/list. after: empty: from the beginning. */
void mcp_list_write(const tool_list *l, span client, mcp_revision r, span id, span after, buf *out);

/* A number that is another when the client would see another list; the same in one process. */
uint64_t mcp_list_digest(const tool_list *l, span client);

#endif
