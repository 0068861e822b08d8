#include "unit.h"

#include "gateway/models.h"

static config_provider openai = {.name = SPAN("openai")};
static config_provider local = {.name = SPAN("local")};
static config_target to_openai[] = {{.provider = &openai}};
static config_target to_both[] = {{.provider = &local}, {.provider = &openai}};
static config_model named[] = {
    {.name = SPAN("gpt-4o-mini"), .targets = to_openai, .target_count = 1},
    {.name = SPAN("say \"hi\""), .targets = to_both, .target_count = 2},
    {.name = SPAN("gpt-*"), .targets = to_openai, .target_count = 1},
    {.name = SPAN("*"), .targets = to_openai, .target_count = 1},
};

static void test_list(void **state) {
    (void)state;
    const config c = {.models = named, .model_count = 4};
    buf out = BUF_EMPTY;
    assert_true(models_named(&c));
    models_write_list(&c, 1700000000, &out);
    assert_span(
        buf_span(&out),
        "{\"object\":\"list\",\"data\":["
        "{\"id\":\"gpt-4o-mini\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":"
        "\"openai\"},"
        "{\"id\":\"say \\\"hi\\\"\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":"
        "\"local\"}]}");
    buf_done(&out);
}

static void test_patterns_name_nothing(void **state) {
    (void)state;
    const config c = {.models = named + 2, .model_count = 2};
    buf out = BUF_EMPTY;
    assert_false(models_named(&c));
    models_write_list(&c, 1, &out);
    assert_span(buf_span(&out), "{\"object\":\"list\",\"data\":[]}");
    buf_done(&out);
}

static void test_one_has_the_asked_name(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    models_write_one(&named[2], SPAN_OF("gpt-5"), 1, &out);
    assert_span(buf_span(&out),
                "{\"id\":\"gpt-5\",\"object\":\"model\",\"created\":1,\"owned_by\":\"openai\"}");
    buf_done(&out);
}

static void test_decodes_the_id(void **state) {
    (void)state;
    static const struct {
        const char *text, *id; /* NULL: broken */
    } rows[] = {
        {"gpt-4", "gpt-4"},
        {"meta%2Fllama%2d3", "meta/llama-3"},
        {"a+b", "a+b"},
        {"%C3%A9", "é"},
        {"meta/llama", "meta/llama"},
        {"%", NULL},
        {"a%2", NULL},
        {"%zz", NULL},
        {"%2", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf id = BUF_EMPTY;
        bool ok = models_decode_id(span_cstr(rows[i].text), &id);
        assert_int_equal(ok, rows[i].id != NULL);
        if (ok) assert_span(buf_span(&id), rows[i].id);
        buf_done(&id);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_patterns_name_nothing),
        cmocka_unit_test(test_one_has_the_asked_name),
        cmocka_unit_test(test_decodes_the_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
