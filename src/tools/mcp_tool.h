/* tools/mcp_tool.h: what is made of a tool of an MCP server. */
#ifndef WEIR_TOOLS_MCP_TOOL_H
#define WEIR_TOOLS_MCP_TOOL_H

#include "tools/kinds.h"
#include "tools/mcp_house.h"

typedef struct mcp_tool {
    mcp_guest *guest; /* counted */
    span name;        /* the server's own */
} mcp_tool;

#endif
