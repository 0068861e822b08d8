/* call/price_part.h: a part of a snapshot: which prices are in force. Compiled once for a
 * configuration; the program's alone.
 */
#ifndef WEIR_CALL_PRICE_PART_H
#define WEIR_CALL_PRICE_PART_H

#include "call/snapshot.h"
#include "price/prices.h"

extern const snapshot_part price_part;

/* Borrowed from the snapshot. NULL: its table does not name the part. */
const prices *snapshot_prices(const snapshot *s);

#endif
