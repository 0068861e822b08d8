#include "base/cidr.h"

#include <arpa/inet.h>

enum { V4_BITS = 32, V6_BITS = 128, V4_AT = 12 };

static const unsigned char v4_prefix[V4_AT] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/* How many bits an address of the text's family has; 0: it is none. */
static unsigned parse(span text, ip_address *ret) {
    char copy[INET6_ADDRSTRLEN];
    if (!text.len || text.len >= sizeof copy || memchr(text.ptr, 0, text.len)) return 0;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    memcpy(ret->bytes, v4_prefix, sizeof v4_prefix);
    if (inet_pton(AF_INET, copy, ret->bytes + V4_AT) == 1) return V4_BITS;
    return inet_pton(AF_INET6, copy, ret->bytes) == 1 ? V6_BITS : 0;
}

bool ip_parse(span text, ip_address *ret) {
    ip_address found;
    if (text.len > 1 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = span_slice(text, 1, text.len - 1);
    text = span_slice(text, 0, span_find(text, 0, '%'));
    if (!parse(text, &found)) return false;
    *ret = found;
    return true;
}

span ip_without_port(span text) {
    const size_t colon = span_find(text, 0, ':'), end = span_find(text, 0, ']');
    if (end < text.len && text.ptr[0] == '[') return span_slice(text, 1, end);
    const bool many = span_find(text, colon + 1, ':') < text.len; /* two of them are IPv6's own */
    return many ? text : span_slice(text, 0, colon);
}

bool ip_parse_peer(span text, ip_address *ret) {
    return ip_parse(ip_without_port(text), ret);
}

bool ip_is_v4(const ip_address *a) {
    return memcmp(a->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

/* A byte of the mask that so many bits make. */
static unsigned char mask_at(unsigned bits, unsigned i) {
    if (bits >= (i + 1) * 8) return 0xFF;
    return bits <= i * 8 ? 0 : (unsigned char)(0xFF << (8 - bits % 8));
}

bool cidr_parse(span text, cidr *ret) {
    cidr c;
    size_t slash = span_find(text, 0, '/');
    unsigned family = parse(span_slice(text, 0, slash), &c.network);
    uint64_t bits = family;
    if (!family) return false;
    span length = span_slice(text, slash + 1, text.len);
    if (slash < text.len && (!span_u64(length, &bits) || length.len > 3 || bits > family))
        return false;
    c.bits = (unsigned char)(V6_BITS - family + bits);
    for (unsigned i = 0; i < sizeof c.network.bytes; i++)
        if (c.network.bytes[i] & ~mask_at(c.bits, i)) return false;
    *ret = c;
    return true;
}

bool cidr_has(const cidr *c, const ip_address *a) {
    for (unsigned i = 0; i < sizeof a->bytes; i++)
        if ((a->bytes[i] ^ c->network.bytes[i]) & mask_at(c->bits, i)) return false;
    return true;
}
