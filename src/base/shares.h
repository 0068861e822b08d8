/* base/shares.h: who holds how much of a bounded thing.
 *
 * A holder is a number that names it, such as a hash_span() of its name or address; whoever holds
 * nothing is not remembered, so that the table grows with what is held and not with who has asked.
 * Bounds come with each question: a new configuration may have others, and who holds more by then
 * keeps it. Not thread-safe.
 */
#ifndef WEIR_BASE_SHARES_H
#define WEIR_BASE_SHARES_H

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

typedef struct shares_row {
    uint64_t holder;
    uint64_t held; /* 0: the row is free */
} shares_row;

/* All zero: nobody holds anything. */
typedef struct shares {
    uint64_t held; /* by all */
    shares_row *rows;
    size_t cap; /* a power of two, or 0 */
    size_t count;
} shares;

/* Nobody needs to have given back what he holds. */
void shares_done(shares *s);

typedef enum share_verdict {
    SHARE_TAKEN,
    SHARE_ALL_GONE, /* together they would hold more than all may */
    SHARE_OWN_GONE, /* this one would hold more than one may, and there is room for others */
} share_verdict;

/* amount > 0. Takes all of it or nothing. */
MUST_USE share_verdict shares_take(shares *s, uint64_t holder, uint64_t amount, uint64_t most_all,
                                   uint64_t most_one);
/* amount: at most what the holder has taken. */
void shares_give(shares *s, uint64_t holder, uint64_t amount);
uint64_t shares_held(const shares *s, uint64_t holder);

#endif
