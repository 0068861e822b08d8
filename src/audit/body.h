/* audit/body.h: what was asked and answered, as a record of an audit trail holds it: compressed
 * and, where the operator has a key, encrypted.
 *
 *   {"form":"zstd+aes-256-gcm","key":"1f0c…","nonce":"…","bytes":812,"cut":true,"data":"…"}
 *
 *   form   "zstd" where there is no key; then key and nonce are not there
 *   key    which key that was (audit/key.h)
 *   nonce  24 random bytes, base64. The body's own key is HMAC-SHA-256(K, nonce), where K is the
 *          operator's for this purpose ("weir audit bodies"), and its initialisation vector the
 *          last 12 of them: so no number of bodies wears a key out.
 *   bytes  of the text
 *   cut    the text went on; not there where it is whole
 *   data   base64 of what zstd made of the text; encrypted, with the tag of 16 bytes behind it
 *
 * Encrypted data holds for one place alone, which both sides name: "prompt" of a request's id. What
 * was put elsewhere, or altered, cannot be opened.
 *
 * Pure but for random numbers. Any thread.
 * Source: RFC 8878 (zstd); NIST SP 800-38D (GCM), of which section 8.3 bounds how often one key may
 * be used with random vectors.
 */
#ifndef WEIR_AUDIT_BODY_H
#define WEIR_AUDIT_BODY_H

#include "audit/key.h"
#include "base/buf.h"
#include "json/json.h"

enum {
    BODY_TEXT_MAX = 128 * 1024, /* bytes of text that are kept */
    BODY_DATA_MAX = 36 * 1024,  /* and of what is made of it, before base64: two of them fit into
                                   one frame of a journal, with the record (ledger/frame.h) */
};

/* What bodies are compressed in: one a thread, so that not each makes its own. */
typedef struct body_packer body_packer;
MUST_USE body_packer *body_packer_new(void);
void body_packer_free(body_packer *p); /* NULL is allowed */

/* The object, behind what out holds. A text that is too long, or does not become small enough, is
 * cut; cut: it was before. key may be NULL. */
void body_seal(body_packer *p, span text, bool cut, const secret *key, span place, buf *out);

typedef enum body_result {
    BODY_OPEN,
    BODY_NO_KEY,    /* it is encrypted, and no key is given */
    BODY_OTHER_KEY, /* with another key than is given */
    BODY_ALTERED,   /* what it says of itself does not hold */
    BODY_BAD        /* it is none, or of a form that a later weir makes */
} body_result;

typedef struct body_text {
    buf text; /* the caller ends it; BODY_OPEN alone */
    bool cut;
    span key; /* which it was encrypted with, as the object says; empty: with none */
} body_text;

/* object: of any type. key may be NULL. */
MUST_USE body_result body_open(json_value object, const secret *key, span place, body_text *ret);

#endif
