/* gateway/pages.h: what people, probes and scrapers read: health, metrics, the API's description.
 * No key is asked for, so nothing here tells a secret or what a call was about.
 */
#ifndef WEIR_GATEWAY_PAGES_H
#define WEIR_GATEWAY_PAGES_H

#include "gateway/routes.h"

route_handler page_live;   /* the process turns its loops */
route_handler page_ready;  /* it takes calls: not before the workers run, not while it drains */
route_handler page_health; /* version, uptime, targets */
route_handler page_metrics;
route_handler page_openapi;
route_handler page_docs;

#endif
