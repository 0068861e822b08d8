/* config/callable.h: what a client may be held to (clients[].endpoints): endpoints by their names
 * in records or by their paths, with /v1/ before them or without, and a * at the end for any rest.
 * Pure. Any thread.
 */
#ifndef WEIR_CONFIG_CALLABLE_H
#define WEIR_CONFIG_CALLABLE_H

#include "config/config.h"

/* Whether an entry stands for what is called: its name in records, and its path. One that is the
 * path of what weir has of the API does not stand for what passthrough ("other") has there for
 * other methods. */
bool callable_fits(span entry, span name, span path);

/* Whether an entry stands for anything that can be called here: what weir has, and what c's
 * passthrough lets through. */
bool callable_is_any(const config *c, span entry);

/* The name in records of what is called at a path; empty: none has that path. */
span callable_name_at(span path);

/* For messages, behind "expected": what an entry may be. */
void callable_add_expected(buf *out);

#endif
