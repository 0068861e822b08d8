/* call/tls_part.h: the TLS of one receiver, as a prepared part of the snapshot (call/snapshot.h).
 */
#ifndef WEIR_CALL_TLS_PART_H
#define WEIR_CALL_TLS_PART_H

#include "call/snapshot.h"
#include "http/tls.h"

/* For the part's make and free. wanted: the address is of TLS. Reads the file. */
void *tls_part_make(bool wanted, span ca_file, buf *ret_why);
void tls_part_free(void *made, const config *c);

/* Borrowed; NULL: it is plain, or the table does not name the part. */
tls_context *snapshot_tls(const snapshot *s, const snapshot_part *part);

#endif
