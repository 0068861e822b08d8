#include "dialect/endpoint.h"

#include <assert.h>

enum { NO = 0, YES = 1 };

static const endpoint_row rows[EP_COUNT] = {
#define X(id, path, name, dialect, streams, needs_model)                                           \
    [EP_##id] = {SPAN(path), name, DIALECT_##dialect, streams, needs_model},
#include "config/endpoints.def"
#undef X
    [EP_OTHER] = {SPAN(""), "other", DIALECT_RAW, NO, NO},
};

const endpoint_row *endpoint_get(endpoint e) {
    assert(e < EP_COUNT);
    return &rows[e];
}

endpoint endpoint_of_path(span path) {
    endpoint e = 0;
    while (e < EP_OTHER && !span_eq(path, rows[e].path))
        e++;
    return e;
}

void endpoint_add_paths(buf *out, const char *before, const char *after) {
    for (endpoint e = 0; e < EP_OTHER; e++) {
        if (e) buf_add_cstr(out, e + 1 < EP_OTHER ? ", " : " or ");
        buf_addf(out, "%s%.*s%s", before, SPAN_ARG(rows[e].path), after);
    }
}
