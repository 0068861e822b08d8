/* gateway/calls.h: an HTTP request that is a model call: from the server to an exchange, and the
 * exchange's answer back.
 *
 * A call stands between two owners, each of which has a last word: the server (call_request_done)
 * and the exchange (its door's done). It is freed at the later one.
 */
#ifndef WEIR_GATEWAY_CALLS_H
#define WEIR_GATEWAY_CALLS_H

#include "gateway/routes.h"
#include "gateway/worker.h"

route_handler call_handle;
/* The same at another path below /v1 and without a body: for what weir asks on behalf of a client.
 */
void call_forward_get(worker *w, http_request *r, span path);

/* Where keys are configured, whether the request has one; else answers. */
bool call_key_fits(worker *w, http_request *r);

/* The server's words about a request; each does nothing for one that is no call. */
void call_gone(http_request *r);
void call_room(http_request *r);
void call_request_done(http_request *r);

#endif
