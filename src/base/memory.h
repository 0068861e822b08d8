/* base/memory.h: one bound over what a process gathers for others, and who holds how much of it.
 *
 * What is gathered (bodies on their way in, answers until they are told, output for slow readers)
 * asks for its room first, in a memory_hold of its own. An account is a thread's: it has credit of
 * the bound in blocks, so that what is small (MEMORY_SMALL) takes no lock; it is bounded all the
 * same. What is larger counts for its holder too, a number as in base/shares.h, and takes one lock:
 * that costs less than the first page of such a body.
 *
 * A bound outlives its accounts, an account its holds. Belongs to its thread, but for the bound,
 * which any may ask. Nothing here allocates what it counts.
 */
#ifndef WEIR_BASE_MEMORY_H
#define WEIR_BASE_MEMORY_H

#include "base/shares.h"

#include <pthread.h>
#include <stdbool.h>

enum {
    MEMORY_SMALL = 16 * 1024,  /* of one hold; up to here it counts for no holder */
    MEMORY_BLOCK = 256 * 1024, /* of credit */
};

typedef struct memory_bound {
    pthread_mutex_t lock;
    uint64_t most_all, most_one;
    uint64_t lent;  /* to all accounts */
    shares holders; /* of what is larger than MEMORY_SMALL */
} memory_bound;

void memory_bound_init(memory_bound *b, uint64_t most_all, uint64_t most_one);
void memory_bound_done(memory_bound *b);
/* From now on; who holds more keeps it. Any thread. */
void memory_bound_set(memory_bound *b, uint64_t most_all, uint64_t most_one);

/* All zero: there is no bound, and what is held is counted only. */
typedef struct memory_account {
    memory_bound *bound;
    uint64_t used, lent; /* bytes that its holds have, and that the bound has lent it */
} memory_account;

/* Gives its credit back. Its holds are empty. */
void memory_account_done(memory_account *a);

/* All zero: it holds nothing, for nobody. The holder is set before anything is held; from then on
 * memory_move() changes it. */
typedef struct memory_hold {
    uint64_t holder; /* 0: nobody in particular */
    size_t bytes;
} memory_hold;

/* Not TAKEN: it holds what it held. SHARE_OWN_GONE never meets a holder who has nothing else: one
 * thing he may hold, of any size for which there is room. */
MUST_USE share_verdict memory_grow(memory_account *a, memory_hold *h, size_t to_bytes);
/* To that many, more or less, whether there is room or not: for what is there already. */
void memory_set(memory_account *a, memory_hold *h, size_t bytes);

/* What is held is that holder's from now on; there is room for it already. SHARE_OWN_GONE: it is
 * whose it was. */
MUST_USE share_verdict memory_move(memory_account *a, memory_hold *h, uint64_t holder);

static inline void memory_drop(memory_account *a, memory_hold *h) {
    if (h->bytes) memory_set(a, h, 0);
}

#endif
