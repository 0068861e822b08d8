/* base/blocks.h: bytes that are gathered in blocks, so that nothing moves however many there are: a
 * buffer that doubles copies all it has, which a loop would stand still for.
 *
 * Read from the front, a block at a time. All zero: empty, nothing owned. Not thread-safe.
 */
#ifndef WEIR_BASE_BLOCKS_H
#define WEIR_BASE_BLOCKS_H

#include "base/span.h"

typedef struct block block;

typedef struct blocks {
    block *first, *last;
    size_t len; /* of all */
} blocks;

void blocks_done(blocks *b);
void blocks_add(blocks *b, span bytes);
/* Takes over what from has, behind its own. */
void blocks_append(blocks *b, blocks *from);
/* The first bytes, as many as lie together; empty where there are none. */
span blocks_front(const blocks *b);
/* Takes so many of those off. */
void blocks_drop(blocks *b, size_t n);

#endif
