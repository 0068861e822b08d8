/* exchange/holder.h: whose a call is among others, such as those that wait or what was counted
 * before: its client's; where no keys are asked its address's. Inside exchange/. Any thread; pure.
 */
#ifndef WEIR_EXCHANGE_HOLDER_H
#define WEIR_EXCHANGE_HOLDER_H

#include "base/cidr.h"
#include "exchange/internal.h"

uint64_t exchange_holder(const exchange *x);

/* What of a peer, an address with or without a port, tells it from others. In *a, or the peer
 * itself where it is no address. */
span holder_part(span peer, ip_address *a);

#endif
