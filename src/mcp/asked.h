/* mcp/asked.h: what one POST asks of an MCP server: by which revision it is meant, whether it is as
 * that wants it, and which of weir's methods it calls.
 *
 * Nothing is kept between two requests: each says, or lacks, all that it is judged by.
 *
 * Pure; any thread. Spans and values point into the body, the headers or the arena.
 * Source   MCP 2026-07-28 and 2025-11-25, "Transports"; JSON-RPC 2.0; and what SDKs were seen to
 *          send.
 */
#ifndef WEIR_MCP_ASKED_H
#define WEIR_MCP_ASKED_H

#include "http/message.h"
#include "mcp/jsonrpc.h"
#include "mcp/revision.h"

/* Of an id's JSON text: who counts his requests, or draws a UUID for each, has shorter ones. An id
 * is kept for as long as its request is, a stream of changes for days. */
enum { MCP_ID_MAX = 256 };

typedef enum mcp_method {
    MCP_INITIALIZE, /* legacy */
    MCP_PING,       /* legacy */
    MCP_DISCOVER,   /* modern */
    MCP_TOOLS_LIST,
    MCP_TOOLS_CALL,
    MCP_LISTEN, /* modern: subscriptions/listen */
    MCP_METHODS /* none of these */
} mcp_method;

typedef enum mcp_sort {
    MCP_REQUEST, /* is answered */
    MCP_NOTE,    /* 202 */
    MCP_REFUSED, /* is answered with the error, and is nothing else */
} mcp_sort;

/* Why not, as JSON-RPC and HTTP have it. */
typedef struct mcp_refusal {
    int status;
    int code;
    span message;
    span data; /* JSON text; empty: none */
} mcp_refusal;

typedef struct mcp_asked {
    mcp_sort sort;
    mcp_revision revision;
    mcp_method method;
    span id; /* of a request, and of a refused one where it could be read: JSON text of MCP_ID_MAX
                bytes at most; else empty */
    mcp_refusal refusal;
    /* initialize */
    mcp_revision offered; /* what the answer says: that which was asked for, or the newest legacy */
    /* tools/list */
    json_value cursor; /* a string, or JSON_NONE */
    /* tools/call */
    span name;
    json_value arguments; /* an object, or JSON_NONE */
    span traceparent;     /* in params._meta; empty: none. May be anything */
    /* subscriptions/listen */
    bool tools_changed;
    /* notifications/cancelled, of a legacy client: the request's id as JSON text; else empty */
    span cancels;
} mcp_asked;

/* limits: of the body's JSON; may be NULL. */
void mcp_asked_read(span body, const json_limits *limits, http_headers headers, arena *a,
                    mcp_asked *ret);

/* What may be answered with, by its Accept. Nothing said is anything. */
typedef struct mcp_accepts {
    bool json, events;
} mcp_accepts;
mcp_accepts mcp_accepts_of(http_headers headers, arena *a);

/* The client's name for its session; empty: none, or none that may be one. */
span mcp_session_of(http_headers headers);

#endif
