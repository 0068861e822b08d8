/* gateway/records.h: what the ledger tells over HTTP: sums, calls, one call. A client sees its own,
 * an admin's key all (config_admin).
 *
 * Questions go to the store on another thread, one at a time of each worker, after what has ended
 * before has reached it.
 */
#ifndef WEIR_GATEWAY_RECORDS_H
#define WEIR_GATEWAY_RECORDS_H

#include "gateway/request.h"

extern const request_ops records_summary; /* GET /usage/summary */
extern const request_ops records_calls;   /* GET /usage/calls */
extern const request_ops records_call;    /* GET /usage/calls/{request_id} */

#endif
