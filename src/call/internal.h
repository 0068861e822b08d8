/* call/internal.h: a call as its parts see it. Inside call/, for those that stand below.
 *
 * call.c decides whom to ask and what follows a failure; lanes.c runs attempts and hands over what
 * one of them says; lane_gate.c asks whether they may begin; lane_keys.c knows what that says of
 * the key, and lane_shortage.c what of weir itself; hedge.c starts a second beside one that is
 * slow; trace.c tells of all that who debugs.
 */
#ifndef WEIR_CALL_INTERNAL_H
#define WEIR_CALL_INTERNAL_H

#include "call/call.h"
#include "call/entry.h"
#include "call/slots.h"

/* An attempt that is to begin. */
typedef struct entry {
    entry_why why;
    size_t at;           /* index into call->slots.items */
    bool hedge;          /* it is one, or is in the place of one */
    size_t from;         /* FALLBACK, HEDGE: which one has failed, or is slow */
    const failure *kept; /* FALLBACK: how */
} entry;

/* An attempt that is under way, or waits at the gate. There is one, or two while a hedge runs. */
enum { LANES = 2 };

typedef struct lane {
    call *call;
    attempt *attempt; /* NULL: none is under way */
    entry entry;      /* as what it began */
    bool stands;      /* at the gate, which does not know yet */
    unsigned number;  /* by which the gate knows it */
    gate_wait wait;
    size_t at;  /* index into call->slots.items */
    size_t try; /* index into call->tries */
    bool hedge;
    breaker_probe probe; /* this attempt is a breaker's probe */
    size_t key;          /* index into its upstream's keys */
    int64_t began_ms;
    bool has_head;
    answer_head head;
    answer_queue held; /* what it has said before its first content */
    memory_hold hold;  /* of that, where it is much */
} lane;

struct call {
    call_spec spec;
    const call_sink *sink;
    void *user;
    slots slots;
    size_t at;          /* the slot asked last */
    lane *lanes[LANES]; /* in the arena, each made when it is first wanted: most calls want one */
    int lane_count;
    lane *winner; /* content has been handed over from this lane */
    timer backoff;
    timer hedge;
    timer total;
    attempt_record *tries; /* of every attempt; at most a few, since retries, targets and hedges are
                              bounded */
    unsigned attempts, tries_cap;
    unsigned entered; /* how often the gate was asked */
    unsigned retries;
    unsigned hedges;
    unsigned skipped;
    int64_t first_sent_us;
    int64_t head_us;
    int64_t arrived_us;
    bool paused;
    bool held; /* its rest is over, but not by the sink's word */
    bool unfinished;
    bool over;
    const failure *kept;   /* why the first target was left; NULL: it was not */
    bool rested;           /* a breaker's rest is waited for, which is no retry */
    const failure *waited; /* what the last backoff followed; NULL: there was none */
    const failure *last;   /* of those that were followed by another try; NULL: none was */
};

/* A failure that outlives its attempt: most calls have none, so it is not part of each. */
static inline const failure *call_keep(call *c, const failure *f) {
    failure *kept = arena_alloc(c->spec.arena, sizeof *kept);
    *kept = *f;
    return kept;
}

static inline const config *call_config(const call *c) {
    return loop_snapshot_config(c->spec.snapshot);
}

static inline int64_t call_now_ms(const call *c) {
    return c->spec.loop->now_ms;
}

/* Of two instants, 0 being none. */
static inline int64_t call_earlier(int64_t a, int64_t b) {
    return a && a < b ? a : b;
}

static inline slot *lane_slot(const lane *l) {
    return &l->call->slots.items[l->at];
}

/* ---- call.c ---- */

/* Counts it for a target. */
void call_count(call *c, metric_id id, const slot *s, const char *outcome);
/* A try has failed so, and another one is made, or under way. kept lives as long as the call. */
void call_note_last(call *c, const failure *kept);
/* What follows a failure at a slot. */
void call_decide(call *c, size_t at, const failure *f);
/* Begins an attempt, and does what follows where none begins; or does when the gate knows. May end
 * the call. */
void call_try(call *c, entry e);
/* What follows when that is known. */
void call_entered(call *c, const entry *e, entry_end end, const failure *f);
/* Ends the call: stops all that runs. */
void call_release(call *c);
/* The same, and tells the sink why. */
COLD void call_give_up(call *c, failure f);

/* ---- lanes.c ---- */

/* Starts an attempt at a slot. WAITS: call_entered() is called when the gate knows. Where none
 * begins *ret_failure says why. */
typedef enum lane_start_end {
    LANE_BEGUN = ENTRY_BEGUN,
    LANE_FULL = ENTRY_FULL,
    LANE_FAILED = ENTRY_FAILED,
    LANE_WAITS
} lane_start_end;
MUST_USE lane_start_end lane_start(call *c, const entry *e, failure *ret_failure);
/* The gate has let it in. */
MUST_USE bool lane_begin(lane *l, failure *ret_failure);
/* Stops a lane whose answer is not wanted any more: that tells nothing about its target. */
void lane_drop(lane *l);
unsigned lanes_running(const call *c);
/* That run, or wait at the gate. */
unsigned lanes_taken(const call *c);
/* What became of a lane's attempt, for its target's breaker and latency. */
void lane_report(lane *l, bool failed, int64_t first_content_ms);
/* The target's breaker lets no attempt through. */
failure lane_refused(void);
/* All its keys have had their share: the first may be used again in so long. */
failure lane_limited(int64_t wait_ms);
/* When the attempt left weir: what is before its request is out is the way to the provider. */
int64_t lane_left_us(const lane *l);

/* ---- lane_gate.c ---- */

/* Asks the gate. SHUT: its slot is full from now on, as *ret_failure says. */
gate_word lane_enter(lane *l, failure *ret_failure);
/* Out again; tried as in call/gate.h. */
void lane_leave(const lane *l, int tried);
/* It waits at the gate no more. */
void lane_withdraw(lane *l);
bool lane_is_full(const failure *f);

/* ---- lane_keys.c ---- */

/* What became of a lane's attempt, for what is known of its key: it failed so; it was answered. */
void lane_report_key(const lane *l, const failure *f);
void lane_report_key_taken(const lane *l);
/* After a failure that was reported: whether its target is asked with another key at once, which
 * counts then. */
MUST_USE bool lane_turns_key(const lane *l, const failure *f);
/* That failure as the call goes on with it and as its client hears it. */
failure lane_told(const lane *l, const failure *f);

/* ---- lane_shortage.c ---- */

/* Where a lane's attempt failed for want of something of weir's own: the log and the metrics. */
void lane_report_shortage(const lane *l, const failure *f);

/* ---- trace.c: the log's debug level ---- */

void trace_began(const lane *l);
void trace_ended(const lane *l, const attempt_record *r);
void trace_decided(const call *c, const slot *s, const failure *f, retry_verdict verdict,
                   const retry_plan *plan);

/* ---- hedge.c ---- */

void hedge_init(call *c);
/* From the attempt that has just begun. */
void hedge_arm(call *c);
/* Also where it waits at the gate. */
void hedge_stop(call *c);
/* What became of one that was to begin. */
void hedge_entered(call *c, const entry *e, entry_end end);

#endif
