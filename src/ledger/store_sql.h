/* ledger/store_sql.h: the store's statements, and what goes into and comes out of them. Pure; made
 * of fields.def and sums.def. Private to the room.
 */
#ifndef WEIR_LEDGER_STORE_SQL_H
#define WEIR_LEDGER_STORE_SQL_H

#include "ledger/call.h"
#include "ledger/query.h"
#include "ledger/store.h"

enum {
#define X(number, kind, name) +1
    STORE_CALL_COLUMNS = 0
#include "ledger/fields.def"
    ,
#undef X
#define X(name, of) +1
    STORE_SUMS_COLUMNS = 6
#include "ledger/sums.def"
#undef X
};

/* Of the tables, as they are made; a store that was made by an earlier weir is brought there one
 * version at a time. */
enum { STORE_SCHEMA_VERSION = 2 };
/* The statement that makes the i-th table; false past the last. */
bool store_sql_table(const sql_driver *d, size_t i, buf *ret);

/* The statement that brings weir_calls the i-th of the columns that are new in that version; false
 * past the last. */
bool store_sql_column(const sql_driver *d, int64_t version, size_t i, buf *ret);

/* Of STORE_CALL_COLUMNS and STORE_SUMS_COLUMNS values. */
void store_sql_insert_call(buf *out);
void store_sql_add_sums(buf *out);
void store_sql_call_values(const ledger_call *c, sql_value *ret);
void store_sql_sums_values(const sums_row *r, sql_value *ret);

enum { STORE_VALUES_MAX = 16 };
typedef struct store_statement {
    buf text;
    sql_value values[STORE_VALUES_MAX];
    size_t count;
    arena arena; /* of the values' texts */
} store_statement;
void store_statement_done(store_statement *st);

/* One more than the query's limit, so that it can be told whether there are more.
 * version: of the schema, 1 or later. */
void store_sql_select_calls(const ledger_query *q, int64_t version, store_statement *ret);
void store_sql_select_call(const ledger_query *q, span id, int64_t version, store_statement *ret);
void store_sql_read_call(const sql_value *values, size_t count, ledger_call *ret);

/* by_hours: of the table of sums, which asks for whole hours; else of the calls. */
void store_sql_select_sums(const ledger_query *q, bool by_hours, store_statement *ret);
void store_sql_read_sums(query_group group, const sql_value *values, size_t count,
                         sums_key *ret_key, sums *ret);

/* The least id of a call that begins then (RFC 9562 section 5.7): ids sort as their instants do. */
void store_sql_first_id(int64_t wall_us, char ret[STORE_ID_LEN + 1]);
/* When a call of that id began, in microseconds, to the millisecond; 0: it is no such id. */
int64_t store_sql_id_time(span id);

#endif
