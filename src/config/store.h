/* config/store.h: what ledger.store may be. Pure; any thread. */
#ifndef WEIR_CONFIG_STORE_H
#define WEIR_CONFIG_STORE_H

#include "base/span.h"

/* postgres://USER:PASSWORD@HOST/DATABASE or postgresql://…, as libpq reads it, and nothing in it
 * that would be read otherwise than it is meant: a '@' in a password, which would make a host of
 * the password's end and so have it shown in messages. */
bool store_is_postgres(span name);

#endif
