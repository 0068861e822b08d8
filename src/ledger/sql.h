/* ledger/sql.h: what a store asks of a database, behind one struct of functions: the same
 * statements for each. Parameters are $1, $2 … in the order in which they stand, each once.
 *
 * A connection belongs to one thread at a time. Calls block.
 */
#ifndef WEIR_LEDGER_SQL_H
#define WEIR_LEDGER_SQL_H

#include "base/buf.h"

#include <stdatomic.h>

typedef struct sql_value {
    enum { SQL_NULL, SQL_NUMBER, SQL_TEXT, SQL_BYTES } kind;
    int64_t number;
    span text; /* of TEXT and BYTES */
} sql_value;

static inline sql_value sql_number(int64_t number) {
    return (sql_value){SQL_NUMBER, number, SPAN_EMPTY};
}
static inline sql_value sql_text(span text) {
    return (sql_value){SQL_TEXT, 0, text};
}

typedef struct sql_driver sql_driver;

typedef struct sql {
    const sql_driver *driver;
    buf why;   /* of the last function that said false: a sentence's end */
    bool lost; /* it must be opened anew: another file is there, or the server has gone */
    /* The caller's, or NULL. true: its thread is to end, and a server that is silent is not waited
     * for. */
    const atomic_bool *leaving;
} sql;

/* A row of an answer: borrowed until it returns. false: no more are wanted. */
typedef bool sql_row_fn(void *user, const sql_value *values, size_t count);
/* The parameters of the row-th run. Their texts live until the last has run. */
typedef void sql_fill_fn(void *user, size_t row, sql_value *values);

typedef enum sql_mode { SQL_READS, SQL_WRITES } sql_mode;

struct sql_driver {
    /* The words in which the schema's types differ. */
    const char *bytes_type, *text_type, *table_end;
    /* The statements that begin a transaction: what it reads is of one instant; what it writes. */
    const char *begin_read, *begin_write;
    /* Within a writing transaction: nobody else makes tables until it ends. NULL: nobody can. */
    const char *lock_schema;
    /* The statement that says whether there is a table of that name: 0 or another number. */
    const char *has_table;
    /* LISTEN and NOTIFY are known to it: who listens is told of what another's transaction has said
     * once that is committed. Then these two are there as well. */
    bool tells;
    /* What is opened is a connection: servers, and what stands before them, end those for reasons
     * of their own. */
    bool connects;
    /* Turns readable when something was said, or the connection has ended. */
    int (*descriptor)(sql *db);
    /* Takes in what was said, without waiting: false if nothing was. May find that db is lost. */
    bool (*heard)(sql *db);
    /* NULL and *ret_why where it cannot be had; *ret_never: nor ever, as it is no database.
     * durable: what is committed survives the machine. where is the driver's own notation. */
    sql *(*open)(const char *where, sql_mode mode, bool durable, buf *ret_why, bool *ret_never);
    void (*close)(sql *db);
    /* One statement. row may be NULL. */
    bool (*run)(sql *db, const char *text, const sql_value *values, size_t count, sql_row_fn *row,
                void *user);
    /* One statement that changes one line or none, so many times. ret_changed[i]: it has. */
    bool (*run_many)(sql *db, const char *text, size_t count, size_t rows, sql_fill_fn *fill,
                     void *user, bool *ret_changed);
};

/* For a program, before its first thread and connection: SQLite counts its memory no more, for
 * which it takes a lock at each allocation. A library leaves that to whose process it is. */
void sql_sqlite_count_no_memory(void);

extern const sql_driver sql_sqlite;   /* where: a path */
extern const sql_driver sql_postgres; /* where: postgres://… or postgresql://…, a secret */

/* Ends a transaction that failed: db->why goes on saying what did, and not how this went. */
void sql_take_back(sql *db);

#endif
