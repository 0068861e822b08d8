/* gateway/parts.h: what the gateway prepares of a configuration before it is in force.
 */
#ifndef WEIR_GATEWAY_PARTS_H
#define WEIR_GATEWAY_PARTS_H

#include "call/snapshot.h"

/* Takes a reference of c. NULL and *ret_why, a sentence, when a file that it names cannot be used.
 * May block. */
MUST_USE snapshot *gateway_snapshot(config *c, buf *ret_why);

#endif
