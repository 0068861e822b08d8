/* base/cidr.h: networks of addresses, as "10.0.0.0/8", "2001:db8::/32" or one address by itself.
 *
 * An IPv4 address that comes as IPv6's (::ffff:10.0.0.1) is the IPv4 address. Pure. Any thread.
 *
 * Source   RFC 4632 section 3.1, RFC 4291 sections 2.3 and 2.5.5.2.
 */
#ifndef WEIR_BASE_CIDR_H
#define WEIR_BASE_CIDR_H

#include "base/span.h"

typedef struct ip_address {
    unsigned char bytes[16]; /* of IPv4 as ::ffff:a.b.c.d */
} ip_address;

typedef struct cidr {
    ip_address network;
    unsigned char bits; /* of the 128 that count */
} cidr;

/* An address as text, in brackets or with a zone too ("[fe80::1%eth0]"), which does not count, and
 * without a port. */
MUST_USE bool ip_parse(span text, ip_address *ret);

/* The same with a port behind it: "10.0.0.1:80", "[::1]:80". */
MUST_USE bool ip_parse_peer(span text, ip_address *ret);

/* What stands there without a port and brackets, be it an address or not. */
span ip_without_port(span text);

bool ip_is_v4(const ip_address *a);

/* false: no network, or one with bits beyond its length ("10.0.0.1/8"), which is mostly a slip. */
MUST_USE bool cidr_parse(span text, cidr *ret);
bool cidr_has(const cidr *c, const ip_address *a);

#endif
