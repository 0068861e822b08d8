/* jwks_parse(), jwt_verify() and base64url_decode(): an issuer's key set, and a token.
 *
 * The input is a token, a line end, and a key set; without a key set that of
 * tests/unit/access/tokens.h. Holds: a set has keys that are there, or a sentence; what is taken
 * was signed under that set for this issuer and audience, by an algorithm that is taken, and is not
 * over; no token passes under the known set whose signed part is none that was signed with it; no
 * two texts are the same bytes.
 */
#include "fuzz.h"

#include "access/jwt.h"
#include "access/tokens.h"

enum { NOW_S = 1500000000 };

static const span audiences[] = {SPAN("a")};

static jwt_policy policy_of(unsigned algorithms) {
    return (jwt_policy){.algorithms = algorithms,
                        .issuer = SPAN_OF("i"),
                        .audiences = audiences,
                        .audience_count = ARRAY_LEN(audiences),
                        .leeway_us = 1000000};
}

static jwks *read_set(span json) {
    buf why = BUF_EMPTY;
    jwks *set = jwks_parse(json, &why);
    HOLDS(!set == (why.len > 0) && span_is_utf8(buf_span(&why)));
    size_t count = 0;
    const jwk *items = set ? jwks_items(set, &count) : NULL;
    HOLDS(!set || (count > 0 && count <= JWKS_KEYS_MAX));
    for (size_t i = 0; i < count; i++)
        HOLDS(items[i].key && items[i].kind <= JWK_ED448 &&
              (!items[i].alg.len || jwt_algorithm(items[i].alg) >= 0));
    buf_done(&why);
    return set;
}

static span signed_part(span token) {
    const size_t first = span_find(token, 0, '.');
    return span_slice(token, 0, span_find(token, first + 1, '.'));
}

/* One of those that were signed with the known set. */
static bool is_known(span token) {
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        if (span_eq(signed_part(token), signed_part(span_cstr(tokens[i].text)))) return true;
    return false;
}

static void check_token(span token, const jwks *set, bool known) {
    for (unsigned mask = 1; mask <= 1u << JWT_ALGORITHMS; mask <<= 1) {
        arena a;
        jwt read = {0};
        const bool all = mask == 1u << JWT_ALGORITHMS;
        const jwt_policy p = policy_of(all ? mask - 1 : mask);
        arena_init(&a, 0);
        const error_id is = jwt_verify(token, set, &p, (int64_t)NOW_S * 1000000, &a, &read);
        if (is == ERR_NONE) {
            HOLDS(set && read.claims.type == JSON_OBJECT);
            HOLDS(json_is(json_get(read.claims, SPAN_OF("iss")), SPAN_OF("i")));
            HOLDS(read.until_us > (int64_t)NOW_S * 1000000);
            HOLDS(!known || is_known(token));
        }
        arena_done(&a);
    }
    (void)jwt_is_one(token);
}

static void check_base64(span text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[256];
    size_t len = 0, at = 0;
    text = span_clip(text, 300);
    if (!base64url_decode(text, bytes, sizeof bytes, &len)) return;
    HOLDS(len == text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0));
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i <= len; i++) {
        for (; have >= 6 || (i == len && have); have = have >= 6 ? have - 6 : 0) {
            const uint32_t six = have >= 6 ? bits >> (have - 6) : bits << (6 - have);
            HOLDS(at < text.len && text.ptr[at++] == digits[six & 63]);
        }
        if (i < len) bits = (bits & 63) << 8 | bytes[i];
        have += i < len ? 8 : 0;
    }
    HOLDS(at == text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    span rest = span_from((const char *)data, size), token = SPAN_EMPTY;
    (void)span_cut(&rest, '\n', &token);
    const bool known = !rest.len;
    jwks *set = known ? read_set(span_cstr(key_set)) : read_set(rest);
    check_base64(token);
    check_token(token, set, known);
    check_token(token, NULL, false);
    jwks_unref(set);
    return 0;
}
