/* call/loop_snapshot.h: a snapshot made ready for one loop: each provider's connection pool and
 * functions. Counted; belongs to its loop. A running call holds the one it began with, so a reload
 * never touches it. Prepared parts are reached through its snapshot's getters.
 */
#ifndef WEIR_CALL_LOOP_SNAPSHOT_H
#define WEIR_CALL_LOOP_SNAPSHOT_H

#include "call/named_targets.h"
#include "call/snapshot.h"
#include "http/client.h"
#include "provider/provider.h"

typedef struct upstream_key {
    credential *credential; /* NULL: none is sent */
    key_state *state;
    unsigned weight; /* how many calls of a round are made with it */
    int owed;        /* pick_key.c: of its turns */
} upstream_key;

typedef struct upstream {
    const config_provider *provider;
    const provider_ops *ops;
    http_origin *origin;
    upstream_key *keys;      /* as configured; where none is sent, that alone */
    size_t key_count;        /* at least 1 */
    unsigned round;          /* the sum of their weights */
    health_state *health;    /* counted; NULL: nobody asks whether it is up */
    secret_set *secrets;     /* what nobody is to hear from it; counted; NULL: nothing */
    target_state *plain;     /* of what names no model there */
    target_state *strangers; /* of models there that it has not answered for yet */
} upstream;

typedef struct loop_snapshot {
    unsigned refs;
    snapshot *snapshot; /* counted */
    http_client *client;
    target_table *targets;
    named_targets named;
    upstream *items; /* by index in config->providers */
} loop_snapshot;

/* For the client whose connections they use. */
extern const http_client_limits upstream_limits;

/* Takes a reference of s, which has the part provider_tls. */
MUST_USE loop_snapshot *loop_snapshot_new(http_client *client, snapshot *s, target_table *targets);
loop_snapshot *loop_snapshot_ref(loop_snapshot *u);
void loop_snapshot_unref(loop_snapshot *u);

static inline const config *loop_snapshot_config(const loop_snapshot *u) {
    return u->snapshot->config;
}

upstream *loop_snapshot_find(loop_snapshot *u, const config_provider *p);
#endif
