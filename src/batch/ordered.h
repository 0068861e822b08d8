/* batch/ordered.h: the results in the order of the input, written when the batch is at its end.
 *
 * The files of results stay the only record while it runs: whatever ends it, they are what the next
 * run goes on from. Memory depends on the longest result alone. Blocks.
 */
#ifndef WEIR_BATCH_ORDERED_H
#define WEIR_BATCH_ORDERED_H

#include "batch/forms.h"
#include "batch/outputs.h"

/* Where the user wants to see the results. */
typedef struct view {
    result_form form;
    bool wanted;      /* else the record is what the user sees */
    bool to_record;   /* the record itself is put into order */
    bool apart;       /* its failures stay in the file that the user has named for them */
    const char *path; /* for people: a file's name, "standard output"; borrowed */
    int fd;           /* of what is no file (a pipe); -1: it is a file, to be replaced */
    void (*harmless)(span text, buf *out); /* of a terminal: what it is shown; NULL: as it is */
} view;
#define VIEW_NONE ((view){.fd = -1})

/* Writes it. Where the record itself is put into order and failures are not to stay apart, they
 * move into it, and the file of failures is empty then. false: *ret_why says why not, and the
 * record is as it was. */
MUST_USE bool view_write(const view *v, outputs *o, buf *ret_why);

/* Results without failures in the place of those of a file, which was read before; the file is
 * another one then, and locked as before. false: *ret_why says why, and it is as it was. */
MUST_USE bool results_drop_failures(sink *s, buf *ret_why);

#endif
