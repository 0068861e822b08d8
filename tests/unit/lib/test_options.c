/* What a client is made from: the configuration that options come to, and what is said of those
 * that are wrong. */
#include "unit.h"

#include "lib/options.h"
#include "lib/program.h"

#include <unistd.h>

static int set_up(void **state) {
    (void)state;
    unsetenv("OPENAI_API_KEY");
    unsetenv("OPENAI_BASE_URL");
    return 0;
}

/* Frees the options. */
static config *expect_config(weir_options *o) {
    buf why = BUF_EMPTY;
    config *c = options_config(o, &why);
    if (!c) fail_msg("%s", buf_cstr(&why));
    assert_int_equal(why.len, 0);
    buf_done(&why);
    weir_options_free(o);
    return c;
}

static void expect_refusal(weir_options *o, const char *says) {
    buf why = BUF_EMPTY;
    assert_null(options_config(o, &why));
    if (!strstr(buf_cstr(&why), says)) fail_msg("%s", buf_cstr(&why));
    assert_null(strstr(buf_cstr(&why), "sk-"));
    buf_done(&why);
    weir_options_free(o);
}

static span key_of(const config_provider *p) {
    return p->key_count ? secret_reveal(p->keys[0]) : SPAN_EMPTY;
}

static void the_environment(void **state) {
    (void)state;
    expect_refusal(weir_options_new(), "set OPENAI_API_KEY");
    setenv("OPENAI_API_KEY", "sk-env", 1);
    config *c = expect_config(weir_options_new());
    assert_span(c->providers[0].url.text, "https://api.openai.com/v1");
    assert_span(c->providers[0].name, "openai");
    assert_span(key_of(&c->providers[0]), "sk-env");
    config_unref(c);
    setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1", 1);
    c = expect_config(weir_options_new());
    assert_span(c->providers[0].url.text, "http://127.0.0.1:8080/v1");
    assert_span(key_of(&c->providers[0]), "sk-env");
    config_unref(c);
}

/* What is wrong is told as what the caller has given, wherever it came from. */
static void whose_word_was_wrong(void **state) {
    (void)state;
    setenv("OPENAI_API_KEY", "a b", 1);
    setenv("OPENAI_BASE_URL", "nowhere", 1);
    expect_refusal(weir_options_new(), "OPENAI_BASE_URL: a URL begins with https://, http:// or "
                                       "unix:/\nOPENAI_API_KEY: its value holds a character");
    weir_options *o = weir_options_new();
    weir_options_set_url(o, "nowhere");
    weir_options_set_key(o, "c\nd");
    weir_options_add_fallback(o, "http://one/v1", NULL, NULL);
    weir_options_add_fallback(o, "two", NULL, NULL);
    weir_options_add_fallback(o, "http://three/v1", "e f", NULL);
    weir_options_set(o, "retry.base", "no time");
    buf why = BUF_EMPTY;
    assert_null(options_config(o, &why));
    weir_options_free(o);
    static const char *const says[] = {
        "the URL (weir_options_set_url): a URL begins",
        "the key (weir_options_set_key): its value holds a character at byte 2",
        "the URL of fallback 2 (weir_options_add_fallback): a URL begins",
        "the key of fallback 3 (weir_options_add_fallback): its value holds",
        "setting retry.base: retry.base is"};
    for (size_t i = 0; i < ARRAY_LEN(says); i++)
        if (!strstr(buf_cstr(&why), says[i]))
            fail_msg("not told: %s, but %s", says[i], buf_cstr(&why));
    assert_null(strstr(buf_cstr(&why), "options:"));
    assert_null(strstr(buf_cstr(&why), "c\nd"));
    buf_done(&why);
    o = weir_options_new();
    weir_options_set_url(o, "http://one/v1");
    program_use_key_of_environment(o);
    expect_refusal(o, "OPENAI_API_KEY: its value holds");
    setenv("OPENAI_API_KEY", "sk-env", 1);
    setenv("OPENAI_BASE_URL", "http://one/v1/chat/completions", 1);
    expect_refusal(weir_options_new(), "OPENAI_BASE_URL ends in /chat/completions, which weir");
}

/* Whoever names a URL names its key too: the variable's is for somebody else. */
static void a_url_gets_no_key_that_is_not_its_own(void **state) {
    (void)state;
    setenv("OPENAI_API_KEY", "sk-env", 1);
    weir_options *o = weir_options_new();
    weir_options_set_url(o, "https://models.example/v1");
    config *c = expect_config(o);
    assert_int_equal(c->providers[0].key_count, 0);
    config_unref(c);
    o = weir_options_new();
    weir_options_set_url(o, "https://api.openai.com/v1");
    c = expect_config(o);
    assert_int_equal(c->providers[0].key_count, 0);
    config_unref(c);
}

static void fallbacks_in_order(void **state) {
    (void)state;
    weir_options *o = weir_options_new();
    weir_options_set_url(o, "https://models.example/v1");
    weir_options_set_key(o, "sk-$one#{:");
    weir_options_add_fallback(o, "https://api.openai.com/v1", "sk-two", "gpt-4.1-mini");
    weir_options_add_fallback(o, "http://models.example:8000/v1", NULL, NULL);
    weir_options_set_model(o, "big: $model");
    weir_options_set_concurrency(o, 50000);
    config *c = expect_config(o);
    const config_model *m = config_find_model(c, SPAN_OF("anything"));
    assert_int_equal(m->target_count, 3);
    assert_span(m->targets[0].name, "models.example");
    assert_span(key_of(m->targets[0].provider), "sk-$one#{:");
    assert_span(m->targets[1].name, "openai/gpt-4.1-mini");
    assert_span(key_of(m->targets[1].provider), "sk-two");
    assert_span(m->targets[2].name, "models.example-2");
    assert_int_equal(m->targets[2].provider->key_count, 0);
    assert_span(c->chat.model, "big: $model");
    assert_int_equal(c->limits.calls, 50000);
    for (size_t i = 0; i < c->provider_count; i++)
        assert_int_equal(c->providers[i].max_connections, 50000);
    config_unref(c);
}

static void a_file_and_its_text(void **state) {
    (void)state;
    static const char yaml[] = "providers: {local: {kind: openai, url: http://127.0.0.1:9/v1}}\n"
                               "retry: {retries: 1}\n";
    weir_options *o = weir_options_new();
    weir_options_set_yaml(o, yaml);
    weir_options_set(o, "retry.base", "7ms");
    weir_options_set(o, "breaker", "off");
    config *c = expect_config(o);
    assert_span(c->providers[0].name, "local");
    assert_int_equal(c->retry.retries, 1);
    assert_int_equal(c->retry.base_ms, 7);
    assert_false(c->breaker.on);
    config_unref(c);

    char path[] = "/tmp/weir-options-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
    close(fd);
    o = weir_options_new();
    weir_options_set_file(o, path);
    weir_options *copy = options_copy(o);
    weir_options_free(o);
    c = expect_config(copy);
    assert_int_equal(c->retry.retries, 1);
    config_unref(c);
    unlink(path);
    o = weir_options_new();
    weir_options_set_file(o, path);
    expect_refusal(o, "cannot read the file: No such file or directory");
}

static void settings_alone(void **state) {
    (void)state;
    weir_options *o = weir_options_new();
    weir_options_set(o, "providers.local", "{kind: openai, url: http://127.0.0.1:9/v1}");
    config *c = expect_config(o);
    assert_int_equal(c->provider_count, 1);
    assert_span(c->providers[0].name, "local");
    config_unref(c);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    weir_options *o = weir_options_new();
    weir_options_set_file(o, "weir.yaml");
    weir_options_set_url(o, "http://127.0.0.1/v1");
    expect_refusal(o, "more than one of these");
    o = weir_options_new();
    weir_options_set_yaml(o, "{}");
    expect_refusal(o, "has no provider");
    o = weir_options_new();
    weir_options_set_yaml(o, "providers: [1]");
    expect_refusal(o, "yaml:1:12:");
    static const unsigned counts[] = {0, 100001};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        o = weir_options_new();
        weir_options_set_key(o, "sk-secret-key");
        weir_options_set_concurrency(o, counts[i]);
        expect_refusal(o, "allowed 1 to 100000");
    }
    o = weir_options_new();
    weir_options_set_url(o, "ftp://x");
    weir_options_set_key(o, "sk-secret-key");
    expect_refusal(o, "url");
    o = weir_options_new();
    weir_options_set_key(o, "sk-secret key");
    expect_refusal(o, "no key may hold");
    o = weir_options_new();
    weir_options_set_key(o, "sk-secret-key");
    weir_options_set(o, "retry.retrys", "5");
    expect_refusal(o, "retry.retries");
    o = weir_options_new();
    weir_options_set_key(o, "sk-secret-key");
    weir_options_set(o, NULL, "5");
    expect_refusal(o, "setting");
}

/* Given in each other's place: a program reads them from its environment, where they are mixed up.
 */
static void a_key_in_any_place_is_not_told(void **state) {
    (void)state;
    static const char key[] = "Zq7xM2pW9vB4nT6k";
    for (size_t i = 0; i < 7; i++) {
        weir_options *o = weir_options_new();
        buf why = BUF_EMPTY;
        if (i == 0) weir_options_set_yaml(o, key);
        if (i == 1) weir_options_set_url(o, key);
        if (i == 2) weir_options_set_url(o, "https://u:Zq7xM2pW9vB4nT6k@h.example/v1");
        if (i > 2) weir_options_set_url(o, "https://h.example/v1");
        if (i == 3) weir_options_set_key(o, "Zq7xM2pW9vB4nT6k\n");
        if (i == 4) weir_options_set(o, key, "retry.retries");
        if (i == 5) weir_options_set(o, "retry.retries", key);
        if (i == 6) weir_options_add_fallback(o, key, "k", key);
        assert_null(options_config(o, &why));
        if (strstr(buf_cstr(&why), "7xM2")) fail_msg("row %zu: %s", i, why.ptr);
        buf_done(&why);
        weir_options_free(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_environment, set_up),
        cmocka_unit_test_setup(whose_word_was_wrong, set_up),
        cmocka_unit_test_setup(a_url_gets_no_key_that_is_not_its_own, set_up),
        cmocka_unit_test_setup(fallbacks_in_order, set_up),
        cmocka_unit_test_setup(a_file_and_its_text, set_up),
        cmocka_unit_test_setup(settings_alone, set_up),
        cmocka_unit_test_setup(what_is_wrong_is_said, set_up),
        cmocka_unit_test_setup(a_key_in_any_place_is_not_told, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
