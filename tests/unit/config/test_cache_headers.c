/* cache.headers: names of fields, and beginnings of them. */
#include "world.h"

static const world_pair env[] = {{NULL, NULL}};
static const world_pair files[] = {{NULL, NULL}};

static void what_is_a_header_and_what_is_none(void **state) {
    (void)state;
    static const struct {
        const char *headers, *said;
        size_t count;
    } rows[] = {
        {"x-variant", "", 1},
        {"[X-Variant, \"x-route-*\"]", "", 2},
        {"[]", "", 0},
        {"[x-a, \"x b\"]",
         "weir.yaml:3:39: cache.headers has another text; expected the name of a header field such "
         "as "
         "x-variant, or the beginning of names with a * behind it",
         0},
        {"\"x-*-b\"",
         "weir.yaml:3:33: cache.headers has 'x-*-b'; expected the name of a header field such as "
         "x-variant, or the beginning of names with a * behind it",
         0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world w;
        char yaml[512];
        world_init(&w, env, files);
        snprintf(yaml, sizeof yaml,
                 "providers: {a: {kind: simulator}}\nmodels: {\"*\": a}\n"
                 "cache: {models: [\"*\"], headers: %s}\n",
                 rows[i].headers);
        config *c = world_load(&w, yaml);
        buf said = world_text(c);
        if (!strstr(buf_cstr(&said), rows[i].said)) fail_msg("%s", buf_cstr(&said));
        assert_int_equal(c != NULL, !*rows[i].said);
        if (c) assert_int_equal(c->cache.header_count, rows[i].count);
        buf_done(&said);
        world_done(c);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {cmocka_unit_test(what_is_a_header_and_what_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
