#include "unit.h"

#include "config/model_index.h"
#include "gateway/models.h"

/* In an array, as in a configuration. */
static config_provider providers[] = {
    {.name = SPAN("openai")},
    {.name = SPAN("local")},
    {.name = SPAN("azure"), .api_version = SPAN("2024-10-21")},
    {.name = SPAN("mine"), .url = {.path = SPAN("/openai/deployments/d")}},
};
static config_target to_openai[] = {{.provider = &providers[0]}};
static config_target to_local[] = {{.provider = &providers[1]}};
static config_target to_both[] = {{.provider = &providers[1]}, {.provider = &providers[0]}};
static config_target to_one_model[] = {{.provider = &providers[0], .model = SPAN("gpt-4o")}};
static config_target to_azure[] = {{.provider = &providers[2]}, {.provider = &providers[3]}};

#define ENTRY(n, t)                                                                                \
    { .name = SPAN(n), .targets = t, .target_count = ARRAY_LEN(t) }

static config_model named[] = {
    ENTRY("gpt-4o-mini", to_openai),
    ENTRY("say \"hi\"", to_both),
    ENTRY("gpt-*", to_openai),
    ENTRY("*", to_openai),
};

/* ---- what providers list ---- */

static const model_list *list_of(const void *user, const config_provider *p) {
    const model_list *lists = user;
    size_t i = (size_t)(p - providers);
    return i < 2 && lists[i].items ? &lists[i] : NULL;
}

static model_list list_read(const char *body) {
    model_list l;
    assert_true(model_list_read(span_cstr(body), NULL, &l));
    return l;
}

static const config_client *who; /* asks; NULL: anybody */

/* The ids of the list, each with a blank behind it, that stand in the data of the answer. */
static span ids_listed(config_model *models, size_t count, const char *openai, const char *local) {
    static buf said;
    buf_clear(&said);
    model_list lists[2];
    memset(lists, 0, sizeof lists);
    if (openai) lists[0] = list_read(openai);
    if (local) lists[1] = list_read(local);
    const models_known known = {list_of, lists};
    arena a;
    arena_init(&a, 0);
    const config c = {.models = models,
                      .model_count = count,
                      .model_index = model_index_new(&a, models, count),
                      .providers = providers,
                      .provider_count = 4};
    buf out = BUF_EMPTY;
    models_write_list(&c, who, &known, 1, &out);
    json_value root;
    json_fault fault;
    assert_true(json_scan(buf_span(&out), NULL, &root, &fault));
    json_iter it = json_iter_of(json_get(root, SPAN_OF("data")));
    for (json_value m; json_next_element(&it, &m);)
        buf_addf(&said, "%.*s ", SPAN_ARG(json_get(m, SPAN_OF("id")).raw));
    buf_done(&out);
    arena_done(&a);
    for (size_t i = 0; i < 2; i++)
        if (lists[i].items) model_list_done(&lists[i]);
    return buf_span(&said);
}

#define GPTS   "[{\"id\":\"gpt-5\"},{\"id\":\"gpt-4o-mini\"},{\"id\":\"o3\"},{\"id\":\"gpt-5\"}]"
#define LLAMAS "[{\"id\":\"llama\"},{\"id\":\"o3\"},{\"id\":\"gpt-oss\"}]"

static void patterns_list_what_they_let_through(void **state) {
    (void)state;
    static config_model all[] = {ENTRY("*", to_both)};
    static config_model gpt[] = {ENTRY("gpt-*", to_openai)};
    static config_model split[] = {ENTRY("gpt-*", to_openai), ENTRY("*", to_local)};
    static config_model fixed[] = {ENTRY("*", to_one_model)};
    static config_model deployments[] = {ENTRY("*", to_azure)};
    static config_model mixed[] = {ENTRY("o3", to_local), ENTRY("*", to_openai)};
    assert_span(ids_listed(all, 1, GPTS, LLAMAS),
                "\"gpt-5\" \"gpt-4o-mini\" \"o3\" \"llama\" \"gpt-oss\" ");
    assert_span(ids_listed(gpt, 1, GPTS, LLAMAS), "\"gpt-5\" \"gpt-4o-mini\" ");
    /* a call for local's gpt-oss would go to openai */
    assert_span(ids_listed(split, 2, GPTS, LLAMAS), "\"gpt-5\" \"gpt-4o-mini\" \"llama\" \"o3\" ");
    assert_span(ids_listed(fixed, 1, GPTS, LLAMAS), "");
    assert_span(ids_listed(deployments, 1, GPTS, LLAMAS), "");
    assert_span(ids_listed(mixed, 2, GPTS, LLAMAS), "\"o3\" \"gpt-5\" \"gpt-4o-mini\" ");
    /* one that is down does not empty the list */
    assert_span(ids_listed(all, 1, NULL, LLAMAS), "\"llama\" \"o3\" \"gpt-oss\" ");
    assert_span(ids_listed(all, 1, NULL, NULL), "");
    assert_span(ids_listed(named, 4, "[]", NULL), "\"gpt-4o-mini\" \"say \\\"hi\\\"\" ");
}

static void a_client_sees_what_it_may_ask_for(void **state) {
    (void)state;
    static config_model all[] = {ENTRY("o3", to_local), ENTRY("*", to_openai)};
    static span models[] = {SPAN("gpt-4*"), SPAN("o3")};
    static config_client some = {.models = models, .model_count = 2}, any = {.model_count = 0};
    who = &some;
    assert_span(ids_listed(all, 2, GPTS, NULL), "\"o3\" \"gpt-4o-mini\" ");
    who = &any;
    assert_span(ids_listed(all, 2, GPTS, NULL), "\"o3\" \"gpt-5\" \"gpt-4o-mini\" ");
    who = NULL;
}

static void which_providers_are_worth_asking(void **state) {
    (void)state;
    static config_model open[] = {ENTRY("gpt-*", to_openai)};
    static config_model closed[] = {ENTRY("gpt-4o", to_openai), ENTRY("*", to_one_model),
                                    ENTRY("x-*", to_azure)};
    assert_true(models_are_open(&(const config){.models = open, .model_count = 1}));
    assert_false(models_are_open(&(const config){.models = closed, .model_count = 3}));
}

/* ---- their form ---- */

static void names_alone(void **state) {
    (void)state;
    const config c = {.models = named, .model_count = 4};
    buf out = BUF_EMPTY;
    models_write_list(&c, NULL, NULL, 1700000000, &out);
    assert_span(
        buf_span(&out),
        "{\"object\":\"list\",\"data\":["
        "{\"id\":\"gpt-4o-mini\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":"
        "\"openai\"},"
        "{\"id\":\"say \\\"hi\\\"\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":"
        "\"local\"}]}");
    buf_done(&out);
}

/* In OpenAI's shape whatever the provider's is, and with what it says besides. */
static void a_model_as_its_provider_describes_it(void **state) {
    (void)state;
    static const struct {
        const char *listed, *written;
    } rows[] = {
        {"{\"id\":\"m\"}",
         "{\"id\":\"m\",\"object\":\"model\",\"created\":5,\"owned_by\":\"openai\"}"},
        {"{\"owned_by\":\"they\",\"created\":7,\"id\":\"m\",\"object\":\"model\"}",
         "{\"id\":\"m\",\"object\":\"model\",\"created\":7,\"owned_by\":\"they\"}"},
        {"{\"id\":\"m\",\"created\":\"2024\",\"owned_by\":null,\"object\":\"engine\"}",
         "{\"id\":\"m\",\"object\":\"model\",\"created\":5,\"owned_by\":\"openai\"}"},
        {"{\"id\":\"m\",\"created\":1.5,\"context_length\": 8192 ,\"x\\\"\":{\"a\":[1, 2]}}",
         "{\"id\":\"m\",\"object\":\"model\",\"created\":5,\"owned_by\":\"openai\","
         "\"context_length\":8192,\"x\\\"\":{\"a\":[1, 2]}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf text = BUF_EMPTY, out = BUF_EMPTY;
        buf_addf(&text, "{\"data\":[%s]}", rows[i].listed);
        model_list lists[2] = {list_read(buf_cstr(&text))};
        const models_known known = {list_of, lists};
        models_write_one(&named[3], &known, SPAN_OF("m"), 5, &out);
        assert_span(buf_span(&out), rows[i].written);
        buf_clear(&out);
        models_write_one(&named[3], &known, SPAN_OF("other"), 5, &out);
        assert_span(
            buf_span(&out),
            "{\"id\":\"other\",\"object\":\"model\",\"created\":5,\"owned_by\":\"openai\"}");
        buf_clear(&out);
        models_write_one(&named[0], &known, SPAN_OF("gpt-4o-mini"), 5, &out);
        assert_span(buf_span(&out), "{\"id\":\"gpt-4o-mini\",\"object\":\"model\",\"created\":5,"
                                    "\"owned_by\":\"openai\"}");
        model_list_done(&lists[0]);
        buf_done(&text);
        buf_done(&out);
    }
}

static void one_has_the_asked_name(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    models_write_one(&named[2], NULL, SPAN_OF("gpt-5"), 1, &out);
    assert_span(buf_span(&out),
                "{\"id\":\"gpt-5\",\"object\":\"model\",\"created\":1,\"owned_by\":\"openai\"}");
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_list_what_they_let_through),
        cmocka_unit_test(a_client_sees_what_it_may_ask_for),
        cmocka_unit_test(which_providers_are_worth_asking),
        cmocka_unit_test(names_alone),
        cmocka_unit_test(a_model_as_its_provider_describes_it),
        cmocka_unit_test(one_has_the_asked_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
