#include "unit.h"

#include "gateway/body_limit.h"

static const config roomy = {.limits = {.body_bytes = 50 << 20, .memory_bytes = 1u << 30}};

static body_limit at(const char *path, http_method method, const config *c) {
    return body_limit_at(route_find(c, span_cstr(path)), method, c, NULL);
}

static void calls_may_have_what_is_configured(void **state) {
    (void)state;
    static span all[] = {SPAN("/v1/*")};
    config c = roomy;
    c.passthrough = all;
    c.passthrough_count = 1;
    static const char *const calls[] = {"/v1/chat/completions", "/chat", "/chat/functions",
                                        "/v1/files"};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        const body_limit l = at(calls[i], HTTP_POST_M, &c);
        assert_int_equal(l.bytes, 50 << 20);
        assert_string_equal(l.option, "limits.body");
    }
    assert_int_equal(at("/v1/files", HTTP_GET_M, &c).bytes, 50 << 20); /* the provider's to judge */
}

/* Whoever asks for them, with a key or without, has no room kept for more than they take. */
static void others_have_what_they_take(void **state) {
    (void)state;
    size_t count;
    const route *rows = route_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].call) continue;
        for (http_method m = 0; m <= HTTP_OTHER_M; m++) {
            if (!route_allows(&rows[i], m)) continue;
            const bool brings = m == HTTP_POST_M || m == HTTP_PATCH_M;
            assert_true(!brings || rows[i].who != WHO_ANYONE);
            const body_limit l = body_limit_at(&rows[i], m, &roomy, NULL);
            assert_int_equal(l.bytes, brings ? BODY_MESSAGE_MAX : BODY_PAGE_MAX);
            assert_int_equal(strstr(l.option, "a message to this path") != NULL, brings);
        }
    }
}

static void the_least_counts(void **state) {
    (void)state;
    config c = roomy;
    config_client who = {.sizes = {.body_bytes = 100}};
    c.limits.sizes.body_bytes = 2000;
    assert_int_equal(at("/mcp", HTTP_POST_M, &c).bytes, 2000);
    assert_string_equal(at("/mcp", HTTP_POST_M, &c).option, "limits.request.body");
    assert_int_equal(body_limit_at(route_find(&c, SPAN_OF("/mcp")), HTTP_POST_M, &c, &who).bytes,
                     100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_may_have_what_is_configured),
        cmocka_unit_test(others_have_what_they_take),
        cmocka_unit_test(the_least_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
