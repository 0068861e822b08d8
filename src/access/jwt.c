#include "access/jwt.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <string.h>

/* ---- algorithms ---- */

typedef struct algorithm {
    const char *name;
    jwk_kind kind; /* of the key; ED25519 stands for either */
    const char *digest;
    bool pss;
    size_t half; /* of an ECDSA signature: bytes of r, and of s */
} algorithm;

static const algorithm algorithms[JWT_ALGORITHMS] = {
    {"RS256", JWK_RSA, "SHA256", false, 0},   {"RS384", JWK_RSA, "SHA384", false, 0},
    {"RS512", JWK_RSA, "SHA512", false, 0},   {"PS256", JWK_RSA, "SHA256", true, 0},
    {"PS384", JWK_RSA, "SHA384", true, 0},    {"PS512", JWK_RSA, "SHA512", true, 0},
    {"ES256", JWK_P256, "SHA256", false, 32}, {"ES384", JWK_P384, "SHA384", false, 48},
    {"ES512", JWK_P521, "SHA512", false, 66}, {"EdDSA", JWK_ED25519, NULL, false, 0},
};

int jwt_algorithm(span name) {
    for (int i = 0; i < JWT_ALGORITHMS; i++)
        if (span_eq(name, span_cstr(algorithms[i].name))) return i;
    return -1;
}

const char *jwt_algorithm_name(int a) {
    return algorithms[a].name;
}

static bool fits(const algorithm *alg, const jwk *k) {
    const bool same = alg->kind == k->kind || (alg->kind == JWK_ED25519 && k->kind == JWK_ED448);
    return same && (!k->alg.len || span_eq(k->alg, span_cstr(alg->name)));
}

/* ---- a signature ---- */

/* r and s side by side, as OpenSSL wants them; 0: they are not. The caller frees *ret. */
static size_t to_der(span sig, size_t half, unsigned char **ret) {
    const unsigned char *bytes = (const unsigned char *)sig.ptr;
    if (sig.len != 2 * half) return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, (int)half, NULL), *s = BN_bin2bn(bytes + half, (int)half, NULL);
    int len = -1;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s))
        len = i2d_ECDSA_SIG(pair, ret);
    else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

static bool verify_with(EVP_PKEY *key, const algorithm *alg, span text, span sig) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *of_key;
    bool good =
        ctx && EVP_DigestVerifyInit_ex(ctx, &of_key, alg->digest, NULL, NULL, key, NULL) > 0;
    if (good && alg->pss)
        good = EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(of_key, RSA_PSS_SALTLEN_DIGEST) > 0;
    good = good && EVP_DigestVerify(ctx, (const unsigned char *)sig.ptr, sig.len,
                                    (const unsigned char *)text.ptr, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool verify_pair(EVP_PKEY *key, const algorithm *alg, span text, span sig) {
    unsigned char *der = NULL;
    const size_t len = to_der(sig, alg->half, &der);
    const bool good = len && verify_with(key, alg, text, span_from((const char *)der, len));
    OPENSSL_free(der);
    return good;
}

/* What is wrong with a stranger's token is no error of what this thread does next. */
static bool verify(const jwk *k, const algorithm *alg, span text, span sig) {
    const bool good =
        alg->half ? verify_pair(k->key, alg, text, sig) : verify_with(k->key, alg, text, sig);
    if (!good) ERR_clear_error();
    return good;
}

/* ---- its parts ---- */

static bool decode(span part, arena *a, span *ret) {
    const size_t room = part.len / 4 * 3 + 3;
    unsigned char *bytes = arena_alloc(a, room);
    size_t len;
    if (!base64url_decode(part, bytes, room, &len)) return false;
    *ret = span_from((const char *)bytes, len);
    return true;
}

static bool decode_object(span part, arena *a, json_value *ret) {
    static const json_limits limits = {.depth = 32};
    json_fault fault;
    span text;
    return decode(part, a, &text) && json_scan(text, &limits, ret, &fault) &&
           ret->type == JSON_OBJECT;
}

typedef struct parts {
    span head, body, signature, signed_text;
} parts;

static bool cut(span text, parts *ret) {
    const size_t first = span_find(text, 0, '.'), second = span_find(text, first + 1, '.');
    if (second >= text.len || span_find(text, second + 1, '.') < text.len) return false;
    *ret = (parts){span_slice(text, 0, first), span_slice(text, first + 1, second),
                   span_slice(text, second + 1, text.len), span_slice(text, 0, second)};
    return true;
}

bool jwt_is_one(span text) {
    parts p;
    return span_starts(text, SPAN_OF("eyJ")) && text.len <= JWT_BYTES_MAX && cut(text, &p);
}

/* ---- claims ---- */

/* NumericDate: seconds, with a fraction where the issuer likes. false: it is none. */
static bool read_time(json_value v, int64_t *ret_us) {
    double seconds;
    if (v.type != JSON_NUMBER || !json_double(v, &seconds)) return false;
    if (!(seconds >= -1e11 && seconds <= 1e12)) return false;
    *ret_us = (int64_t)(seconds * 1e6);
    return true;
}

static bool has_audience(json_value aud, const jwt_policy *p) {
    json_value one;
    for (size_t i = 0; i < p->audience_count; i++) {
        if (json_is(aud, p->audiences[i])) return true;
        if (aud.type != JSON_ARRAY) continue;
        for (json_iter it = json_iter_of(aud); json_next_element(&it, &one);)
            if (json_is(one, p->audiences[i])) return true;
    }
    return false;
}

static error_id check_claims(json_value c, const jwt_policy *p, int64_t wall_us,
                             int64_t *ret_until_us) {
    static const span names[] = {SPAN("iss"), SPAN("aud"), SPAN("exp"), SPAN("nbf")};
    json_value of[ARRAY_LEN(names)];
    int64_t until_us, from_us;
    json_get_each(c, names, ARRAY_LEN(names), of);
    if (!json_is(of[0], p->issuer)) return ERR_TOKEN_ISSUER;
    if (!has_audience(of[1], p)) return ERR_TOKEN_AUDIENCE;
    if (!read_time(of[2], &until_us)) return ERR_TOKEN_CLAIMS;
    if (wall_us >= until_us + p->leeway_us) return ERR_TOKEN_EXPIRED;
    if (of[3].type != JSON_NONE && !read_time(of[3], &from_us)) return ERR_TOKEN_CLAIMS;
    if (of[3].type != JSON_NONE && wall_us < from_us - p->leeway_us) return ERR_TOKEN_EARLY;
    *ret_until_us = until_us + p->leeway_us;
    return ERR_NONE;
}

/* ---- all of it ---- */

/* Of several keys that may be meant, one must fit. */
static error_id check_signature(const parts *t, const algorithm *alg, span id, const jwks *keys,
                                arena *a) {
    size_t count = 0, tried = 0;
    span sig;
    if (!decode(t->signature, a, &sig)) return ERR_TOKEN_MALFORMED;
    const jwk *items = keys ? jwks_items(keys, &count) : NULL;
    bool confused = false;
    for (size_t i = 0; i < count; i++) {
        if (id.len && !span_eq(items[i].id, id)) continue;
        if (!fits(alg, &items[i])) {
            confused |= id.len > 0;
            continue;
        }
        tried++;
        if (verify(&items[i], alg, t->signed_text, sig)) return ERR_NONE;
    }
    if (tried) return ERR_TOKEN_SIGNATURE;
    return confused ? ERR_TOKEN_ALGORITHM : ERR_TOKEN_KEY_UNKNOWN;
}

error_id jwt_verify(span text, const jwks *keys, const jwt_policy *p, int64_t wall_us, arena *a,
                    jwt *ret) {
    static const span names[] = {SPAN("alg"), SPAN("kid"), SPAN("crit")};
    json_value head, body, of[ARRAY_LEN(names)];
    parts t;
    if (text.len > JWT_BYTES_MAX || !cut(text, &t) || !decode_object(t.head, a, &head) ||
        !decode_object(t.body, a, &body))
        return ERR_TOKEN_MALFORMED;
    json_get_each(head, names, ARRAY_LEN(names), of);
    const int which = of[0].type == JSON_STRING ? jwt_algorithm(json_string(of[0], a)) : -1;
    if (which < 0 || !(p->algorithms >> which & 1u)) return ERR_TOKEN_ALGORITHM;
    if (of[2].type != JSON_NONE || (of[1].type != JSON_NONE && of[1].type != JSON_STRING))
        return ERR_TOKEN_MALFORMED;
    const span id = of[1].type == JSON_STRING ? json_string(of[1], a) : SPAN_EMPTY;
    const error_id bad = check_signature(&t, &algorithms[which], id, keys, a);
    if (bad != ERR_NONE) return bad;
    ret->claims = body;
    return check_claims(body, p, wall_us, &ret->until_us);
}
