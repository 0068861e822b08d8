/* call/gate.h: what bounds how much targets are asked, beside what is known of them.
 *
 * Whoever starts a call may bring a gate. Every attempt asks it before it begins, and tells it when
 * it is over. A target that it keeps out of is passed over, as one is whose keys all rest; where no
 * other is left the call ends with what the gate has said. It may have to ask somebody itself: then
 * the call waits for its word, and asks nobody else meanwhile but for a hedge. How long that takes
 * is the gate's affair, and the call's own deadline goes on.
 */
#ifndef WEIR_CALL_GATE_H
#define WEIR_CALL_GATE_H

#include "base/errors.h"

typedef enum gate_word { GATE_OPEN, GATE_SHUT, GATE_WAIT } gate_word;

/* The call's, while it asks and waits. */
typedef struct gate_wait gate_wait;
struct gate_wait {
    weir_error why; /* where it is shut; retry_after_ms: how long that holds; < 0: nobody knows */
    gate_word word; /* where it had to wait: OPEN or SHUT, and then told is called, once */
    void (*told)(gate_wait *w);
};

typedef struct call_gate {
    void *user;
    /* Whether an attempt may begin at that target, named as in records. number: of this asking,
     * each of a call has its own. WAIT: w->told is called later, never before this returns. */
    gate_word (*enter)(void *user, span target, unsigned number, gate_wait *w);
    /* One that was let in is over. tried: its index in the call's report; -1: no request was
     * made. Or it waits no more: w->told is not called. */
    void (*leave)(void *user, unsigned number, int tried);
} call_gate;

enum { GATE_NOT_TRIED = -1 };

#endif
