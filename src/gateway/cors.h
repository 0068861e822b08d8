/* gateway/cors.h: whether a page of another origin may ask, and read the answer. Pure.
 *
 * Source   WHATWG Fetch, sections 3.2 (Origin) and 3.3 (CORS protocol); W3C Fetch Metadata.
 *
 * Off unless cors.origins names any. "*" never goes with credentials: with it, no origin is given
 * any, whatever cors.credentials says.
 */
#ifndef WEIR_GATEWAY_CORS_H
#define WEIR_GATEWAY_CORS_H

#include "config/config.h"
#include "http/message.h"

enum { CORS_HEADERS_MAX = 7 };

bool cors_allows(const config_cors *c, span origin);

/* Whether a request comes from a page that may not call: browsers send some of any page's without
 * asking first. host: whom it names, as http_head has it: its own origin's pages may.
 *
 * Browsers tell a page by its origin, which they leave out of GETs and HEADs that a page makes
 * without a script (a picture, a script's source, a link); there the relation between page and
 * host tells it. Programs send neither, though some have a Sec-Fetch-Mode: it says nothing. */
bool cors_refuses(const config_cors *c, http_headers request, span host);

/* What every answer to this request carries; values are constant or borrowed from request. Returns
 * how many were written. */
size_t cors_headers(const config_cors *c, http_headers request, http_header *ret);
/* What the answer to a preflight carries besides: methods, headers, age. */
size_t cors_preflight_headers(const config_cors *c, http_headers request, span methods, arena *a,
                              http_header *ret);

#endif
