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

/* ---- who may call ---- */

typedef struct asking {
    const char *origin; /* NULL: none */
    const char *site;   /* Sec-Fetch-Site; NULL: none */
    const char *host;
} asking;

static bool refused(const config_cors *c, const asking *a) {
    http_header h[3] = {{SPAN("Sec-Fetch-Mode"), SPAN("cors")}}; /* also programs in Node say so */
    size_t n = 1;
    if (a->origin) h[n++] = (http_header){SPAN("ORIGIN"), span_cstr(a->origin)};
    if (a->site) h[n++] = (http_header){SPAN("Sec-Fetch-Site"), span_cstr(a->site)};
    return cors_refuses(c, (http_headers){h, n}, span_cstr(a->host));
}

static void hold(const config_cors *c, const asking *rows, size_t count, bool want) {
    for (size_t i = 0; i < count; i++)
        if (refused(c, &rows[i]) != want)
            fail_msg("%s, %s to %s is %s", rows[i].origin, rows[i].site, rows[i].host,
                     want ? "let in" : "refused");
}

/* Each line of what was sent counts, in whatever order. */
static void every_line_counts(void **state) {
    (void)state;
    static const config_cors none = {0};
    static const struct {
        const char *name, *first, *second;
        bool refused;
    } rows[] = {
        {"origin", "http://127.0.0.1:8080", "http://127.0.0.1:8080", false},
        {"origin", "http://127.0.0.1:8080", "https://evil.example", true},
        {"origin", "https://evil.example", "http://127.0.0.1:8080", true},
        {"origin", "", "https://evil.example", true},
        {"sec-fetch-site", "same-origin", "none", false},
        {"sec-fetch-site", "same-origin", "cross-site", true},
        {"Sec-Fetch-Site", "same-site", "none", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        http_header h[] = {{span_cstr(rows[i].name), span_cstr(rows[i].first)},
                           {span_cstr(rows[i].name), span_cstr(rows[i].second)}};
        bool refused = cors_refuses(&none, (http_headers){h, 2}, SPAN_OF("127.0.0.1:8080"));
        assert_int_equal(refused, rows[i].refused);
    }
}

/* Whatever is configured. */
static const asking ours[] = {
    {NULL, NULL, "127.0.0.1:8080"},
    {NULL, "none", "127.0.0.1:8080"}, /* typed, or a bookmark */
    {NULL, "same-origin", "127.0.0.1:8080"},
    {NULL, "", "127.0.0.1:8080"},
    {"", NULL, "127.0.0.1:8080"},
    {"http://127.0.0.1:8080", "same-origin", "127.0.0.1:8080"},
    {"http://127.0.0.1:8080", NULL, "127.0.0.1:8080"},
    {"http://localhost", NULL, "LOCALHOST"},
    {"https://weir.example", NULL, "weir.example"}, /* TLS ended before weir */
    {"http://[::1]:8080", NULL, "[::1]:8080"},
};

/* Unless it is configured. */
static const asking foreign[] = {
    {"https://evil.example", NULL, "127.0.0.1:8080"},
    {"https://evil.example", "cross-site", "127.0.0.1:8080"},
    {"https://evil.example", "same-origin", "127.0.0.1:8080"},
    {"https://evil.example", "none", "127.0.0.1:8080"},
    {"null", NULL, "127.0.0.1:8080"}, /* a file, or a frame in a sandbox */
    {"null", NULL, "null"},
    {"http://127.0.0.1:8081", "same-site", "127.0.0.1:8080"},
    {"http://127.0.0.1", NULL, "127.0.0.1:8080"},
    {"http://127.0.0.1:8080.evil.example", NULL, "127.0.0.1:8080"},
    {"http://localhost:8080", NULL, "127.0.0.1:8080"},
    {"app://127.0.0.1:8080", NULL, "127.0.0.1:8080"},
    {"127.0.0.1:8080", NULL, "127.0.0.1:8080"},
    {"http://", NULL, ""},
    {"chrome-extension://abcdef", NULL, "127.0.0.1:8080"},
    {NULL, "cross-site", "127.0.0.1:8080"}, /* a picture, a script's source, a link */
    {NULL, "Cross-Site", "127.0.0.1:8080"},
    {NULL, "same-site", "127.0.0.1:8080"},
};

static void foreign_pages_may_not_call(void **state) {
    (void)state;
    hold(&off, ours, ARRAY_LEN(ours), false);
    hold(&known, ours, ARRAY_LEN(ours), false);
    hold(&off, foreign, ARRAY_LEN(foreign), true);
    hold(&known, foreign, ARRAY_LEN(foreign), true);
}

static void configured_pages_may(void **state) {
    (void)state;
    static const asking named[] = {{"https://app.example", "cross-site", "127.0.0.1:8080"},
                                   {"HTTP://localhost:3000", "same-site", "127.0.0.1:8080"}};
    hold(&known, named, ARRAY_LEN(named), false);
    hold(&off, named, ARRAY_LEN(named), true);
    hold(&anyone, ours, ARRAY_LEN(ours), false);
    hold(&anyone, foreign, ARRAY_LEN(foreign), false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_counts),
        cmocka_unit_test(test_off_says_nothing),
        cmocka_unit_test(test_star_never_gives_credentials),
        cmocka_unit_test(test_a_known_origin_is_named),
        cmocka_unit_test(test_other_origins_get_vary_alone),
        cmocka_unit_test(test_preflight),
        cmocka_unit_test(foreign_pages_may_not_call),
        cmocka_unit_test(configured_pages_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
