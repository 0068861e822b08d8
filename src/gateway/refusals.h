/* gateway/refusals.h: what the gateway answers with an error and without an exchange (nothing at
 * the path, a wrong method, framing that is none, a body that is too large …), and handshakes that
 * failed: each counted, and told in the log as long as there are not too many.
 *
 * Belongs to the worker's thread.
 */
#ifndef WEIR_GATEWAY_REFUSALS_H
#define WEIR_GATEWAY_REFUSALS_H

#include "http/server.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "observe/sparing.h"

/* Lines of a worker: a scanner fills no disk. */
enum {
    REFUSALS_MOST = 10,
    REFUSALS_PER_MS = 1000,
    HANDSHAKES_MOST = 1,
    HANDSHAKES_PER_MS = 10 * 1000,
};

typedef struct refusals {
    loop *loop;
    log_shard *log;
    metrics_shard *metrics;
    sparing requests, handshakes;
} refusals;

void refusals_tell(refusals *r, const http_refusal *what);
void refusals_tell_handshake(refusals *r, span peer, http_handshake_end how, const char *text);

#endif
