/* call/attempt.h: one try at one target: request out, answer in, three of the five deadlines.
 *
 * Belongs to its loop. Lives in the call's arena; what it holds besides is given back when it ends.
 * attempt_start() never calls back before it returns. on_end or on_fail ends it, exactly once;
 * after attempt_cancel() nothing comes any more.
 *
 *   SENT ──2xx head──▶ STREAM  events, until the format's end marker or the end of the body
 *     │           └──▶ PLAIN   gathered whole, then one on_body
 *     │           └──▶ RAW     pieces as they come (audio, files: what is neither JSON nor events)
 *     └──other head──▶ REFUSAL gathered, classified, then on_fail
 */
#ifndef WEIR_CALL_ATTEMPT_H
#define WEIR_CALL_ATTEMPT_H

#include "call/retry.h"
#include "call/loop_snapshot.h"

typedef struct attempt attempt;

typedef struct attempt_ops {
    void (*on_head)(void *user, const answer_head *head); /* in the arena */
    void (*on_event)(void *user, const answer_event *event);
    void (*on_end)(void *user);
    /* What follows for the client (committed, client_*) is not filled in yet. */
    void (*on_fail)(void *user, const failure *f);
} attempt_ops;

typedef struct attempt_spec {
    loop *loop;
    loop_snapshot *snapshot;
    upstream *upstream;
    const request_facts *facts;
    span model; /* what this provider is asked for; empty: the client's word */
    arena *arena;
} attempt_spec;

/* NULL when the request cannot be expressed for this provider; then *ret_failure says why. */
MUST_USE attempt *attempt_start(const attempt_spec *spec, const attempt_ops *ops, void *user,
                                failure *ret_failure);
void attempt_cancel(attempt *a);
void attempt_pause(attempt *a);
void attempt_resume(attempt *a);

int64_t attempt_sent_us(const attempt *a); /* 0: not yet */
int64_t attempt_head_us(const attempt *a);
unsigned attempt_skipped(const attempt *a); /* events left out because they were no JSON */

#endif
