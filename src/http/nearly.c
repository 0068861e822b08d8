#include "http/nearly.h"

#include "base/hash.h"

unsigned char http_next_byte(span s, bool coded, size_t *at) {
    unsigned char c = (unsigned char)s.ptr[*at];
    if (coded && c == '%' && hex_decode(span_slice(s, *at + 1, *at + 3), &c, 1))
        *at += 2;
    else if (coded && c == '+')
        c = ' ';
    *at += 1;
    return c;
}

static unsigned char lower(unsigned char c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_of_word(unsigned char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* A blank, a part of a byte order mark, or what parts a query or a path from what is before it. */
static bool may_be_skipped(unsigned char c) {
    return c <= ' ' || c >= 0x80 || c == '?' || c == '/' || c == '[';
}

bool http_is_nearly(span name, bool coded, span wanted) {
    unsigned char c = 0;
    size_t at = 0, n = 0;
    while (at < name.len && may_be_skipped(c = http_next_byte(name, coded, &at)))
        ;
    while (n < wanted.len && lower(c) == (unsigned char)wanted.ptr[n] && ++n < wanted.len &&
           at < name.len)
        c = http_next_byte(name, coded, &at);
    if (n < wanted.len || at == name.len) return n == wanted.len;
    c = http_next_byte(name, coded, &at);
    return !is_of_word(c) && c != '-' && c != '.';
}
