/* gateway/calls.h: requests that are model calls: from the server to an exchange, and the
 * exchange's answer back.
 *
 * A call stands between two owners, each of which has a last word: the server (done) and the
 * exchange (its door's done). It is freed at the later one.
 */
#ifndef WEIR_GATEWAY_CALLS_H
#define WEIR_GATEWAY_CALLS_H

#include "exchange/exchange.h"
#include "gateway/request.h"

typedef struct call_request {
    request request;
    exchange *x;  /* NULL until exchange_start() has returned, and after the exchange's last word */
    bool running; /* the exchange's last word is still to come */
    bool told;    /* the answer, or its end, has been given to the server */
    /* Frees it, where a handler's struct that begins with one has more; NULL: request_free(). */
    void (*drop)(struct call_request *c);
} call_request;

/* For the rows that are calls. */
extern const request_ops call_ops;

/* For the door: a request of a call's row that is refused at its head, not kept yet, or before it
 * began, is a call all the same. Answers with the error in OpenAI's shape, and these headers
 * besides. */
void call_refuse(const request *q, const weir_error *why, http_headers more);

/* ---- for handlers that begin a call themselves, when they know what is asked ---- */

/* What is known at the head, to be completed. */
exchange_request call_ask(const call_request *c);
/* Its body is read on the loop. */
void call_serve(call_request *c, exchange_request *ask);
void call_gone(request *q);
void call_room(request *q);
void call_done(request *q);

#endif
