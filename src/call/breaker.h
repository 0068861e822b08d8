/* call/breaker.h: the circuit breaker of one target. Pure: the caller owns the clock and the lock.
 *
 *   closed ──failure rate reached──▶ open ──probe_ms──▶ half open ──probe succeeds──▶ closed
 *                                     ▲                     │
 *                                     └────probe fails──────┘
 *
 * The window is a ring of BREAKER_SLOTS equal slices of window_ms. A policy that is off admits all,
 * and the next report closes what was open.
 */
#ifndef WEIR_CALL_BREAKER_H
#define WEIR_CALL_BREAKER_H

#include "config/config.h"

enum { BREAKER_SLOTS = 10, BREAKER_PROBE_PATIENCE = 12 };

typedef enum breaker_state { BREAKER_CLOSED, BREAKER_IS_OPEN, BREAKER_HALF_OPEN } breaker_state;

typedef struct breaker {
    breaker_state state;
    int64_t opened_ms;
    bool probing;           /* half open: the probe is under way */
    int64_t probe_began_ms; /* one that never reports is given up after BREAKER_PROBE_PATIENCE ×
                               probe_ms */
    int64_t slot_began_ms;
    unsigned slot;
    struct {
        unsigned calls, failures;
    } slots[BREAKER_SLOTS];
} breaker;

void breaker_init(breaker *b, int64_t now_ms);
/* May a call go out? In half open the first to ask becomes the probe (*ret_probe): it must report
 * with breaker_report() or give the place back with breaker_abandon(). */
MUST_USE bool breaker_admit(breaker *b, const config_breaker *policy, int64_t now_ms,
                            bool *ret_probe);
/* Would breaker_admit() say yes? Changes nothing. */
bool breaker_ready(const breaker *b, const config_breaker *policy, int64_t now_ms);
/* The outcome of a call. Returns true when the state changed (for the log and the gauge). Calls
 * that were admitted before it opened and end afterwards change nothing; only a failure opens it.
 */
bool breaker_report(breaker *b, const config_breaker *policy, bool failed, bool probe,
                    int64_t now_ms);
/* A probe that was cancelled tells nothing. */
void breaker_abandon(breaker *b, bool probe);
/* How long a caller should wait before it asks again; 0 when it admits now. While a probe is under
 * way nobody knows how it will end: then at most one probe_ms. */
int64_t breaker_wait_ms(const breaker *b, const config_breaker *policy, int64_t now_ms);

#endif
