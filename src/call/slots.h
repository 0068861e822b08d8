/* call/slots.h: the targets of one call, in the order in which they are asked.
 *
 * Used by  call/call.c. Lives in the call's arena; the target states are shared (call/target.h),
 *          and those of clients' words are held until slots_done().
 */
#ifndef WEIR_CALL_SLOTS_H
#define WEIR_CALL_SLOTS_H

#include "base/random.h"
#include "call/target.h"
#include "call/loop_snapshot.h"
#include "dialect/failure.h"

typedef struct slot {
    const config_target *target;
    upstream *upstream;
    target_state *state;
    target_state *payer; /* whose budget is spent: its own, or that of its provider's strangers */
    bool counted;        /* the slot has a reference of its state */
    span name; /* for people, with the client's word where the configuration names no model */
    span model;
    uint64_t key;     /* key_id() of the one that it should be asked with; 0: any */
    unsigned tries;   /* made at this target in this call */
    bool entered;     /* by this call: it was to be asked, whatever came of that */
    bool down;        /* its provider was, when the call began */
    unsigned without; /* OWN_*: what it has refused of what weir itself puts into a request */
    unsigned keys;    /* tries with another key at once after one was refused or limited */
    bool *spent;      /* of its upstream's keys: those that failed since the call last waited; NULL:
                         none of several */
    const failure *full; /* the gate has kept the call out of it (call/gate.h); NULL: it has not */
    int64_t full_until_ms; /* and will until then */
    int64_t shut_until_ms; /* so long it is not asked again; not sooner */
} slot;

typedef struct slots {
    slot *items;
    size_t count; /* at least 1 */
    const config_breaker *breaker;
    uint64_t client; /* who calls, of several clients */
} slots;

/* Lays the model's targets in order (call/route.h). made_at: where what the call names was made;
 * NULL: it names nothing, or nobody knows. That provider comes first, with that key; where no
 * target of the model is one of it, a path that is handed on as it comes still goes there first.
 * Providers that are down come last. */
slots slots_lay(const config_model *model, loop_snapshot *u, const request_facts *facts,
                const affinity_place *made_at, uint64_t client, rng *random, int64_t now_ms,
                arena *a);
/* The states are not asked any more: each slot has its provider's strangers' from then on. */
void slots_done(slots *s);
/* The first slot that may be asked now: whose breaker admits a call, and of whose keys one does not
 * rest, and that is not full; one with a key that may be used freely, and whose provider is not
 * down, goes before the others. count when there is none. */
size_t slots_next(const slots *s, int64_t now_ms);
/* Likewise of those that the call has not entered: also one that was passed over until now. */
size_t slots_other(const slots *s, int64_t now_ms);

typedef struct slots_rest {
    size_t at;       /* whose wait is the shortest */
    int64_t wait_ms; /* until its breaker lets a probe pass, or a key of its may be used */
    bool limited;    /* it is for its keys' limits */
    bool full;       /* it is for the gate */
} slots_rest;
/* Where none may be asked: how long until one may. */
slots_rest slots_get_rest(const slots *s, int64_t now_ms);

#endif
