/* call/slots.h: the targets of one call, in the order in which they are asked.
 *
 * Used by  call/call.c. Lives in the call's arena; the target states are shared (call/target.h).
 */
#ifndef WEIR_CALL_SLOTS_H
#define WEIR_CALL_SLOTS_H

#include "base/random.h"
#include "call/target.h"
#include "call/loop_snapshot.h"

typedef struct slot {
    const config_target *target;
    upstream *upstream;
    target_state *state;
    span name; /* for people, with the client's word where the configuration names no model */
    span model;
    unsigned tries; /* made at this target in this call */
    bool bare;      /* it has refused what weir adds to a request */
} slot;

typedef struct slots {
    slot *items;
    size_t count; /* at least 1 */
    const config_breaker *breaker;
} slots;

/* Lays the model's targets in order (call/route.h). */
slots slots_lay(const config_model *model, loop_snapshot *u, const request_facts *facts,
                rng *random, int64_t now_ms, arena *a);
/* The first slot at or after from whose breaker admits a call now; count when there is none. */
size_t slots_next(const slots *s, size_t from, int64_t now_ms);
/* How long until the first of their breakers lets a probe pass. */
int64_t slots_wait_ms(const slots *s, int64_t now_ms);

#endif
