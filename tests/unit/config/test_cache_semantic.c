/* cache.semantic: a model that is served, and how near is near. */
#include "world.h"

static const world_pair env[] = {{NULL, NULL}};
static const world_pair files[] = {{NULL, NULL}};

static config *load(const char *cache, buf *ret_said) {
    world w;
    char yaml[512];
    world_init(&w, env, files);
    snprintf(yaml, sizeof yaml,
             "providers: {a: {kind: simulator}}\nmodels: {\"gpt-*\": a, emb: a}\ncache: %s\n",
             cache);
    config *c = world_load(&w, yaml);
    *ret_said = world_text(c);
    return c;
}

static void what_it_says(void **state) {
    (void)state;
    static const struct {
        const char *cache;
        bool on;
        double threshold;
        unsigned entries;
        size_t text_bytes;
        int64_t timeout_ms;
    } rows[] = {
        {"{models: [\"*\"]}", false, 0.95, 10000, 1024, 2000},
        {"{models: [\"*\"], semantic: off}", false, 0.95, 10000, 1024, 2000},
        {"{models: [\"*\"], semantic: {model: emb}}", true, 0.95, 10000, 1024, 2000},
        {"{models: [\"*\"], semantic: {model: emb, threshold: 0.8, entries: 5, max_text: 2KB, "
         "timeout: 300ms}}",
         true, 0.8, 5, 2048, 300},
        {"{models: [\"*\"], semantic: on}", true, 0.95, 10000, 1024, 2000},
        {"{models: [\"*\"], semantic: {threshold: 0.9}}", true, 0.9, 10000, 1024, 2000},
        {"off", false, 0.95, 10000, 1024, 2000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].cache, &said);
        if (!c) fail_msg("%s: %s", rows[i].cache, buf_cstr(&said));
        assert_int_equal(c->cache.semantic.on, rows[i].on);
        assert_true(c->cache.semantic.threshold == rows[i].threshold);
        assert_int_equal(c->cache.semantic.entries, rows[i].entries);
        assert_int_equal(c->cache.semantic.text_bytes, rows[i].text_bytes);
        assert_int_equal(c->cache.semantic.timeout_ms, rows[i].timeout_ms);
        const bool named = strstr(rows[i].cache, "emb") != NULL;
        assert_span(c->cache.semantic.model, named ? "emb" : "");
        assert_int_equal(c->warning_count, rows[i].on && !named);
        buf_done(&said);
        world_done(c);
    }
}

static void what_is_refused_and_how(void **state) {
    (void)state;
    static const struct {
        const char *semantic, *said;
    } rows[] = {
        {"{model: other}",
         "cache.semantic.model is 'other', which no entry of models serves; expected a model for "
         "embeddings"},
        {"{model: emb, threshold: 1.1}", "cache.semantic.threshold is 1.1; allowed 0.5 to 1"},
        {"{model: emb, entries: 0}", "cache.semantic.entries is 0; allowed 1 to 1000000"},
        {"{model: emb, max_text: 64KB}", "cache.semantic.max_text is 64KB; allowed 1B to 32KB"},
        {"{model: emb, timeout: 1ms}", "cache.semantic.timeout is 1ms; allowed 10ms to 1m"},
        {"{model: emb, dimensions: 3}", "cache.semantic"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        char cache[256];
        snprintf(cache, sizeof cache, "{models: [\"*\"], semantic: %s}", rows[i].semantic);
        config *c = load(cache, &said);
        if (c) fail_msg("%s is taken", rows[i].semantic);
        if (!strstr(buf_cstr(&said), rows[i].said))
            fail_msg("%s: '%s' does not say '%s'", rows[i].semantic, buf_cstr(&said), rows[i].said);
        buf_done(&said);
        world_done(NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(what_is_refused_and_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
