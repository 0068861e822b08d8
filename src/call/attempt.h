/* call/attempt.h: one try at one target: request out, answer in, three of the five deadlines.
 *
 * Belongs to its loop. Lives in the call's arena, which outlives the turn in which it ends; what it
 * holds besides is given back then.
 * attempt_start() never calls back before it returns. on_end or on_fail ends it, exactly once;
 * after attempt_cancel() nothing comes any more.
 *
 *   SENT ──2xx head──▶ ANSWER   a reader (dialect/reader.h) turns the body into events
 *     │                  │  ├──▶ WHOLE  it is complete; its figures and its mark may follow
 *     │                  │  └──▶ DRAIN  its mark has come; the connection is worth a short wait
 *     │                  └──────▶ OVER  complete with its body, cut, too large, no answer …
 *     └──other head──▶ REFUSAL  gathered, classified, then on_fail
 *
 * An event that says that the answer failed (EVENT_ERROR, or EVENT_FAILED before any content) is a
 * refusal too. A complete answer ends well whatever follows it: silence, comments, garbage, an
 * error or a broken connection. What an answer looks like, and when it is complete, the reader
 * knows.
 */
#ifndef WEIR_CALL_ATTEMPT_H
#define WEIR_CALL_ATTEMPT_H

#include "call/loop_snapshot.h"
#include "call/retry.h"
#include "dialect/reader.h"
#include "observe/trace_context.h"

typedef struct attempt attempt;

typedef struct attempt_ops {
    void (*on_head)(void *user, const answer_head *head); /* in the arena */
    /* The event lives until it returns, also where it cancels the attempt. */
    void (*on_event)(void *user, const answer_event *event);
    void (*on_end)(void *user);
    /* What follows for the client (committed, client_*) is not filled in yet. */
    void (*on_fail)(void *user, const failure *f);
} attempt_ops;

typedef struct attempt_spec {
    loop *loop;
    loop_snapshot *snapshot;
    upstream *upstream;
    target_state *target;
    const config_target *entry; /* the same in the configuration, with its deadlines */
    const request_facts *facts;
    credential *credential;     /* it takes a reference; NULL: none is sent */
    uint64_t holder;            /* whose call it is: see call_spec */
    span model;                 /* what this provider is asked for; empty: the client's word */
    unsigned want;              /* WANT_*, of the answer's events */
    const trace_context *trace; /* it hands on; NULL: what the client says */
    uint64_t span_id;           /* its own span, where there is a trace */
    unsigned without;           /* OWN_*: what this call has seen the target refuse */
    /* For the request, and the headers of what is told: outlives the attempt, or
     * attempt_drop_request(). */
    arena *asking;
    arena *arena;
} attempt_spec;

/* NULL when the request cannot be expressed for this provider; then *ret_failure says why. */
MUST_USE attempt *attempt_start(const attempt_spec *spec, const attempt_ops *ops, void *user,
                                failure *ret_failure);
void attempt_cancel(attempt *a);
/* Ends it now, through on_end, where the answer is complete and only what may follow it is waited
 * for. */
MUST_USE bool attempt_end_whole(attempt *a);
/* Content has come, and its head was handed on: neither that nor the request is needed any more.
 * false: it is still being sent. */
MUST_USE bool attempt_drop_request(attempt *a);
void attempt_pause(attempt *a);
void attempt_resume(attempt *a);

/* How far it has come. Also once it is over, as long as the arena lives. */
typedef struct attempt_facts {
    int64_t placed_us, sent_us, head_us, first_content_us; /* monotonic; 0: not yet */
    shortage lacks; /* what keeps it from being sent: weir's own; SHORTAGE_NONE: nothing, or over */
    int status;     /* the provider's; 0: none yet */
    bool unfinished;  /* its end was told, but not why each choice ends */
    unsigned skipped; /* events of a stream that were left out because they were no JSON */
    span request_id;  /* the provider's own; empty: none */
    token_usage usage;
} attempt_facts;
attempt_facts attempt_get_facts(const attempt *a);
/* Of these, the instants and `lacks` alone. */
http_call_facts attempt_get_times(const attempt *a);

/* A failure of weir's own at that target, but for what follows for the client. text says more; that
 * of a limit which has passed while nothing could be sent is attempt_unsent_text(). */
failure attempt_short(const attempt *a, shortage what, span text);
span attempt_unsent_text(const attempt *a, span limit);

#endif
