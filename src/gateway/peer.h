/* gateway/peer.h: whose address counts as a request's, where proxies stand before weir. Pure. */
#ifndef WEIR_GATEWAY_PEER_H
#define WEIR_GATEWAY_PEER_H

#include "config/config.h"
#include "http/message.h"

/* The connection's peer; where that is one of server.trusted_proxies, what it says in
 * X-Forwarded-For, or else in Forwarded: the last address that is not a trusted proxy's. What is no
 * address (RFC 7239's "unknown" and the like) ends the search: the proxy that said so counts.
 * Points into what it is given. */
span peer_of(const config *c, http_headers headers, span peer);

#endif
