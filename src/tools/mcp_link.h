/* tools/mcp_link.h: the way to an MCP server: messages go out, and come in. One struct, two
 * transports: the standard streams of a process (mcp_stdio.c), and streamable HTTP (mcp_http.c).
 *
 * A link belongs to its loop and to one client (mcp_client.h). Nothing is told from inside a
 * function of the link's, and nothing after its close(): then it ends what it has begun, politely
 * and soon, and frees itself. All that is told may be answered with close().
 *
 * Source   modelcontextprotocol.io, specification 2025-11-25 and 2026-07-28, "Transports".
 */
#ifndef WEIR_TOOLS_MCP_LINK_H
#define WEIR_TOOLS_MCP_LINK_H

#include "config/tool.h"
#include "http/client.h"
#include "mcp/era.h"
#include "tools/process.h"
#include "tools/tool.h"

/* What links of one loop share. */
typedef struct mcp_env {
    loop *loop;
    http_client *client;
    process_yard yard;
    unsigned links; /* that are not gone */
    /* The last one is gone. */
    void (*on_idle)(struct mcp_env *e);
} mcp_env;

/* A server as it is configured; all of it outlives the link. */
typedef struct mcp_place {
    const config_tool *config; /* with a command or a url */
    char **env;                /* of a command */
    tls_context *tls;          /* NULL: plain */
    const secret_set *secrets; /* which no failure may say */
    size_t message_max;        /* bytes of one message of its */
} mcp_place;

/* A request that waits for its answer; a part of whoever asks (mcp_client.h). */
typedef struct mcp_request mcp_request;

/* A message on its way; borrowed for the call. */
typedef struct mcp_outgoing {
    span message;
    span method;      /* of a request or notification; empty: an answer */
    span name;        /* of the tool that is called; empty: none */
    span params;      /* header fields of their own, whole lines "Mcp-Param-…: …\n"; or empty */
    span traceparent; /* or empty */
    mcp_request *request; /* NULL: nothing answers it */
} mcp_outgoing;

/* Why a request is not answered. */
typedef struct mcp_loss {
    tool_outcome outcome;
    int status; /* of HTTP; 0: none */
    span why;   /* for the model */
} mcp_loss;

typedef struct mcp_link_ops {
    /* A message, perhaps; borrowed. by: in answer to whose request it came, where the transport
     * knows; status: of HTTP, else 0. */
    void (*on_message)(void *user, span text, mcp_request *by, int status);
    /* One that is larger than it may be: its first and its last bytes. */
    void (*on_large)(void *user, span head, span tail, mcp_request *by);
    void (*on_lost)(void *user, mcp_request *r, const mcp_loss *loss);
    /* What the server says unasked was not heard for a while. */
    void (*on_gap)(void *user);
    /* There is no way to the server any more; every request is lost with it. */
    void (*on_down)(void *user, const mcp_loss *loss);
} mcp_link_ops;

typedef struct mcp_link mcp_link;
typedef struct mcp_link_kind {
    mcp_link *(*open)(mcp_env *e, const mcp_place *p, const mcp_link_ops *ops, void *user);
    void (*send)(mcp_link *l, const mcp_outgoing *out);
    /* Its answer is here, or nobody wants it: what comes for it now is dropped. */
    void (*forget)(mcp_link *l, mcp_request *r, bool answered);
    /* It is known how the server speaks; of a legacy one its version. NULL: it does not matter. */
    void (*speaks)(mcp_link *l, mcp_era era, span version);
    /* Whether requests go within a session, which may end. NULL: never. */
    bool (*has_session)(const mcp_link *l);
    void (*close)(mcp_link *l);
} mcp_link_kind;

struct mcp_link {
    const mcp_link_kind *kind;
    mcp_env *env;
    const mcp_place *place;
    const mcp_link_ops *ops; /* NULL: it is closed */
    void *user;
};

/* What came of a request; borrowed for the call of done. */
typedef struct mcp_reply {
    json_value result;    /* JSON_NONE: it has none */
    const mcp_loss *loss; /* set then; a refusal of the server's is TOOL_FAILED */
    bool no_session;      /* the server has forgotten who asks: nothing was done; a new conversation
                             helps */
} mcp_reply;

struct mcp_request {
    list link; /* its client's */
    int64_t id;
    timer due;
    void *sent; /* the link's own */
    void *client;
    void (*done)(mcp_request *r, const mcp_reply *reply);
};

extern const mcp_link_kind mcp_stdio, mcp_http;

/* For links: counts one; and says that it is gone, last. */
void mcp_link_init(mcp_link *l, const mcp_link_kind *kind, mcp_env *e, const mcp_place *p,
                   const mcp_link_ops *ops, void *user);
void mcp_link_gone(mcp_env *e);

#endif
