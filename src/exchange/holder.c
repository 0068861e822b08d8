#include "exchange/holder.h"

#include "base/hash.h"

/* Who has a network of IPv6 has at least 2^64 addresses (RFC 6177). */
span holder_part(span peer, ip_address *a) {
    enum { NETWORK_BYTES = 8 };
    if (!ip_parse_peer(peer, a)) return peer;
    return span_from((const char *)a->bytes, ip_is_v4(a) ? sizeof a->bytes : NETWORK_BYTES);
}

uint64_t exchange_holder(const exchange *x) {
    ip_address a;
    return x->client ? x->client->holder : hash_span(holder_part(x->record.peer, &a));
}
