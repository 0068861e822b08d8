/* gateway/request.h: a request at the gateway's door, and the handler that answers it.
 *
 * The door finds a request's row once, at its head. What it does not answer there is kept: in
 * memory of its own, as large as its handler asks for, which is the http_request's user until the
 * server's last word. The row names the handler, so a handler gets its own requests and no other's.
 *
 * A handler answers from inside begin, or later (a timer, a thread's work, an exchange). It hears
 * begin first; gone at most once; done last, always. A request that ends before its body is there
 * is freed without a word. Belongs to its worker's loop.
 */
#ifndef WEIR_GATEWAY_REQUEST_H
#define WEIR_GATEWAY_REQUEST_H

#include "access/caller.h"
#include "call/loop_snapshot.h"
#include "http/server.h"

typedef struct worker worker;
typedef struct route route;
typedef struct request request;

typedef struct request_ops {
    size_t size; /* of the handler's struct, whose first member is a request; the rest is zero */
    /* The whole body is there: answers with reply() or http_answer_*(), now or later. */
    void (*begin)(request *q);
    /* The client left before the answer was complete: nobody hears what is answered from now on. */
    void (*gone)(request *q);
    /* There is room again after http_answer_full(). */
    void (*room)(request *q);
    /* The server's last word; http is NULL from now on. request_free(), at once or when what still
     * works for the request has come to its end. */
    void (*done)(request *q);
} request_ops;

struct request {
    const request_ops *ops;
    worker *w;
    http_request *http; /* NULL after the server's last word */
    const route *row;   /* NULL, on the door's stack alone: there is nothing at the path */
    /* Of rows for clients: who asks, counted; and what was in force when that was found, counted,
     * because a client of the configuration lives in it. */
    caller caller;
    loop_snapshot *asked;
    bool admin;          /* of rows for readers: his key is an admin's */
    size_t admin_number; /* of admin.keys, from 1 on; 0: nobody has keys */
    bool begun;
    /* Of a key that must be looked up first. */
    struct key_lookup *lookup; /* under way; NULL: none is */
    struct token_wait *tokens; /* for what verifies a token; NULL: it does not wait */
    bool fetches;              /* it has to */
    bool unread;               /* the store could not be asked */
    bool whole;                /* its body is there, and begin follows where the key is */
};

/* The address that counts as the request's (gateway/peer.h), wherever one is told or counted; that
 * of http_request_peer() is the connection's. Borrowed; not after the server's last word. */
span request_peer(const request *q);

/* For a handler that answers from inside begin. */
#define REQUEST_AT_ONCE(begin_)                                                                    \
    { sizeof(request), begin_, request_ignore, request_ignore, request_free }

void request_ignore(request *q);
void request_free(request *q);

/* ---- the door's ---- */

/* Keeps a request that stands on the stack: it gets its memory and becomes its http_request's user.
 * Takes over the reference of its caller, and takes one of asked. */
request *request_keep(const request *q);

#endif
