/* price/prices.h: which price is in force for a target: the configuration's (prices), else the
 * table's that weir brings (table.def).
 *
 * The longest pattern counts, its * not included; of two as long the one without a *, then the one
 * that names the provider. A row of the table holds for a provider that is named as its vendor is,
 * or whose URL is the vendor's; never for those that run models themselves (simulator, ollama …).
 *
 * Immutable; any thread. Borrows the configuration.
 */
#ifndef WEIR_PRICE_PRICES_H
#define WEIR_PRICE_PRICES_H

#include "price/price.h"

typedef struct prices prices;

/* Looks up what is in force for each target that the configuration names. */
MUST_USE prices *prices_new(const config *c);
void prices_free(prices *p);

typedef struct price_found {
    const config_price *price; /* NULL: none is known */
    const price_rule *rule;
    bool of_table;
} price_found;

/* target: "provider/model". */
price_found prices_find(const prices *p, span target);
/* At that wall time, in nano units; -1: not known. */
int64_t prices_cost(const prices *p, span target, const token_usage *u, int64_t at_us);

/* Whose prices the table has for a provider; empty: nobody's. */
span price_vendor(const config_provider *p);
/* The table, row by row; false at its end. vendor is "openai", the pattern that of a model. */
bool price_table_row(size_t i, span *ret_vendor, const config_price **ret_price);
extern const char price_table_source[]; /* "genai-prices 0.2.3, 2026-11-28" */

#endif
