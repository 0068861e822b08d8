/* gateway/listeners.h: the addresses that the process serves. Each worker has a socket at each.
 *
 * Both a listener and a set are shared by count between the main thread and the workers; a set does
 * not change. On a reload the set of the new configuration keeps the listeners that stay, so that
 * their sockets, and a port that was any free one, stay too.
 */
#ifndef WEIR_GATEWAY_LISTENERS_H
#define WEIR_GATEWAY_LISTENERS_H

#include "call/snapshot.h"
#include "http/server.h"

typedef struct listener {
    atomic_uint refs;
    http_bind bind;
    char *key;  /* "127.0.0.1:8080" or "unix:/path" as configured: what makes it the same one */
    char *text; /* the address for people; set once bound */
} listener;

typedef struct listeners {
    atomic_uint refs;
    listener **items;
    size_t count;
} listeners;

listener *listener_ref(listener *l);
void listener_unref(listener *l);
/* Sets text from the bound address. */
void listener_bound(listener *l);

/* The set that s asks for; those of old (may be NULL) that stay are shared. */
listeners *listeners_new(const snapshot *s, const listeners *old);
listeners *listeners_ref(listeners *set);
/* NULL is allowed. */
void listeners_unref(listeners *set);
bool listeners_have(const listeners *set, const listener *l);

/* Why an address cannot be had, for people. err is libuv's. */
void listener_explain(const listener *l, int err, buf *out);

/* Whether somebody else listens where set is to: with SO_REUSEPORT the kernel would let two
 * processes of one user share a port, and each would get half of the calls. Asked before any of set
 * is bound, so that two of it that overlap are not in each other's way, nor is what this process
 * had before a reload (old; NULL: nothing). 0, or a negative libuv error and whom it is about. */
MUST_USE int listeners_probe(const listeners *set, const listeners *old, size_t *ret_at);

#endif
