/* ledger/forgetting.h: which records are too old (ledger.keep), and when a clock that says so is
 * not believed. One that is far ahead, as some are when their machine starts, would take all of
 * them away: one by which all that there is has become too old is believed when an hour has passed.
 *
 * The importer's thread. Calls block.
 */
#ifndef WEIR_LEDGER_FORGETTING_H
#define WEIR_LEDGER_FORGETTING_H

#include "ledger/store.h"

typedef struct forgetting {
    int64_t doubt_ms; /* the owner's: so long such a clock is doubted */
    /* Private. */
    int64_t began_ms, done_ms; /* monotonic; 0: not yet */
} forgetting;

/* The next small step, if one is due. keep_ms 0: nothing becomes too old. *ret_mended: the store
 * kept no record from before a time that has not come yet, since a clock was wrong once; what comes
 * from the next whole hour on is kept again. false: store_why(). */
MUST_USE bool forgetting_step(forgetting *f, store *s, int64_t keep_ms, bool *ret_mended);

#endif
