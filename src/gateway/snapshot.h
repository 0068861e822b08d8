/* gateway/snapshot.h: a configuration with all that it names read from disk: CA files,
 * certificates.
 *
 * Made off the loops, since it reads files; immutable afterwards; shared by count between threads.
 */
#ifndef WEIR_GATEWAY_SNAPSHOT_H
#define WEIR_GATEWAY_SNAPSHOT_H

#include "call/loop_snapshot.h"
#include "http/server.h"

typedef struct snapshot {
    atomic_uint refs;
    config *config;
    upstream_tls *upstream_tls;
    tls_context **listener_tls; /* by index in config->listeners; NULL: plain */
} snapshot;

/* Takes a reference of c. NULL and *ret_why, a sentence, when a file cannot be used. May block. */
MUST_USE snapshot *snapshot_new(config *c, buf *ret_why);
snapshot *snapshot_ref(snapshot *s);
/* NULL is allowed. */
void snapshot_unref(snapshot *s);

http_server_limits snapshot_server_limits(const config *c);

#endif
