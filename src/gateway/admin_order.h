/* gateway/admin_order.h: what an order to weir may bring along: nothing that is passed over. Who
 * says in the address which answers a purge is to take, or in a body for how long a pause is to be,
 * means it, and would be told that it was done. */
#ifndef WEIR_GATEWAY_ADMIN_ORDER_H
#define WEIR_GATEWAY_ADMIN_ORDER_H

#include "gateway/request.h"

/* false: there are parameters in the address, and it is answered. */
MUST_USE bool admin_order_has_no_query(const request *q);
/* false: its body says something, and it is answered. Nothing, white space and {} say nothing. */
MUST_USE bool admin_order_has_no_body(const request *q);

#endif
