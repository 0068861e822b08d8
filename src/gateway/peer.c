#include "gateway/peer.h"

static bool is_trusted(const config *c, span peer) {
    ip_address a;
    if (!ip_parse_peer(peer, &a)) return false;
    for (size_t i = 0; i < c->server.trusted_proxy_count; i++)
        if (cidr_has(&c->server.trusted_proxies[i], &a)) return true;
    return false;
}

/* What stands between the last comma and *end. */
static span last_element(span list, size_t *end) {
    size_t from = *end;
    while (from > 0 && list.ptr[from - 1] != ',')
        from--;
    span element = span_slice(list, from, *end);
    *end = from ? from - 1 : 0;
    return span_trim(element);
}

/* The value of for= in an element of Forwarded; of X-Forwarded-For the element itself. */
static span address_in(span element, bool forwarded) {
    if (!forwarded) return element;
    for (span pair; span_cut(&element, ';', &pair);) {
        pair = span_trim(pair);
        if (!span_istarts(pair, SPAN_OF("for="))) continue;
        pair = span_slice(pair, 4, pair.len);
        bool quoted = pair.len > 1 && pair.ptr[0] == '"' && pair.ptr[pair.len - 1] == '"';
        return quoted ? span_slice(pair, 1, pair.len - 1) : pair;
    }
    return SPAN_EMPTY;
}

/* From the last header line to the first, and in each from its end. true: *peer is the client. */
static bool walk(const config *c, http_headers headers, span name, bool forwarded, span *peer) {
    bool any = false;
    for (size_t i = headers.count; i-- > 0;) {
        if (!span_ieq(headers.items[i].name, name)) continue;
        const span list = headers.items[i].value;
        for (size_t end = list.len; end > 0;) {
            ip_address a;
            const span element = last_element(list, &end);
            if (!element.len) continue; /* RFC 9110 section 5.6.1.2: it counts for nothing */
            const span said = address_in(element, forwarded);
            any = true;
            if (!ip_parse_peer(said, &a)) return true;
            *peer = said;
            if (!is_trusted(c, said)) return true;
        }
    }
    return any;
}

span peer_of(const config *c, http_headers headers, span peer) {
    if (!c->server.trusted_proxy_count || !is_trusted(c, peer)) return peer;
    if (!walk(c, headers, SPAN_OF("x-forwarded-for"), false, &peer))
        (void)walk(c, headers, SPAN_OF("forwarded"), true, &peer);
    return peer;
}
