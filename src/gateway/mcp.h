/* gateway/mcp.h: /mcp: weir as a server of the Model Context Protocol, whose tools are those of the
 * configuration that the client may use.
 *
 *   mcp.c         messages: what is answered at once, and calls of tools, each of which is an
 *                 exchange (exchange/tool_use.h)
 *   mcp_list.c    the tools that one client sees, page by page
 *   mcp_desk.c    what runs, so that a note can cancel it, whichever worker it comes to
 *   mcp_listen.c  streams that tell when the list changes
 *
 * Nothing is kept between two requests. A session's id is a name that the client repeats, so that
 * what it cancels is its own; any worker, and any weir behind the same address, takes it.
 *
 * Source   MCP 2026-07-28, 2025-11-25, 2025-06-18 and 2025-03-26, Streamable HTTP.
 */
#ifndef WEIR_GATEWAY_MCP_H
#define WEIR_GATEWAY_MCP_H

#include "gateway/request.h"

extern const request_ops mcp_ops;

#endif
