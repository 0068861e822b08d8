#include "base/blocks.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 128 * 1024 };

struct block {
    block *next;
    size_t from, to; /* of its bytes, those that are there */
    char bytes[BLOCK_BYTES];
};

static void add_block(blocks *b) {
    block *k = mem_alloc(sizeof *k);
    k->next = NULL;
    k->from = k->to = 0;
    if (b->last)
        b->last->next = k;
    else
        b->first = k;
    b->last = k;
}

static void drop_block(blocks *b) {
    block *k = b->first;
    b->first = k->next;
    if (!b->first) b->last = NULL;
    free(k);
}

void blocks_done(blocks *b) {
    while (b->first)
        drop_block(b);
    b->len = 0;
}

void blocks_add(blocks *b, span bytes) {
    b->len += bytes.len;
    while (bytes.len) {
        if (!b->last || b->last->to == BLOCK_BYTES) add_block(b);
        block *k = b->last;
        span part = span_slice(bytes, 0, BLOCK_BYTES - k->to);
        memcpy(k->bytes + k->to, part.ptr, part.len);
        k->to += part.len;
        bytes = span_slice(bytes, part.len, bytes.len);
    }
}

void blocks_append(blocks *b, blocks *from) {
    if (!from->first) return;
    if (b->last)
        b->last->next = from->first;
    else
        b->first = from->first;
    b->last = from->last;
    b->len += from->len;
    *from = (blocks){0};
}

span blocks_front(const blocks *b) {
    const block *k = b->first;
    return k ? span_from(k->bytes + k->from, k->to - k->from) : SPAN_EMPTY;
}

void blocks_drop(blocks *b, size_t n) {
    b->first->from += n;
    b->len -= n;
    if (b->first->from == b->first->to) drop_block(b);
}
