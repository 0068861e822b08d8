/* base/public_address.h: which addresses are the internet's, and not this machine's or a private
 * network's.
 *
 * For what is fetched at somebody else's word, or may be led astray by a name: an origin that
 * admits these alone (http/client.h) connects nowhere else, whatever its name resolves to, however
 * often it is looked up. Pure. Any thread.
 *
 * Source   IANA's registries of special-purpose addresses (RFC 6890), RFC 6052 for IPv4 behind
 * NAT64.
 */
#ifndef WEIR_BASE_PUBLIC_ADDRESS_H
#define WEIR_BASE_PUBLIC_ADDRESS_H

#include "base/cidr.h"

#include <sys/socket.h>

/* false also for what is neither IPv4 nor IPv6. An address_admits of http/transport.h. */
bool address_is_public(const struct sockaddr *address);
bool ip_is_public(const ip_address *address);

#endif
