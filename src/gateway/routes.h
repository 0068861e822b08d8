/* gateway/routes.h: what is at which path. One table; the handlers are this room's.
 *
 * Pure. Paths are compared byte by byte as they were sent: nothing is decoded or tidied up. Those
 * of the API have the spellings of gateway/api_path.h; any other spelling does not exist.
 */
#ifndef WEIR_GATEWAY_ROUTES_H
#define WEIR_GATEWAY_ROUTES_H

#include "exchange/exchange.h"
#include "gateway/request.h"

typedef enum route_who {
    WHO_ANYONE,
    WHO_CLIENT, /* the client's key is asked for, where keys are configured */
    WHO_READER, /* the client's, or an admin's; where either is configured */
    WHO_ADMIN,  /* an admin's alone; where neither is configured, whoever asks */
    WHO_KEEPER, /* an admin's, which must be configured */
} route_who;

/* What is known of a model call by its path. */
typedef struct call_row {
    const exchange_form *form;
    endpoint endpoint;
    bool takes_json; /* the body must be JSON */
    span deployed;   /* the path in a deployment, as route_name() has it; empty: there is none */
} call_row;

/* Static: a row outlives every reload. */
struct route {
    span path;        /* a star, behind a "/": anything, up to what follows it */
    unsigned methods; /* a bit per http_method; HEAD comes with GET, OPTIONS is everywhere */
    route_who who;
    const request_ops *handler;
    const call_row *call; /* NULL: a page */
};

/* The row for a path: the table's, then the table's by another spelling, then the configuration's
 * passthrough paths, whose spellings count likewise, as far as they are plain
 * (http/plain_path.h); NULL: nothing there. */
const route *route_find(const config *c, span path);
/* The same for one method: where the API has a path for more than its row does (stored completions
 * are listed where new ones are made), the configuration's passthrough paths have the others. */
const route *route_for(const config *c, http_method method, span path);
/* Of a path at which there is nothing: that of the page or call with which it ends, such as
 * "/v1/chat/completions" of "/v1/v1/chat/completions/"; empty: of none. */
span route_meant(span path);
/* The table, for whoever describes it. */
const route *route_table(size_t *ret_count);
bool route_allows(const route *row, http_method method);
/* The value of Allow at a path, which must be the row's: "GET, HEAD, OPTIONS"; with the methods
 * that passthrough paths have there besides. */
void route_allow(const config *c, const route *row, span path, buf *out);

/* The path that the row has for it, as telemetry is told (http.route): the same for all that differ
 * in what a client may choose, "/openai/deployments/{deployment}/chat/completions"; empty: of a
 * configured path, whose rest is the client's. Static, or a part of path, which must be the row's.
 */
span route_name(const route *row, span path);

/* The part of path that the star of a row stands for. */
span route_rest(const route *row, span path);

#endif
