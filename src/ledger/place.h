/* ledger/place.h: which database a store's name means. */
#ifndef WEIR_LEDGER_PLACE_H
#define WEIR_LEDGER_PLACE_H

#include "ledger/store.h"

/* "sqlite:PATH", "postgres://…" or "postgresql://…" (config/store.h). Points into it. */
store_place store_place_of(buf *name);

#endif
