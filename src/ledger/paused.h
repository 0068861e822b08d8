/* ledger/paused.h: runs of models that wait for somebody's word, in the store beside the records.
 *
 * Table: weir_runs, a row a run, until it is taken or its time is over. Whoever takes it owns it:
 * no two can.
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
    PAUSED_FAILED,  /* the database's: store_why() */
} paused_outcome;

/* Random, NUL-terminated: who has it may speak for the run, if it is his. */
void paused_id_new(char out[PAUSED_ID_LEN + 1]);

/* Keeps it, and forgets those whose time is over. Makes the table where it is not there. */
MUST_USE paused_outcome paused_put(store *s, const paused_run *r, int64_t now_us);
/* Takes it out. Texts in the arena. */
MUST_USE paused_outcome paused_take(store *s, span id, span client, int64_t now_us, arena *a,
                                    paused_run *ret);

#endif
