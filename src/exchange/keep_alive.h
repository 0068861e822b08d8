/* exchange/keep_alive.h: the silence of a stream: `: keep-alive` comments while nothing else is
 * said (server.keep_alive_comment), the head before them if need be. A member of a form that writes
 * server-sent events.
 */
#ifndef WEIR_EXCHANGE_KEEP_ALIVE_H
#define WEIR_EXCHANGE_KEEP_ALIVE_H

#include "exchange/internal.h"

typedef struct keep_alive {
    timer timer;
    exchange *x;
    int64_t last_ms; /* when the client last got something: whoever sends sets it */
} keep_alive;

void keep_alive_init(keep_alive *k, exchange *x);
/* Where the client has asked for a stream; once an answer is awaited. */
void keep_alive_start(keep_alive *k);
void keep_alive_stop(keep_alive *k);

#endif
