/* gateway/door.h: what the HTTP server asks of the gateway: each request is looked up in the table
 * of routes, refused as early as it can be, and handed to its handler.
 */
#ifndef WEIR_GATEWAY_DOOR_H
#define WEIR_GATEWAY_DOOR_H

#include "config/config.h"
#include "http/server.h"

/* user is the worker. */
extern const http_server_ops door_ops;

/* Whether a body of this type, asked for by a page of this origin (empty: by no page), is taken
 * where JSON is expected. Browsers let any page send forms and text, and bodies without a type, to
 * anywhere: were those read as JSON, a page could call through a weir on its reader's machine.
 * Pure. */
bool door_takes_json(span content_type, span origin);

#endif
