#include "access/jwks.h"

#include "base/arena.h"
#include "base/mem.h"
#include "json/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 1024 /* bytes: RSA of 8192 bits */, RSA_BITS_MIN = 2048 };

struct jwks {
    atomic_uint refs;
    arena arena;
    jwk items[JWKS_KEYS_MAX];
    size_t count;
};

/* ---- base64url ---- */

static int digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Bits that are left over must be 0, so that of two texts no two say the same. */
bool base64url_decode(span text, unsigned char *out, size_t out_len, size_t *ret_len) {
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    if (text.len % 4 == 1) return false;
    for (size_t i = 0; i < text.len; i++) {
        const int d = digit(text.ptr[i]);
        if (d < 0) return false;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have < 8) continue;
        have -= 8;
        if (n == out_len) return false;
        out[n++] = (unsigned char)(bits >> have);
        bits &= (1u << have) - 1;
    }
    *ret_len = n;
    return bits == 0;
}

/* ---- one key ---- */

typedef struct number {
    unsigned char bytes[NUMBER_MAX];
    size_t len;
} number;

static bool read_number(json_value key, const char *name, arena *a, number *ret) {
    const json_value v = json_get(key, span_cstr(name));
    return v.type == JSON_STRING &&
           base64url_decode(json_string(v, a), ret->bytes, sizeof ret->bytes, &ret->len) &&
           ret->len > 0;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *make_rsa(json_value from, arena *a) {
    number n, e;
    if (!read_number(from, "n", a, &n) || !read_number(from, "e", a, &e)) return NULL;
    BIGNUM *modulus = BN_bin2bn(n.bytes, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn(e.bytes, (int)e.len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (build && modulus && exponent && BN_num_bits(modulus) >= RSA_BITS_MIN &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
        key = from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

/* A point that is not on the curve is refused by OpenSSL. */
static EVP_PKEY *make_ec(json_value from, const char *curve, size_t len, arena *a) {
    number x, y;
    unsigned char point[1 + 2 * 66] = {4};
    if (!read_number(from, "x", a, &x) || !read_number(from, "y", a, &y)) return NULL;
    if (x.len != len || y.len != len) return NULL;
    memcpy(point + 1, x.bytes, len);
    memcpy(point + 1 + len, y.bytes, len);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len))
        key = from_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *make_edwards(json_value from, int type, arena *a) {
    number x;
    if (!read_number(from, "x", a, &x)) return NULL;
    return EVP_PKEY_new_raw_public_key(type, NULL, x.bytes, x.len);
}

static EVP_PKEY *make_key(json_value from, arena *a, jwk_kind *ret_kind) {
    static const struct {
        span curve;
        const char *type, *group;
        jwk_kind kind;
        size_t bytes; /* of a coordinate */
    } curves[] = {
        {SPAN("P-256"), "EC", "P-256", JWK_P256, 32},
        {SPAN("P-384"), "EC", "P-384", JWK_P384, 48},
        {SPAN("P-521"), "EC", "P-521", JWK_P521, 66},
        {SPAN("Ed25519"), "OKP", NULL, JWK_ED25519, 0},
        {SPAN("Ed448"), "OKP", NULL, JWK_ED448, 0},
    };
    const json_value type = json_get(from, SPAN_OF("kty")), curve = json_get(from, SPAN_OF("crv"));
    *ret_kind = JWK_RSA;
    if (json_is(type, SPAN_OF("RSA"))) return make_rsa(from, a);
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (!json_is(curve, curves[i].curve) || !json_is(type, span_cstr(curves[i].type))) continue;
        *ret_kind = curves[i].kind;
        if (curves[i].group) return make_ec(from, curves[i].group, curves[i].bytes, a);
        return make_edwards(from, *ret_kind == JWK_ED448 ? EVP_PKEY_ED448 : EVP_PKEY_ED25519, a);
    }
    return NULL;
}

/* What it is for, where it says so. */
static bool may_verify(json_value from) {
    const json_value use = json_get(from, SPAN_OF("use")), ops = json_get(from, SPAN_OF("key_ops"));
    json_value op;
    bool found = ops.type == JSON_NONE;
    if (use.type != JSON_NONE && !json_is(use, SPAN_OF("sig"))) return false;
    if (ops.type != JSON_ARRAY) return found;
    for (json_iter it = json_iter_of(ops); json_next_element(&it, &op);)
        found |= json_is(op, SPAN_OF("verify"));
    return found;
}

static span text_of(json_value from, const char *name, arena *a) {
    const json_value v = json_get(from, span_cstr(name));
    return v.type == JSON_STRING ? arena_dup(a, json_string(v, a)) : SPAN_EMPTY;
}

static void add(jwks *s, json_value from) {
    jwk *k = &s->items[s->count];
    if (s->count == JWKS_KEYS_MAX || from.type != JSON_OBJECT || !may_verify(from)) return;
    k->key = make_key(from, &s->arena, &k->kind);
    if (!k->key) {
        ERR_clear_error(); /* an issuer's key is no error of what this thread does next */
        return;
    }
    k->id = text_of(from, "kid", &s->arena);
    k->alg = text_of(from, "alg", &s->arena);
    s->count++;
}

/* ---- the set ---- */

jwks *jwks_parse(span json, buf *ret_why) {
    static const json_limits limits = {.depth = 16};
    json_value root, item;
    json_fault fault;
    if (json.len > JWKS_BYTES_MAX || !json_scan(json, &limits, &root, &fault)) {
        buf_add_cstr(ret_why, "it is no JSON, or too large");
        return NULL;
    }
    const json_value keys = json_get(root, SPAN_OF("keys"));
    if (keys.type != JSON_ARRAY) {
        buf_add_cstr(ret_why, "it is no JSON Web Key Set: it has no list `keys`");
        return NULL;
    }
    jwks *s = mem_zalloc(sizeof *s);
    atomic_init(&s->refs, 1);
    arena_init(&s->arena, 0);
    for (json_iter it = json_iter_of(keys); json_next_element(&it, &item);)
        add(s, item);
    if (s->count) return s;
    buf_add_cstr(ret_why, "it has no key that could verify a token");
    jwks_unref(s);
    return NULL;
}

jwks *jwks_ref(jwks *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void jwks_unref(jwks *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < s->count; i++)
        EVP_PKEY_free(s->items[i].key);
    arena_done(&s->arena);
    free(s);
}

const jwk *jwks_items(const jwks *s, size_t *ret_count) {
    *ret_count = s->count;
    return s->items;
}
