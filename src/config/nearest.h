/* config/nearest.h: what somebody meant who wrote a value in another way than weir reads it: 20M,
 * 1min, True, 0.2. Pure; any thread.
 */
#ifndef WEIR_CONFIG_NEAREST_H
#define WEIR_CONFIG_NEAREST_H

#include "config/option.h"

/* Appends the right value of that type; false: it is not clear what is meant, and out is as it was.
 * The text is none that the type reads. */
bool nearest_value(const option_type *type, span text, buf *out);

#endif
