/* access/jwt.h: whether a token is good: a JSON Web Token in compact form, signed with a key of a
 * set. Pure but for OpenSSL's arithmetic; any thread.
 *
 * A signature is checked by the algorithm that the token names only where that is one of those
 * below and fits the key: so neither `none` nor a shared secret made of a public key (HS256) passes
 * for one, and nothing of the token says where its key is (jku, jwk, x5u are passed over).
 *
 * Sources  RFC 7515, RFC 7518 section 3, RFC 7519 section 4.1, RFC 8037, RFC 8725 (what goes
 * wrong).
 */
#ifndef WEIR_ACCESS_JWT_H
#define WEIR_ACCESS_JWT_H

#include "access/jwks.h"
#include "base/arena.h"
#include "base/errors.h"
#include "json/json.h"

enum { JWT_BYTES_MAX = 16 * 1024 };

/* RS256 … RS512, PS256 … PS512, ES256 … ES512, EdDSA. -1: none of them. */
enum { JWT_ALGORITHMS = 10 };
int jwt_algorithm(span name);
const char *jwt_algorithm_name(int algorithm);

typedef struct jwt_policy {
    unsigned algorithms; /* a bit for each that is taken */
    span issuer;
    const span *audiences; /* any of them */
    size_t audience_count;
    int64_t leeway_us;
} jwt_policy;

typedef struct jwt {
    int64_t until_us; /* wall time, leeway included */
    json_value claims;
} jwt;

/* It looks like one: three parts, the first of which begins as an object does. */
bool jwt_is_one(span text);
/* ERR_NONE, or why not; its claims are in the arena. keys NULL: there are none.
 * ERR_TOKEN_KEY_UNKNOWN: with other keys it may be good. */
MUST_USE error_id jwt_verify(span text, const jwks *keys, const jwt_policy *p, int64_t wall_us,
                             arena *a, jwt *ret);

#endif
