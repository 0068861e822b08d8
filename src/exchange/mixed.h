/* exchange/mixed.h: a run in an API that has tools of its own: a request of /v1/chat/completions
 * whose model is offered the server's tools beside those that the client brings. Inside exchange/.
 *
 *   stage_mix.c      the row: is it such a request?
 *   mixed_ask.c      the model calls' request, made of the client's
 *   mixed_answer.c   the answer, as a model's that has called the client's tools alone
 *   mixed_calls.c    those calls, handed out
 *
 * Of two tools of one name the client's is offered, and its calls are the client's to answer.
 * What the run has done before it hands a call out comes back with that call (tools/carry.h), and
 * is put into the conversation again: the model reads it as if all tools were of one kind.
 *
 * Everything lives in the exchange's arena, or in the answer's (functions_run.turn).
 */
#ifndef WEIR_EXCHANGE_MIXED_H
#define WEIR_EXCHANGE_MIXED_H

#include "exchange/functions.h"

typedef struct mixed {
    span *names; /* of the client's tools */
    size_t name_count;
    /* The answer's, as the first model call says, quotes included; empty: not yet. */
    span id, created, model;
    bool spoke;     /* words have gone out */
    bool apart;     /* they were those of an answer before this one */
    bool role_told; /* of a stream: whose words they are */
} mixed;

extern const functions_way mixed_told;

/* Whether that is a tool of the client's. */
bool mixed_is_clients(const mixed *m, span name);

/* ---- mixed_ask.c ---- */

/* Reads the client's tools. */
mixed *mixed_read(exchange *x);
/* r->first, usual and last, of r->offer, which has none of the client's names; and the talk. */
void mixed_begin_talk(functions_run *r);

/* ---- mixed_calls.c ---- */

/* Adds the calls of the client's tools to an open array, as a message has them; numbered: as a
 * stream's delta does. */
void mixed_put_calls(functions_run *r, bool numbered, json_writer *w);

#endif
