/* call/gate.h: what bounds how much targets are asked, beside what is known of them.
 *
 * Whoever starts a call may bring a gate. Every attempt asks it before it begins, and tells it when
 * it is over. A target that it keeps out of is passed over, as one is whose keys all rest; where no
 * other is left the call ends with what the gate has said.
 */
#ifndef WEIR_CALL_GATE_H
#define WEIR_CALL_GATE_H

#include "base/errors.h"

typedef struct call_gate {
    void *user;
    /* Whether the attempt with that number may begin at that target, named as in records. false:
     * *ret_why says why not, and in retry_after_ms how long that holds; < 0: nobody knows. */
    bool (*enter)(void *user, span target, unsigned attempt, weir_error *ret_why);
    /* One that was let in is over. began: a request was made. */
    void (*leave)(void *user, unsigned attempt, bool began);
} call_gate;

#endif
