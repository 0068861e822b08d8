#include "json/escape.h"

#include <string.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The number of `\uXXXX` at p, or -1 where there is none. */
static int32_t unicode_escape(const char *p, const char *end) {
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
    int32_t code = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) return -1;
        code = code * 16 + digit;
    }
    return code;
}

static size_t put_utf8(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static size_t unescape_unicode(const char **p, const char *end, char out[4]) {
    int32_t code = unicode_escape(*p, end);
    if (code < 0) {
        *p += 1;
        out[0] = '\\';
        return 1;
    }
    *p += 6;
    if (code >= 0xD800 && code <= 0xDBFF) {
        int32_t low = unicode_escape(*p, end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *p += 6;
            return put_utf8(0x10000u + ((uint32_t)(code - 0xD800) << 10) + (uint32_t)(low - 0xDC00),
                            out);
        }
    }
    return put_utf8(code >= 0xD800 && code <= 0xDFFF ? 0xFFFD : (uint32_t)code, out);
}

size_t json_unescape_one(const char **p, const char *end, char out[4]) {
    char kind = '\0';
    if (end - *p >= 2) kind = (*p)[1];
    switch (kind) {
    case '"':
    case '\\':
    case '/': out[0] = kind; break;
    case 'b': out[0] = '\b'; break;
    case 'f': out[0] = '\f'; break;
    case 'n': out[0] = '\n'; break;
    case 'r': out[0] = '\r'; break;
    case 't': out[0] = '\t'; break;
    case 'u': return unescape_unicode(p, end, out);
    default: /* malformed: the backslash stands for itself */
        out[0] = '\\';
        *p += 1;
        return 1;
    }
    *p += 2;
    return 1;
}

static const char *next_escape(const char *p, const char *end) {
    const char *hit = p < end ? memchr(p, '\\', (size_t)(end - p)) : NULL;
    return hit ? hit : end;
}

size_t json_unescape(span inner, char *out) {
    const char *p = inner.ptr, *end = inner.ptr + inner.len;
    char *to = out;
    while (p < end) {
        const char *escape = next_escape(p, end);
        memcpy(to, p, (size_t)(escape - p));
        to += escape - p;
        p = escape;
        if (p < end) {
            char one[4];
            size_t n = json_unescape_one(&p, end, one);
            memcpy(to, one, n);
            to += n;
        }
    }
    return (size_t)(to - out);
}

bool json_text_eq_whole(span inner, span text) {
    if (inner.len == text.len && !span_eq(inner, text)) return false; /* escapes are longer */
    if (span_find(inner, 0, '\\') == inner.len) return span_eq(inner, text);
    const char *p = inner.ptr, *end = inner.ptr + inner.len;
    while (p < end) {
        const char *escape = next_escape(p, end);
        span run = span_from(p, (size_t)(escape - p));
        if (!span_starts(text, run)) return false;
        text = span_slice(text, run.len, text.len);
        p = escape;
        if (p < end) {
            char one[4];
            span piece = span_from(one, json_unescape_one(&p, end, one));
            if (!span_starts(text, piece)) return false;
            text = span_slice(text, piece.len, text.len);
        }
    }
    return text.len == 0;
}
