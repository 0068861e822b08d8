/* call/pick_key.h: which of its provider's keys an attempt is made with, by what is known of them:
 * whether the provider refuses one (call/key.h) and whether one has had its share of the target
 * (call/limits.h).
 *
 * Belongs to the loop of the upstream. Asking costs two atomic reads a key where all is well.
 */
#ifndef WEIR_CALL_PICK_KEY_H
#define WEIR_CALL_PICK_KEY_H

#include "call/loop_snapshot.h"

typedef struct key_outlook {
    key_readiness readiness; /* of the key that may be used best */
    int64_t wait_ms;         /* RESTING: until the first of them may be used */
} key_outlook;

/* Changes nothing. */
key_outlook keys_look(const upstream *u, target_state *target, int64_t now_ms);
/* The next in turn of those that may be used best, taken. Unless that is RESTING, *ret_at is its
 * index in u->keys. like: key_id() of one that goes first and out of turn, where it may be used as
 * well as any (call/affinity.h); 0: none. */
key_outlook keys_take(upstream *u, target_state *target, uint64_t like, int64_t now_ms,
                      size_t *ret_at);

#endif
