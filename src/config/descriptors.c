/* How many connections the files that the process may open leave for clients. */
#include "config/reader.h"

/* Of the process, and of each worker: standard streams, log, watched files, look-ups of names;
 * epoll and the loop's own, connections that are told that there are too many. */
enum { OWN = 32, OWN_OF_WORKER = 16 };

/* Each call that a client's connection brings needs one to a provider: a half is theirs, where they
 * may have so many. */
uint64_t config_client_descriptors(const config *c, uint64_t files) {
    const uint64_t workers = c->server.workers;
    const uint64_t own = OWN + workers * (OWN_OF_WORKER + c->listener_count);
    const uint64_t left = files > own ? files - own : 0;
    uint64_t providers = 0;
    for (size_t i = 0; i < c->provider_count; i++)
        providers += workers * c->providers[i].max_connections;
    if (providers > left / 2) providers = left / 2;
    const uint64_t each = (left - providers) / workers;
    return each ? each : 1;
}

static void add_warning(config *c, config_problem warning) {
    config_problem *all = arena_alloc(&c->arena, (c->warning_count + 1) * sizeof *all);
    for (size_t i = 0; i < c->warning_count; i++)
        all[i] = c->warnings[i];
    all[c->warning_count++] = warning;
    c->warnings = all;
}

/* Nobody has asked for the default's number: its being lowered is news where little is left. */
static bool is_news(const config_origin *from, uint64_t most) {
    enum { FEW = 1024 };
    return from || most < FEW;
}

void config_fit_descriptors(config *c, uint64_t files) {
    const uint64_t most = config_client_descriptors(c, files);
    const unsigned wanted = c->server.max_connections;
    if (wanted <= most) return;
    c->server.max_connections = (unsigned)most;
    const config_origin *from = config_origin_of(c, &c->server.max_connections);
    if (!is_news(from, most)) return;
    const bool set = from && from->setting.len;
    add_warning(
        c, (config_problem){
               .file = set ? from->setting : c->own->file,
               .line = from && !set ? from->line : 0,
               .column = from && !set ? 1 : 0,
               .text = arena_printf(&c->arena,
                                    "server.max_connections is %u; the %llu files that the process "
                                    "may have open (RLIMIT_NOFILE) leave room for %llu for each of "
                                    "%u workers: that is the bound",
                                    wanted, (unsigned long long)files, (unsigned long long)most,
                                    c->server.workers),
           });
}
