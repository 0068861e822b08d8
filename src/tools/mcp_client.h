/* tools/mcp_client.h: one conversation with an MCP server, over whatever link, in the era that it
 * speaks.
 *
 *   mcp_client_open() ──▶ asks for the era ──▶ ready (on_ready, once) ──▶ requests, changes
 *                               └─────────────────────┴──▶ down (on_down, once, last)
 *
 * Belongs to its loop. Nothing is told from inside a function of the client's. After on_down, and
 * whenever its owner does not want it any more, the owner closes it; it frees itself.
 *
 * What a server asks of its client is answered at once: a ping; questions for people are declined;
 * all else weir does not serve, and has not said it would.
 */
#ifndef WEIR_TOOLS_MCP_CLIENT_H
#define WEIR_TOOLS_MCP_CLIENT_H

#include "tools/mcp_link.h"

typedef struct mcp_client mcp_client;

typedef struct mcp_client_ops {
    void (*on_ready)(void *user);
    /* Its list of tools has changed, or may have. */
    void (*on_changed)(void *user);
    /* All requests have been told before. anew: a new conversation, which opens as a legacy one,
     * may succeed at once. */
    void (*on_down)(void *user, const mcp_loss *loss, bool anew);
} mcp_client_ops;

/* legacy: it is known to be, so it is not asked. The place outlives the client. */
MUST_USE mcp_client *mcp_client_open(mcp_env *e, const mcp_place *p, bool legacy,
                                     const mcp_client_ops *ops, void *user);
void mcp_client_close(mcp_client *c);
/* Closes it as soon as its requests are answered; its owner hears of those alone. */
void mcp_client_retire(mcp_client *c);

typedef struct mcp_question {
    const char *method;
    span members;     /* of params, JSON without braces; or empty */
    span name;        /* of the tool that is called; or empty */
    span params;      /* header fields beside (mcp_outgoing) */
    span traceparent; /* or empty */
    int64_t due_ms;   /* from now; 0: its owner gives it up in time */
} mcp_question;

/* On one that is ready. r is the caller's, done is set; it is told once, unless it is given up. */
void mcp_client_ask(mcp_client *c, mcp_request *r, const mcp_question *q);
/* It is not waited for any more: the server is told to stop. Does nothing to one that is over. */
void mcp_request_drop(mcp_request *r);
static inline bool mcp_request_waits(const mcp_request *r) {
    return r->client != NULL;
}

#endif
