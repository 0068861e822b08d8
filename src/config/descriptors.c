/* What the files that the process may open are for, in this order: its own, those to come, and of
 * the rest a half for providers, where they may have so many, and the other for clients.
 *
 *   own       standard streams, log, watched files; epoll, the loop's own, listeners
 *   to come   providers that must be asked anew, names that are looked up, files that are read
 *             again: no client's connection, not even one that is told that there are too many,
 *             takes the last of them
 */
#include "config/reader.h"

enum { OWN = 16, OWN_OF_WORKER = 12, TO_COME = 16, TO_COME_OF_WORKER = 4 };

/* With few files at all, a quarter of them is enough to get on with. */
uint64_t config_kept_descriptors(const config *c, uint64_t files) {
    const uint64_t kept = TO_COME + (uint64_t)c->server.workers * TO_COME_OF_WORKER;
    return kept < files / 4 ? kept : files / 4;
}

static uint64_t spoken_for(const config *c) {
    const uint64_t of_worker = OWN_OF_WORKER + TO_COME_OF_WORKER + c->listener_count;
    return OWN + TO_COME + c->server.workers * of_worker;
}

uint64_t config_client_descriptors(const config *c, uint64_t files) {
    const uint64_t workers = c->server.workers;
    const uint64_t own = spoken_for(c);
    const uint64_t left = files > own ? files - own : 0;
    uint64_t providers = 0;
    for (size_t i = 0; i < c->provider_count; i++)
        providers += workers * c->providers[i].max_connections;
    if (providers > left / 2) providers = left / 2;
    const uint64_t each = (left - providers) / workers;
    return each ? each : 1;
}

COLD static void add_warning(config *c, config_problem warning) {
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
