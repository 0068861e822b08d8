/* price/listing.h: the prices in force, as GET /usage/prices and `weir prices` show them: an array
 * of objects, each a pattern, where it comes from, and its rates for 1,000,000 tokens as decimal
 * numbers. Pure.
 */
#ifndef WEIR_PRICE_LISTING_H
#define WEIR_PRICE_LISTING_H

#include "price/prices.h"

typedef struct price_wish {
    span pattern; /* a target ("openai/gpt-4o"), whose one price is listed; or the beginning of
                     some, a * at its end, or of a model's name; empty: all */
    bool without_lines; /* where the configuration says it is told as "the configuration" alone */
} price_wish;

/* p: of c. How many there are. */
size_t price_list(const config *c, const prices *p, const price_wish *wish, buf *out);

#endif
