/* exchange/mixed.h: a run in an API that has tools of its own: a request of /v1/chat/completions or
 * /v1/responses whose model is offered the server's tools beside those that the client brings.
 * Inside exchange/.
 *
 *   stage_mix.c        the row: is it such a request?
 *   mixed_ask.c        the model calls' request, made of the client's
 *   mixed_told.c       what the run tells of itself
 *   mixed_answer.c     a chat completion, as of a model that has called the client's tools alone
 *   mixed_calls.c      those calls, handed out
 *   mixed_input.c      of a response: what the client brings back
 *   mixed_response.c   a response, whose output has the calls that weir has made, too
 *   mixed_events.c     the same as a stream
 *
 * Of two tools of one name the client's is offered, and its calls are the client's to answer.
 * What the run has done before it hands a call out comes back with that call (tools/carry.h), and
 * is put into the conversation again: the model reads it as if all tools were of one kind. A
 * response has items for calls that another than the client has made (mcp_call, of a server with
 * the label weir): those come back by themselves, or are known to whoever keeps the response.
 *
 * Everything lives in the exchange's arena, or in the answer's (functions_run.turn).
 */
#ifndef WEIR_EXCHANGE_MIXED_H
#define WEIR_EXCHANGE_MIXED_H

#include "exchange/functions.h"

typedef struct mixed {
    bool items;  /* it is a response that is asked for */
    bool bare;   /* whose items nobody keeps */
    span *names; /* of the client's tools */
    size_t name_count;
    json_value tools, tool_choice; /* the client's */
    /* Of a response. */
    buf output;     /* its items so far, with the commas between them */
    size_t count;   /* how many */
    size_t shown;   /* of a stream: items of this answer that went out as they came */
    bool held;      /* of the others nothing does before the answer is whole */
    unsigned noted; /* answers whose items are among them */
    bool failed;    /* it has said so, as its last event */
    /* Of a response's stream. */
    bool told;          /* it has begun, with the id that is kept below */
    answer_queue first; /* not told: the first events of this answer, and those that wait for it to
                           be told */
    answer_queue waiting;
    int64_t number; /* the next event's */
    /* Of a stream. The answer's, as the first model call says, quotes included; empty: not
     * yet. */
    span id, created, model;
    /* Of a chat completion's. */
    bool spoke;     /* words have gone out */
    bool apart;     /* they were those of an answer before this one */
    bool role_told; /* of a stream: whose words they are */
} mixed;

extern const functions_way mixed_chat, mixed_response;

/* NULL is not allowed. */
void mixed_done(mixed *m);

/* Whether that is a tool of the client's. */
bool mixed_is_clients(const mixed *m, span name);

/* ---- mixed_ask.c ---- */

/* Reads the client's tools. */
mixed *mixed_read(exchange *x);
/* r->first, usual and last, of r->offer, which has none of the client's names; and the talk. */
void mixed_begin_talk(functions_run *r);

/* ---- mixed_input.c ---- */

/* The items of a response's input as the model is to read them. follows: they follow another
 * response, which has what was called. */
void mixed_put_input(json_value input, bool follows, buf *out);
/* The label of weir's own calls, and with what their ids begin. */
#define MIXED_LABEL SPAN_OF("weir")
#define MIXED_ID    SPAN_OF("weir_")

/* ---- mixed_told.c ---- */

/* x-weir-steps and the like, before the head goes. */
void mixed_tell_headers(functions_run *r);
/* The member weir, of a run that is stopped. */
void mixed_put_stop(functions_run *r, json_writer *w);
/* Members of an object, but those, into one that is open. */
void mixed_put_members(json_writer *w, json_value object, const span *but, size_t count);

/* ---- mixed_response.c ---- */

/* The whole response, or what there is of it; in the answer's arena. */
span mixed_write_response(functions_run *r);
/* Adds the answer's items to the output; those from the one at shown on with their events, where it
 * is a stream. */
void mixed_note_items(functions_run *r);
/* An item that is a call of a function or tool that the request brings. */
bool mixed_is_call(json_value item);

/* ---- mixed_events.c ---- */

void mixed_pass_event(functions_run *r, const answer_event *event);
/* What waits is told otherwise. */
void mixed_drop_waiting(mixed *m);
/* All events of an item, behind the others of the output. */
void mixed_say_item(functions_run *r, json_value item);
/* The last event, with all of the response. */
void mixed_say_whole(functions_run *r);

/* ---- mixed_calls.c ---- */

/* Adds the calls of the client's tools to an open array, as a message has them; numbered: as a
 * stream's delta does. */
void mixed_put_calls(functions_run *r, bool numbered, json_writer *w);

#endif
