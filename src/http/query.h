/* http/query.h: parameters of a query, as it stands in a target. Pure.
 *
 * Source   the URL standard of WHATWG, section 5 (application/x-www-form-urlencoded).
 */
#ifndef WEIR_HTTP_QUERY_H
#define WEIR_HTTP_QUERY_H

#include "base/span.h"

/* Cuts the next parameter, "name=value" or "name", off *rest; it may be empty. false: there is none
 * any more. */
bool http_query_next(span *rest, span *ret_parameter);
/* Whether somebody may take that for the name of this parameter: escapes undone, in any case, with
 * what some do not see (blanks, a byte order mark, brackets) around it, or of a part of it, where a
 * ';' parts parameters, too. name: in lower case. */
bool http_query_is_named(span parameter, span name);
/* Whether any of them is. */
bool http_query_has(span query, span name);

#endif
