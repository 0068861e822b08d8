/* ledger/store.h: the database of records. The same schema and statements for each (ledger/sql.h);
 * migrated by itself, forward only.
 *
 * Tables: weir_calls, a row a call, as fields.def has it; weir_usage, their sums by hour, client,
 * user, model, target and tags, so that a summary is quick; weir_journal, how far each journal's
 * file is in; weir_meta, the schema's version and from when on calls are kept; weir_audit, where
 * there is an audit trail, how far each weir's has come. Others keep tables of their own beside
 * them (ledger/paused.h, access/key_store.h).
 *
 * A store belongs to one thread at a time. Calls block. false: store_why() tells; a transaction has
 * been taken back.
 */
#ifndef WEIR_LEDGER_STORE_H
#define WEIR_LEDGER_STORE_H

#include "ledger/call.h"
#include "ledger/query.h"
#include "ledger/sink.h"
#include "ledger/sql.h"
#include "ledger/summary.h"

typedef struct store store;

enum { STORE_ID_LEN = 36 }; /* of a call */

/* ledger/place.h makes one of a name. */
typedef struct store_place {
    const sql_driver *driver;
    span where;                 /* for the driver; NUL-terminated; may hold a password */
    span said;                  /* for messages */
    const atomic_bool *leaving; /* sql.leaving; or NULL */
} store_place;

/* How a store may be opened. */
typedef enum store_state {
    STORE_OPEN,
    STORE_AWAY,  /* not now */
    STORE_NEVER, /* it is a later weir's, or no store */
} store_state;

store_state store_open(const store_place *place, sql_mode mode, bool durable, store **ret,
                       buf *ret_why);
void store_close(store *s); /* NULL is allowed */
span store_why(const store *s);
/* It must be closed and opened anew. */
bool store_is_lost(const store *s);
/* Its connection, for who keeps tables of his own beside the records. */
sql *store_sql(store *s);

/* ---- the importer's ---- */

/* How far a journal's file is in the store. node: whose, where several weirs share it. */
typedef struct store_mark {
    span file;
    int64_t at; /* bytes; -1: the file is no more, and the mark may go */
} store_mark;

MUST_USE bool store_mark_of(store *s, span node, span file, int64_t *ret_at); /* 0: none */

/* One transaction: the calls that it does not have yet, their sums, and the marks. *ret_fresh: how
 * many calls were new to it. */
typedef struct store_batch {
    const ledger_call *calls;
    size_t count;
    span node;
    const store_mark *marks;
    size_t mark_count;
    /* Who else is told, and of what: entries' calls are those above, and what is not new to the
     * store is left out. sink NULL: nobody. */
    ledger_sink *sink;
    const ledger_entry *entries;
    size_t entry_count;
} store_batch;
MUST_USE bool store_import(store *s, const store_batch *b, size_t *ret_fresh);

/* Tells a sink where it had come to when the last batch of this node was committed. */
MUST_USE bool store_resume(store *s, span node, ledger_sink *sink);

/* Forgets calls from before then, whole hours of them, in small steps: *ret_more says whether one
 * more is needed. */
MUST_USE bool store_prune(store *s, int64_t before_us, bool *ret_more);

/* When the newest call before before_us began, as its id says; 0: there is none. */
MUST_USE bool store_newest(store *s, int64_t before_us, int64_t *ret_us);
/* Where calls are kept from a time on that comes after now: from the next whole hour on.
 * *ret_mended: so it was. */
MUST_USE bool store_mend_floor(store *s, int64_t now_us, bool *ret_mended);

/* ---- reading ---- */

/* A call, borrowed until it returns. */
typedef void store_call_fn(void *user, const ledger_call *c);
/* Newest first, at most q->limit; *ret_more: there are more. */
MUST_USE bool store_calls(store *s, const ledger_query *q, store_call_fn *each, void *user,
                          bool *ret_more);
/* One by its id; only_client: another's is as if it were not there; ptr NULL: anybody's. */
MUST_USE bool store_call(store *s, span id, span only_client, store_call_fn *each, void *user,
                         bool *ret_found);

/* The sums of all that the query asks, exactly those of the calls, to a summary of its group. Where
 * that has more groups than there may be, the rest is left out. */
MUST_USE bool store_sums(store *s, const ledger_query *q, ledger_summary *ret);

#endif
