/* Where Azure has what is asked: beneath a deployment, or beside all of them. */
#include "unit.h"

#include "asking.h"

static span path_of(const char *base, const char *path, const char *version, const char *model) {
    const config_provider azure = {
        .auth = AUTH_API_KEY, .url = {.path = span_cstr(base)}, .api_version = span_cstr(version)};
    const request_facts f = {.endpoint = EP_OTHER,
                             .method = SPAN("POST"),
                             .path = span_cstr(path),
                             .query = SPAN("api-version=theirs"),
                             .model_name = span_cstr(model)};
    return build(&azure, &f, "", NULL).path;
}

#define DATED "?api-version=2025-04-01-preview"

/* Of every path in turn: what base gives, with the model d. */
static void each_path_has_its_place(void **state) {
    (void)state;
    static const struct {
        const char *base, *path, *sent;
    } rows[] = {
        {"", "/chat/completions", "/openai/deployments/d/chat/completions"},
        {"", "/completions", "/openai/deployments/d/completions"},
        {"", "/embeddings", "/openai/deployments/d/embeddings"},
        {"", "/audio/speech", "/openai/deployments/d/audio/speech"},
        {"", "/audio/transcriptions", "/openai/deployments/d/audio/transcriptions"},
        {"", "/audio/translations", "/openai/deployments/d/audio/translations"},
        {"", "/images/generations", "/openai/deployments/d/images/generations"},
        {"", "/images/edits", "/openai/deployments/d/images/edits"},
        {"", "/responses", "/openai/responses"},
        {"", "/responses/resp_1/cancel", "/openai/responses/resp_1/cancel"},
        {"", "/moderations", "/openai/moderations"},
        {"", "/files/file-1/content", "/openai/files/file-1/content"},
        {"", "/batches", "/openai/batches"},
        {"/openai", "/embeddings", "/openai/deployments/d/embeddings"},
        {"/openai", "/responses", "/openai/responses"},
        {"/eu/openai", "/responses", "/eu/openai/responses"},
        {"/openai/deployments/mine", "/embeddings", "/openai/deployments/mine/embeddings"},
        {"/openai/deployments/mine", "/responses", "/openai/responses"},
        {"/openai/deployments/mine", "/files", "/openai/files"},
        {"/deployments/mine", "/responses", "/responses"},
        /* The newer form is OpenAI's. */
        {"/openai/v1", "/chat/completions", "/openai/v1/chat/completions"},
        {"/openai/v1", "/responses", "/openai/v1/responses"},
        {"/openai/v1", "/files", "/openai/v1/files"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *dated = arena_printf(&a, "%s" DATED, rows[i].sent).ptr;
        const span sent = path_of(rows[i].base, rows[i].path, "2025-04-01-preview", "d");
        assert_span(sent, dated);
    }
}

static void nobody_else_has_any(void **state) {
    (void)state;
    assert_span(path_of("/v1", "/chat/completions", "", "d"), "/v1/chat/completions");
    assert_span(path_of("/v1", "/responses", "", "d"), "/v1/responses");
    assert_span(path_of("/x/deployments/y", "/responses", "", "d"), "/x/deployments/y/responses");
}

/* A name that no path may have is one like any other where none has it. */
static void a_body_may_name_it(void **state) {
    (void)state;
    assert_span(path_of("", "/responses", "2025-04-01-preview", ".."), "/openai/responses" DATED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_path_has_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_else_has_any, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_may_name_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
