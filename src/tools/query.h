/* tools/query.h: a call's arguments as the query of a URL. Pure.
 *
 * Each member is a field: texts as they are, numbers, true, false as JSON writes them; of an array
 * each element is a field of that name; null is left out; what holds objects is JSON.
 *
 * Source   WHATWG URL, application/x-www-form-urlencoded; blanks are %20, which readers of both
 * kinds take.
 */
#ifndef WEIR_TOOLS_QUERY_H
#define WEIR_TOOLS_QUERY_H

#include "base/arena.h"
#include "base/buf.h"

/* arguments: a JSON object. Appends "a=1&b=x", or nothing where there are no fields. */
void tool_query_write(span arguments, arena *a, buf *out);

#endif
