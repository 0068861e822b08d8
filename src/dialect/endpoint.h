/* dialect/endpoint.h: the one table of endpoints (config/endpoints.def) as constants and as data.
 * Pure.
 *
 * Any thread. Rows are constant.
 * Source   OpenAI's API reference.
 */
#ifndef WEIR_DIALECT_ENDPOINT_H
#define WEIR_DIALECT_ENDPOINT_H

#include "base/buf.h"
#include "dialect/dialect.h"

typedef enum endpoint {
#define X(id, path, name, dialect, streams, needs_model) EP_##id,
#include "config/endpoints.def"
#undef X
    EP_OTHER, /* a configured /v1 path that is passed through */
    EP_COUNT
} endpoint;

typedef struct endpoint_row {
    span path;        /* "/chat/completions", a C string too; empty: EP_OTHER's */
    const char *name; /* "chat.completions" */
    dialect dialect;
    bool streams;
    bool needs_model;
} endpoint_row;

/* Never NULL. */
const endpoint_row *endpoint_get(endpoint e);
/* By its path below /v1, "/chat/completions"; EP_OTHER for any other. */
endpoint endpoint_of_path(span path);
/* For messages: every path between these two, "/chat/completions, /completions … or /moderations".
 */
void endpoint_add_paths(buf *out, const char *before, const char *after);

#endif
