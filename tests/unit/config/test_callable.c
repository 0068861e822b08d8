/* What clients[].endpoints may name: whatever is there to be called, and nothing else. */
#include "unit.h"

#include "config/callable.h"

static span further[] = {SPAN("/v1/audio/*"), SPAN("/v1/rerank")};
static const config plain = {0};
static const config passing = {.passthrough = further, .passthrough_count = 2};

static void entries(void **state) {
    (void)state;
    static const struct {
        const char *entry;
        bool plain, passing;
    } rows[] = {
        {"chat.completions", true, true},
        {"/v1/chat/completions", true, true},
        {"chat/completions", true, true},
        {"/chat/completions", true, true},
        {"chat", true, true},
        {"/chat/functions", true, true},
        {"/chat/functions/*", true, true},
        {"mcp", true, true},
        {"other", true, true},
        {"*", true, true},
        {"/v1/*", true, true},
        {"mod*", true, true},
        {"/v1/models", true, true},
        {"/v1/audio/speech", false, true},
        {"/v1/audio/*", false, true},
        {"/v1/au*", false, true},
        {"audio/x*", false, true},
        {"/v1/rerank", false, true},
        {"/v1/rerank/*", false, false},
        {"embedings", false, false},
        {"/v1/chat/completions/", false, false},
        {"chat.completion", false, false},
        {"Chat", false, false},
        {"/health", false, false},
        {"x*", false, false},
        {"**", false, false},
        {"/", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const span entry = span_cstr(rows[i].entry);
        if (callable_is_any(&plain, entry) != rows[i].plain ||
            callable_is_any(&passing, entry) != rows[i].passing)
            fail_msg("'%s'", rows[i].entry);
    }
}

/* Of whatever an entry may be called for, the entry is one. */
static void what_fits_is_known(void **state) {
    (void)state;
    static const struct {
        const char *name, *path;
    } calls[] = {{"embeddings", "/embeddings"},
                 {"chat", "/chat"},
                 {"chat.functions", "/chat/functions/run_1"},
                 {"other", "/audio/speech"},
                 {"mcp", "/mcp"}};
    static const char *const given[] = {
        "*",     "e*",  "/v1/e*", "chat*", "/chat/functions/*", "/v1/audio/speech",
        "other", "mcp", "o*",     "/v1/*"};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        for (size_t k = 0; k < ARRAY_LEN(given); k++)
            if (callable_fits(span_cstr(given[k]), span_cstr(calls[i].name),
                              span_cstr(calls[i].path)))
                assert_true(callable_is_any(&passing, span_cstr(given[k])));
}

/* What passthrough has at the path of a call, for other methods, is not what that path lets ask. */
static void what_is_beside_a_call(void **state) {
    (void)state;
    static const struct {
        const char *entry, *name, *path;
        bool fits;
    } rows[] = {
        {"/v1/chat/completions", "chat.completions", "/v1/chat/completions", true},
        {"/v1/chat/completions", "other", "/v1/chat/completions", false},
        {"chat/completions", "other", "/chat/completions", false},
        {"/v1/models/*", "other", "/v1/models/ft:x", false},
        {"/v1/models/ft:x", "other", "/models/ft:x", false},
        {"/v1/models/ft:x", "", "/models/ft:x", true},
        {"/v1/*", "other", "/v1/chat/completions", true},
        {"/v1/chat/*", "other", "/v1/chat/completions", true},
        {"other", "other", "/v1/chat/completions", true},
        {"/v1/audio/speech", "other", "/v1/audio/speech", true},
        /* Not beside weir's own, which are elsewhere: Cohere's older chat, and the like. */
        {"/v1/chat", "other", "/chat", true},
        {"/v1/chat/functions", "other", "/chat/functions", true},
        {"/v1/chat/functions/*", "other", "/chat/functions/x", true},
        {"/v1/mcp", "other", "/mcp", true},
        {"chat", "other", "/v1/chat", false},
        {"/chat", "other", "/v1/chat", false},
        {"mcp", "other", "/v1/mcp", false},
        {"/mcp", "other", "/mcp", false},
        {"chat.functions", "other", "/v1/chat/functions", false},
        {"/chat/functions/*", "other", "/v1/chat/functions/x", false},
        {"chat", "chat", "/chat", true},
        {"/chat/functions/*", "chat.functions", "/chat/functions/x", true},
        {"/v1/models/x/generate", "other", "/v1/models/x/generate", true},
        {"other", "other", "/v1/chat", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (callable_fits(span_cstr(rows[i].entry), span_cstr(rows[i].name),
                          span_cstr(rows[i].path)) != rows[i].fits)
            fail_msg("'%s' for %s", rows[i].entry, rows[i].path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries),
        cmocka_unit_test(what_fits_is_known),
        cmocka_unit_test(what_is_beside_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
