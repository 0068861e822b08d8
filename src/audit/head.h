/* audit/head.h: how far an audit trail has come, beside it: what is cut off its end shows.
 *
 *   {"file":"audit-00000001.jsonl","seq":12,"hash":"…","at":"…","mac":"…"}
 *
 * mac is there where the operator has a key (audit.key): the HMAC-SHA-256, in hexadecimal, of the
 * bytes before `,"mac":`. Without the key none can be made, and so neither a shorter trail's. Pure.
 */
#ifndef WEIR_AUDIT_HEAD_H
#define WEIR_AUDIT_HEAD_H

#include "audit/chain.h"
#include "base/secret.h"

#define AUDIT_HEAD_NAME "audit-head.json"

/* key may be NULL. */
void head_write(buf *out, span file, const chain_tip *tip, int64_t wall_us, const secret *key);

typedef enum head_result {
    HEAD_GOOD,
    HEAD_UNSIGNED,  /* key is there, and it has no mac */
    HEAD_UNCHECKED, /* it has a mac, and no key is there */
    HEAD_FORGED,    /* its mac is not that of its content */
    HEAD_BAD        /* it is none */
} head_result;

/* *ret_tip: of all but HEAD_BAD. */
head_result head_read(span text, const secret *key, chain_tip *ret_tip);

#endif
