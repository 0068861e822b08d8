/* ledger/commit.h: who waits until a record survives the machine (ledger.sync: machine), and the
 * syncs that see to it: one at a time, for all whose records were written before it began.
 *
 * Nobody waits for what fails. A record that cannot be written waits in memory, and who waits for
 * it goes on; one that was written and may not survive the machine is counted and told. From then
 * on, until a sync succeeds, commit_error() says so, and new calls are refused or not, as
 * ledger.on_full says. Another sync is tried soon, whether somebody waits for it or not.
 *
 * Threads  All on the loop's; a sync runs on one of libuv's.
 */
#ifndef WEIR_LEDGER_COMMIT_H
#define WEIR_LEDGER_COMMIT_H

#include "ledger/journal.h"
#include "loop/loop.h"

typedef struct commit commit;

typedef struct commit_wait {
    list link;
    void (*done)(struct commit_wait *wait);
} commit_wait;

/* ended is told of each sync: 0, or a negative errno. The writer is borrowed, and made
 * with syncs. */
MUST_USE commit *commit_new(journal_writer *writer, loop *on, void (*ended)(void *user, int err),
                            void *user);
/* When nobody waits any more; ended hears nothing after it. A sync that is under way ends by
 * itself. NULL is allowed. */
void commit_free(commit *c);

/* For what was put into the journal before. done comes once, in a later turn. */
void commit_add(commit *c, commit_wait *wait);
/* The writer was flushed since; err is what it said. */
void commit_flushed(commit *c, int err);
/* A negative errno: the last sync failed. */
int commit_error(const commit *c);

#endif
