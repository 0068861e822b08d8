/* ledger/ledger.h: the durable record of every call: nothing is lost, nothing is counted twice, and
 * no call waits for a database.
 *
 * A call that is about to be asked leaves a reserve, one that has ended a settle, in its worker's
 * journal (ledger/journal.h), written at the end of the turn and before anything that it vouches
 * for goes out. A thread moves them into the store (ledger/importer.h). After a crash the next
 * start finds what was not moved, and keeps the calls that were open as `interrupted`.
 *
 * Threads  ledger_open(), start and close on the main thread. A writer belongs to its loop. The
 * rest any thread.
 */
#ifndef WEIR_LEDGER_LEDGER_H
#define WEIR_LEDGER_LEDGER_H

#include "ledger/call.h"
#include "ledger/commit.h"
#include "ledger/sink.h"
#include "ledger/store.h"
#include "loop/loop.h"
#include "observe/log.h"

typedef struct ledger ledger;
typedef struct ledger_writer ledger_writer;

/* Makes and locks the directory, finds what earlier processes have left, and looks at the store:
 * one that is away now is no reason not to start, one of a later weir's is. NULL and a sentence. */
MUST_USE ledger *ledger_open(const config_ledger *c, logger *log, buf *ret_why);
/* A command's, which records into the store of a weir that may run meanwhile: its journal has a
 * directory of its own (ledger/home.h). */
MUST_USE ledger *ledger_open_beside(const config_ledger *c, logger *log, buf *ret_why);
/* The directory it is in, and what it calls itself where several share a store. */
span ledger_folder(const ledger *l);
span ledger_node(const ledger *l);
/* Its store, for who keeps something else there; lives as long as the ledger. */
store_place ledger_place(const ledger *l);
bool ledger_is_durable(const ledger *l); /* ledger.sync: what is committed survives the machine */
/* The log of the thread that imports. */
log_shard *ledger_import_log(const ledger *l);
/* Before it is started: who is told of all that gets into the store. It outlives the ledger. */
void ledger_set_sink(ledger *l, ledger_sink *s);
/* false where a thread cannot be had. */
MUST_USE bool ledger_start(ledger *l, buf *ret_why);
/* What can be taken over at a reload: on_full, journal, keep. */
void ledger_configure(ledger *l, const config_ledger *c);
/* The end is near: who waits for a server that is silent, to write or to read, soon gives up. Any
 * thread. */
void ledger_leave(ledger *l);
/* Waits for a while until what was written has reached the store. NULL is allowed. */
void ledger_catch_up(ledger *l);
/* Imports what it can within two seconds or so. Its writers must have been closed. NULL is allowed.
 */
void ledger_close(ledger *l);

/* ---- a worker's ---- */

/* log: the loop's own. */
MUST_USE ledger_writer *ledger_writer_new(ledger *l, loop *on, log_shard *log);
/* On the loop, when no call runs any more. What cannot be written now is lost, and counted. NULL is
 * allowed. */
void ledger_writer_free(ledger_writer *w);

typedef enum ledger_verdict {
    LEDGER_TAKEN,
    LEDGER_FULL,   /* no room, and ledger.on_full is refuse */
    LEDGER_PASSED, /* no room: the call goes on without a record, which is counted */
} ledger_verdict;

/* The call is about to be asked. After LEDGER_TAKEN its settle follows, whatever happens. */
ledger_verdict ledger_reserve(ledger_writer *w, const call_record *r);

/* The call has ended. reserved: ledger_reserve() has taken it; one that was refused before that is
 * kept where there is room. true: with ledger.sync machine; its last bytes wait for done, which
 * comes once, and never from inside. */
MUST_USE bool ledger_settle(ledger_writer *w, const call_record *r, bool reserved,
                            commit_wait *wait);

/* Somebody did something to the gateway: members of a JSON object, for a sink (ledger/sink.h). It
 * is on its way when the turn ends. anybodys: whoever likes can bring about more of them, so that,
 * as of a call that was refused, it is kept where there is room. It is none of the calls without a
 * record. */
void ledger_act(ledger_writer *w, span members, bool anybodys);

/* ---- figures and questions ---- */

typedef struct ledger_figures {
    uint64_t journal_bytes, journal_limit;
    bool store_away;
    uint64_t imported, interrupted, damaged;
    uint64_t lost;    /* calls without a record */
    uint64_t dropped; /* of them: their records waited in memory when their writer was freed */
    uint64_t unwritten_bytes; /* wait in memory, since the journal cannot be written */
    uint64_t unsafe; /* syncs that failed: what they were for may not survive the machine */
} ledger_figures;
ledger_figures ledger_get_figures(ledger *l);

/* Opens the store for reading, on any thread that may block, after what was written before has
 * reached it or wait_ms are over, of which ret_behind tells the latter (NULL is allowed). NULL and
 * why. */
MUST_USE store *ledger_read(ledger *l, int64_t wait_ms, bool *ret_behind, buf *ret_why);

#endif
