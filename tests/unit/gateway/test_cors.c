#include "unit.h"

#include "gateway/cors.h"

static span any[] = {SPAN("*")};
static span two[] = {SPAN("https://app.example"), SPAN("http://localhost:3000")};

static const config_cors off = {0};
static const config_cors anyone = {.origins = any, .origin_count = 1, .credentials = true};
static const config_cors known = {
    .origins = two, .origin_count = 2, .credentials = true, .max_age_ms = 600 * 1000};

static http_header asked[2];

static http_headers from(const char *origin) {
    asked[0] = (http_header){SPAN("Origin"), span_cstr(origin)};
    asked[1] = (http_header){SPAN("Access-Control-Request-Headers"), SPAN("authorization, x-a")};
    return origin ? (http_headers){asked, 2} : (http_headers){0};
}

static span value(const http_header *headers, size_t count, const char *name) {
    http_headers h = {headers, count};
    assert_true(http_header_count(h, span_cstr(name)) <= 1);
    return http_header_get(h, span_cstr(name));
}

static void test_off_says_nothing(void **state) {
    (void)state;
    http_header h[CORS_HEADERS_MAX];
    assert_false(cors_allows(&off, SPAN_OF("https://app.example")));
    assert_int_equal(cors_headers(&off, from("https://app.example"), h), 0);
}

static void test_star_never_gives_credentials(void **state) {
    (void)state;
    http_header h[CORS_HEADERS_MAX];
    size_t n = cors_headers(&anyone, from("https://evil.example"), h);
    assert_span(value(h, n, "access-control-allow-origin"), "*");
    assert_null(value(h, n, "access-control-allow-credentials").ptr);
    assert_null(value(h, n, "vary").ptr);
    assert_int_equal(cors_headers(&anyone, from(NULL), h), 0);
}

static void test_a_known_origin_is_named(void **state) {
    (void)state;
    http_header h[CORS_HEADERS_MAX];
    size_t n = cors_headers(&known, from("http://localhost:3000"), h);
    assert_span(value(h, n, "access-control-allow-origin"), "http://localhost:3000");
    assert_span(value(h, n, "access-control-allow-credentials"), "true");
    assert_span(value(h, n, "vary"), "Origin");
    span exposed = value(h, n, "access-control-expose-headers");
    assert_true(span_find_span(exposed, 0, SPAN_OF("x-request-id")) < exposed.len);
}

static void test_other_origins_get_vary_alone(void **state) {
    (void)state;
    static const char *const others[] = {NULL,
                                         "",
                                         "null",
                                         "https://app.example.evil",
                                         "https://app.example:444",
                                         "http://app.example"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        http_header h[CORS_HEADERS_MAX];
        size_t n = cors_headers(&known, from(others[i]), h);
        assert_int_equal(n, 1);
        assert_span(value(h, n, "vary"), "Origin");
        arena a;
        arena_init(&a, 0);
        assert_int_equal(cors_preflight_headers(&known, from(others[i]), SPAN_OF("GET"), &a, h), 0);
        arena_done(&a);
    }
}

static void test_preflight(void **state) {
    (void)state;
    http_header h[CORS_HEADERS_MAX];
    arena a;
    arena_init(&a, 0);
    size_t n = cors_preflight_headers(&known, from("https://app.example"), SPAN_OF("POST, OPTIONS"),
                                      &a, h);
    assert_span(value(h, n, "access-control-allow-methods"), "POST, OPTIONS");
    assert_span(value(h, n, "access-control-allow-headers"), "authorization, x-a");
    assert_span(value(h, n, "access-control-max-age"), "600");
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off_says_nothing),
        cmocka_unit_test(test_star_never_gives_credentials),
        cmocka_unit_test(test_a_known_origin_is_named),
        cmocka_unit_test(test_other_origins_get_vary_alone),
        cmocka_unit_test(test_preflight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
