/* What a client says about the cache, and what may be in it. */
#include "unit.h"

#include "cache/policy.h"

static bool read_one(const char *name, const char *value, cache_wish *ret) {
    const http_header h = {span_cstr(name), span_cstr(value)};
    span at;
    return cache_wish_read((http_headers){&h, 1}, ret, &at);
}

static cache_wish wish(const char *value) {
    cache_wish w;
    assert_true(read_one("Cache-Control", value, &w));
    return w;
}

static void directives(void **state) {
    (void)state;
    assert_true(wish("no-cache").no_cache);
    assert_true(wish("No-Store").no_store);
    assert_true(wish("only-if-cached").only_if_cached);
    assert_int_equal(wish("max-age=60").max_age_ms, 60000);
    assert_int_equal(wish(" max-age = \"60\" , no-store").max_age_ms, 60000);
    assert_true(wish("max-age=60 , no-store").no_store);
    assert_int_equal(wish("max-age=0").max_age_ms, 0);
    assert_true(wish("max-age=0").no_cache);
    assert_false(wish("max-age=1").no_cache);
    assert_int_equal(wish("max-stale=5, private, x=\"y\"").max_age_ms, -1);
    assert_false(wish("no-transform").no_cache);
    assert_int_equal(wish("max-age=99999999999999999999999").max_age_ms,
                     INT64_C(10) * 365 * 86400 * 1000);
    cache_wish w;
    assert_true(read_one("x-weir-cache-ttl", "90", &w));
    assert_int_equal(w.ttl_ms, 90000);
    assert_true(cache_wish_read((http_headers){NULL, 0}, &w, &(span){0}));
    assert_int_equal(w.ttl_ms, -1);
    assert_int_equal(w.max_age_ms, -1);
}

static void several_lines_are_one(void **state) {
    (void)state;
    const http_header h[] = {{SPAN("cache-control"), SPAN("no-cache")},
                             {SPAN("CACHE-CONTROL"), SPAN("max-age=1")}};
    cache_wish w;
    span at;
    assert_true(cache_wish_read((http_headers){h, 2}, &w, &at));
    assert_true(w.no_cache);
    assert_int_equal(w.max_age_ms, 1000);
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"max-age", "max-age=", "max-age=x", "max-age=-1",
                                      "max-age=1.5"};
    cache_wish w;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(read_one("cache-control", bad[i], &w));
    static const char *const bad_ttl[] = {"", "x", "-1", "1h", "1.5", "1 "};
    for (size_t i = 0; i < ARRAY_LEN(bad_ttl); i++)
        assert_false(read_one("x-weir-cache-ttl", bad_ttl[i], &w));
}

static void models(void **state) {
    (void)state;
    span names[] = {SPAN("gpt-4o*"), SPAN("o3")};
    const config_cache c = {.models = names, .model_count = 2};
    assert_true(cache_has_model(&c, SPAN_OF("gpt-4o")));
    assert_true(cache_has_model(&c, SPAN_OF("gpt-4o-mini")));
    assert_true(cache_has_model(&c, SPAN_OF("o3")));
    assert_false(cache_has_model(&c, SPAN_OF("o3-mini")));
    assert_false(cache_has_model(&c, SPAN_OF("gpt-4")));
    assert_false(cache_has_model(&c, SPAN_EMPTY));
    assert_false(cache_has_model(&(config_cache){0}, SPAN_OF("o3")));
}

static void what_may_be_kept(void **state) {
    (void)state;
    const config_cache shy = {.max_temperature = 1}, cold = {.max_temperature = 0.5};
    const config_cache all = {.max_temperature = 2, .tools = true, .choices = true, .images = true};
    assert_true(cache_may_keep(&shy, &(cache_traits){.temperature = 1}));
    assert_false(cache_may_keep(&shy, &(cache_traits){.temperature = 1.1}));
    assert_false(cache_may_keep(&cold, &(cache_traits){.temperature = 1}));
    assert_true(cache_may_keep(&cold, &(cache_traits){.temperature = 0.5}));
    const cache_traits each[] = {{.has_tools = true}, {.several = true}, {.has_images = true}};
    for (size_t i = 0; i < ARRAY_LEN(each); i++) {
        assert_false(cache_may_keep(&shy, &each[i]));
        assert_true(cache_may_keep(&all, &each[i]));
    }
    assert_false(cache_may_keep(&all, &(cache_traits){.keeps_state = true}));
}

static void how_an_answer_ends(void **state) {
    (void)state;
    assert_true(cache_reason_is_whole(SPAN_OF("stop")));
    assert_true(cache_reason_is_whole(SPAN_OF("tool_calls")));
    assert_true(cache_reason_is_whole(SPAN_OF("completed")));
    assert_false(cache_reason_is_whole(SPAN_OF("length")));
    assert_false(cache_reason_is_whole(SPAN_OF("content_filter")));
    assert_false(cache_reason_is_whole(SPAN_OF("incomplete")));
    assert_false(cache_reason_is_whole(SPAN_OF("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directives),
        cmocka_unit_test(several_lines_are_one),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(models),
        cmocka_unit_test(what_may_be_kept),
        cmocka_unit_test(how_an_answer_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
