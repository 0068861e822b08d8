/* batch/replace.h: a file that is written beside the one that it is to be, and takes its place when
 * it is whole. Until then, and whatever happens, the other one stays as it was.
 *
 * It lies on the disk before it takes the place, has the mode of the file before it, and is locked
 * as an output is. Not thread-safe. Blocks.
 */
#ifndef WEIR_BATCH_REPLACE_H
#define WEIR_BATCH_REPLACE_H

#include "base/buf.h"

typedef struct replacement {
    char *path;   /* that is to be replaced; links followed */
    char *beside; /* "PATH.1f2e3d4c.part"; NULL: it has taken the place, or there is none */
    int fd;       /* -1: none */
    buf pending;
} replacement;
#define REPLACEMENT_NONE ((replacement){.fd = -1})

/* false, here and below: *ret_why says why. replace_done() follows in any case. */
MUST_USE bool replace_open(replacement *r, const char *path, buf *ret_why);
/* What is appended to pending is written by this, once there is much of it. */
MUST_USE bool replace_write(replacement *r, buf *ret_why);
MUST_USE bool replace_commit(replacement *r, buf *ret_why);
/* Removes what has not taken its place, closes the rest. */
void replace_done(replacement *r);

/* All of it, on a file or a pipe, however long that takes. false: errno says why. */
MUST_USE bool write_whole(int fd, span bytes);

#endif
