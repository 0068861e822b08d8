#include "lib/simulated.h"

#include "base/mem.h"
#include "sim/server.h"

#include <stdlib.h>
#include <string.h>

struct simulated {
    http_bind bind;
    sim_thread *thread;
};

bool simulated_is_named(const char *url) {
    return url && strcmp(url, SIMULATED_NAME) == 0;
}

static bool is_wanted(const weir_options *o) {
    const char *first = options_first_url(o);
    bool wanted = simulated_is_named(first);
    for (size_t i = 0; i < o->fallback_count; i++)
        wanted |= simulated_is_named(o->fallbacks[i].url);
    return wanted && !o->file && !o->yaml;
}

/* The new thread takes over that signals are blocked. */
static sim_thread *start_thread(http_bind *bind, int *ret_err) {
    const sim_settings settings = {.pace_ms = SIM_PACE_MS};
    sigset_t before;
    loop_quiet(&before);
    sim_thread *thread = sim_thread_start(&settings, bind, ret_err);
    loop_loud(&before);
    return thread;
}

bool simulated_start(weir_options *o, simulated **ret, buf *ret_why) {
    int err = 0;
    *ret = NULL;
    if (!is_wanted(o)) return true;
    simulated *s = mem_zalloc(sizeof *s);
    s->bind.host = SPAN_OF("127.0.0.1");
    s->thread = start_thread(&s->bind, &err);
    if (!s->thread) {
        buf_addf(ret_why, "the simulator cannot be started: %s", uv_strerror(err));
        free(s);
        return false;
    }
    buf url = BUF_EMPTY;
    buf_addf(&url, "http://127.0.0.1:%u/v1", (unsigned)s->bind.port);
    free(o->simulator);
    o->simulator = mem_strndup(url.ptr, url.len);
    buf_done(&url);
    *ret = s;
    return true;
}

void simulated_stop(simulated *s) {
    if (!s) return;
    sim_thread_stop(s->thread);
    free(s);
}
