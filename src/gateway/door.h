/* gateway/door.h: what the HTTP server asks of the gateway: each request is looked up in the table
 * of routes, refused as early as it can be, and handed to its handler.
 */
#ifndef WEIR_GATEWAY_DOOR_H
#define WEIR_GATEWAY_DOOR_H

#include "gateway/request.h"

/* user is the worker. */
extern const http_server_ops door_ops;

/* The head of a request is there, and this is the row of its path (NULL: nothing is there). Answers
 * it, or keeps it for the row's handler. */
void door_take(worker *w, http_request *r, const route *row);

/* Whether a body of this type, asked for by a page of this origin (empty: by no page), is taken
 * where JSON is expected. Browsers let any page send forms and text, and bodies without a type, to
 * anywhere: were those read as JSON, a page could call through a weir on its reader's machine.
 * Pure. */
bool door_takes_json(span content_type, span origin);

#endif
