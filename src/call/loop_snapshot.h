/* call/loop_snapshot.h: a configuration snapshot made ready for one loop: each provider's
 * connection pool, TLS context and functions. Counted; belongs to its loop. A running call holds
 * the one it began with, so a reload never touches it.
 */
#ifndef WEIR_CALL_LOOP_SNAPSHOT_H
#define WEIR_CALL_LOOP_SNAPSHOT_H

#include "call/target.h"
#include "http/client.h"
#include "provider/provider.h"

/* What all loops share of a snapshot's providers. Made once per snapshot, off the loops. */
typedef struct upstream_tls upstream_tls;
/* Reads CA files and checks each provider's kind. NULL and *ret_why on failure. */
MUST_USE upstream_tls *upstream_tls_new(const config *c, buf *ret_why);
upstream_tls *upstream_tls_ref(upstream_tls *t);
void upstream_tls_unref(upstream_tls *t);

typedef struct upstream {
    const config_provider *provider;
    const provider_ops *ops;
    http_origin *origin;
    size_t next_key; /* keys are used in turn */
} upstream;

typedef struct loop_snapshot {
    unsigned refs;
    config *config;
    http_client *client;
    target_table *targets;
    upstream *items; /* by index in config->providers */
} loop_snapshot;

/* For the client whose connections they use. */
extern const http_client_limits upstream_limits;

/* Takes references of its own. */
MUST_USE loop_snapshot *loop_snapshot_new(http_client *client, config *c, target_table *targets,
                                          const upstream_tls *tls);
loop_snapshot *loop_snapshot_ref(loop_snapshot *u);
void loop_snapshot_unref(loop_snapshot *u);

upstream *loop_snapshot_find(loop_snapshot *u, const config_provider *p);
/* The key for the next attempt at this provider, in turn; NULL: none is sent. */
const secret *upstream_key(upstream *u);

#endif
