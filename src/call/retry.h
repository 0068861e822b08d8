/* call/retry.h: decides what follows a failed attempt. Pure: no I/O, no clock.
 *
 * Used by  call/call.c. Any thread. Allocates nothing.
 * Units    *_ms: milliseconds.
 */
#ifndef WEIR_CALL_RETRY_H
#define WEIR_CALL_RETRY_H

#include "call/duration.h"
#include "config/config.h"
#include "dialect/failure.h"

/* The longest hint that makes weir's own client try again. openai-node (7.57) and openai-python up
 * to 2.24 take a longer one for none and come back at once; openai-python 3.57 would wait 120 s. */
enum { RETRY_CLIENT_PATIENCE_MS = 60 * 1000 };

/* When its client may come again after a failure of weir's own that may pass; and how long it is
 * waited out at least. */
enum { RETRY_OWN_AFTER_MS = 1000 };

typedef struct retry_facts {
    failure_class failure;
    retry_hint hint;
    unsigned retries_done; /* same-target retries of this call so far, over all targets */
    unsigned target_tries; /* tries at this target in this call, the failed one included */
    bool sent;             /* the request had left when it failed */
    bool other_left;       /* another target that may still be asked */
    bool patient;          /* the caller has time: weir's own shortage is waited out, too */
    bool budget_left;      /* the target's retry budget allows an extra call */
    int64_t left_ms;       /* until the total deadline */
} retry_facts;

typedef enum retry_verdict { RETRY_WAIT, RETRY_NEXT, RETRY_STOP } retry_verdict;

typedef struct retry_plan {
    int64_t wait_ms; /* RETRY_WAIT: before the same target is asked again */
    const char *why; /* the rule that decided, constant: "retries used up", for logs and tests */
    bool client_may_retry;   /* RETRY_STOP: x-should-retry for weir's own client */
    int64_t client_after_ms; /* its retry-after: the provider's hint, handed on; -1: none */
} retry_plan;

/* Returns RETRY_WAIT (same target after wait_ms, which is less than left_ms), RETRY_NEXT (another
 * target, at once) or RETRY_STOP; *ret is filled in each case. rnd, in [0,1), is drawn by the
 * caller so that tests can fix it. The rules, in order, stand in docs/faults.md. */
MUST_USE retry_verdict retry_decide(const config_retry *policy, const retry_facts *facts,
                                    double rnd, retry_plan *ret);

#endif
