/* lib/call_internal.h: a call as its own files see it: call.c (what is asked, the queue, the public
 * functions) and call_answer.c (what is heard of its exchange, and its result). */
#ifndef WEIR_LIB_CALL_INTERNAL_H
#define WEIR_LIB_CALL_INTERNAL_H

#include "lib/client.h"

/* BEGUN: it is an exchange, which runs or rests. */
typedef enum call_state { CALL_NEW, CALL_WAITING, CALL_BEGUN, CALL_ENDED } call_state;

struct weir_call {
    atomic_uint refs; /* the handle's owner, the loop until the call has ended, the mailbox */
    mailbox *mail;    /* counted */
    list mail_link;   /* under the mailbox's lock */
    bool mailed;
    atomic_bool cancel_wanted, hold_wanted; /* any thread */
    atomic_bool begun_to_ask;               /* any thread reads */

    /* What is asked: written before the call is mailed. */
    weir_event_fn *on_event; /* NULL: a plain answer */
    weir_done_fn *on_done;
    void *user;
    weir_wait_fn *on_wait; /* NULL: nobody hears of waits */
    void *wait_user;
    endpoint endpoint;
    buf path, body; /* the path with its query */
    buf type;       /* the body's, of another call */
    char method[17];
    bool other; /* weir_request_set_call() */
    bool keep_headers;
    buf asked_model; /* empty: none is named */
    buf fault;       /* what is wrong with the request; empty: nothing */
    http_header *headers;
    size_t header_count;
    buf header_text;
    int64_t due_ms; /* monotonic; 0: no deadline of its own */

    /* The loop's. */
    weir_client *client;
    list link; /* client->calls */
    turn place;
    call_state state;
    exchange *x;
    timer deadline;
    weir_error ended_by; /* us: the time in the queue, a bound; ERR_NONE: not */
    buf answer, text, model;
    bool answered;             /* with a whole answer, not a stream */
    arena heads;               /* of `headers_back` */
    http_headers headers_back; /* the answer's, where they are wanted */
    bool has_text;             /* it says something, be it "" */
    bool begun;                /* a stream, or bytes that come in pieces */
    bool streamed;             /* an event of it came */
    bool refused;              /* once or more, for the provider's load */
    bool stopped;              /* pieces of it were not handed out, or are not wanted any more */
    arena scratch;             /* of one event */
};

/* ---- call.c ---- */

void libcall_unref(weir_call *call);

/* ---- call_answer.c ---- */

extern const exchange_door libcall_door; /* user: the call */

/* Before it has become an exchange; on the loop, as its last word. */
void libcall_end_early(weir_call *call, const weir_error *e);
weir_error libcall_cancelled(void);

#endif
