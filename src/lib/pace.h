/* lib/pace.h: how many calls may run at a time, where a client adapts to refusals: additive
 * increase, multiplicative decrease (as RFC 5681 does for congestion). Pure: the caller owns the
 * clock. Private to the room.
 *
 * A refusal (429, 503, 529) halves the window, once for all calls that were under way then, and no
 * call starts before its Retry-After has passed. Each call that succeeds gives back 1/window, so a
 * window's worth of them gives one more place.
 */
#ifndef WEIR_LIB_PACE_H
#define WEIR_LIB_PACE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

/* A longer Retry-After is not waited for whole: the calls themselves fail by then. */
enum { PACE_PAUSE_MAX_MS = 10 * 60 * 1000 };

typedef struct pace {
    unsigned most;   /* the window never exceeds it */
    bool adaptive;   /* false: the window is `most`, always */
    double window;   /* at least 1 */
    unsigned echoes; /* refusals that may still come of the calls that ran at the last cut */
    int64_t open_ms; /* no call starts before this instant */
} pace;

pace pace_of(unsigned most, bool adaptive);
/* Calls that may run. */
unsigned pace_limit(const pace *p);
/* 0: another call may start now; else how long until one may, -1: not before one ends. */
int64_t pace_wait_ms(const pace *p, unsigned running, int64_t now_ms);

/* A call that was refused and answered all the same has another target, or waited: nobody needs to
 * wait any more. */
void pace_answered(pace *p);
void pace_success(pace *p);
/* A call ended otherwise. */
void pace_ended(pace *p);
/* running: calls under way, the refused one included. retry_after_ms: -1: no hint. */
void pace_refused(pace *p, unsigned running, int64_t retry_after_ms, int64_t now_ms);

#endif
