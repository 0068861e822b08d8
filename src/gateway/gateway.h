/* gateway/gateway.h: the HTTP door of weir as one process: listeners, workers, reload, drain.
 *
 * gateway_new() binds every address, so that what can fail fails before a thread runs;
 * gateway_run() serves until SIGTERM or SIGINT; gateway_free() gives everything back. All three on
 * the main thread. The rest of the room is private to it.
 *
 * Signals  SIGHUP: reload, also one that was blocked until gateway_new(). SIGTERM, SIGINT: drain
 * (after server.drain_delay), then end; a second one ends at once.
 */
#ifndef WEIR_GATEWAY_GATEWAY_H
#define WEIR_GATEWAY_GATEWAY_H

#include "config/config.h"

typedef struct gateway gateway;

/* Loads the configuration again. Called on a thread of its own, may block; NULL and the problems
 * when there are any. */
typedef config *gateway_load_fn(void *user, config_problems *ret_problems);

/* NULL, and why in words, when an address cannot be had or a file of the configuration cannot be
 * used. c is borrowed (a reference is taken). */
MUST_USE gateway *gateway_new(config *c, gateway_load_fn *load, void *user, buf *ret_why);
/* false and why when a thread cannot be had. */
MUST_USE bool gateway_run(gateway *g, buf *ret_why);
/* Afterwards: how many calls' records could not be written, which the log has said. */
uint64_t gateway_dropped_records(gateway *g);
/* false: something still runs on another thread that nobody can hurry (a name is looked up). All
 * that has to be kept is, nothing is freed, and the process is to end by _exit(). */
MUST_USE bool gateway_free(gateway *g);

/* The bound addresses, for people: "127.0.0.1:8080", "https://[::1]:8443", "unix:/run/weir.sock".
 * Port 0 has become the real one. NULL past the last. Valid until the next reload. */
const char *gateway_address(const gateway *g, size_t index);

#endif
