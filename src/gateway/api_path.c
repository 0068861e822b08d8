#include "gateway/api_path.h"

#include "base/hash.h"

/* The slash that ends a prefix begins what is below. */
static bool begins(span path, span prefix, span *ret_below) {
    if (!span_starts(path, prefix)) return false;
    *ret_below = span_slice(path, prefix.len - 1, path.len);
    return true;
}

static api_path in_deployment(span below) {
    span rest = span_slice(below, 1, below.len);
    size_t slash = span_find(rest, 0, '/');
    if (!slash || slash == rest.len) return (api_path){API_NONE};
    return (api_path){API_AZURE, span_slice(rest, slash, rest.len), span_slice(rest, 0, slash)};
}

api_path api_path_of(span path) {
    api_path p = {API_NONE};
    if (begins(path, SPAN_OF("/v1/"), &p.below)) {
        p.base = API_V1;
    } else if (begins(path, SPAN_OF("/openai/deployments/"), &p.below)) {
        return in_deployment(p.below);
    } else if (begins(path, SPAN_OF("/openai/v1/"), &p.below) ||
               begins(path, SPAN_OF("/openai/"), &p.below)) {
        p.base = API_AZURE;
    } else if (begins(path, SPAN_OF("/"), &p.below)) {
        p.base = API_BARE;
    }
    return p;
}

bool api_path_decode(span text, buf *ret_name) {
    size_t from = ret_name->len;
    for (size_t at = 0; at < text.len; at++) {
        unsigned char byte = (unsigned char)text.ptr[at];
        if (byte == '%') {
            if (at + 3 > text.len || !hex_decode(span_slice(text, at + 1, at + 3), &byte, 1))
                return false;
            at += 2;
        }
        if (byte < ' ' || byte == 0x7F) return false;
        buf_add_char(ret_name, (char)byte);
    }
    return span_is_utf8(span_slice(buf_span(ret_name), from, ret_name->len));
}
