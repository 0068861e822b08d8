/* gateway/mcp_desk.h: what clients of /mcp have open at one worker: calls that a note may cancel,
 * which comes as a request of its own, here or to another worker; and streams that hear of changes.
 *
 * Belongs to its worker's loop.
 */
#ifndef WEIR_GATEWAY_MCP_DESK_H
#define WEIR_GATEWAY_MCP_DESK_H

#include "gateway/request.h"
#include "tools/registry.h"

typedef struct mcp_desk {
    worker *w;
    list running;    /* of mcp_running */
    list listeners;  /* of mcp_listener (mcp_listen.c) */
    timer look;      /* runs while there are listeners */
    tool_list *seen; /* what there was when it ran last; counted; NULL: nobody has listened yet */
    bool over;       /* no stream begins any more */
} mcp_desk;

void mcp_desk_init(mcp_desk *d, worker *w);
/* There is another list of tools, perhaps: tells those whom it concerns. */
void mcp_desk_look(mcp_desk *d);
/* Ends all streams, each with its last word, and lets none begin. Idempotent. */
void mcp_desk_end(mcp_desk *d);

/* ---- calls (mcp_desk.c) ---- */

typedef struct mcp_running {
    list link;
    buf key; /* whose it is, of which session, and its id */
    /* Somebody of that key wants it ended. */
    void (*cancel)(struct mcp_running *r);
} mcp_running;

/* The key of a request's id; empty: nobody could name it, as it is of no session. */
void mcp_key_write(span client, span session, span id, buf *out);

/* Takes over the key. */
void mcp_desk_add(mcp_desk *d, mcp_running *r, buf key);
/* Also of one that was not added: zeroed. */
void mcp_running_done(mcp_running *r);
/* Cancels what runs under that key, at whichever worker. */
void mcp_desk_cancel(mcp_desk *d, span key);

/* ---- streams (mcp_listen.c) ---- */

typedef struct mcp_listener {
    list link;
    request *request;
    buf client;       /* its name */
    buf subscription; /* the id of the request that asked, JSON text; empty: a GET */
    bool wants;       /* to hear of changes of the list; else only that the stream lives */
    uint64_t digest;  /* of the list that it knows of */
    bool stale;       /* there is another list since, which may look the same to it */
    int64_t told_ms;  /* when it was last told anything */
} mcp_listener;

/* Answers with a stream. subscription: empty: a GET's. */
void mcp_listen(mcp_desk *d, mcp_listener *l, request *q, span client, span subscription,
                bool wants);
/* Takes it off, and frees what it has; also of one that never listened: zeroed. */
void mcp_listener_done(mcp_listener *l);

#endif
