/* call/call.h: a model call: attempts, retries, fallback, hedging, the total deadline, and the
 * hand-over of one answer. The project's one retry loop (call.c); the parts beside it are lanes.c
 * and hedge.c.
 *
 * Belongs to its loop; lives in the given arena. call_start() never calls back before it returns.
 * on_end or on_fail ends it, exactly once; after call_cancel() nothing comes any more.
 *
 * Until the first content of an answer has been handed to the sink, a failed attempt is replaced
 * unseen: what an attempt said before that (its head, chunks without content) is held. Afterwards
 * nothing is retried: a failure is on_fail with `committed` set.
 */
#ifndef WEIR_CALL_CALL_H
#define WEIR_CALL_CALL_H

#include "call/attempt.h"
#include "call/call_wait.h"
#include "call/gate.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "observe/trace_context.h"

typedef struct call call;

typedef struct call_sink {
    /* The answer that will be handed over: from which target, after how many tries. */
    void (*on_head)(void *user, const answer_head *head);
    void (*on_event)(void *user, const answer_event *event);
    void (*on_end)(void *user);
    void (*on_fail)(void *user, const failure *f);
    /* The provider refused an attempt for its load (429, 503, 529), whatever follows; with its hint
     * (-1: none), or less where another key or target may be asked sooner. NULL allowed. May cancel
     * the call. */
    void (*on_refused)(void *user, int status, int64_t retry_after_ms);
    /* The call waits. NULL allowed. May cancel the call. */
    void (*on_wait)(void *user, const call_wait *w);
    /* An attempt has found nobody there. Like on_refused. */
    void (*on_missed)(void *user);
    /* The next try is made after a while; NULL allowed, of both. */
    void (*on_rest)(void *user);
    /* That while is over. false: the try is made when call_go_on() is called. */
    bool (*on_wake)(void *user);
} call_sink;

/* The name of a limit that is no option's. */
#define CALL_OWN_TIME "its own time"

typedef struct call_spec {
    loop *loop;
    loop_snapshot *snapshot; /* borrowed for the call */
    metrics_shard *metrics;  /* NULL: nothing is counted */
    log_shard *log;          /* NULL: nothing is logged */
    span request_id;         /* in the log */
    const config_model *model;
    const request_facts *facts;
    /* Whose call it is, as base/shares.h names holders: of what it gathers, and of connections to
     * providers; 0: nobody's. */
    uint64_t holder;
    /* Of several configured clients: which one calls (config_client.holder), for breakers and
     * budgets; 0: everybody is one. */
    uint64_t client;
    span client_name;              /* for people */
    const trace_context *trace;    /* what attempts hand on; NULL: what the client says */
    const affinity_place *made_at; /* what it names; NULL: nobody knows */
    const call_gate *gate;         /* NULL: nothing keeps it from a target */
    bool patient; /* the end of a limit that holds for all keys is waited for, also where that takes
                     longer than retry.patience; and what weir itself is short of */
    bool hushed;  /* what providers say in an answer's place is not for the log */
    unsigned want;       /* WANT_*, of the answer's events */
    int64_t deadline_ms; /* monotonic: when timeouts.total has passed, over all attempts */
    bool due;            /* … or sooner, when whoever asks does not wait any longer */
    arena *asking; /* for what attempts send, and the headers of what is told: as long as the call,
                      or call_drop_request() */
    arena *arena;
} call_spec;

MUST_USE call *call_start(const call_spec *spec, const call_sink *sink, void *user);
void call_cancel(call *c);
/* Once content has been handed over: what spec->facts point to is not looked at any more, nor are
 * the headers that were told. false: they are, as the request is still being sent. */
MUST_USE bool call_drop_request(call *c);
/* Where what the answer tells of was made: once content has been handed over. */
affinity_place call_place(const call *c);
/* The target that answers is known to tell what its streams use. */
bool call_tells_usage(const call *c);
/* The ids of its completions are not its own: they repeat. */
bool call_ids_repeat(const call *c);
/* May end the call. */
void call_go_on(call *c);
/* Back-pressure from the client. */
void call_pause(call *c);
void call_resume(call *c);

typedef struct call_report {
    span target;       /* that answered, or was asked last; empty: none was */
    span target_label; /* the same in the configuration's words alone, for metrics */
    unsigned attempts; /* requests made at providers */
    unsigned hedges;
    attempt_record *tries; /* each attempt; in the arena, valid until the next begins. What they
                              cost is for others to fill in */
    int answered;          /* which of them has answered; -1: none */
    unsigned skipped;
    bool unfinished;       /* the answer's end was told, but not why each choice ends */
    int64_t first_sent_us; /* monotonic; when the first attempt began, where none was sent; 0: none
                              began */
    int64_t head_us;       /* of the answer that was handed over, or the last head; 0: none */
    int64_t arrived_us;    /* when what the client is told was there: the first content of a stream,
                              a whole body, a failure; 0: nothing yet */
} call_report;
call_report call_get_report(const call *c);

#endif
