#include "unit.h"

#include "gateway/api_path.h"

static void each_spelling(void **state) {
    (void)state;
    static const struct {
        const char *path;
        api_base base;
        const char *below, *deployment;
    } rows[] = {
        {"/v1/chat/completions", API_V1, "/chat/completions", ""},
        {"/v1/", API_V1, "/", ""},
        {"/v1//chat", API_V1, "//chat", ""},
        {"/v1/openai/v1/responses", API_V1, "/openai/v1/responses", ""},
        {"/openai/v1/responses", API_AZURE, "/responses", ""},
        {"/openai/responses", API_AZURE, "/responses", ""},
        {"/openai/deployments/gpt-4o/chat/completions", API_AZURE, "/chat/completions", "gpt-4o"},
        {"/openai/deployments/v1/embeddings", API_AZURE, "/embeddings", "v1"},
        {"/openai/deployments/meta%2Fllama/completions", API_AZURE, "/completions", "meta%2Fllama"},
        {"/openai/deployments/x/", API_AZURE, "/", "x"},
        {"/chat/completions", API_BARE, "/chat/completions", ""},
        {"/openai", API_BARE, "/openai", ""},
        {"/v1", API_BARE, "/v1", ""},
        {"/", API_BARE, "/", ""},
        /* a deployment that is none, and what comes after none */
        {"/openai/deployments/", API_NONE, "", ""},
        {"/openai/deployments/gpt-4o", API_NONE, "", ""},
        {"/openai/deployments//chat/completions", API_NONE, "", ""},
        {"", API_NONE, "", ""},
        {"*", API_NONE, "", ""},
        {"v1/chat/completions", API_NONE, "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const api_path p = api_path_of(span_cstr(rows[i].path));
        if (p.base != rows[i].base) print_error("%s\n", rows[i].path);
        assert_int_equal(p.base, rows[i].base);
        assert_span(p.below, rows[i].below);
        assert_span(p.deployment, rows[i].deployment);
    }
}

static void a_name_is_decoded(void **state) {
    (void)state;
    static const struct {
        const char *text, *name; /* NULL: it is none */
    } rows[] = {
        {"gpt-4", "gpt-4"},
        {"meta%2Fllama%2d3", "meta/llama-3"},
        {"a+b", "a+b"},
        {"%C3%A9", "é"},
        {"meta/llama", "meta/llama"},
        {"%20", " "},
        {"", ""},
        {"%", NULL},
        {"a%2", NULL},
        {"%zz", NULL},
        {"%2", NULL},
        {"%C3", NULL},
        {"a%00b", NULL},
        {"%0a", NULL},
        {"%1F", NULL},
        {"%7f", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf name = BUF_EMPTY;
        bool ok = api_path_decode(span_cstr(rows[i].text), &name);
        assert_int_equal(ok, rows[i].name != NULL);
        if (ok) assert_span(buf_span(&name), rows[i].name);
        buf_done(&name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_spelling),
        cmocka_unit_test(a_name_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
