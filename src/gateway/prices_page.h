/* gateway/prices_page.h: GET /usage/prices: what tokens cost in the configuration that is in force.
 * Where a price stands in its file is told to those alone who see all records (gateway/records.h).
 */
#ifndef WEIR_GATEWAY_PRICES_PAGE_H
#define WEIR_GATEWAY_PRICES_PAGE_H

#include "gateway/request.h"

extern const request_ops page_prices;

#endif
