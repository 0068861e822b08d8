/* mcp/revision.h: the revisions of the Model Context Protocol that weir speaks as a server.
 *
 * The legacy ones begin with a handshake (initialize), whose answer says by which of them all that
 * follows is meant; the modern ones say so in each request. A request without a sign of either is
 * of the oldest, which had none.
 *
 * Pure.
 * Source   modelcontextprotocol.io/specification/{2025-03-26,2025-06-18,2025-11-25,2026-07-28}.
 */
#ifndef WEIR_MCP_REVISION_H
#define WEIR_MCP_REVISION_H

#include "json/json.h"

typedef enum mcp_revision {
    MCP_2025_03_26,
    MCP_2025_06_18,
    MCP_2025_11_25, /* the newest with a handshake */
    MCP_2026_07_28, /* the first without */
    MCP_REVISIONS,  /* none of them */
} mcp_revision;

enum { MCP_OLDEST = MCP_2025_03_26, MCP_NEWEST_LEGACY = MCP_2025_11_25 };

static inline bool mcp_is_modern(mcp_revision r) {
    return r >= MCP_2026_07_28;
}

span mcp_revision_text(mcp_revision r);
/* MCP_REVISIONS: it is none that weir speaks. */
mcp_revision mcp_revision_of(span text);
/* All of them, the newest first, as an array of strings. */
void mcp_write_revisions(json_writer *w);

#endif
