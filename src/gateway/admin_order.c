#include "gateway/admin_order.h"

#include "gateway/reply.h"
#include "json/json.h"

enum { NAME_SHOWN_MAX = 64 };

static void refuse(const request *q, span param, const char *sentence) {
    weir_error e = error_of(ERR_BAD_VALUE);
    e.param = param;
    e.message = span_cstr(sentence);
    reply_error_with(q, &e, (http_headers){0});
}

bool admin_order_has_no_query(const request *q) {
    const span query = http_request_head(q->http)->query;
    if (!query.len) return true;
    refuse(q, span_clip(span_slice(query, 0, span_find(query, 0, '=')), NAME_SHOWN_MAX),
           "Nothing is asked for in the address here; what there is to say stands in the body, as "
           "JSON.");
    return false;
}

bool admin_order_has_no_body(const request *q) {
    static const json_limits limits = {.depth = 4};
    const span body = span_trim(http_request_body(q->http));
    json_value root;
    json_fault fault;
    if (!body.len) return true;
    if (json_scan(body, &limits, &root, &fault) && root.type == JSON_OBJECT && json_is_empty(root))
        return true;
    refuse(q, SPAN_EMPTY, "There is nothing to say in a body here; leave it out.");
    return false;
}
