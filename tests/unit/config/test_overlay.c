/* Settings laid over a file, or over nothing. */
#include "world.h"

static config *lay(const char *yaml, const config_setting *settings, size_t count) {
    static const world_pair env[] = {{"RETRIES", "7"}, {"KEY", "sk-from-env"}, {NULL, NULL}};
    world w;
    world_init(&w, env, NULL);
    config_input in = {.yaml = span_cstr(yaml),
                       .file = SPAN_OF("weir.yaml"),
                       .folder = SPAN_OF("etc/"),
                       .exposed = true,
                       .settings = settings,
                       .setting_count = count,
                       .sources = &w.sources};
    return config_build(&in, &world_problems);
}

#define LAY(yaml, ...)                                                                             \
    lay(yaml, (config_setting[]){__VA_ARGS__},                                                     \
        sizeof((config_setting[]){__VA_ARGS__}) / sizeof(config_setting))

/* Accepted without a word, for fields to be looked at; else what is said is the failure. */
static config *accepted(config *c) {
    buf text = world_text(c);
    if (!c || text.len) fail_msg("%s", text.ptr);
    buf_done(&text);
    return c;
}

#define P "providers: {p: {url: \"https://h/v1\", key: \"${KEY}\"}}\n"

static void replaces_what_the_file_says(void **state) {
    (void)state;
    config *c = accepted(LAY(P "retry: {retries: 1, base: 2s}\n", {"retry.retries", "5"},
                             {"timeouts.total", "3000s"}, {"chat.say.failed", "'Sorry: {error}'"},
                             {"retry.budget", "15%"}));
    assert_int_equal(c->retry.retries, 5);
    assert_int_equal(c->retry.base_ms, 2000); /* its neighbour stays */
    assert_int_equal(c->timeouts.total_ms, 3000000);
    assert_span(c->chat.say_failed, "Sorry: {error}");
    assert_true(c->retry.budget_ratio == 0.15);
    world_done(c);

    /* The last word counts; a mapping is replaced as a whole. */
    c = accepted(LAY(P "retry: {retries: 1, base: 2s}\n", {"retry.retries", "5"},
                     {"retry", "{cap: 9s}"}, {"retry.cap", "8s"}));
    assert_int_equal(c->retry.retries, 3);
    assert_int_equal(c->retry.base_ms, 1000);
    assert_int_equal(c->retry.cap_ms, 8000);
    world_done(c);
}

static void needs_no_file(void **state) {
    (void)state;
    config *c = accepted(LAY("", {"providers.openai", "{url: \"https://h/v1\", key: \"${KEY}\"}"},
                             {"models", "{\"*\": [openai]}"}, {"retry.retries", "${RETRIES}"}));
    assert_int_equal(c->provider_count, 1);
    assert_span(c->providers[0].url.text, "https://h/v1");
    assert_span(secret_reveal(c->providers[0].keys[0]), "sk-from-env");
    assert_span(config_find_model(c, SPAN_OF("any"))->targets[0].name, "openai");
    assert_int_equal(c->retry.retries, 7);
    assert_int_equal(c->path.len, 0);
    world_done(c);

    config_problems problems;
    const config_setting setting = {"retry.retries", "6"};
    c = config_parse_with(SPAN_EMPTY, "", &setting, 1, &problems);
    assert_non_null(c);
    assert_int_equal(c->retry.retries, 6);
    config_unref(c);
    config_problems_done(&problems);
}

static void switches_sections(void **state) {
    (void)state;
    config *c = accepted(LAY(P "breaker: {of: 7}\n", {"breaker", "off"}, {"hedge.after", "1s"}));
    assert_false(c->breaker.on);
    assert_true(c->hedge.on);
    assert_int_equal(c->hedge.after_ms, 1000);
    world_done(c);
    c = accepted(LAY(P "breaker: off\nhedge:\n", {"breaker.of", "9"}, {"hedge.at_most", "1%"}));
    assert_true(c->breaker.on);
    assert_int_equal(c->breaker.of, 9);
    assert_true(c->hedge.on);
    world_done(c);
}

static void names_parts_with_dots_in_quotes(void **state) {
    (void)state;
    config *c = accepted(LAY(
        P "models: {\"gpt-4.1\": p/old, \"*\": p}\n", {"models.'gpt-4.1'", "p/single"},
        {"models.\"gpt-4.2\"", "p/double"}, {"models.'it''s'", "p/quote"}, {"models.*", "p/rest"},
        {"models.'a.b'.targets", "[p/first, p/second]"}, {"models.'a.b'.pick", "fastest"}));
    assert_int_equal(c->model_count, 5);
    assert_span(config_find_model(c, SPAN_OF("gpt-4.1"))->targets[0].name, "p/single");
    assert_span(config_find_model(c, SPAN_OF("gpt-4.2"))->targets[0].name, "p/double");
    assert_span(config_find_model(c, SPAN_OF("it's"))->targets[0].name, "p/quote");
    assert_span(config_find_model(c, SPAN_OF("other"))->targets[0].name, "p/rest");
    const config_model *m = config_find_model(c, SPAN_OF("a.b"));
    assert_int_equal(m->target_count, 2);
    assert_int_equal(m->pick, PICK_FASTEST);
    world_done(c);
}

/* What is in the memory of the caller stands in no file that others could read. */
static void takes_a_key_as_it_is(void **state) {
    (void)state;
    config *c = accepted(LAY("", {"providers.p.url", "https://h/v1"},
                             {"providers.p.key", "\"sk-$$x\""}, {"providers.p.kind", "openai"}));
    assert_span(secret_reveal(c->providers[0].keys[0]), "sk-$x");
    world_done(c);
}

/* In a text there is nothing to be taken for something else. */
static void takes_a_text_without_quotes(void **state) {
    (void)state;
    static const struct {
        const char *value, *text;
    } rows[] = {
        {"Sorry: {error}", "Sorry: {error}"},
        {"# {error} [", "# {error} ["},
        {"No # comment", "No # comment"},
        {"- a\n- b\n", "- a\n- b\n"},
        {"key ${KEY}", "key sk-from-env"},
        {"'quoted: {error}'", "quoted: {error}"},
        {"\"two\\nlines\"", "two\nlines"},
        {"", ""},
        {"null", "null"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config *c = accepted(LAY(P, {"chat.say.failed", rows[i].value}));
        assert_span(c->chat.say_failed, rows[i].text);
        world_done(c);
    }
}

#define KNOWN                                                                                      \
    "known here: listen, providers, models, passthrough, clients, auth, keys, admin, prices, "     \
    "tools, "                                                                                      \
    "chat, "                                                                                       \
    "functions, retry, breaker, hedge, affinity, timeouts, server, limits, shared, cors, logs, "   \
    "ledger, "                                                                                     \
    "audit, cache, telemetry, alerts, guard, output"

static void says_which_setting_is_wrong(void **state) {
    (void)state;
    static const char path[] = "expected names with dots between them such as retry.retries, and "
                               "in quotes what has dots of its own: models.'gpt-4.1'";
    static const struct {
        config_setting setting;
        const char *text;
    } rows[] = {
        {{"retry.retries", "99"}, "retry.retries: retry.retries is 99; allowed 0 to 20"},
        {{"retry.retires", "5"},
         "retry.retires: unknown option 'retry.retires'; did you mean 'retry.retries'?"},
        {{"total", "5s"}, "total: unknown option 'total'; did you mean 'timeouts.total'?"},
        {{"timeouts.total", "soon"},
         "timeouts.total: timeouts.total is 'soon'; expected a duration such as 250ms, 5s or 10m"},
        {{"timeouts.total", ""},
         "timeouts.total: timeouts.total is nothing; expected a duration such as 250ms, 5s or 10m"},
        {{"retry", "{retries: 1,\n base: 9h}"}, "retry:2:8: retry.base is 9h; allowed 1ms to 60s"},
        {{"retry", "5"}, "retry: retry is '5'; expected a mapping of options"},
        {{"models", "{x: [nobody]}"},
         "models:1:6: models.x[0]: no provider is named 'nobody'; expected PROVIDER/MODEL or "
         "PROVIDER"},
        {{"chat.model", "${NONE}"},
         "chat.model: chat.model refers to the environment variable NONE, which is not set; set it "
         "or write ${NONE:-default}"},
        {{"providers.p.key", "my secret: ["},
         "providers.p.key:2:1: not valid YAML: flow sequence without a closing bracket"},
        {{"providers.p.key", "my secret"},
         "providers.p.key: providers.p.key: its value holds a character at byte 3 that no key may "
         "hold (a space, a line end, or beyond ASCII)"},
        {{"chat.model", "\xff"}, "chat.model: the text is not valid UTF-8"},

        {{"retry.'retries", "5"}, "retry.'retries: no path of an option; "},
        {{"retry.'retries'x", "5"}, "retry.'retries'x: no path of an option; "},
        {{"retry..retries", "5"}, "retry..retries: no path of an option; "},
        {{"retry.", "5"}, "retry.: no path of an option; "},
        {{"", "5"}, "1: no path of an option; "},
        {{"a\nb", "5"}, "1: unknown option '…'; " KNOWN},
        {{"\xff", "5"}, "1: no path of an option; "},
        {{"sk-key", "retry.retries"}, "1: unknown option '…'; " KNOWN},
        {{"retry.retries", "hunter2"},
         "retry.retries: retry.retries is another value; expected a whole number"},
        {{"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", "5"},
         "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q: no path of an option; "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char expected[1024];
        size_t len = strlen(rows[i].text);
        snprintf(expected, sizeof expected, "setting %s%s\n", rows[i].text,
                 rows[i].text[len - 1] == ' ' ? path : "");
        assert_null(lay(P "listen: [\"127.0.0.1:0\"]\n", &rows[i].setting, 1));
        buf text = world_text(NULL);
        assert_string_equal(text.ptr, expected);
        buf_done(&text);
        world_done(NULL);
    }
}

/* Everything that is wrong, the file's faults first, then the settings' in their order. */
static void says_all_at_once(void **state) {
    (void)state;
    assert_null(LAY(P "retry: {retries: 21}\nbraker: off\n", {"hedge.at_most", "200%"},
                    {"models", "[a\n"}, {"breaker", "{of: 0}"}));
    buf text = world_text(NULL);
    assert_string_equal(text.ptr,
                        "weir.yaml:2:18: retry.retries is 21; allowed 0 to 20\n"
                        "    retry: {retries: 21}\n"
                        "                     ^\n"
                        "weir.yaml:3:1: unknown option 'braker'; did you mean 'breaker'?\n"
                        "    braker: off\n"
                        "    ^\n"
                        "setting hedge.at_most: hedge.at_most is 200%; allowed 0.1% to 100%\n"
                        "setting models:2:1: not valid YAML: flow sequence without a closing "
                        "bracket\n"
                        "setting breaker:1:6: breaker.of is 0; allowed 1 to 100000\n");
    buf_done(&text);
    world_done(NULL);

    /* Also beside a file that cannot be read at all. */
    assert_null(LAY("a: [\n", {"models", "[a\n"}));
    text = world_text(NULL);
    assert_non_null(strstr(text.ptr, "weir.yaml:2:1: not valid YAML"));
    assert_non_null(strstr(text.ptr, "setting models:2:1: not valid YAML"));
    buf_done(&text);
    world_done(NULL);
}

static void warns_with_the_settings_name(void **state) {
    (void)state;
    config *c = LAY(P "models: {a: p}\n", {"chat.model", "b"});
    buf text = world_text(c);
    assert_string_equal(text.ptr,
                        "setting chat.model: warning: chat.model is 'b', which no entry of models "
                        "serves: /chat works only where a request names a model\n");
    buf_done(&text);
    world_done(c);
}

static void is_explained(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    config *c = accepted(LAY(P "retry: {base: 2s}\n", {"retry.retries", "5"}, {"models.'*'", "p"}));
    config_explain(c, &text);
    assert_non_null(strstr(buf_cstr(&text), "  retries: 5                                  "
                                            "  # setting retry.retries\n"));
    assert_non_null(strstr(text.ptr, "  base: 2s                                      "
                                     "# weir.yaml:2\n"));
    assert_non_null(strstr(text.ptr, "  \"*\":                                          "
                                     "# setting models.'*'\n"));
    assert_non_null(
        strstr(text.ptr, "  cap: 30s                                      # default\n"));
    buf_done(&text);
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_what_the_file_says),
        cmocka_unit_test(needs_no_file),
        cmocka_unit_test(switches_sections),
        cmocka_unit_test(names_parts_with_dots_in_quotes),
        cmocka_unit_test(takes_a_key_as_it_is),
        cmocka_unit_test(takes_a_text_without_quotes),
        cmocka_unit_test(says_which_setting_is_wrong),
        cmocka_unit_test(says_all_at_once),
        cmocka_unit_test(warns_with_the_settings_name),
        cmocka_unit_test(is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
