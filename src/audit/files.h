/* audit/files.h: reading the files of an audit trail, line by line. Blocks. Any thread. */
#ifndef WEIR_AUDIT_FILES_H
#define WEIR_AUDIT_FILES_H

#include "audit/trail.h"

typedef struct trail_files {
    unsigned *numbers; /* in order */
    size_t count;
} trail_files;

/* Those that are there. false and a sentence where the folder cannot be read. */
MUST_USE bool trail_files_find(const char *folder, trail_files *ret, buf *ret_why);
void trail_files_done(trail_files *f);

/* A line, borrowed until it returns, of one that is too long to be a record the beginning; whole:
 * it has its line end. false: no more are wanted. */
typedef bool trail_line_fn(void *user, unsigned file, uint64_t number, span line, bool whole);
/* From the byte *at on, which is moved behind the last whole line. false and a sentence where it
 * cannot be read, or is no regular file: who is asked to verify a trail need not trust its folder.
 */
MUST_USE bool trail_file_read(const char *folder, unsigned number, size_t *at, trail_line_fn *each,
                              void *user, buf *ret_why);

#endif
