/* gateway/phase.h: the life of the process as its clients see it, from the first listener to the
 * last connection. Pure: what a signal, the passing of time and the last client lead to.
 *
 * Used by  gateway/process.c, which carries out a change; gateway/pages.c, which tells it.
 */
#ifndef WEIR_GATEWAY_PHASE_H
#define WEIR_GATEWAY_PHASE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum gateway_phase {
    GATEWAY_STARTING, /* bound, and no worker runs yet */
    GATEWAY_SERVING,
    GATEWAY_LEAVING,  /* serves as ever, and says that it is not ready: server.drain_delay */
    GATEWAY_DRAINING, /* accepts nobody; calls that run may finish: server.drain */
    GATEWAY_CUTTING,  /* their time is over: each is told so */
    GATEWAY_CLOSING,  /* everything is closed */
} gateway_phase;

/* A signal asks to stop: the first for the whole way down, each other one for its end. */
MUST_USE gateway_phase phase_after_stop(gateway_phase phase, int64_t drain_delay_ms);
/* The time of the phase is over. Itself where it has no end. */
MUST_USE gateway_phase phase_after_time(gateway_phase phase);

/* New calls are welcome: whoever spreads them over several of us may send some here. */
MUST_USE bool phase_ready(gateway_phase phase);
/* For /health/ready: ready, starting, draining. */
const char *phase_name(gateway_phase phase);

#endif
