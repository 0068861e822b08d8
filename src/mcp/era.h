/* mcp/era.h: the two eras of the Model Context Protocol, as a client sees them.
 *
 * Legacy (up to 2025-11-25) opens with `initialize`, and over HTTP has a session; modern
 * (2026-07-28) has neither: each request says in params._meta who asks and in which version. A
 * client asks `server/discover` first, and goes by what comes of it. Pure.
 *
 * Source   modelcontextprotocol.io, specification 2026-07-28, "Versioning" and "Transports". What
 *          servers of six SDKs really answer is in docs/decisions.
 */
#ifndef WEIR_MCP_ERA_H
#define WEIR_MCP_ERA_H

#include "mcp/jsonrpc.h"

typedef enum mcp_era { MCP_LEGACY, MCP_MODERN } mcp_era;

#define MCP_MODERN_VERSION "2026-07-28"
#define MCP_LEGACY_VERSION "2025-11-25" /* the last, and what is asked for */

/* What came back to `server/discover`. */
typedef struct mcp_heard {
    int status;                     /* of HTTP; 0: over stdio */
    const jsonrpc_message *message; /* a result or an error; NULL: nothing that is one */
} mcp_heard;

typedef enum mcp_next {
    MCP_GO_ON,      /* it is modern */
    MCP_INITIALIZE, /* it is legacy, or nothing is known: the handshake tells */
    MCP_ANEW,       /* legacy, but it has taken this connection for modern: a new one, and then the
                       handshake at once */
    MCP_GIVE_UP,    /* it does not want to talk */
} mcp_next;

mcp_next mcp_after_discover(const mcp_heard *h);

/* Whether weir speaks that version of the handshake's era, which `initialize` was answered with. */
bool mcp_is_legacy_version(span version);

/* Whether its `capabilities` say that its list of tools may change while it runs; of the result of
 * either first request. */
bool mcp_tells_of_changes(json_value result);

/* ---- writing ---- */

/* params of a request: members is what goes into the object, JSON without braces, or empty. What
 * the era wants beside it is added; traceparent: empty: none. */
void mcp_write_params(buf *out, mcp_era era, span members, span traceparent);
/* params of `initialize`. */
void mcp_write_hello(buf *out);

/* The value of a header field that carries any text: as it is, or =?base64?…?= where it holds what
 * no field may. */
void mcp_write_field(buf *out, span text);

#endif
