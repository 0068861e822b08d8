/* ledger/paused.h: runs of models that wait for somebody's word, in the store beside the records.
 *
 * Table: weir_runs, a row a run, until it is claimed or its time is over. A run that is to go on is
 * looked at first, which changes nothing; it is claimed when all is known of it and its calls are
 * about to be made, and nothing is ever put back. Of several who claim one, one has it.
 *
 * A store belongs to one thread at a time. Calls block.
 */
#ifndef WEIR_LEDGER_PAUSED_H
#define WEIR_LEDGER_PAUSED_H

#include "ledger/store.h"

#define PAUSED_ID_PREFIX "run_"
enum { PAUSED_ID_LEN = 4 + 32 };

typedef struct paused_run {
    span id;
    span client; /* whose it is: nobody else's; empty: of a weir without keys */
    int64_t expires_us;
    span state; /* whatever its owner wants back */
} paused_run;

typedef enum paused_outcome {
    PAUSED_DONE,
    PAUSED_UNKNOWN, /* there is no such run of this client's, or not any more */
    PAUSED_FAILED,  /* the database's: store_why(); or the store's owner is leaving (sql.leaving) */
} paused_outcome;

/* Random, NUL-terminated: who has it may speak for the run, if it is his. */
void paused_id_new(char out[PAUSED_ID_LEN + 1]);

/* Reads one that waits; the store may be open for reading alone. Texts in the arena. */
MUST_USE paused_outcome paused_look(store *s, span id, span client, int64_t now_us, arena *a,
                                    paused_run *ret);

/* ---- changing; each is a transaction, and PAUSED_FAILED has taken it back. Where the server was
 * lost in the moment of its commit nobody knows: then it may have been done. ---- */

typedef paused_outcome paused_act(store *s, const paused_run *r, int64_t now_us);

/* Keeps it, and forgets those whose time is over. Makes the table where it is not there. */
paused_act paused_put;
/* One that waits goes on waiting, until r->expires_us; its state is as it was. */
paused_act paused_stay;
/* Takes it out: it goes on, and waits for nobody any more. */
paused_act paused_claim;

#endif
