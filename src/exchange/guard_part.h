/* exchange/guard_part.h: the guard's rules of a configuration, compiled, and what follows from them
 * each way. In a snapshot of the gateway's (call/snapshot.h); made only where anything is looked
 * at, so that nobody else pays for it: with the snapshot where the configuration says so, else when
 * a key of the store wants it for the first time (stage_rules.c).
 */
#ifndef WEIR_EXCHANGE_GUARD_PART_H
#define WEIR_EXCHANGE_GUARD_PART_H

#include "call/snapshot.h"
#include "guard/guard.h"

extern const snapshot_part guard_part;

/* NULL: nothing is looked at, that way and with that action in force. */
const guard_policy *snapshot_guard(const snapshot *s, guard_where way, config_guard_action use);
/* They are wanted and have not been made yet; where that has failed, it is time to try again. */
bool snapshot_guard_is_due(const snapshot *s, int64_t now_ms);

typedef enum guard_making {
    GUARD_RULES_AS_BEFORE, /* nothing to tell: made at once, or what has failed fails as it did */
    GUARD_RULES_FAILED,    /* for a reason that was not told yet */
    GUARD_RULES_MENDED     /* made, after failures */
} guard_making;

/* Makes them, on a thread that is no loop's: files are read. Of several that ask at the same time
 * (at now_ms) one does, for which the others wait. *ret_why: a sentence without an end, after a
 * failure. */
guard_making snapshot_guard_make(const snapshot *s, int64_t now_ms, buf *ret_why);
/* How long nobody tries again after so many failures in a row: twice as long each time, up to a
 * minute. Pure. */
int64_t guard_rules_pause_ms(unsigned failures);

/* For what an audit trail keeps of bodies, either way; NULL: it keeps none. */
const guard_policy *snapshot_guard_kept(const snapshot *s);
/* Of the rules, as long as the process lives: the same ones have the same; 0: there are none. */
uint64_t snapshot_guard_mark(const snapshot *s);
/* NULL: nothing is looked at, or the rules cannot be made. */
const guard_set *snapshot_guard_set(const snapshot *s);

/* Told of each fault of c's rules: field is the option's, in c, and text a sentence about it that
 * begins with its name. */
typedef void guard_fault(void *ctx, const void *field, span text);
/* The rules of c, and what follows from them where neither a model nor a client says more: what
 * `weir guard test -c` tries. NULL after faults. *ret is NULL where nothing is looked at that way.
 */
MUST_USE guard_set *guard_compile(const config *c, guard_where way, guard_policy **ret,
                                  guard_fault *fault, void *ctx);
/* Compiles the rules alone: what `weir check` says of them. */
void guard_check(const config *c, guard_fault *fault, void *ctx);

#endif
