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
    int64_t wait_ms; /* RESTING: until the first of them may be used; KEY_NEVER: none is left */
} key_outlook;

#define KEY_NEVER INT64_MAX

/* Changes nothing. spent: of u->keys those that are left out; NULL: none. */
key_outlook keys_look(const upstream *u, const bool *spent, target_state *target, int64_t now_ms);
/* How long until one that rests may be used, whatever the others are; KEY_NEVER: none does. but:
 * the index of one that is not asked. */
int64_t keys_wait_ms(const upstream *u, size_t but, target_state *target, int64_t now_ms);
/* The next in turn of those that may be used best, taken. Unless that is RESTING, *ret_at is its
 * index in u->keys. like: key_id() of one that goes first and out of turn, where it may be used as
 * well as any (call/affinity.h); 0: none. */
key_outlook keys_take(upstream *u, const bool *spent, target_state *target, uint64_t like,
                      int64_t now_ms, size_t *ret_at);

/* For what is asked beside calls, which takes no turns: the first from `from` on, going round, that
 * its provider is not known to refuse; where it refuses all, that one. */
credential *keys_first_free(const upstream *u, size_t from, int64_t now_ms);

#endif
