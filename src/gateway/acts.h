/* gateway/acts.h: what is done to the gateway, for the audit trail (audit/trail.h): who, what, to
 * what, and how it went. On the loop of the writer.
 */
#ifndef WEIR_GATEWAY_ACTS_H
#define WEIR_GATEWAY_ACTS_H

#include "ledger/ledger.h"

typedef struct act {
    span who;            /* "operator", "admin.keys[0]", "anyone": who gave the order */
    span what;           /* "reload" */
    span subject;        /* what it was done to; empty: the gateway */
    const char *outcome; /* "ok", or why not: a constant word */
    span from;           /* the address that the order came from; empty: this machine */
    int64_t when_us;     /* wall time, where it is told later than it was done; 0: now */
    bool anybodys;       /* nothing was done: it was refused to who may not (ledger_act()) */
} act;

/* The members of a JSON object. */
void act_write(const act *a, buf *out);

/* w NULL: nobody keeps a trail. */
void act_note(ledger_writer *w, const act *a);

#endif
