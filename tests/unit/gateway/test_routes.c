#include "unit.h"

#include "config/callable.h"
#include "exchange/forms.h"
#include "gateway/embedded.h"
#include "gateway/routes.h"
#include "json/json.h"

#include <stdio.h>

static span further[] = {SPAN("/v1/audio/*"), SPAN("/v1/rerank")};
static const config plain = {0};
static const config passing = {.passthrough = further, .passthrough_count = 2};

static span allow_at(const config *c, const char *path) {
    static buf text;
    buf_clear(&text);
    route_allow(c, route_find(c, span_cstr(path)), span_cstr(path), &text);
    return buf_span(&text);
}

static void test_calls(void **state) {
    (void)state;
    const route *row = route_find(&plain, SPAN_OF("/v1/chat/completions"));
    assert_non_null(row);
    assert_non_null(row->call);
    assert_int_equal(row->call->endpoint, EP_CHAT_COMPLETIONS);
    assert_ptr_equal(row->call->form, &form_openai);
    assert_true(row->call->takes_json);
    assert_int_equal(row->who, WHO_CLIENT);
    assert_true(route_allows(row, HTTP_POST_M));
    assert_true(route_allows(row, HTTP_OPTIONS_M));
    assert_false(route_allows(row, HTTP_GET_M));
    assert_false(route_allows(row, HTTP_HEAD_M));
    assert_false(route_allows(row, HTTP_OTHER_M));
    assert_span(allow_at(&plain, "/v1/chat/completions"), "POST, OPTIONS");
    assert_ptr_equal(route_find(&plain, SPAN_OF("/chat"))->call->form, &form_chat);
    assert_int_equal(route_find(&plain, SPAN_OF("/v1/embeddings"))->call->endpoint, EP_EMBEDDINGS);
}

static void test_names(void **state) {
    (void)state;
    static const struct {
        const char *path, *name;
    } rows[] = {
        {"/v1/chat/completions", "/v1/chat/completions"},
        {"/chat/completions", "/chat/completions"},
        {"/openai/v1/responses", "/openai/v1/responses"},
        {"/openai/deployments/a%20b/chat/completions",
         "/openai/deployments/{deployment}/chat/completions"},
        {"/openai/deployments/x/embeddings", "/openai/deployments/{deployment}/embeddings"},
        {"/chat", "/chat"},
        {"/chat/functions", "/chat/functions"},
        {"/v1/audio/speech", ""},
        {"/v1/models/x", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const span path = span_cstr(rows[i].path);
        assert_span(route_name(route_find(&passing, path), path), rows[i].name);
    }
}

/* The library and the batch runner call by path too. */
static void test_endpoints_by_path(void **state) {
    (void)state;
    size_t count, calls = 0;
    const route *rows = route_table(&count);
    for (size_t i = 0; i < count; i++) {
        const call_row *call = rows[i].call;
        if (!call || call->form != &form_openai) continue;
        calls++;
        assert_int_equal(endpoint_of_path(span_slice(rows[i].path, 3, rows[i].path.len)),
                         call->endpoint);
    }
    assert_int_equal(calls, EP_OTHER);
    assert_int_equal(endpoint_of_path(SPAN_OF("/v1/chat/completions")), EP_OTHER);
    assert_int_equal(endpoint_of_path(SPAN_OF("")), EP_OTHER);
}

/* Whatever can be called, a client can be held to, by its path and by its name in records. */
static void test_what_clients_may_be_held_to(void **state) {
    (void)state;
    size_t count;
    const route *rows = route_table(&count);
    for (size_t i = 0; i < count; i++) {
        const call_row *call = rows[i].call;
        if (!call) continue;
        assert_true(callable_is_any(&plain, rows[i].path));
        const char *label = call->form->label;
        assert_true(
            callable_is_any(&plain, span_cstr(label ? label : endpoint_get(call->endpoint)->name)));
    }
    assert_true(callable_is_any(&plain, span_cstr(endpoint_get(EP_OTHER)->name)));
    assert_true(callable_is_any(&plain, SPAN_OF("mcp")) && route_find(&plain, SPAN_OF("/mcp")));
}

static void test_pages(void **state) {
    (void)state;
    static const char *const pages[] = {"/health",  "/health/live",  "/health/ready",
                                        "/metrics", "/openapi.json", "/docs"};
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        const route *row = route_find(&plain, span_cstr(pages[i]));
        assert_non_null(row);
        assert_null(row->call);
        assert_int_equal(row->who, WHO_ANYONE);
        assert_true(route_allows(row, HTTP_GET_M) && route_allows(row, HTTP_HEAD_M));
        assert_false(route_allows(row, HTTP_POST_M));
        assert_span(allow_at(&plain, pages[i]), "GET, HEAD, OPTIONS");
    }
}

static void test_below_a_star(void **state) {
    (void)state;
    const route *row = route_find(&plain, SPAN_OF("/v1/models/meta/llama-3"));
    assert_non_null(row);
    assert_null(row->call);
    assert_int_equal(row->who, WHO_CLIENT);
    assert_span(route_rest(row, SPAN_OF("/v1/models/meta/llama-3")), "meta/llama-3");
    assert_ptr_not_equal(row, route_find(&plain, SPAN_OF("/v1/models")));
}

static void test_a_star_in_the_middle(void **state) {
    (void)state;
    const route *all = route_find(&plain, SPAN_OF("/admin/v1/keys"));
    const route *one = route_find(&plain, SPAN_OF("/admin/v1/keys/app"));
    const route *rotate = route_find(&plain, SPAN_OF("/admin/v1/keys/app/rotate"));
    const route *revoke = route_find(&plain, SPAN_OF("/admin/v1/keys/app/revoke"));
    const route *rows[] = {all, one, rotate, revoke};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_non_null(rows[i]);
        assert_int_equal(rows[i]->who, WHO_KEEPER);
        for (size_t k = 0; k < i; k++)
            assert_ptr_not_equal(rows[i], rows[k]);
    }
    assert_span(allow_at(&plain, "/admin/v1/keys/app"), "GET, HEAD, PATCH, OPTIONS");
    assert_span(allow_at(&plain, "/admin/v1/keys/app/rotate"), "POST, OPTIONS");
    assert_span(route_rest(rotate, SPAN_OF("/admin/v1/keys/a/b/rotate")), "a/b");
    assert_span(route_rest(one, SPAN_OF("/admin/v1/keys/app")), "app");
    /* Nothing stands in the star's place: it is a key of that name. */
    assert_ptr_equal(route_find(&plain, SPAN_OF("/admin/v1/keys/rotate")), one);
    assert_null(route_find(&plain, SPAN_OF("/admin/v1/keys/")));
}

static void test_nothing_there(void **state) {
    (void)state;
    static const char *const paths[] = {"",
                                        "/",
                                        "*",
                                        "/v1",
                                        "/v1/",
                                        "/v1/models/",
                                        "/v1/chat",
                                        "/v1/chat/completions/",
                                        "/CHAT",
                                        "/v1//chat/completions",
                                        "/v1/%63hat/completions",
                                        "/v1/audio/speech",
                                        "/health/",
                                        "/healthy",
                                        "/v1/rerank",
                                        "/docs/../metrics"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_null(route_find(&plain, span_cstr(paths[i])));
}

/* The paths of the API as Azure's clients and base URLs without /v1 spell them. */
static void test_other_spellings(void **state) {
    (void)state;
    size_t count;
    const route *rows = route_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (!span_starts(rows[i].path, SPAN_OF("/v1/"))) continue;
        static const char *const bases[] = {"", "/openai/v1", "/openai", "/openai/deployments/x"};
        for (size_t k = 0; k < ARRAY_LEN(bases); k++) {
            char path[128];
            snprintf(path, sizeof path, "%s%.*s", bases[k], (int)rows[i].path.len - 3,
                     rows[i].path.ptr + 3);
            const route *found = route_find(&plain, span_cstr(path));
            bool call_only = k == 3 && !rows[i].call;
            if (found != (call_only ? NULL : &rows[i])) fail_msg("%s is elsewhere", path);
        }
    }
    const route *one = route_find(&plain, SPAN_OF("/openai/models/meta/llama-3"));
    assert_non_null(one);
    assert_span(route_rest(one, SPAN_OF("/openai/models/meta/llama-3")), "meta/llama-3");
    assert_span(route_rest(one, SPAN_OF("/models/gpt-4")), "gpt-4");
    assert_span(route_rest(one, SPAN_OF("/openai/v1/models/gpt-4")), "gpt-4");
}

static void test_no_spellings(void **state) {
    (void)state;
    static const char *const paths[] = {"/openai",
                                        "/openai/",
                                        "/openai/chat",
                                        "/openai/v1",
                                        "/openai/v1/",
                                        "/openai/health",
                                        "/openai/metrics",
                                        "/openai/v1/docs",
                                        "/v1/health",
                                        "/openai/deployments",
                                        "/openai/deployments/x",
                                        "/openai/deployments/x/",
                                        "/openai/deployments//embeddings",
                                        "/openai/deployments/x/y/embeddings",
                                        "/openai/deployments/x/chat",
                                        "/openai/deployments/x/models",
                                        "/deployments/x/embeddings",
                                        "/OpenAI/v1/embeddings",
                                        "/openai/openai/embeddings",
                                        "/models/",
                                        "/embeddings/",
                                        "//embeddings"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (route_find(&plain, span_cstr(paths[i]))) fail_msg("%s is there", paths[i]);
}

static void test_passthrough_by_other_spellings(void **state) {
    (void)state;
    static span all[] = {SPAN("/v1/*")};
    const config open = {.passthrough = all, .passthrough_count = 1};
    static const char *const audio[] = {"/audio/speech", "/openai/audio/speech",
                                        "/openai/v1/audio/speech",
                                        "/openai/deployments/tts/audio/speech"};
    const route *row = route_find(&passing, SPAN_OF("/v1/audio/speech"));
    for (size_t i = 0; i < ARRAY_LEN(audio); i++) {
        assert_ptr_equal(route_find(&passing, span_cstr(audio[i])), row);
        assert_ptr_equal(route_find(&open, span_cstr(audio[i])), i ? row : NULL);
    }
    assert_null(route_find(&passing, SPAN_OF("/openai/deployments/../audio/speech")));
    assert_null(route_find(&passing, SPAN_OF("/openai/audio/%2e%2e/files")));
    assert_null(route_find(&passing, SPAN_OF("/audio")));
    assert_null(route_find(&open, SPAN_OF("/favicon.ico"))); /* the server's own, not the API's */
    assert_null(route_find(&open, SPAN_OF("/")));
}

static void test_passthrough(void **state) {
    (void)state;
    const route *row = route_find(&passing, SPAN_OF("/v1/audio/speech"));
    assert_non_null(row);
    assert_ptr_equal(row, route_find(&passing, SPAN_OF("/v1/rerank")));
    assert_int_equal(row->call->endpoint, EP_OTHER);
    assert_int_equal(row->who, WHO_CLIENT);
    assert_false(row->call->takes_json);
    assert_span(allow_at(&passing, "/v1/audio/speech"),
                "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    assert_false(route_allows(row, HTTP_OTHER_M));
    assert_null(route_find(&passing, SPAN_OF("/v1/audio/")));
    assert_null(route_find(&passing, SPAN_OF("/v1/audio")));
    assert_null(route_find(&passing, SPAN_OF("/v1/rerank/x")));
    assert_null(route_find(&passing, SPAN_OF("/v1/audio/../files")));
    assert_null(route_find(&passing, SPAN_OF("/v1/audio/%2e%2E/files")));
    assert_null(route_find(&passing, SPAN_OF("/v1/audio/..;/files")));
    assert_null(route_find(&passing, SPAN_OF("/v1/audio/%252e%252e/files")));
    /* The table comes first: what is configured cannot take its place. */
    assert_int_equal(route_find(&passing, SPAN_OF("/v1/responses"))->call->endpoint, EP_RESPONSES);
}

/* Stored completions, and models of one's own: other methods at paths of the table's. */
static void test_passthrough_beside_the_table(void **state) {
    (void)state;
    static span all[] = {SPAN("/v1/*")};
    const config open = {.passthrough = all, .passthrough_count = 1};
    const route *passed = route_find(&open, SPAN_OF("/v1/files"));
    static const struct {
        http_method method;
        const char *path;
        bool passed;
    } rows[] = {
        {HTTP_GET_M, "/v1/chat/completions", true},
        {HTTP_HEAD_M, "/v1/chat/completions", true},
        {HTTP_GET_M, "/openai/chat/completions", true},
        {HTTP_GET_M, "/chat/completions", false}, /* as for all else of "/v1/" and a star */
        {HTTP_DELETE_M, "/v1/models/ft:x", true},
        {HTTP_POST_M, "/v1/models", true},
        {HTTP_POST_M, "/v1/chat/completions", false},
        {HTTP_OPTIONS_M, "/v1/chat/completions", false},
        {HTTP_OTHER_M, "/v1/chat/completions", false},
        {HTTP_GET_M, "/v1/models/x", false},
        {HTTP_DELETE_M, "/v1/models/..", false},
        {HTTP_GET_M, "/chat", false}, /* weir's own, and none of the API's */
        {HTTP_POST_M, "/health", false},
        {HTTP_DELETE_M, "/chat/functions/x", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const span path = span_cstr(rows[i].path);
        const route *row = route_find(&open, path);
        assert_ptr_equal(route_for(&open, rows[i].method, path), rows[i].passed ? passed : row);
        assert_ptr_equal(route_for(&plain, rows[i].method, path), route_find(&plain, path));
    }
}

/* Whoever is told the methods of a path (a browser, before it asks) is told both rows'. */
static void test_methods_of_both(void **state) {
    (void)state;
    static span all[] = {SPAN("/v1/*")};
    const config open = {.passthrough = all, .passthrough_count = 1};
    static const char every[] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    static const struct {
        const char *path, *open, *plain;
    } rows[] = {
        {"/v1/chat/completions", every, "POST, OPTIONS"},
        {"/openai/chat/completions", every, "POST, OPTIONS"},
        {"/chat/completions", "POST, OPTIONS", "POST, OPTIONS"}, /* does not go on */
        {"/v1/models", every, "GET, HEAD, OPTIONS"},
        {"/v1/models/ft:x", every, "GET, HEAD, OPTIONS"},
        {"/v1/models/..", "GET, HEAD, OPTIONS", "GET, HEAD, OPTIONS"},
        {"/chat", "POST, OPTIONS", "POST, OPTIONS"},
        {"/mcp", "GET, POST, OPTIONS", "GET, POST, OPTIONS"},
        {"/health", "GET, HEAD, OPTIONS", "GET, HEAD, OPTIONS"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_span(allow_at(&open, rows[i].path), rows[i].open);
        assert_span(allow_at(&plain, rows[i].path), rows[i].plain);
    }
}

/* Each row of the API by spellings that are none of weir's and may be the server's behind it. */
static void test_no_row_by_another_name(void **state) {
    (void)state;
    static span all[] = {SPAN("/v1/*"), SPAN("/v1/chat/*"), SPAN("/v1/responses*")};
    const config open = {.passthrough = all, .passthrough_count = ARRAY_LEN(all)};
    static const char *const forms[] = {"/v1%s/",
                                        "/v1/%s",
                                        "/v1%s;a=b",
                                        "/v1%s%%20",
                                        "/v1%s%%3Fx",
                                        "/v1%s%%23",
                                        "/v1/v1%s",
                                        "/v1/openai/v1%s",
                                        "/openai//v1%s",
                                        "/openai/deployments/x%s/",
                                        "/openai/Deployments/x%s",
                                        "/v1/deployments/x%s",
                                        "/v1/%%2f%s",
                                        "/openai%s/"};
    size_t count;
    const route *rows = route_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].call || !span_starts(rows[i].path, SPAN_OF("/v1/"))) continue;
        char below[64], path[128];
        snprintf(below, sizeof below, "%.*s", (int)rows[i].path.len - 3, rows[i].path.ptr + 3);
        for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
            snprintf(path, sizeof path, forms[k], below);
            if (route_find(&open, span_cstr(path))) fail_msg("%s goes on", path);
        }
        for (size_t at = 1; below[at]; at++) { /* a letter as an escape, and as a capital */
            snprintf(path, sizeof path, "/v1%.*s%%%02x%s", (int)at, below, below[at],
                     below + at + 1);
            if (route_find(&open, span_cstr(path))) fail_msg("%s goes on", path);
            if (below[at] == '/') continue;
            below[at] ^= 0x20;
            snprintf(path, sizeof path, "/v1%s", below);
            if (route_find(&open, span_cstr(path))) fail_msg("%s goes on", path);
            below[at] ^= 0x20;
        }
    }
    static const char *const others[] = {"/v1/responses/r_1", "/v1/chat/completions/c_1",
                                         "/v1/fim/completions", "/v1/embeddings/jobs",
                                         "/v1/deployments/x"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (!route_find(&open, span_cstr(others[i]))) fail_msg("%s does not", others[i]);
    assert_null(route_find(&open, SPAN_OF("/v1/Models")));
    assert_null(route_find(&open, SPAN_OF("/v1//models/x")));
}

/* ---- openapi.json describes the table: each row is in it, and nothing else is ---- */

static json_value described_paths(json_value *ret_root) {
    json_fault fault;
    assert_true(json_scan(embedded_openapi, NULL, ret_root, &fault));
    return json_get(*ret_root, SPAN_OF("paths"));
}

static void test_every_route_is_described(void **state) {
    (void)state;
    json_value root, paths = described_paths(&root);
    size_t count;
    const route *table = route_table(&count);
    for (size_t i = 0; i < count; i++) {
        span path = table[i].path;
        char name[128];
        const size_t star = span_find(path, 0, '*');
        if (star < path.len)
            snprintf(name, sizeof name, "%.*s{id}%.*s", (int)star, path.ptr,
                     SPAN_ARG(span_slice(path, star + 1, path.len)));
        else
            snprintf(name, sizeof name, "%.*s", SPAN_ARG(path));
        json_value item = json_get(paths, span_cstr(name));
        span method = route_allows(&table[i], HTTP_POST_M) ? SPAN_OF("post") : SPAN_OF("get");
        if (json_get(item, method).type != JSON_OBJECT)
            fail_msg("openapi.json does not describe %.*s %s", SPAN_ARG(method), name);
    }
}

static void test_every_description_has_a_route(void **state) {
    (void)state;
    json_value root, paths = described_paths(&root);
    json_iter it = json_iter_of(paths);
    for (json_member m; json_next_member(&it, &m);)
        if (!route_find(&plain, m.key))
            fail_msg("%.*s is described and not there", SPAN_ARG(m.key));
}

static void test_the_description_has_our_version(void **state) {
    (void)state;
    json_value root;
    (void)described_paths(&root);
    assert_true(json_is(json_get(json_get(root, SPAN_OF("info")), SPAN_OF("version")),
                        SPAN_OF(WEIR_VERSION)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_endpoints_by_path),
        cmocka_unit_test(test_what_clients_may_be_held_to),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_a_star_in_the_middle),
        cmocka_unit_test(test_below_a_star),
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_other_spellings),
        cmocka_unit_test(test_no_spellings),
        cmocka_unit_test(test_passthrough),
        cmocka_unit_test(test_passthrough_beside_the_table),
        cmocka_unit_test(test_methods_of_both),
        cmocka_unit_test(test_no_row_by_another_name),
        cmocka_unit_test(test_passthrough_by_other_spellings),
        cmocka_unit_test(test_every_route_is_described),
        cmocka_unit_test(test_every_description_has_a_route),
        cmocka_unit_test(test_the_description_has_our_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
