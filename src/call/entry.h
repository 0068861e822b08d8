/* call/entry.h: what a call does when it knows whether an attempt has begun. Pure: the same whether
 * that was known at once or had to be waited for (call/gate.h).
 */
#ifndef WEIR_CALL_ENTRY_H
#define WEIR_CALL_ENTRY_H

#include "base/attr.h"

/* What the attempt is to the call. */
typedef enum entry_why {
    ENTRY_FIRST,    /* of a target before which none was asked */
    ENTRY_LATER,    /* the same, when a limit or a breaker's rest was waited for */
    ENTRY_RETRY,    /* of the same target once more, after a wait */
    ENTRY_AT_ONCE,  /* the same without one, which is no retry */
    ENTRY_FALLBACK, /* of the next target, in the place of one that has failed */
    ENTRY_HEDGE,    /* of the next target, beside one that is slow */
} entry_why;

typedef enum entry_end {
    ENTRY_BEGUN,
    ENTRY_FULL,   /* the gate keeps it out: nothing has happened */
    ENTRY_FAILED, /* it cannot be asked for another reason */
} entry_end;

typedef enum entry_next {
    NEXT_RUN,      /* nothing: it is under way */
    NEXT_OTHER,    /* another target is asked, as if that one were not there */
    NEXT_DECIDE,   /* it failed so: that is decided on */
    NEXT_REDECIDE, /* the failure before it is decided on once more, without that target */
    NEXT_FORGET,   /* nothing: it was only beside another one */
} entry_next;

/* others: attempts of the call under way, or at the gate. */
static inline entry_next entry_follow(entry_why why, entry_end end, unsigned others) {
    if (end == ENTRY_BEGUN) return NEXT_RUN;
    switch (why) {
    case ENTRY_FIRST: return end == ENTRY_FULL ? NEXT_OTHER : NEXT_DECIDE;
    case ENTRY_FALLBACK: return end == ENTRY_FULL ? NEXT_REDECIDE : NEXT_DECIDE;
    case ENTRY_AT_ONCE: return others ? NEXT_FORGET : NEXT_DECIDE;
    case ENTRY_HEDGE: return NEXT_FORGET;
    default: return NEXT_DECIDE;
    }
}

#endif
