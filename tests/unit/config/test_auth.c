/* auth.jwt: where an issuer's keys are, which algorithms are taken, and what cannot be left out. */
#include "world.h"

static const world_pair files[] = {{"keys.json", "{\"keys\":[]}"}, {"/ca.pem", "x"}, {NULL, NULL}};

#define NEEDED "issuer: i, audience: a"

static config *load(const char *jwt, buf *ret_said) {
    world w;
    char yaml[1024];
    world_init(&w, NULL, files);
    snprintf(yaml, sizeof yaml, "providers: {a: {kind: simulator}}\nauth: {jwt: %s}\n", jwt);
    config *c = world_load(&w, yaml);
    *ret_said = world_text(c);
    return c;
}

static void assert_explained(const config *c, const char *expected) {
    buf shown = BUF_EMPTY;
    config_explain(c, &shown);
    if (!strstr(buf_cstr(&shown), expected))
        fail_msg("%s is not in\n%s", expected, buf_cstr(&shown));
    buf_done(&shown);
}

static void where_keys_are(void **state) {
    (void)state;
    static const struct {
        const char *jwt;
        bool on;
        const char *url, *file, *explained, *warned;
    } rows[] = {
        {"{}", false, "", "", "jwks: \"\"", NULL},
        {"{jwks: \"\"}", false, "", "", "jwks: \"\"", NULL},
        {"{jwks: }", false, "", "", "jwks: \"\"", NULL},
        {"{jwks: \"https://i/keys\", " NEEDED "}", true, "https://i/keys", "",
         "jwks: https://i/keys", NULL},
        {"{jwks: \"http://127.0.0.1:8/k\", " NEEDED "}", true, "http://127.0.0.1:8/k", "",
         "jwks: http://127.0.0.1:8/k", NULL},
        {"{jwks: \"http://LOCALHOST/k\", " NEEDED "}", true, "http://LOCALHOST/k", "",
         "jwks:", NULL},
        {"{jwks: \"http://i/k\", " NEEDED "}", true, "http://i/k", "", "jwks: http://i/k",
         "auth.jwt.jwks is plain http to another machine"},
        {"{jwks: keys.json, " NEEDED "}", true, "", "keys.json", "jwks: keys.json", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].jwt, &said);
        if (!c) fail_msg("%s: %s", rows[i].jwt, buf_cstr(&said));
        assert_int_equal(c->jwt.on, rows[i].on);
        assert_true(span_ieq(c->jwt.url.text, span_cstr(rows[i].url)));
        assert_span(c->jwt.file, rows[i].file);
        if (c->jwt.file.len) assert_span(c->jwt.text, "{\"keys\":[]}");
        assert_int_equal(c->jwt.generation != 0, rows[i].on);
        assert_explained(c, rows[i].explained);
        if (rows[i].warned)
            assert_non_null(strstr(buf_cstr(&said), rows[i].warned));
        else
            assert_int_equal(said.len, 0);
        buf_done(&said);
        world_done(c);
    }
}

/* Two readings of one text are two: what was known of tokens under the first is known no more. */
static void each_reading_is_one_of_its_own(void **state) {
    (void)state;
    buf said, again;
    config *a = load("{jwks: keys.json, " NEEDED "}", &said);
    config *b = load("{jwks: keys.json, " NEEDED "}", &again);
    assert_true(a && b && a->jwt.generation != b->jwt.generation);
    buf_done(&said);
    buf_done(&again);
    config_unref(a);
    world_done(b);
}

static void algorithms(void **state) {
    (void)state;
    const unsigned all = (1u << CONFIG_JWT_ALGORITHMS) - 1;
    const struct {
        const char *algorithms;
        unsigned mask;
        const char *explained;
    } rows[] = {
        {"all", all, "algorithms: all"},
        {"RS256", 1, "algorithms: [RS256]"},
        {"[RS256]", 1, "algorithms: [RS256]"},
        {"[EdDSA, ES256, ES256]", 1u << 9 | 1u << 6, "algorithms: [ES256, EdDSA]"},
        {"[RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA]", all,
         "algorithms: all"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        buf said;
        snprintf(text, sizeof text, "{jwks: keys.json, " NEEDED ", algorithms: %s}",
                 rows[i].algorithms);
        config *c = load(text, &said);
        if (!c) fail_msg("%s: %s", rows[i].algorithms, buf_cstr(&said));
        assert_int_equal(c->jwt.algorithms, rows[i].mask);
        assert_explained(c, rows[i].explained);
        buf_done(&said);
        world_done(c);
    }
}

static void what_is_refused_and_how(void **state) {
    (void)state;
    static const struct {
        const char *jwt, *said;
    } rows[] = {
        {"{issuer: i}", "auth.jwt.jwks is missing: where the issuer's keys are"},
        {"{audience: a}", "auth.jwt.jwks is missing: where the issuer's keys are"},
        {"{jwks: keys.json, audience: a}", "auth.jwt.issuer is missing: whose tokens are taken"},
        {"{jwks: keys.json, issuer: i}", "auth.jwt.audience is missing: for whom tokens must be"},
        {"{jwks: keys.json, " NEEDED ", claims: {client: \"\"}}",
         "auth.jwt.claims.client is empty: the claim that names a client"},
        {"{jwks: none.json, " NEEDED "}",
         "auth.jwt.jwks: cannot read the file: No such file or directory"},
        {"{jwks: \"ftp://i/k\", " NEEDED "}", "auth.jwt.jwks"},
        {"{jwks: \"https://u:p@i/k\", " NEEDED "}", "auth.jwt.jwks"},
        {"{jwks: [keys.json], " NEEDED "}", "auth.jwt.jwks is a list; expected"},
        {"{jwks: keys.json, " NEEDED ", algorithms: none}",
         "auth.jwt.algorithms is 'none'; expected all, or a list of RS256"},
        {"{jwks: keys.json, " NEEDED ", algorithms: [HS256]}", "expected all, or a list of RS256"},
        {"{jwks: keys.json, " NEEDED ", algorithms: []}", "expected all, or a list of RS256"},
        {"{jwks: keys.json, " NEEDED ", algorithms: [rs256]}", "expected all, or a list of RS256"},
        {"{jwks: keys.json, " NEEDED ", leeway: 11m}", "auth.jwt.leeway is 11m; allowed 0s to 10m"},
        {"{jwks: keys.json, " NEEDED ", refresh: 1s}", "auth.jwt.refresh is 1s; allowed 10s to 7d"},
        {"{jwks: keys.json, " NEEDED ", secret: x}", "unknown option 'auth.jwt.secret'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].jwt, &said);
        if (c || !strstr(buf_cstr(&said), rows[i].said))
            fail_msg("%s: %s", rows[i].jwt, buf_cstr(&said));
        buf_done(&said);
        world_done(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_keys_are),
        cmocka_unit_test(each_reading_is_one_of_its_own),
        cmocka_unit_test(algorithms),
        cmocka_unit_test(what_is_refused_and_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
