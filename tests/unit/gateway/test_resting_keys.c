/* The keys that /health shows at rest: of which target, which of the list, for how long. */
#include "unit.h"

#include "call/named_targets.h"
#include "gateway/resting_keys.h"

#include <stdlib.h>

static const char yaml[] =
    "providers:\n"
    "  p: {kind: openai, url: 'http://127.0.0.1:1/v1', key: [sk-p-first-key, sk-p-second-key]}\n"
    "  bare: {kind: openai, url: 'http://127.0.0.1:2/v1'}\n"
    "models:\n"
    "  '*': [p, bare]\n"
    "  fast: p/large\n";

typedef struct scene {
    config *config;
    target_table *targets;
    named_targets named;
} scene;

static void scene_begin(scene *s) {
    config_problems problems = {0};
    s->config = config_parse(span_cstr(yaml), "test", &problems);
    assert_non_null(s->config);
    config_problems_done(&problems);
    s->targets = target_table_new();
    named_targets_init(&s->named, s->config, s->targets);
}

static void scene_done(scene *s) {
    named_targets_done(&s->named);
    target_table_free(s->targets);
    config_unref(s->config);
}

/* key: of the provider's list, from 0; after_ms -1: the provider has not said how long. */
static void limit(scene *s, const char *target, size_t provider, size_t key, int64_t after_ms) {
    const config_provider *p = &s->config->providers[provider];
    target_state *t = target_get(s->targets, span_cstr(target));
    key_state *k =
        key_get(target_table_keys(s->targets), p->name, p->key_count ? p->keys[key] : NULL);
    target_limit(t, k, after_ms, 1000);
    key_unref(k);
    target_unref(t);
}

/* "p 1 500 ms, …" */
static void expect(scene *s, int64_t now_ms, const char *wanted) {
    resting_key *rows;
    buf text = BUF_EMPTY;
    size_t count = resting_keys_collect(s->config, s->targets, now_ms, &rows);
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s%.*s %zu %lld ms", i ? ", " : "", SPAN_ARG(rows[i].target->name),
                 rows[i].number, (long long)rows[i].wait_ms);
    assert_string_equal(buf_cstr(&text), wanted);
    buf_done(&text);
    free(rows);
}

static void those_that_rest_are_shown(void **state) {
    (void)state;
    scene s;
    scene_begin(&s);
    expect(&s, 1000, "");
    limit(&s, "p/large", 0, 1, 5000);
    limit(&s, "p/large", 0, 0, -1); /* others go first; but it does not rest */
    expect(&s, 1000, "p/large 2 5000 ms");
    expect(&s, 5999, "p/large 2 1 ms");
    expect(&s, 6000, "");
    scene_done(&s);
}

/* Of a target without a model the longest of its words; a provider that is sent no key has one row.
 */
static void words_and_bare_providers(void **state) {
    (void)state;
    scene s;
    scene_begin(&s);
    limit(&s, "p/a-word", 0, 0, 300);
    limit(&s, "p/another", 0, 0, 900);
    limit(&s, "bare/x", 1, 0, 20);
    expect(&s, 1000, "bare 1 20 ms, p 1 900 ms");
    scene_done(&s);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_rest_are_shown),
        cmocka_unit_test(words_and_bare_providers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
