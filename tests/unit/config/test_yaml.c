/* What a document may be, before any option is looked at. */
#include "world.h"

#include "config/problems.h"
#include "config/yaml.h"

static void refuses_what_is_no_configuration(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"a: &x 1\nb: *x\n", "2:5: aliases (*name) are not accepted; write the value out"},
        {"retry: &r {retries: 1}\nbreaker: *r\n",
         "2:11: aliases (*name) are not accepted; write the value out"},
        {"retry: &r {retries: 1}\nbreaker:\n  <<: *r\n",
         "3:3: merge keys (<<) are not accepted; write the options out"},
        {"models:\n  *: openai\n",
         "2:3: a * by itself is a sign of YAML's; write it in quotes: \"*\""},
        {"providers: {a: {key: ${KEY}}}\n",
         "1:22: within braces or brackets ${NAME} stands in quotes: \"${NAME}\""},
        {"retry: !!map {}\n", "1:14: tags (!name) have no meaning here; leave it out"},
        {"retry: {retries: !x 3}\n", "1:21: tags (!name) have no meaning here; leave it out"},
        {"retry: {}\nretry: {}\n", "2:1: 'retry' is written twice; the first is in line 1"},
        {"retry: {base: 1s, \"base\": 2s}\n",
         "1:19: 'base' is written twice; the first is in line 1"},
        {"retry: {}\n---\nretry: {}\n", "2:1: a second document begins here; only one is read"},
        {"retry: {}\n...\nfoo: 1\n", "3:1: a second document begins here; only one is read"},
        {"retry: {}\n\nchat: {model: \"\xc3\"}\n", "3:1: the text is not valid UTF-8"},
        {"? [a, b]\n: 1\n", "1:3: expected the name of an option"},
        {"[]: 1\n", "1:1: expected the name of an option"},
        {"\"\": 1\n", "1:1: expected the name of an option"},
        {"a: \"x\\0y\"\n", "1:4: a value holds a NUL character"},
        {"retry: [1, 2\n", "2:1: not valid YAML: flow sequence without a closing bracket"},
        {"a: b: c\n", "1:5: not valid YAML: invalid nested block mapping on the same line"},
        {"- listen\n", "1:1: the configuration is a list; expected a mapping of options"},
        {"listen\n", "1:1: the configuration is a value; expected a mapping of options"},
        {"a: \x01\n",
         "1:1: the line holds the control character 0x01; a configuration is plain text"},
        {"a:\n\n b: \x7f\n",
         "3:1: the line holds the control character 0x7f; a configuration is plain text"},
        {"a: b\rc: d\n",
         "1:1: the line holds the control character 0x0d; a configuration is plain text"},
        {"a: \xff\n", "1:1: the text is not valid UTF-8"},
        {"\xff\xfe"
         "a",
         "0:0: the text is not valid UTF-8"},
        {"a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "1:20: nested too deep for a configuration"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_bad(rows[i][0], rows[i][1]);
}

static void takes_a_document_in_any_dress(void **state) {
    (void)state;
    static const char *const rows[] = {
        "retry:\n  retries: 7\n",
        "retry: {retries: 7}",
        "{\"retry\": {\"retries\": \"7\"}}\n",
        "\xef\xbb\xbfretry:\n  retries: 7\n",
        "retry:\r\n  retries: 7\r\n",
        "---\nretry:\n  retries: 7\n...\n",
        "%YAML 1.2\n---\nretry: {retries: 7} # seven\n",
        "# nothing else\n\nretry:\n    retries:    7   # seven\n",
        "retry: {retries: '7'}\n",
        "retry:\n  retries: >-\n    7\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config *c = world_good(rows[i]);
        assert_int_equal(c->retry.retries, 7);
        world_done(c);
    }
    static const char *const empty[] = {"", "\n", "# nothing\n", "---\n", "{}", "~", "null\n"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        config *c = world_good(empty[i]);
        assert_int_equal(c->retry.retries, 3);
        world_done(c);
    }
}

/* A file that is still being written must never pass for a whole one of another meaning; above all
 * it must be read without harm. */
static void survives_every_cut(void **state) {
    (void)state;
    static const char yaml[] = "listen: [127.0.0.1:8080, {address: \"[::1]:0\"}]\n"
                               "providers:\n  a: {url: https://h/v1, key: [\"k1\", 'k2']}\n"
                               "models: {\"*\": {pick: weighted, targets: [{to: a, weight: 2}]}}\n"
                               "clients:\n- name: ci\n  key: secretsecret\n"
                               "chat:\n  system: |\n    One\n    Two\n";
    world w;
    world_init(&w, NULL, NULL);
    for (size_t n = 0; n <= sizeof yaml - 1; n++) {
        char *cut = strndup(yaml, n); /* so that a sanitizer sees a byte too far */
        config *c = world_load(&w, cut);
        if (!c) assert_true(world_problems.count > 0);
        world_done(c);
        free(cut);
    }
}

static void bounds_its_input(void **state) {
    (void)state;
    buf big = BUF_EMPTY;
    arena a;
    config_problems problems;
    arena_init(&a, 0);
    problems_init(&problems);
    while (big.len <= YAML_BYTES_MAX)
        buf_add_cstr(&big, "# filler filler filler filler\n");
    assert_null(yaml_parse(buf_span(&big), SPAN_OF("f"), &a, &problems));
    assert_int_equal(problems.count, 1);
    assert_true(span_ends(problems.items[0].text, SPAN_OF("bytes; allowed are 4194304")));
    buf_clear(&big);
    for (int i = 0; i <= YAML_KEYS_MAX; i++)
        buf_addf(&big, "k%d: 1\n", i);
    assert_null(yaml_parse(buf_span(&big), SPAN_OF("f"), &a, &problems));
    assert_span(problems.items[1].text, "more than 10000 entries in one mapping");
    buf_clear(&big);
    for (int i = 0; i < 3000; i++)
        buf_addf(&big, "k%d: 1\n", i);
    assert_non_null(yaml_parse(buf_span(&big), SPAN_OF("f"), &a, &problems));
    buf_add_cstr(&big, "k17: 1\n");
    assert_null(yaml_parse(buf_span(&big), SPAN_OF("f"), &a, &problems));
    assert_span(problems.items[2].text, "'k17' is written twice; the first is in line 18");
    config_problems_done(&problems);
    arena_done(&a);
    buf_done(&big);
}

static void stops_at_too_many_problems(void **state) {
    (void)state;
    buf yaml = BUF_EMPTY;
    world w;
    for (int i = 0; i < 500; i++)
        buf_addf(&yaml, "nonsense%d: 1\n", i);
    buf_add_cstr(&yaml,
                 "providers: {p: {kind: nonsense}}\nmodels: {m: {targets: [{weight: 2}]}}\n");
    world_init(&w, NULL, NULL);
    assert_null(world_load(&w, buf_cstr(&yaml)));
    assert_int_equal(world_problems.count, PROBLEMS_MAX + 1);
    assert_span(world_problems.items[PROBLEMS_MAX].text,
                "there are more problems than are shown here");
    world_done(NULL);
    buf_done(&yaml);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_configuration),
        cmocka_unit_test(takes_a_document_in_any_dress),
        cmocka_unit_test(survives_every_cut),
        cmocka_unit_test(bounds_its_input),
        cmocka_unit_test(stops_at_too_many_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
