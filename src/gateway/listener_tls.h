/* gateway/listener_tls.h: a part of a snapshot: for each listener with a certificate its TLS
 * context.
 */
#ifndef WEIR_GATEWAY_LISTENER_TLS_H
#define WEIR_GATEWAY_LISTENER_TLS_H

#include "call/snapshot.h"
#include "http/tls.h"

/* Making it reads certificates and keys. */
extern const snapshot_part listener_tls_part;

/* Borrowed from the snapshot, whose table names the part. index: in config->listeners. NULL: plain.
 */
tls_context *snapshot_listener_tls(const snapshot *s, size_t index);

#endif
