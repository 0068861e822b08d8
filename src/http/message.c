#include "http/message.h"

#include "http/chars.h"

#include <stdlib.h>

void http_head_memory_free(http_head_memory *m) {
    free(m->bytes);
    free(m->fields);
    *m = (http_head_memory){0};
}

span http_header_get(http_headers h, span name) {
    for (size_t i = 0; i < h.count; i++)
        if (span_ieq(h.items[i].name, name)) return h.items[i].value;
    return SPAN_EMPTY;
}

span http_header_list(http_headers h, span name, arena *a) {
    size_t count = http_header_count(h, name);
    if (count < 2) return http_header_get(h, name);
    span *parts = arena_alloc(a, 2 * count * sizeof *parts);
    size_t n = 0;
    for (size_t i = 0; i < h.count; i++) {
        if (!span_ieq(h.items[i].name, name)) continue;
        if (n) parts[n++] = SPAN_OF(", ");
        parts[n++] = h.items[i].value;
    }
    return arena_join(a, parts, n);
}

size_t http_header_count(http_headers h, span name) {
    size_t n = 0;
    for (size_t i = 0; i < h.count; i++)
        n += span_ieq(h.items[i].name, name);
    return n;
}

static const http_names hop_names[] = {
    [2] = HTTP_NAMES(SPAN("te")),
    [7] = HTTP_NAMES(SPAN("trailer"), SPAN("upgrade")),
    [10] = HTTP_NAMES(SPAN("connection"), SPAN("keep-alive")),
    [17] = HTTP_NAMES(SPAN("transfer-encoding")),
};

static void add_hops(http_hops *hops, span list) {
    for (span name; !hops->many && span_cut(&list, ',', &name);) {
        hops->many = hops->count == HTTP_HOPS_MAX;
        if (!hops->many) hops->names[hops->count++] = span_trim(name);
    }
}

void http_hops_of(http_headers h, http_hops *ret) {
    ret->count = 0;
    ret->many = false;
    for (size_t i = 0; i < h.count; i++)
        if (span_ieq(h.items[i].name, SPAN_OF("connection"))) add_hops(ret, h.items[i].value);
}

bool http_header_is_hop(span name, const http_hops *named) {
    if (http_names_have(hop_names, ARRAY_LEN(hop_names), name)) return true;
    if (span_istarts(name, SPAN_OF("proxy-"))) return true;
    for (size_t i = 0; i < named->count; i++)
        if (span_ieq(name, named->names[i])) return true;
    return named->many;
}

bool http_header_is_safe(span name, span value) {
    return http_is_token(name) && http_is_field_value(value);
}

const char *http_status_text(int status) {
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    case 529: return "Site Is Overloaded";
    default: return "";
    }
}
