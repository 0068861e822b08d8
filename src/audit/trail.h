/* audit/trail.h: the audit trail of a state directory: files of chained lines (audit/chain.h),
 * which only grow, and a head (audit/head.h).
 *
 *   audit-00000001.jsonl   one record a line; the next file goes on with the next number
 *   audit-head.json             how far it has come
 *
 * It is fed by the ledger's importer (ledger/sink.h), so that every record is in it once, whatever
 * happens: what was written and not committed is cut off again at the next start. Whole files that
 * are older than audit.keep are removed, after a line that says which records they held and how the
 * last of them ended (a tombstone, of kind "pruned"); unless the clock that says so is doubted
 * (ledger/doubt.h).
 *
 * Made on the main thread; from then on the importer's.
 */
#ifndef WEIR_AUDIT_TRAIL_H
#define WEIR_AUDIT_TRAIL_H

#include "base/secret.h"
#include "ledger/sink.h"
#include "observe/log.h"

enum { TRAIL_NAME_LEN = 20 }; /* "audit-00000001.jsonl" */

typedef struct trail trail;
typedef struct trail_settings {
    span folder;       /* is there; copied */
    span node;         /* whose records these are, where several share a store; copied */
    bool durable;      /* what is committed survives the machine */
    int64_t keep_ms;   /* 0: for ever */
    int64_t doubt_ms;  /* so long a clock is doubted by which all files are too old */
    size_t file_bytes; /* a file is followed by another from here on, and every day (UTC) */
    secret *key;       /* counted; NULL: heads are not signed, nor bodies encrypted */
    log_shard *log;    /* of the importer's thread */
} trail_settings;

MUST_USE trail *trail_new(const trail_settings *s);
void trail_free(trail *t); /* NULL is allowed */
ledger_sink *trail_sink(trail *t);
/* As it was made with; borrowed. */
const secret *trail_key(const trail *t);

/* Number of a file of a trail, by its name; 0: it is none. */
unsigned trail_file_number(span name);
void trail_file_name(unsigned number, char ret[TRAIL_NAME_LEN + 1]);

#endif
