/* call/shortages.h: which of weir's own shortages the log has heard of lately. Shared by all
 * workers, no lock; as old as the process.
 *
 * A shortage that lasts fails every call there is: it is told once in SHORTAGE_LINE_MS, and counted
 * in the metrics each time.
 */
#ifndef WEIR_CALL_SHORTAGES_H
#define WEIR_CALL_SHORTAGES_H

#include "base/shortage.h"
#include "observe/log.h"

typedef struct shortages shortages;

enum { SHORTAGE_LINE_MS = 10 * 1000 };

MUST_USE shortages *shortages_new(void);
void shortages_free(shortages *s);

/* Whether it is time for a line about it; then this one counts as told. What each target needs is
 * one shortage whatever provider it is met at, any other is one of each provider. Providers share
 * places: one may rarely keep another's line back. Monotonic time, above 0. */
MUST_USE bool shortages_due(shortages *s, shortage what, span provider, int64_t now_ms);
/* The line, where it is time for one. Empty: it was met at no provider; no more is to be said. */
void shortages_tell(shortages *s, log_shard *log, shortage what, span provider, span detail,
                    int64_t now_ms);

#endif
