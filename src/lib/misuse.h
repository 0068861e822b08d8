/* lib/misuse.h: what a call comes to that could not be made as it was asked. Private to the room.
 *
 * To be freed with weir_result_free(). Any thread that may be in the client's callbacks.
 */
#ifndef WEIR_LIB_MISUSE_H
#define WEIR_LIB_MISUSE_H

#include "lib/client.h"

/* A call that waits, from inside a callback of its own client. */
MUST_USE weir_result *misuse_inside(weir_client *c);
/* There is no client: weir_client_new() failed and nobody looked. */
MUST_USE weir_result *misuse_no_client(void);

#endif
