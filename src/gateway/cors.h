/* gateway/cors.h: whether a page of another origin may read an answer. Pure.
 *
 * Source   WHATWG Fetch, section 3.3 (CORS protocol).
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

/* What every answer to this request carries; values are constant or borrowed from request. Returns
 * how many were written. */
size_t cors_headers(const config_cors *c, http_headers request, http_header *ret);
/* What the answer to a preflight carries besides: methods, headers, age. */
size_t cors_preflight_headers(const config_cors *c, http_headers request, span methods, arena *a,
                              http_header *ret);

#endif
