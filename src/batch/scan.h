/* batch/scan.h: a file's lines from its beginning, whatever its position is. Blocks. */
#ifndef WEIR_BATCH_SCAN_H
#define WEIR_BATCH_SCAN_H

#include "batch/lines.h"

/* take() returns false to end the scan, after saying why. max: of a line that is longer the
 * beginning alone is told. false: take() was, or the file could not be read: *ret_why. */
MUST_USE bool scan_lines(int fd, const char *path, size_t max,
                         bool (*take)(void *user, const line *l), void *user, buf *ret_why);

#endif
