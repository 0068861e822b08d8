#include "base/holders.h"

#include "base/mem.h"

#include <stdlib.h>

enum { FIRST_ROWS = 2 };

void holders_done(holders *h) {
    free(h->rows);
    *h = (holders){0};
}

void *holders_add(holders *h, size_t row_size, unsigned most) {
    if (h->count >= most) return NULL;
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : FIRST_ROWS;
        h->rows = mem_realloc(h->rows, h->cap * row_size);
    }
    return (char *)h->rows + h->count++ * row_size;
}
