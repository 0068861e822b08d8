/* batch/join.h: a table of the input's lines, each beside its result: `weir batch join`.
 *
 * Results are found by custom_id, whoever has written them and in whatever order: weir, or OpenAI's
 * batch API. Memory depends on the longest line and the longest result alone. Blocks; nobody is
 * asked.
 */
#ifndef WEIR_BATCH_JOIN_H
#define WEIR_BATCH_JOIN_H

#include "batch/item.h"

/* Borrowed for the call. */
typedef struct join_settings {
    const char *input;          /* a file's name; "-": standard input */
    const char *const *results; /* names of files. For each the file of failures that lies beside it
                                   is read, too, where there is one */
    size_t result_count;        /* 0: the one that is named after the input */
    const char *output; /* a file's name, replaced when all is written; NULL or "-": standard
                           output */
    item_rules rules;   /* the format, and the columns but for the prompt's */
    void (*harmless)(span text, buf *out); /* what a model says, as a terminal may be shown it */
} join_settings;

typedef struct join_counts {
    uint64_t lines;  /* that were written */
    uint64_t joined; /* of them, beside a result */
    uint64_t bad;    /* that were not: no records of the table */
    uint64_t unused; /* results of no line */
} join_counts;

/* A table is written as one of the same kind: its columns, and then those of batch/said.h. Of other
 * lines the columns are the custom_id, the line as it is, and those. Appends a line to ret_notes
 * for each of the first bad ones. false: *ret_why says why not, and no file has been replaced. */
MUST_USE bool join_write(const join_settings *settings, join_counts *ret, buf *ret_notes,
                         buf *ret_why);

#endif
