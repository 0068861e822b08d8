/* gateway/acts.h: what is done to the gateway, for the audit trail (audit/trail.h): who, what, to
 * what, and how it went. On the loop of the writer.
 */
#ifndef WEIR_GATEWAY_ACTS_H
#define WEIR_GATEWAY_ACTS_H

#include "ledger/ledger.h"

typedef struct act {
    span who;            /* "admin", "signal", "file": what gave the order */
    const char *what;    /* "reload": a constant word */
    span subject;        /* what it was done to; empty: the gateway */
    const char *outcome; /* "ok", or why not: a constant word */
} act;

/* w NULL: nobody keeps a trail. */
void act_note(ledger_writer *w, const act *a);

#endif
