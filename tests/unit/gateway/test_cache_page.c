/* What an admin may have dropped from the cache, and how he is told that he has misspelt it. */
#include "unit.h"

#include "gateway/cache_page.h"

static void good(const char *body, const char *model, const char *client, int64_t older_ms) {
    arena a;
    cache_purge p;
    span param;
    buf why = BUF_EMPTY;
    arena_init(&a, 0);
    assert_true(cache_purge_read(span_cstr(body), &a, &p, &param, &why));
    assert_true(span_eq(p.model, span_cstr(model)));
    assert_true(span_eq(p.client, span_cstr(client)));
    assert_int_equal(p.older_ms, older_ms);
    assert_int_equal(why.len, 0);
    arena_done(&a);
}

static void bad(const char *body, const char *param, const char *why) {
    arena a;
    cache_purge p;
    span at;
    buf text = BUF_EMPTY;
    arena_init(&a, 0);
    assert_false(cache_purge_read(span_cstr(body), &a, &p, &at, &text));
    assert_string_equal(buf_cstr(&text), why);
    assert_true(span_eq(at, span_cstr(param)));
    buf_done(&text);
    arena_done(&a);
}

static void what_is_meant(void **state) {
    (void)state;
    good("", "", "", 0);
    good(" \n", "", "", 0);
    good("{}", "", "", 0);
    good("{\"model\":\"gpt-4o*\",\"client\":\"a\\u0062\",\"older\":\"10m\"}", "gpt-4o*", "ab",
         600 * 1000);
    good("{\"model\":null,\"older\":90}", "", "", 90 * 1000);
}

/* A slip must not take all away. */
static void what_is_not(void **state) {
    (void)state;
    bad("[]", "", "The request body is no JSON object.");
    bad("x", "", "The request body is no JSON object.");
    bad("{\"modle\":\"x\"}", "modle",
        "'modle' is no member of a purge; they are model, client and older.");
    bad("{\"model\":1}", "model", "'model' must be a string.");
    bad("{\"client\":\"\"}", "client", "'client' must be no empty string.");
    bad("{\"older\":\"soon\"}", "older",
        "'older' must be a duration such as 10m, or a whole number of seconds.");
    bad("{\"older\":-1}", "older",
        "'older' must be a duration such as 10m, or a whole number of seconds.");
    bad("{\"older\":1.5}", "older",
        "'older' must be a duration such as 10m, or a whole number of seconds.");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_meant),
        cmocka_unit_test(what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
