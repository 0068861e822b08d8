/* batch/tally.h: how many lines has the input? Counted beside the run, a piece at a time.
 *
 * Not thread-safe.
 */
#ifndef WEIR_BATCH_TALLY_H
#define WEIR_BATCH_TALLY_H

#include "batch/item.h"

enum { TALLY_CHUNK = 256 * 1024 };

typedef struct tally {
    int fd;         /* borrowed; its position is left alone. -1: nothing is counted */
    uint64_t at;    /* read so far */
    uint64_t count; /* lines that are not blank, so far */
    bool header;    /* the first of them is none */
    bool finished;  /* all are counted */
    lines lines;
    char *chunk;
} tally;

/* A file that cannot be read twice (a pipe) is not counted. */
void tally_init(tally *t, int fd, const char *path, const item_rules *rules);
void tally_done(tally *t);
/* Counts a chunk more. */
void tally_step(tally *t);
/* There is more to count. */
static inline bool tally_wanted(const tally *t) {
    return t->fd >= 0 && !t->finished;
}

#endif
