/* observe/sparing.h: lines that strangers can cause are written sparingly: so many in a time, and
 * of the others the next line tells how many there were. Pure; one thread's.
 */
#ifndef WEIR_OBSERVE_SPARING_H
#define WEIR_OBSERVE_SPARING_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct sparing {
    int64_t until_ms;     /* of the time that runs; 0: none has begun */
    unsigned lines;       /* in it */
    uint64_t passed_over; /* since the last line */
} sparing;

/* Whether this one is written: of each per_ms the first `most`; else it is counted. Zero at first.
 * Then *ret_passed_over were not, since the last. Monotonic time, above 0. */
MUST_USE bool sparing_due(sparing *s, unsigned most, int64_t per_ms, int64_t now_ms,
                          uint64_t *ret_passed_over);

#endif
