/* batch/table.h: a table's header: which column is asked, and which names the record. Pure.
 *
 * Any thread. Owns nothing.
 */
#ifndef WEIR_BATCH_TABLE_H
#define WEIR_BATCH_TABLE_H

#include "base/arena.h"
#include "base/buf.h"

/* What the user says of the columns; empty: nothing. */
typedef struct table_wish {
    span prompt; /* a column's name */
    span id;
    bool no_prompt; /* nothing is asked: the first column stands for the one that would be */
} table_wish;

enum { TABLE_NO_COLUMN = -1 };

typedef struct table {
    char separator; /* 0: the input is no table */
    bool headed;    /* the header was read */
    size_t columns;
    size_t prompt;
    long id; /* TABLE_NO_COLUMN: records are named by their lines */
} table;

/* "….csv", "….tsv": its separator; 0: the name is not a table's. */
char table_separator_of(span path);
/* Reads the header. Columns that are not told: "prompt", or the only one there is; "custom_id", or
 * none. false: *ret_why says what is wrong. */
MUST_USE bool table_read_header(table *t, span record, const table_wish *wish, buf *ret_why);

#endif
