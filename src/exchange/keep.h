/* exchange/keep.h: what an audit trail keeps of a call's own texts. Inside exchange/, for
 * stage_keep.c, which gathers it, and stage_prove.c, which tells it.
 */
#ifndef WEIR_EXCHANGE_KEEP_H
#define WEIR_EXCHANGE_KEEP_H

#include "base/buf.h"

typedef struct kept_bodies kept_bodies;

/* `,"bodies":{…}` behind what out holds, or nothing. */
void kept_bodies_write(kept_bodies *k, buf *out);

#endif
