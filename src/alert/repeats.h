/* alert/repeats.h: what was told is not told again at once. One thread's; the caller owns the clock
 * (monotonic milliseconds).
 */
#ifndef WEIR_ALERT_REPEATS_H
#define WEIR_ALERT_REPEATS_H

#include "alert/alert.h"
#include "alert/table.h"

enum { REPEATS_MAX = 16384 };

typedef struct repeats {
    table table;
} repeats;

void repeats_init(repeats *r);
void repeats_done(repeats *r);
/* Whether it is told: by its kind's rule and again_ms. Then *ret_passed_over of the same were not,
 * since the last. */
MUST_USE bool repeats_due(repeats *r, alert_kind kind, span subject, int64_t again_ms,
                          int64_t now_ms, uint64_t *ret_passed_over);

#endif
