/* call/provider_tls.h: a part of a snapshot: for each provider with an https URL the TLS context
 * that trusts its ca_file, or the system's authorities. Providers with the same file share a
 * context, and so the sessions that can be resumed.
 */
#ifndef WEIR_CALL_PROVIDER_TLS_H
#define WEIR_CALL_PROVIDER_TLS_H

#include "call/snapshot.h"
#include "http/tls.h"

/* Making it reads the CA files. */
extern const snapshot_part provider_tls_part;

/* Borrowed from the snapshot, whose table names the part. index: in config->providers. NULL: plain
 * HTTP. */
tls_context *snapshot_provider_tls(const snapshot *s, size_t index);

#endif
