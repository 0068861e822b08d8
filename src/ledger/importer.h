/* ledger/importer.h: the thread that moves records from the journal into the store.
 *
 * It sleeps until something is written, gathers for a while, and imports all there is, each piece
 * in one transaction with how far it has come. A store that is away is tried again and again, and
 * the journal grows meanwhile; what has been imported is counted once, whatever happens in between.
 */
#ifndef WEIR_LEDGER_IMPORTER_H
#define WEIR_LEDGER_IMPORTER_H

#include "ledger/forgetting.h"
#include "ledger/journal.h"
#include "ledger/open_calls.h"
#include "ledger/sink.h"
#include "ledger/store.h"
#include "observe/log.h"

typedef struct importer {
    /* The owner's to set. */
    journal *journal;
    store_place place;
    bool durable;
    span node;
    log_shard *log;
    ledger_sink *sink;    /* NULL: nobody else is told */
    atomic_llong keep_ms; /* 0: for ever */
    forgetting forgetting;
    int64_t last_ms; /* so long importer_stop() goes on importing */

    /* For anybody to read. */
    atomic_bool store_away;
    atomic_ullong imported;    /* calls */
    atomic_ullong interrupted; /* of them: that a crash had left open */
    atomic_ullong damaged;     /* places in a journal that could not be read */

    /* Private to importer.c. */
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool work, asleep;
    bool ending;             /* under lock */
    atomic_bool leaving;     /* the same, for who waits for a server */
    atomic_llong late_ms;    /* monotonic: no more is begun from then on */
    uint64_t asked, reached; /* likewise: passes */
    store *store;            /* NULL: away, or not opened yet */
    int64_t began_ms;        /* monotonic: the pass */
    int64_t used_ms;         /* monotonic: the end of the last one */
    bool idled;    /* it was there, and unused, until this pass, and has not served since */
    bool replaces; /* it has ended meanwhile, and is to be opened anew */
    open_calls open;
    bool old_done; /* what earlier processes have left is in the store */
    int64_t retry_ms;
    char *chunk;
} importer;

/* What the owner has set stays, but for place.leaving. A negative errno. */
MUST_USE int importer_start(importer *i);
/* Imports what is there, if the store lets it, for last_ms at most, and ends the thread: the rest
 * stays in the journal, for the next start. */
void importer_stop(importer *i);

/* Something has been written. Any thread; cheap. */
void importer_wake(importer *i);
/* Waits until all that was written before is in the store. false: not within that time. */
bool importer_catch_up(importer *i, int64_t wait_ms);

#endif
