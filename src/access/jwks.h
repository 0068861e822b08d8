/* access/jwks.h: the public keys of whoever issues tokens, as a JSON Web Key Set has them.
 *
 * Immutable, counted; any thread. Keys that cannot verify a signature of an algorithm of
 * access/jwt.h (encryption's, symmetric ones, curves that are not known, RSA below 2048 bits) are
 * passed over, as RFC 7517 section 5 asks.
 *
 * Sources  RFC 7517 (keys), RFC 7518 section 6 (RSA, EC), RFC 8037 section 2 (Ed25519, Ed448).
 */
#ifndef WEIR_ACCESS_JWKS_H
#define WEIR_ACCESS_JWKS_H

#include "base/buf.h"

#include <openssl/evp.h>

typedef enum jwk_kind {
    JWK_RSA,
    JWK_P256,
    JWK_P384,
    JWK_P521,
    JWK_ED25519,
    JWK_ED448,
} jwk_kind;

typedef struct jwk {
    span id;  /* kid; empty: none */
    span alg; /* the only one that it is for; empty: any that fits */
    jwk_kind kind;
    EVP_PKEY *key;
} jwk;

typedef struct jwks jwks;

enum { JWKS_BYTES_MAX = 1 << 20, JWKS_KEYS_MAX = 100 };

/* NULL: it is no key set, or has no key that is of use; *ret_why is a sentence. */
MUST_USE jwks *jwks_parse(span json, buf *ret_why);
jwks *jwks_ref(jwks *s);
void jwks_unref(jwks *s); /* NULL is allowed */
const jwk *jwks_items(const jwks *s, size_t *ret_count);

/* Without padding (RFC 7515 section 2); *ret_len at most out_len. false: it is none, or longer. */
MUST_USE bool base64url_decode(span text, unsigned char *out, size_t out_len, size_t *ret_len);

#endif
