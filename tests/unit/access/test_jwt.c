/* Whether a token is good, at instants and under policies; that nothing that was altered is. */
#include "unit.h"

#include "access/jwt.h"
#include "config/auth.h"

#include <openssl/err.h>
#include <string.h>

#include "tokens.h"

#define SECOND ((int64_t)1000000)

static const span audiences[] = {SPAN("b"), SPAN("a")};
static const jwt_policy policy = {.algorithms = (1u << JWT_ALGORITHMS) - 1,
                                  .issuer = SPAN("i"),
                                  .audiences = audiences,
                                  .audience_count = 2,
                                  .leeway_us = 60 * SECOND};
enum { NOW = 1500000000 };

static jwks *keys_of(const char *json) {
    buf why = BUF_EMPTY;
    jwks *s = jwks_parse(span_cstr(json), &why);
    buf_done(&why);
    assert_int_equal(ERR_peek_error(), 0); /* a TLS stream would take it for its own */
    return s;
}

static error_id verdict(span text, const jwks *keys, const jwt_policy *p, int64_t seconds,
                        jwt *ret) {
    arena a;
    arena_init(&a, 0);
    error_id found = jwt_verify(text, keys, p, seconds * SECOND, &a, ret);
    assert_int_equal(ERR_peek_error(), 0);
    if (found == ERR_NONE)
        assert_true(json_is(json_get(ret->claims, SPAN_OF("sub")), SPAN_OF("s")));
    arena_done(&a);
    return found;
}

static void good_tokens_at_their_time(void **state) {
    (void)state;
    static const struct {
        int64_t seconds;
        error_id verdict;
    } rows[] = {
        {1000000000 - 61, ERR_TOKEN_EARLY}, {1000000000 - 60, ERR_NONE},          {NOW, ERR_NONE},
        {2000000000 + 59, ERR_NONE},        {2000000000 + 60, ERR_TOKEN_EXPIRED},
    };
    jwks *keys = keys_of(key_set);
    for (size_t t = 0; t < ARRAY_LEN(tokens); t++)
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            jwt found = {0};
            const error_id v =
                verdict(span_cstr(tokens[t].text), keys, &policy, rows[i].seconds, &found);
            if (v != rows[i].verdict) fail_msg("%s, row %zu", tokens[t].algorithm, i);
            if (v == ERR_NONE) assert_int_equal(found.until_us, (2000000000 + 60) * SECOND);
        }
    jwks_unref(keys);
}

static void who_is_meant_and_by_what_algorithm(void **state) {
    (void)state;
    static const span other[] = {SPAN("c"), SPAN("")};
    jwks *keys = keys_of(key_set);
    for (size_t t = 0; t < ARRAY_LEN(tokens); t++) {
        const span text = span_cstr(tokens[t].text);
        const unsigned own = 1u << jwt_algorithm(span_cstr(tokens[t].algorithm));
        jwt_policy p = policy;
        jwt found;
        p.issuer = SPAN_OF("j");
        assert_int_equal(verdict(text, keys, &p, NOW, &found), ERR_TOKEN_ISSUER);
        p = policy;
        p.audiences = other;
        assert_int_equal(verdict(text, keys, &p, NOW, &found), ERR_TOKEN_AUDIENCE);
        p = policy;
        p.algorithms = own;
        assert_int_equal(verdict(text, keys, &p, NOW, &found), ERR_NONE);
        p.algorithms = ~own;
        assert_int_equal(verdict(text, keys, &p, NOW, &found), ERR_TOKEN_ALGORITHM);
        assert_int_equal(verdict(text, NULL, &policy, NOW, &found), ERR_TOKEN_KEY_UNKNOWN);
    }
    jwks_unref(keys);
}

/* Each of its characters in turn is another one, is missing, or is the last. */
static void nothing_that_was_altered_is_good(void **state) {
    (void)state;
    jwks *keys = keys_of(key_set);
    for (size_t t = 0; t < ARRAY_LEN(tokens); t++) {
        const size_t len = strlen(tokens[t].text);
        char text[2048];
        jwt found;
        assert_true(len < sizeof text);
        for (size_t i = 0; i < len; i++) {
            memcpy(text, tokens[t].text, len);
            text[i] = text[i] == 'B' ? 'C' : 'B';
            if (verdict(span_from(text, len), keys, &policy, NOW, &found) == ERR_NONE)
                fail_msg("%s altered at %zu", tokens[t].algorithm, i);
            if (verdict(span_from(tokens[t].text, i), keys, &policy, NOW, &found) == ERR_NONE)
                fail_msg("%s cut at %zu", tokens[t].algorithm, i);
        }
    }
    jwks_unref(keys);
}

static void what_is_no_token(void **state) {
    (void)state;
    static const struct {
        const char *text;
        error_id verdict;
    } rows[] = {
        {"", ERR_TOKEN_MALFORMED},
        {"..", ERR_TOKEN_MALFORMED},
        {"a.b.c", ERR_TOKEN_MALFORMED},
        {"e30.e30.", ERR_TOKEN_ALGORITHM},                      /* {} */
        {"e30.e30..", ERR_TOKEN_MALFORMED},                     /* four parts */
        {"W10.e30.", ERR_TOKEN_MALFORMED},                      /* [] */
        {"eyJhbGciOiJub25lIn0.e30.", ERR_TOKEN_ALGORITHM},      /* none */
        {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA", ERR_TOKEN_ALGORITHM}, /* HS256 */
        {"eyJhbGciOiJFUzI1NiJ9.e30.AAAA", ERR_TOKEN_SIGNATURE}, /* ES256, too short */
        {"eyJhbGciOiJFUzI1NiJ9.e30.AAA=", ERR_TOKEN_MALFORMED}, /* padded */
        {"eyJhbGciOiJFUzI1NiJ9.e30.AAB", ERR_TOKEN_MALFORMED},  /* bits left over */
        {"eyJhbGciOiJFUzI1NiIsImtpZCI6MX0.e30.AAAA", ERR_TOKEN_MALFORMED},
    };
    jwks *keys = keys_of(key_set);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jwt found;
        if (verdict(span_cstr(rows[i].text), keys, &policy, NOW, &found) != rows[i].verdict)
            fail_msg("%s", rows[i].text);
    }
    assert_true(jwt_is_one(span_cstr(tokens[0].text)));
    assert_false(jwt_is_one(SPAN_OF("eyJ.a")));
    assert_false(jwt_is_one(SPAN_OF("eyJ.a.b.c.d"))); /* encrypted */
    assert_false(jwt_is_one(SPAN_OF("wk-eyJ.a.b")));
    jwks_unref(keys);
}

static void key_sets(void **state) {
    (void)state;
    static const struct {
        const char *json;
        size_t count; /* 0: none can be made */
    } rows[] = {
        {key_set, 3},
        {small_rsa_set, 0},
        {"", 0},
        {"[]", 0},
        {"{\"keys\":{}}", 0},
        {"{\"keys\":[1,null,{}]}", 0},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
         "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
         1}, /* RFC 8037, A.2 */
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":"
         "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
         0},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"key_ops\":[\"sign\"],\"x\":"
         "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
         0},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":"
         "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
         0},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
         "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}",
         1}, /* RFC 7515, A.3 */
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}",
         0}, /* no point of the curve */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t count = 0;
        jwks *s = keys_of(rows[i].json);
        if (s) (void)jwks_items(s, &count);
        if (count != rows[i].count) fail_msg("row %zu: %zu", i, count);
        jwks_unref(s);
    }
}

static void algorithms_are_named_as_the_configuration_names_them(void **state) {
    (void)state;
    assert_int_equal(CONFIG_JWT_ALGORITHMS, JWT_ALGORITHMS);
    for (int i = 0; i < JWT_ALGORITHMS; i++)
        assert_string_equal(jwt_algorithm_name(i), config_jwt_algorithm((unsigned)i));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_tokens_at_their_time),
        cmocka_unit_test(who_is_meant_and_by_what_algorithm),
        cmocka_unit_test(nothing_that_was_altered_is_good),
        cmocka_unit_test(what_is_no_token),
        cmocka_unit_test(key_sets),
        cmocka_unit_test(algorithms_are_named_as_the_configuration_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
