/* base/holders.h: a small table of rows, one a holder, for what is kept of each of a few.
 *
 * A row is a struct of its owner's whose first member is the holder: a number that names who it is
 * of (as in base/shares.h), never 0. Each search goes through all of them, without a hash: they are
 * few. Where the table is full its owner chooses which row makes room, as it alone knows.
 *
 * Pure but for memory. Not thread-safe. Rows move when one is added.
 */
#ifndef WEIR_BASE_HOLDERS_H
#define WEIR_BASE_HOLDERS_H

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

/* All zero: nobody has a row. To be emptied by count = 0; the room stays. */
typedef struct holders {
    void *rows; /* heap */
    unsigned count, cap;
} holders;

void holders_done(holders *h);

/* row_size: that of the owner's struct, the same in each call. NULL: it has no row. */
static inline void *holders_find(const holders *h, size_t row_size, uint64_t holder) {
    for (unsigned i = 0; i < h->count; i++) {
        void *row = (char *)h->rows + i * row_size;
        if (*(const uint64_t *)row == holder) return row;
    }
    return NULL;
}

/* A row for the owner to fill, holder included, who must have none yet; its bytes are undefined.
 * NULL: there are `most` rows already. */
MUST_USE void *holders_add(holders *h, size_t row_size, unsigned most);

#endif
