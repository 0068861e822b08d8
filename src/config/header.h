/* config/header.h: what the name and the value of a configured header field may be. Pure.
 *
 * Source   RFC 9110 sections 5.1, 5.5, 5.6.2.
 */
#ifndef WEIR_CONFIG_HEADER_H
#define WEIR_CONFIG_HEADER_H

#include "base/span.h"

bool header_is_name(span s);
/* Set by weir or the connection: a fixed value would break it. */
bool header_is_reserved(span name);
bool header_is_value(span s);

#endif
