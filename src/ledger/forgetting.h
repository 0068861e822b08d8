/* ledger/forgetting.h: which records are too old (ledger.keep), and when a clock that says so is
 * not believed (doubt.h).
 *
 * The importer's thread. Calls block.
 */
#ifndef WEIR_LEDGER_FORGETTING_H
#define WEIR_LEDGER_FORGETTING_H

#include "ledger/doubt.h"
#include "ledger/store.h"

typedef struct forgetting {
    clock_doubt doubt;
    /* Private. */
    int64_t done_ms; /* monotonic; 0: not yet */
} forgetting;

/* Before what this process records is in the store: its newest record is an earlier one's. Again
 * each time, which costs nothing. false: store_why(). */
MUST_USE bool forgetting_begin(forgetting *f, store *s);
/* The next small step, if one is due. keep_ms 0: nothing becomes too old. *ret_mended: the store
 * kept no record from before a time that has not come yet, since a clock was wrong once; what comes
 * from the next whole hour on is kept again. false: store_why(). */
MUST_USE bool forgetting_step(forgetting *f, store *s, int64_t keep_ms, bool *ret_mended);

#endif
