/* cli/simulator.h: the built-in simulator, inside a process that has nobody else to ask. */
#ifndef WEIR_CLI_SIMULATOR_H
#define WEIR_CLI_SIMULATOR_H

#include "sim/server.h"

typedef struct simulator {
    char url[64]; /* its base URL, on a free port of this machine */
    /* private */
    http_bind bind;
    sim_thread *thread;
} simulator;

/* NULL after saying so on stderr. Signals are left to the other threads. */
MUST_USE simulator *simulator_start(void);
/* NULL is allowed. */
void simulator_stop(simulator *s);

#endif
