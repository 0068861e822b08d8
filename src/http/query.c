#include "http/query.h"

#include "http/nearly.h"

bool http_query_next(span *rest, span *ret_parameter) {
    if (!rest->len) return false;
    const size_t to = span_find(*rest, 0, '&');
    *ret_parameter = span_slice(*rest, 0, to);
    *rest = span_slice(*rest, to + 1, rest->len);
    return true;
}

bool http_query_is_named(span parameter, span name) {
    for (span part; span_cut(&parameter, ';', &part);)
        if (http_is_nearly(span_slice(part, 0, span_find(part, 0, '=')), true, name)) return true;
    return false;
}

bool http_query_has(span query, span name) {
    for (span parameter; http_query_next(&query, &parameter);)
        if (http_query_is_named(parameter, name)) return true;
    return false;
}
