/* base/clock.h: the two clocks, and the dates of HTTP and of logs.
 *
 * Durations and deadlines use the monotonic clock (_ms, _us); wall time appears in records alone.
 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include "base/span.h"

#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

enum { CLOCK_RFC3339_LEN = 27, CLOCK_HTTP_DATE_LEN = 29 };

/* The last instant that RFC 3339 can write: the end of the year 9999. */
#define CLOCK_WALL_MAX_US INT64_C(253402300799999999)

/* "2026-11-24T16:39:50.123456Z", NUL-terminated. Up to CLOCK_WALL_MAX_US. */
void clock_rfc3339(int64_t wall_us, char out[CLOCK_RFC3339_LEN + 1]);
/* "Tue, 24 Nov 2026 16:39:50 GMT", NUL-terminated (RFC 9110 section 5.6.7). */
void clock_http_date(int64_t wall_us, char out[CLOCK_HTTP_DATE_LEN + 1]);
/* Reads the three forms of RFC 9110 section 5.6.7; no day that the calendar has not. false leaves
 * *ret_wall_us untouched. */
MUST_USE bool clock_parse_http_date(span s, int64_t *ret_wall_us);
/* Reads RFC 3339 section 5.6, with any offset; of a fraction what is beyond microseconds is cut
 * off; no day that the calendar has not. false leaves *ret_wall_us untouched. */
MUST_USE bool clock_parse_rfc3339(span s, int64_t *ret_wall_us);

#endif
