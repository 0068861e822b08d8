/* alert/note.h: what a worker tells of one call, on its way to the thread that watches
 * (alert/watch.h). A worker writes notes one after the other into a buffer, and hands that over.
 */
#ifndef WEIR_ALERT_NOTE_H
#define WEIR_ALERT_NOTE_H

#include "base/buf.h"
#include "config/alerts.h"
#include "limit/limiter.h"

enum { NOTE_BUDGETS_MAX = 16, NOTE_TEXT_MAX = 200, NOTE_GUARD_MAX = 512 };

/* A budget that the call counts in. */
typedef struct note_budget {
    limit_scope scope;
    config_period per;
    int64_t amount;
    uint64_t subject; /* as limit_ask's */
    uint64_t since;   /* likewise */
    span who;         /* "app"; for people */
} note_budget;

typedef struct alert_note {
    int64_t at_ms;              /* monotonic */
    uint64_t request;           /* a hash of what was asked; 0: not known */
    int64_t cost_nano;          /* at least 0 */
    int64_t expires_us;         /* of its client's key; 0: never */
    bool failed;                /* not by the client's fault */
    bool step;                  /* of a run: it is counted itself */
    bool refused;               /* nobody was asked, by the client's fault */
    span client;                /* empty: no keys are asked */
    span address;               /* without a port */
    span model;                 /* as asked for */
    span label;                 /* of the model's entry */
    span guard;                 /* as the record has it: the gravest first */
    config_alert_guard verdict; /* the gravest of all, of which guard may not have room */
    note_budget budgets[NOTE_BUDGETS_MAX];
    unsigned budget_count;
} alert_note;

/* Texts are cut at NOTE_TEXT_MAX bytes, that of the guard at NOTE_GUARD_MAX. */
void note_put(const alert_note *n, buf *out);
/* The next of them; its texts point into it. false: there is none. */
MUST_USE bool note_take(span *rest, alert_note *ret);

#endif
