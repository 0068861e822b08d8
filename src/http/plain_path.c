#include "http/plain_path.h"

#include "base/hash.h"

enum { LAYERS_MAX = 4 };

/* What ends a segment's name: a parameter; decoded, a query or a fragment. */
static size_t name_end(span segment) {
    size_t end = 0;
    while (end < segment.len && !memchr(";?#", segment.ptr[end], 3))
        end++;
    return end;
}

static bool is_dots(span segment) {
    span name = span_trim(span_slice(segment, 0, name_end(segment)));
    return span_eq(name, SPAN_OF(".")) || span_eq(name, SPAN_OF(".."));
}

static bool has_dots(span path) {
    for (span segment; span_cut(&path, '/', &segment);)
        if (is_dots(segment)) return true;
    return false;
}

static bool has_strangers(span path) {
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.ptr[i] < ' ' || path.ptr[i] == 0x7F || path.ptr[i] == '\\')
            return true;
    return !span_is_utf8(path);
}

static bool is_other_escape(span at) {
    unsigned char bytes[2];
    return at.len >= 6 && (at.ptr[1] | 0x20) == 'u' && hex_decode(span_slice(at, 2, 6), bytes, 2);
}

/* Undoes one layer of escapes where it stands. Returns how many there were; other: one was of the
 * kind that is none. */
static size_t decode(buf *path, bool *other) {
    size_t from = 0, to = 0, count = 0;
    while (from < path->len) {
        span rest = span_from(path->ptr + from, path->len - from);
        unsigned char byte = (unsigned char)rest.ptr[0];
        size_t used = 1;
        if (byte == '%') {
            *other |= is_other_escape(rest);
            if (rest.len >= 3 && hex_decode(span_slice(rest, 1, 3), &byte, 1)) used = 3;
        }
        path->ptr[to++] = (char)byte;
        from += used;
        count += used > 1;
    }
    path->len = to;
    return count;
}

bool http_path_is_plain(span path) {
    if (has_strangers(path) || has_dots(path)) return false;
    if (span_find(path, 0, '%') == path.len) return true;
    buf decoded = BUF_EMPTY;
    buf_add(&decoded, path);
    bool plain = true, other = false;
    for (unsigned layer = 0; plain && decode(&decoded, &other) > 0; layer++)
        plain = layer < LAYERS_MAX && !has_strangers(buf_span(&decoded)) &&
                !has_dots(buf_span(&decoded));
    buf_done(&decoded);
    return plain && !other;
}

static void add_lower(span text, buf *ret) {
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        buf_add_char(ret, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
    }
}

void http_path_loosely(span path, buf *ret) {
    buf decoded = BUF_EMPTY;
    bool other = false, ended = false;
    buf_add(&decoded, path);
    while (decode(&decoded, &other) > 0) {}
    span rest = buf_span(&decoded);
    for (span segment; !ended && span_cut(&rest, '/', &segment);) {
        const size_t end = name_end(segment);
        const span name = span_trim(span_slice(segment, 0, end));
        ended =
            span_find(segment, 0, '?') < segment.len || span_find(segment, 0, '#') < segment.len;
        if (!name.len) continue;
        buf_add_char(ret, '/');
        add_lower(name, ret);
    }
    buf_done(&decoded);
}
