#include "cli/simulator.h"

#include "base/mem.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

static sim_thread *start_thread(http_bind *bind, int *ret_err) {
    const sim_settings settings = {.pace_ms = SIM_PACE_MS};
    sigset_t before;
    loop_quiet(&before); /* the new thread takes it over */
    sim_thread *thread = sim_thread_start(&settings, bind, ret_err);
    loop_loud(&before);
    return thread;
}

simulator *simulator_start(void) {
    int err;
    simulator *s = mem_zalloc(sizeof *s);
    s->bind.host = SPAN_OF("127.0.0.1");
    s->thread = start_thread(&s->bind, &err);
    if (!s->thread) {
        cli_complain("cannot start the simulator: %s", uv_strerror(err));
        free(s);
        return NULL;
    }
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/v1", (unsigned)s->bind.port);
    return s;
}

void simulator_stop(simulator *s) {
    if (!s) return;
    sim_thread_stop(s->thread);
    free(s);
}
