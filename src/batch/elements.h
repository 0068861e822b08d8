/* batch/elements.h: where the elements of a JSON array begin and end, as the bytes come. Pure.
 *
 * Knows brackets and strings alone: whether an element is JSON is for who reads it to say.
 */
#ifndef WEIR_BATCH_ELEMENTS_H
#define WEIR_BATCH_ELEMENTS_H

#include "base/span.h"

typedef struct elements {
    enum {
        ELEMENTS_UNDECIDED, /* nothing has come */
        ELEMENTS_BETWEEN,   /* or inside of one */
        ELEMENTS_AFTER,     /* the array has ended; what follows is an element too much */
    } at;
    unsigned depth; /* of brackets inside the element */
    bool string, escaped;
} elements;

/* Passes over what stands before an element, from the front of *bytes. true: one begins there.
 * false: all is passed over, or, still ELEMENTS_UNDECIDED, it is no array that begins. */
MUST_USE bool elements_begin(elements *e, span *bytes);
/* Goes on over an element: how many of bytes are of it. *ret_ended: it ends there; the byte that
 * follows is taken too, where there is one more. */
size_t elements_find_end(elements *e, span bytes, bool *ret_ended);

#endif
