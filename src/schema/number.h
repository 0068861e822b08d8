/* schema/number.h: JSON's numbers without loss, as far as JSON Schema asks of them. Pure.
 *
 * A number is digits × 10^exponent: 1, 1.0 and 10e-1 are the same digits and the same exponent.
 */
#ifndef WEIR_SCHEMA_NUMBER_H
#define WEIR_SCHEMA_NUMBER_H

#include "base/arena.h"

typedef struct schema_number {
    bool negative;
    span digits;      /* no zero at either end; empty: the number is 0 */
    int64_t exponent; /* 0 where the number is 0 */
} schema_number;

/* text is a JSON number. Its digits are in the arena, or borrowed. */
schema_number schema_number_read(span text, arena *a);

/* Below 0, 0 or above 0, as a is less than, equal to or more than b. */
int schema_number_compare(const schema_number *a, const schema_number *b);
bool schema_number_is_whole(const schema_number *n);
/* Whether n is a whole number of times `of`, which is above 0. Exact where `of` has up to 18
 * digits. */
bool schema_number_is_multiple(const schema_number *n, const schema_number *of);
/* false: it is no whole number from 0 on. What is too large comes as the largest. */
MUST_USE bool schema_number_size(const schema_number *n, size_t *ret);

#endif
