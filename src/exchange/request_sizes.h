/* exchange/request_sizes.h: how large and how complex a request is, by what config/sizes.def
 * counts. Pure; any thread. */
#ifndef WEIR_EXCHANGE_REQUEST_SIZES_H
#define WEIR_EXCHANGE_REQUEST_SIZES_H

#include "config/sizes.h"
#include "provider/provider.h"

/* More of something than weir looks through (outline_limits_usual). */
#define SIZE_UNCOUNTED INT64_MAX

/* Counts what is wanted: a bit for each. ret[i] is untouched for the rest. The body is a JSON
 * object. It is walked through once for nesting, and once where texts or images are wanted. */
void request_sizes_count(const request_facts *f, unsigned wanted, int64_t ret[CONFIG_SIZES]);

/* The member that n stands in: it, or best_of where that is larger. */
const char *request_sizes_n_member(const request_facts *f);

#endif
