/* batch/marks.h: which lines have their result already, and what those lines were, or where
 * the result is.
 *
 * One entry of 8 bytes a line in a temporary file that is made with the first entry; lines are
 * asked for in order, a block at a time. So memory does not depend on how many results there are,
 * nor on their order.
 *
 * Not thread-safe.
 */
#ifndef WEIR_BATCH_MARKS_H
#define WEIR_BATCH_MARKS_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum { MARKS_BLOCK = 4096 };

typedef struct marks {
    int fd;         /* -1: there is none */
    uint64_t last;  /* highest line with an entry; 0: none */
    uint64_t block; /* which is in memory; UINT64_MAX: none */
    uint64_t entries[MARKS_BLOCK];
} marks;

void marks_init(marks *m);
void marks_done(marks *m);

/* The line (from 1) has a result; mark as in struct line, or what else is to be known of it, below
 * 2^63. Sets *ret_known, where it had one before. false: errno says why. */
MUST_USE bool marks_set(marks *m, uint64_t line, uint64_t mark, bool *ret_known);
/* Sets *ret_known to whether the line has a result, and then *ret_mark. */
MUST_USE bool marks_get(marks *m, uint64_t line, bool *ret_known, uint64_t *ret_mark);

#endif
