/* schema/uri.h: references between schemas: one URI in the light of another. Pure.
 *
 * Source   RFC 3986 section 5.2.
 */
#ifndef WEIR_SCHEMA_URI_H
#define WEIR_SCHEMA_URI_H

#include "base/arena.h"

/* Without its fragment, which goes to *ret_fragment (without the #; its escapes undone; empty:
 * none). */
span schema_uri_resolve(span base, span reference, arena *a, span *ret_fragment);

#endif
