/* batch/files.h: the files of a batch, opened, and what they tell of earlier runs. */
#ifndef WEIR_BATCH_FILES_H
#define WEIR_BATCH_FILES_H

#include "batch/batch.h"
#include "batch/ordered.h"

typedef struct files {
    int in;
    const char *in_name; /* for people; borrowed from the settings */
    bool in_regular;
    outputs out;
    view view;
    resume_found found;
    char *made_output; /* names that were made from others; NULL: none was */
    char *made_record;
    char *made_errors;
} files;

/* look: nothing is made or changed, and files that are not there are taken as empty. Fills marks.
 * Blocks. false: *ret_why says what is wrong; files_done() all the same. */
MUST_USE bool files_open(files *f, const batch_settings *settings, bool look, marks *m,
                         buf *ret_why);
void files_done(files *f);

#endif
