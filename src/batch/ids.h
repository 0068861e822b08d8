/* batch/ids.h: which custom_ids came already, and in which line; at constant memory.
 *
 * A hash table of fingerprints. A small one lies in memory; beyond IDS_IN_MEMORY it moves into a
 * temporary file, where an id costs one read and one write of the page cache. Two ids are taken
 * for one with a chance of n²/2^129.
 *
 * Not thread-safe.
 */
#ifndef WEIR_BATCH_IDS_H
#define WEIR_BATCH_IDS_H

#include "base/span.h"

enum { IDS_PAGE_SLOTS = 170, IDS_IN_MEMORY = 65536 };

typedef struct ids_slot {
    uint64_t print[2];
    uint64_t line; /* 0: the slot is free */
} ids_slot;

/* A probe looks at pages one by one; 4080 bytes of 4096 are slots. */
typedef struct ids_page {
    ids_slot slots[IDS_PAGE_SLOTS];
    uint64_t used;
    uint64_t unused;
} ids_page;

typedef struct ids {
    uint64_t count;
    uint64_t pages;   /* a power of two, or 0: nothing yet */
    uint64_t front;   /* ids up to which the table is in memory */
    ids_page *memory; /* NULL: in the file */
    int fd;           /* -1: in memory */
} ids;

typedef enum ids_verdict {
    IDS_NEW,
    IDS_KNOWN,
    IDS_FAILED /* the file: errno says why */
} ids_verdict;

/* front: IDS_IN_MEMORY, or less for tests. */
void ids_init(ids *set, uint64_t front);
void ids_done(ids *set);
/* Adds id, which line (not 0) has. IDS_KNOWN: *ret_line is the line that had it first. */
MUST_USE ids_verdict ids_add(ids *set, span id, uint64_t line, uint64_t *ret_line);
/* Another line is to be told of an id that is there. false: as IDS_FAILED. */
MUST_USE bool ids_replace(ids *set, span id, uint64_t line);
/* Looks only: IDS_NEW where it is not there. */
MUST_USE ids_verdict ids_find(const ids *set, span id, uint64_t *ret_line);

#endif
