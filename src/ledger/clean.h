/* ledger/clean.h: texts that any database takes: valid UTF-8 without a NUL, which PostgreSQL
 * refuses and with it all that stands in the same transaction, each time anew. Pure.
 */
#ifndef WEIR_LEDGER_CLEAN_H
#define WEIR_LEDGER_CLEAN_H

#include "base/arena.h"

/* The text itself, or a copy in which U+FFFD stands for each byte that cannot be kept. */
span clean_text(span text, arena *a);

#endif
