/* telemetry/receiver.h: whom telemetry is sent to under one configuration: the connections, what
 * goes with each request, what describes this process.
 *
 * Counted; belongs to its loop. A request that is under way keeps its own, so a reload does not
 * touch it.
 */
#ifndef WEIR_TELEMETRY_RECEIVER_H
#define WEIR_TELEMETRY_RECEIVER_H

#include "base/secret_set.h"
#include "call/snapshot.h"
#include "http/client.h"
#include "telemetry/otlp.h"

typedef enum telemetry_signal { SIGNAL_TRACES, SIGNAL_METRICS, TELEMETRY_SIGNALS } telemetry_signal;
const char *telemetry_signal_name(telemetry_signal s); /* "traces" */

/* A part of a snapshot: the TLS context of an endpoint that is https. Making it reads the CA file.
 */
extern const snapshot_part telemetry_tls_part;

typedef struct receiver {
    unsigned refs;
    snapshot *snapshot; /* counted */
    const config_telemetry *config;
    http_client *client;
    http_origin *origin;
    secret_set *secrets; /* what its headers say: not to be logged; NULL: nothing */
    arena arena;
    span paths[TELEMETRY_SIGNALS];
    otlp_attributes resource;
} receiver;

/* s has the part; instance is this process's service.instance.id, as long as the receiver. */
MUST_USE receiver *receiver_new(http_client *client, snapshot *s, span instance);
receiver *receiver_ref(receiver *r);
/* NULL is allowed. */
void receiver_unref(receiver *r);

/* The header fields of a request in that encoding; in the arena. */
http_headers receiver_headers(const receiver *r, config_telemetry_protocol p, bool gzip, arena *a);

#endif
