/* The include every fuzz target begins with. */
#ifndef WEIR_FUZZ_H
#define WEIR_FUZZ_H

#include "base/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer gives the input in memory of its own, whose end is the end of what may be read. So is
 * this: the bytes [at, at + step) of it, gone before the next ones come. free() its ptr. */
static inline span fuzz_piece(span input, size_t at, size_t step) {
    span piece = span_slice(input, at, at + step);
    char *copy = malloc(piece.len);
    memcpy(copy, piece.ptr, piece.len);
    return span_from(copy, piece.len);
}

/* An invariant: the fuzzer reports and keeps the input for which it fails. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
