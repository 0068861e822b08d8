#include "mcp/revision.h"

static const span texts[MCP_REVISIONS] = {
    [MCP_2025_03_26] = SPAN("2025-03-26"),
    [MCP_2025_06_18] = SPAN("2025-06-18"),
    [MCP_2025_11_25] = SPAN("2025-11-25"),
    [MCP_2026_07_28] = SPAN("2026-07-28"),
};

span mcp_revision_text(mcp_revision r) {
    return texts[r];
}

mcp_revision mcp_revision_of(span text) {
    mcp_revision r = 0;
    while (r < MCP_REVISIONS && !span_eq(texts[r], text))
        r++;
    return r;
}

void mcp_write_revisions(json_writer *w) {
    json_open_array(w);
    for (size_t i = MCP_REVISIONS; i-- > 0;)
        json_put_string(w, texts[i]);
    json_close_array(w);
}
