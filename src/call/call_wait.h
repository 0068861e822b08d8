/* call/call_wait.h: what a call tells of a wait: a target is asked once more, later. */
#ifndef WEIR_CALL_CALL_WAIT_H
#define WEIR_CALL_CALL_WAIT_H

#include "dialect/failure.h"

/* Lives until whoever is told returns. */
typedef struct call_wait {
    int64_t wait_ms;
    const failure *why;
    span target;       /* that is asked then */
    unsigned attempts; /* made so far */
} call_wait;

#endif
