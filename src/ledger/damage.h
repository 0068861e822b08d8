/* ledger/damage.h: what of a journal cannot be read is told, each place once, and counted. The
 * importer comes by again where the store did not take what stands beside it.
 *
 * The importer's thread.
 */
#ifndef WEIR_LEDGER_DAMAGE_H
#define WEIR_LEDGER_DAMAGE_H

#include "ledger/journal.h"
#include "observe/log.h"

typedef enum damage_kind {
    DAMAGE_ALTERED, /* it is no record */
    DAMAGE_TORN,    /* the last one is not whole */
    DAMAGE_SHORT,   /* the file has become shorter than it was */
} damage_kind;

typedef struct damage_log {
    log_shard *log;
    atomic_ullong *places; /* that were told */
} damage_log;

/* Bytes of the file from at on, which are passed over. Places of one file come in order. */
void damage_tell(const damage_log *d, journal_file *f, damage_kind kind, size_t at, size_t bytes);
/* Somebody has removed it. */
void damage_tell_gone(const damage_log *d, journal_file *f);
/* It is there, and the system does not let it be read on: a negative errno. */
void damage_tell_unreadable(const damage_log *d, journal_file *f, int err);

#endif
