/* http/resolve.h: the addresses of one name, looked up off the loop, kept, and refreshed.
 *
 * Belongs to its loop. An answer is used for ttl_ms; after that it is still used while a look-up
 * runs in the background, and if that fails. Only a name that was never found, or whose answer is
 * ten times as old as ttl_ms, makes anybody wait.
 *
 * "Try again" (EAI_AGAIN) is taken for the resolver's word about itself: glibc says so where no
 * server of resolv.conf answers, and where it has no socket to ask one. A server that could not ask
 * further says the same; there is no telling the two apart.
 *
 * Source   RFC 8305 section 4 for the order: the families take turns.
 */
#ifndef WEIR_HTTP_RESOLVE_H
#define WEIR_HTTP_RESOLVE_H

#include "base/shortage.h"
#include "loop/loop.h"

#include <sys/socket.h>

typedef struct resolver resolver;

/* Owned by whoever waits. */
typedef struct resolve_wait {
    list link;
    void (*done)(struct resolve_wait *w); /* look at the resolver: addresses, or why not */
} resolve_wait;

/* host: a name, or an IP address (an IPv6 one may stand in brackets), which is never looked up. */
MUST_USE resolver *resolver_new(loop *l, span host, uint16_t port, int64_t ttl_ms);
/* What messages call it in place of its name, which may not be told: "of the proxy"; constant. */
void resolver_set_called(resolver *r, const char *called);
/* Nobody may wait any more. A look-up that runs is cancelled or comes to nothing. */
void resolver_free(resolver *r);

/* true: addresses are there. false: w->done is called later, never before this returns. */
MUST_USE bool resolver_get(resolver *r, resolve_wait *w);
/* Idempotent; afterwards done is not called. w must have been initialised. */
void resolve_wait_init(resolve_wait *w, void (*done)(resolve_wait *w));
void resolve_wait_cancel(resolve_wait *w);

const struct sockaddr_storage *resolver_addresses(const resolver *r, size_t *ret_count);
const char *resolver_why(const resolver *r); /* when there are none; for people */
/* When there are none for a reason of this machine's; SHORTAGE_NONE: there is no such name. */
shortage resolver_shortage(const resolver *r);
/* That address answered where those that stand before it did not, or not so soon: it is tried first
 * from now on, until another answers instead of it or a look-up finds it no more. One that is not
 * among those that were found is passed over; the first of them leaves all as it is. */
void resolver_prefer(resolver *r, const struct sockaddr_storage *answered);

#endif
