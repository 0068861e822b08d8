/* gateway/pages.h: what people, probes and scrapers read: health, metrics, the API's description.
 * No key is asked for, so nothing here tells a secret or what a call was about.
 */
#ifndef WEIR_GATEWAY_PAGES_H
#define WEIR_GATEWAY_PAGES_H

#include "gateway/request.h"

extern const request_ops page_live; /* the process turns its loops */
extern const request_ops
    page_ready; /* it takes calls: not before the workers run, not while it drains */
extern const request_ops page_health; /* version, uptime, targets */
extern const request_ops page_metrics;
extern const request_ops page_openapi;
extern const request_ops page_docs;

#endif
