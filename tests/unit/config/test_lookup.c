#include "world.h"

static const char *model_for(const config *c, const char *name) {
    const config_model *m = config_find_model(c, span_cstr(name));
    return m ? m->name.ptr : "(none)";
}

static void finds_models(void **state) {
    (void)state;
    config *c = world_good(
        "providers: {p: {url: \"http://127.0.0.1:1\"}}\n"
        "models: {\"*\": p, gpt-4o: p, \"gpt-4*\": p, \"gpt-4o-*\": p, \"gpt-*\": p, A: p}\n");
    assert_string_equal(model_for(c, "gpt-4o"), "gpt-4o");
    assert_string_equal(model_for(c, "gpt-4o-mini"), "gpt-4o-*");
    assert_string_equal(model_for(c, "gpt-4o-"), "gpt-4o-*");
    assert_string_equal(model_for(c, "gpt-4.1"), "gpt-4*");
    assert_string_equal(model_for(c, "gpt-3"), "gpt-*");
    assert_string_equal(model_for(c, "a"), "*");
    assert_string_equal(model_for(c, "A"), "A");
    assert_string_equal(model_for(c, ""), "*");
    assert_string_equal(model_for(c, "*"), "*");
    /* A client cannot name a pattern. */
    assert_string_equal(model_for(c, "gpt-4*"),
                        "gpt-4*"); /* by prefix: "gpt-4*" begins with gpt-4 */
    world_done(c);
    c = world_good("providers: {p: {url: \"http://127.0.0.1:1\"}}\nmodels: {a: p, \"b*\": p}\n");
    assert_string_equal(model_for(c, "c"), "(none)");
    assert_string_equal(model_for(c, "aa"), "(none)");
    assert_string_equal(model_for(c, "b"), "b*");
    world_done(c);
}

/* What the index is to find, by a look at every entry. */
static const config_model *by_looking(const config *c, span name) {
    const config_model *prefix = NULL, *rest = NULL;
    for (size_t i = 0; i < c->model_count; i++) {
        const config_model *m = &c->models[i];
        if (!span_ends(m->name, SPAN_OF("*"))) {
            if (span_eq(m->name, name)) return m;
            continue;
        }
        if (m->name.len == 1)
            rest = m;
        else if (span_starts(name, span_slice(m->name, 0, m->name.len - 1)) &&
                 (!prefix || m->name.len > prefix->name.len))
            prefix = m;
    }
    return prefix ? prefix : rest;
}

/* Words of two letters alone: so exact names, patterns and what is asked for meet in every way. */
static void finds_among_many(void **state) {
    (void)state;
    for (unsigned words = 1; words <= 4096; words = words * 3 + 1) {
        buf text = BUF_EMPTY;
        buf_add_cstr(&text, "providers: {p: {url: \"http://127.0.0.1:1\"}}\nmodels:\n");
        if (words % 2) buf_add_cstr(&text, "  \"*\": p\n");
        for (unsigned i = 2; i < words + 2; i++) { /* the digits of i below its first, a and b */
            char word[16] = "";
            size_t len = 0;
            for (unsigned rest = i; rest > 1; rest /= 2)
                word[len++] = rest % 2 ? 'b' : 'a';
            word[len] = '\0';
            if (i % 3) buf_addf(&text, "  %s: p\n", word);
            if (i % 5 < 2) buf_addf(&text, "  \"%s*\": p\n", word);
        }
        config *c = world_good(buf_cstr(&text));
        for (unsigned i = 2; i < 2 * words + 2; i++) {
            char word[32] = "";
            size_t len = 0;
            for (unsigned rest = i; rest > 1; rest /= 2)
                word[len++] = rest % 2 ? 'b' : 'a';
            if (i % 7 == 0) word[len++] = i % 2 ? '*' : 'c';
            const span asked = span_from(word, len);
            assert_ptr_equal(config_find_model(c, asked), by_looking(c, asked));
        }
        world_done(c);
        buf_done(&text);
    }
}

static void reads_every_form_of_targets(void **state) {
    (void)state;
    config *c = world_good(
        "models:\n  a: [p, p/x, p/meta/llama/3, {to: q/y}]\n  b: p\n"
        "  c: {pick: weighted, targets: [{to: p, weight: 9}, {to: q}]}\n"
        "  d: {pick: fastest, targets: q/z}\n"
        "providers: {p: {url: \"http://127.0.0.1:1\"}, q: {url: \"http://127.0.0.1:2\"}}\n");
    const config_model *a = config_find_model(c, SPAN_OF("a"));
    assert_int_equal(a->pick, PICK_ORDER);
    assert_int_equal(a->target_count, 4);
    assert_span(a->targets[0].model, "");
    assert_span(a->targets[0].name, "p");
    assert_span(a->targets[1].model, "x");
    assert_span(a->targets[2].model, "meta/llama/3");
    assert_span(a->targets[2].name, "p/meta/llama/3");
    assert_ptr_equal(a->targets[2].provider, &c->providers[0]);
    assert_ptr_equal(a->targets[3].provider, &c->providers[1]);
    const config_model *m = config_find_model(c, SPAN_OF("c"));
    assert_int_equal(m->pick, PICK_WEIGHTED);
    assert_int_equal(m->targets[0].weight, 9);
    assert_int_equal(m->targets[1].weight, 1);
    m = config_find_model(c, SPAN_OF("d"));
    assert_int_equal(m->pick, PICK_FASTEST);
    assert_span(m->targets[0].name, "q/z");
    world_done(c);
}

static void derives_the_last_resort(void **state) {
    (void)state;
    config *c = world_good(
        "providers: {p: {url: \"http://127.0.0.1:1\"}, q: {url: \"http://127.0.0.1:2\"}}\n");
    const config_model *m = config_find_model(c, SPAN_OF("anything"));
    assert_non_null(m);
    assert_span(m->name, "*");
    assert_int_equal(m->target_count, 1);
    assert_span(m->targets[0].name, "p");
    assert_span(m->targets[0].model, "");
    assert_int_equal(m->targets[0].weight, 1);
    world_done(c);
    c = world_good("");
    assert_null(config_find_model(c, SPAN_OF("anything")));
    assert_int_equal(c->provider_count, 0);
    world_done(c);
}

/* A kind has an address and habits; what is written rules. */
static void a_kind_has_its_defaults(void **state) {
    (void)state;
    config *c = world_good(
        "providers:\n"
        "  ollama: {}\n"
        "  mine: {kind: ollama, url: \"http://127.0.0.1:1/v1\", completion_ids: as_sent}\n"
        "  llama_cpp_python: {max_tokens_member: as_sent}\n"
        "  other: {url: \"http://127.0.0.1:2/v1\", completion_ids: own}\n"
        "  new: {kind: ollama, max_tokens_member: max_completion_tokens}\n");
    static const struct {
        const char *kind, *url;
        config_max_tokens max_tokens;
        config_completion_ids ids;
    } expected[] = {{"ollama", "http://127.0.0.1:11434/v1", MAX_TOKENS_OLD, COMPLETION_IDS_OWN},
                    {"ollama", "http://127.0.0.1:1/v1", MAX_TOKENS_OLD, COMPLETION_IDS_AS_SENT},
                    {"llama_cpp_python", "http://127.0.0.1:8000/v1", MAX_TOKENS_AS_SENT,
                     COMPLETION_IDS_AS_SENT},
                    {"openai", "http://127.0.0.1:2/v1", MAX_TOKENS_AS_SENT, COMPLETION_IDS_OWN},
                    {"ollama", "http://127.0.0.1:11434/v1", MAX_TOKENS_NEW, COMPLETION_IDS_OWN}};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_span(c->providers[i].kind, expected[i].kind);
        assert_span(c->providers[i].url.text, expected[i].url);
        assert_int_equal(c->providers[i].max_tokens, expected[i].max_tokens);
        assert_int_equal(c->providers[i].ids, expected[i].ids);
    }
    world_done(c);
}

static const char *client_for(const config *c, const char *key) {
    unsigned char hash[SHA256_LEN];
    sha256(span_cstr(key), hash);
    const config_client *client = config_find_client(c, hash);
    return client ? client->name.ptr : "(none)";
}

static void finds_clients(void **state) {
    (void)state;
    config *c = world_good("clients:\n- {name: one, key: first-key}\n- {name: two, key: "
                           "second-key, environment: dev}\n"
                           "- {name: abc, key: {sha256: "
                           "BA7816BF8F01CFEA414140DE5DAE2223b00361a396177a9cb410ff61f20015ad}}\n");
    assert_int_equal(c->client_count, 3);
    assert_string_equal(client_for(c, "first-key"), "one");
    assert_string_equal(client_for(c, "second-key"), "two");
    assert_string_equal(client_for(c, "abc"), "abc"); /* FIPS 180-2's own example */
    assert_string_equal(client_for(c, "first-ke"), "(none)");
    assert_string_equal(client_for(c, "first-key "), "(none)");
    assert_string_equal(client_for(c, ""), "(none)");
    assert_span(c->clients[1].environment, "dev");
    world_done(c);
    c = world_good("clients:\n- {name: one, key: [old-key, new-key, {sha256: "
                   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad}]}\n"
                   "- {name: two, key: [other-key]}\n");
    assert_int_equal(c->clients[0].key_count, 3);
    static const char *const keys[] = {"old-key", "new-key", "abc"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_string_equal(client_for(c, keys[i]), "one"); /* one client, whichever it sends */
    assert_string_equal(client_for(c, "other-key"), "two");
    assert_string_equal(client_for(c, "old-keynew-key"), "(none)");
    world_done(c);
    c = world_good("");
    assert_string_equal(client_for(c, "x"), "(none)");
    world_done(c);
}

static uint64_t share_of_100(const char *yaml) {
    config *c = world_good(yaml);
    uint64_t share = config_share(c, 100);
    world_done(c);
    return share;
}

/* Where there is nobody else one may have all; an open server does not know who there is. */
static void one_of_several_has_a_share(void **state) {
    (void)state;
    assert_int_equal(share_of_100(""), 100);
    assert_int_equal(share_of_100("clients: [{name: a, key: key-a}]"), 100);
    assert_int_equal(share_of_100("clients: [{name: a, key: key-a}, {name: b, key: key-b}]"), 50);
    assert_int_equal(share_of_100("clients: [{name: a, key: key-a}, {name: b, key: key-b}]\n"
                                  "limits: {client_share: 1%}"),
                     1);
    assert_int_equal(share_of_100("server: {open: true}\nlimits: {client_share: 30%}"), 30);
    assert_int_equal(share_of_100("server: {open: true}\nclients: [{name: a, key: key-a}]"), 100);
    /* An issuer and the store name as many as they like. */
    assert_int_equal(share_of_100("auth: {jwt: {jwks: \"https://issuer.example/jwks.json\", "
                                  "issuer: i, audience: weir}}"),
                     50);
    assert_int_equal(share_of_100("keys: on"), 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_models),
        cmocka_unit_test(finds_among_many),
        cmocka_unit_test(reads_every_form_of_targets),
        cmocka_unit_test(derives_the_last_resort),
        cmocka_unit_test(a_kind_has_its_defaults),
        cmocka_unit_test(finds_clients),
        cmocka_unit_test(one_of_several_has_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
