/* tools/mcp_server.h: an MCP server that is configured: kept running or reached, asked for its
 * tools, called.
 *
 *   DOWN ──backoff──▶ STARTING ──▶ LISTING ──▶ UP ──list has changed──▶ LISTING …
 *     └───────────────────┴───────────┴─────────┘  it has died, or cannot be reached
 *
 * Belongs to the loop of the MCP house (mcp_house.h), which alone calls these functions. Calls that
 * come while it starts, or just before it does, wait for it; while it is down they fail at once,
 * with the reason.
 */
#ifndef WEIR_TOOLS_MCP_SERVER_H
#define WEIR_TOOLS_MCP_SERVER_H

#include "tools/mcp_client.h"

#include <stdatomic.h>

typedef struct mcp_server mcp_server;

/* Why a tool that a server lists is none of its tools here. */
typedef enum mcp_left_out {
    MCP_LEFT_NAMELESS, /* its name has not 1 to 128 bytes, or it is no object */
    MCP_LEFT_TWICE,    /* there is one of that name */
    MCP_LEFT_TASK,     /* it can be called as a task alone */
    MCP_LEFT_ROOM,     /* there are too many, or what they say is too large */
    MCP_LEFT_REASONS
} mcp_left_out;

/* What a server lists: JSON texts, in an arena; counted. Immutable once it is told. */
typedef struct mcp_listing {
    atomic_uint refs;
    arena arena;
    struct mcp_tool_text {
        span name, description, schema; /* schema: JSON */
    } * items;
    size_t count;
    size_t left_out[MCP_LEFT_REASONS];
} mcp_listing;
mcp_listing *mcp_listing_ref(mcp_listing *l);
void mcp_listing_unref(mcp_listing *l); /* NULL is allowed */

typedef struct mcp_server_ops {
    /* What it lists now; or NULL: a try to reach it has failed, for `why`. */
    void (*on_listed)(void *user, mcp_listing *l, span why);
    /* It is there; or it has gone, or a try to reach it has failed, for `why`. */
    void (*on_state)(void *user, bool up, span why);
} mcp_server_ops;

/* A call. The caller's. Told once, on the loop, unless it is dropped; never from inside
 * mcp_server_call(). */
typedef struct mcp_called_tool {
    list link; /* the server's */
    mcp_request request;
    mcp_server *server;
    mcp_client *client;                        /* it was sent there; NULL: it waits */
    span name, arguments, traceparent, params; /* borrowed */
    size_t max_result;
    bool again;      /* it has been sent a second time already */
    unsigned rounds; /* of what the server wanted first */
    timer tell;
    tool_outcome outcome; /* when it is told */
    buf text;             /* the result, or why not; freed by whoever is told */
    void (*done)(struct mcp_called_tool *c);
} mcp_called_tool;

MUST_USE mcp_server *mcp_server_new(mcp_env *e, const mcp_place *p, const mcp_server_ops *ops,
                                    void *user);
void mcp_server_call(mcp_server *s, mcp_called_tool *c);
void mcp_server_drop(mcp_called_tool *c);
/* Calls that wait are told that it is gone. Frees it. */
void mcp_server_free(mcp_server *s);

#endif
