/* audit/key.h: what the operator's one key (audit.key) is used for, apart: heads are signed with
 * another key than bodies are encrypted with, and neither tells the other or the operator's own.
 *
 *   HMAC-SHA-256(SHA-256(audit.key), purpose)
 *
 * Pure. Any thread. Source: RFC 2104.
 */
#ifndef WEIR_AUDIT_KEY_H
#define WEIR_AUDIT_KEY_H

#include "base/hash.h"
#include "base/secret.h"

enum { AUDIT_KEY_ID_LEN = 16 };

/* purpose: a constant, no other's. The caller wipes what it gets. */
void audit_key_for(const secret *key, span purpose, unsigned char ret[SHA256_LEN]);
/* What tells a key from others, in hexadecimal, and of which nothing can be made. */
void audit_key_id(const secret *key, char ret[AUDIT_KEY_ID_LEN + 1]);

#endif
