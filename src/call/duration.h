/* call/duration.h: how long, as providers write it. Pure.
 *
 * All in whole ms, rounded up, at most RETRY_HINT_MAX_MS: the end of a limit is not before it, and
 * time sums never overflow.
 */
#ifndef WEIR_CALL_DURATION_H
#define WEIR_CALL_DURATION_H

#include "base/span.h"

/* A year. */
#define RETRY_HINT_MAX_MS ((int64_t)365 * 24 * 3600 * 1000)

/* Decimal digits with an optional fraction, in units of unit_ms. No sign, exponent, NaN or
 * infinity: nobody sends those in good faith. */
MUST_USE bool duration_read_number(span s, int64_t unit_ms, int64_t *ret_ms);
/* As Go writes it: "1s", "6m0s", "120ms", "1h2m3.5s". */
MUST_USE bool duration_read(span s, int64_t *ret_ms);
/* What a text begins with: "7m12s.", "20s", "34.07 seconds", "1 minute and 5 seconds". */
MUST_USE bool duration_starts(span text, int64_t *ret_ms);
/* From now until then; 0: it is over. */
int64_t duration_until(int64_t at_us, int64_t now_us);

#endif
