/* gateway/host_rule.h: whether a request means this weir by the host that it names. Pure.
 *
 * Where no key is asked for, reaching weir is all that it takes to use it, and the reader's own
 * browser reaches it for any page: one that has its name turned to 127.0.0.1 after it was loaded
 * (DNS rebinding) asks as a page of weir's own origin, and reads the answers. But its requests name
 * it as their host. So a weir without clients answers to those names alone that nobody outside can
 * make lead to it: addresses, which are looked up nowhere; localhost and what is below it, which no
 * public server has records of; and the names of listen and of server.hosts, whose owner is weir's
 * own.
 *
 * Refused with 403: 421 (RFC 9110 section 15.5.20) invites clients to ask again over another
 * connection, and is a class of its own in no SDK.
 *
 * Source   RFC 9110 section 7.2 (Host), RFC 6761 section 6.3 (localhost).
 */
#ifndef WEIR_GATEWAY_HOST_RULE_H
#define WEIR_GATEWAY_HOST_RULE_H

#include "config/config.h"

/* host: an authority as http_head has it; empty: none was named, as HTTP/1.0 may, which no browser
 * speaks. */
bool host_rule_allows(const config *c, span host);

#endif
