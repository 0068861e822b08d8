/* ledger/sink.h: who is told of everything that gets into the store, in the order in which it does,
 * and exactly once: an audit trail.
 *
 * What it keeps outside of the store is tied to it by a position, which the store commits together
 * with the records. After a crash in between resume() is given the last one that was committed, and
 * what stands behind it is done anew.
 *
 * The importer's thread. Calls may block.
 */
#ifndef WEIR_LEDGER_SINK_H
#define WEIR_LEDGER_SINK_H

#include "ledger/call.h"

typedef struct ledger_entry {
    const ledger_call *call; /* NULL: it is an act */
    span act;                /* members of a JSON object: who did what to the gateway */
} ledger_entry;

typedef struct ledger_sink ledger_sink;
typedef struct ledger_sink_ops {
    /* A store has been opened. position: its last; empty: it has none yet. */
    bool (*resume)(ledger_sink *s, span position, buf *ret_why);
    /* Inside the store's transaction: entries that it did not have before; none where a pass is
     * made for due()'s sake. position: the new one is put behind what it holds. false and why:
     * nothing gets into the store, and it is tried again. settled() follows either way. */
    bool (*take)(ledger_sink *s, const ledger_entry *entries, size_t count, buf *position,
                 buf *ret_why);
    /* What was taken is in the store, or was taken back. */
    void (*settled)(ledger_sink *s, bool committed);
    /* It has something of its own to say, though there are no entries. */
    bool (*due)(ledger_sink *s);
} ledger_sink_ops;
struct ledger_sink {
    const ledger_sink_ops *ops;
};

#endif
