/* OpenAI's wire: what is sent, what an event says, why an answer was refused. */
#include "unit.h"

#include "provider/openai.h"

static arena a;

static int setup(void **state) {
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&a);
    return 0;
}

static request_facts facts_of(const char *body) {
    request_facts f = {.endpoint = EP_CHAT_COMPLETIONS,
                       .method = SPAN("POST"),
                       .path = SPAN("/chat/completions"),
                       .body = span_cstr(body),
                       .choices = 1};
    json_fault fault;
    assert_true(json_scan(f.body, NULL, &f.root, &fault));
    f.model = json_get(f.root, SPAN_OF("model"));
    if (f.model.type == JSON_STRING) f.model_name = json_string(f.model, &a);
    f.stream = json_get(f.root, SPAN_OF("stream")).type == JSON_TRUE;
    f.stream_options = json_get(f.root, SPAN_OF("stream_options"));
    f.usage_asked = json_get(f.stream_options, SPAN_OF("include_usage")).type == JSON_TRUE;
    return f;
}

static provider_request build(const config_provider *p, const request_facts *f, const char *model,
                              const secret *key) {
    provider_request r = {0};
    weir_error error;
    assert_true(provider_openai.build(p, f, span_cstr(model), key, &a, &r, &error));
    return r;
}

static span body_of(const provider_request *r) {
    return arena_join(&a, r->pieces, r->piece_count);
}

static const config_provider openai = {
    .name = SPAN("openai"), .url = {.path = SPAN("/v1")}, .auth = AUTH_BEARER};

static void only_what_must_change_is_changed(void **state) {
    (void)state;
    static const struct {
        const char *in, *model, *out;
    } rows[] = {
        {"{\"model\":\"a\",\"x\":1.0e+2}", "", "{\"model\":\"a\",\"x\":1.0e+2}"},
        {"{\"model\":\"a\",\"x\":1.0e+2}", "a", "{\"model\":\"a\",\"x\":1.0e+2}"},
        {"{ \"x\" : 9007199254740993 , \"model\" : \"a\" }", "b\"c",
         "{ \"x\" : 9007199254740993 , \"model\" : \"b\\\"c\" }"},
        {"{\"model\":\"a\",\"stream\":true}", "",
         "{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
        {"{\"model\":\"a\",\"stream\":true,\"stream_options\":null}", "",
         "{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
        {"{\"model\":\"a\",\"stream\":true,\"stream_options\":{}}", "",
         "{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
        {"{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":false,\"y\":1}}",
         "",
         "{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":true,\"y\":1}}"},
        {"{\"stream_options\":{\"include_usage\":true},\"stream\":true,\"model\":\"a\"}", "z",
         "{\"stream_options\":{\"include_usage\":true},\"stream\":true,\"model\":\"z\"}"},
        {"{\"model\":\"a\",\"stream\":false}", "", "{\"model\":\"a\",\"stream\":false}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        request_facts f = facts_of(rows[i].in);
        provider_request r = build(&openai, &f, rows[i].model, NULL);
        assert_span(body_of(&r), rows[i].out);
    }
}

static void keys_and_hop_headers_do_not_cross(void **state) {
    (void)state;
    static const http_header client[] = {
        {SPAN("Authorization"), SPAN("Bearer client-key")},
        {SPAN("Cookie"), SPAN("session=1")},
        {SPAN("Connection"), SPAN("keep-alive, X-Hop")},
        {SPAN("X-Hop"), SPAN("1")},
        {SPAN("connection"), SPAN("X-Second-Hop")},
        {SPAN("X-Second-Hop"), SPAN("1")},
        {SPAN("X-Forwarded-For"), SPAN("10.0.0.1")},
        {SPAN("x-stainless-lang"), SPAN("python")},
        {SPAN("OpenAI-Beta"), SPAN("assistants=v2")},
        {SPAN("Content-Type"), SPAN("application/json")},
        {SPAN("Accept-Encoding"), SPAN("gzip")},
        {SPAN("Idempotency-Key"), SPAN("k1")},
    };
    secret *key = secret_new(SPAN_OF("provider-key"));
    request_facts f = facts_of("{\"model\":\"a\"}");
    f.headers = (http_headers){client, ARRAY_LEN(client)};
    provider_request r = build(&openai, &f, "", key);
    assert_span(http_header_get(r.headers, SPAN_OF("authorization")), "Bearer provider-key");
    assert_int_equal(http_header_count(r.headers, SPAN_OF("authorization")), 1);
    assert_span(http_header_get(r.headers, SPAN_OF("openai-beta")), "assistants=v2");
    assert_span(http_header_get(r.headers, SPAN_OF("idempotency-key")), "k1");
    assert_span(http_header_get(r.headers, SPAN_OF("accept-encoding")), "identity");
    assert_int_equal(http_header_count(r.headers, SPAN_OF("content-type")), 1);
    static const char *const gone[] = {
        "cookie", "x-hop", "x-second-hop", "x-forwarded-for", "x-stainless-lang", "connection"};
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        assert_null(http_header_get(r.headers, span_cstr(gone[i])).ptr);
    secret_unref(key);
}

static void azure_names_the_deployment_in_the_path(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("azure-key"));
    config_provider azure = {
        .name = SPAN("azure"), .auth = AUTH_API_KEY, .api_version = SPAN("2024-10-21")};
    request_facts f = facts_of("{\"model\":\"gpt/4 o\"}");
    provider_request r = build(&azure, &f, "", key);
    assert_span(r.path, "/openai/deployments/gpt%2F4%20o/chat/completions?api-version=2024-10-21");
    assert_span(http_header_get(r.headers, SPAN_OF("api-key")), "azure-key");
    assert_null(http_header_get(r.headers, SPAN_OF("authorization")).ptr);
    azure.url.path = SPAN_OF("/openai/deployments/mine");
    r = build(&azure, &f, "", key);
    assert_span(r.path, "/openai/deployments/mine/chat/completions?api-version=2024-10-21");
    f.query = SPAN_OF("a=1");
    r = build(&openai, &f, "", key);
    assert_span(r.path, "/v1/chat/completions?a=1");
    secret_unref(key);
}

static answer_facts chunk(endpoint e, const char *data) {
    answer_facts f;
    openai_read_facts(e, span_cstr(data), true, &f);
    return f;
}

static void reads_chunks(void **state) {
    (void)state;
    answer_facts f =
        chunk(EP_CHAT_COMPLETIONS, "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
                                   "\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}");
    assert_true(f.is_json && !f.has_content && !f.finished && !f.has_usage);
    f = chunk(EP_CHAT_COMPLETIONS, "{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}");
    assert_true(f.has_content && !f.finished);
    f = chunk(EP_CHAT_COMPLETIONS, "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}");
    assert_true(f.has_content);
    f = chunk(EP_CHAT_COMPLETIONS, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"},"
                                   "{\"delta\":{},\"finish_reason\":\"length\"}]}");
    assert_int_equal(f.finished, 2);
    assert_span(f.finish_reason, "length");
    f = chunk(EP_CHAT_COMPLETIONS,
              "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
              "\"total_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":2},"
              "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}");
    assert_true(f.is_usage_only && f.has_usage);
    assert_int_equal(f.usage.prompt, 3);
    assert_int_equal(f.usage.completion, 4);
    assert_int_equal(f.usage.total, 7);
    assert_int_equal(f.usage.cached, 2);
    assert_int_equal(f.usage.reasoning, 1);
    /* Azure's first chunk has no choices either, but no usage: it is passed on. */
    f = chunk(EP_CHAT_COMPLETIONS, "{\"choices\":[],\"prompt_filter_results\":[]}");
    assert_false(f.is_usage_only);
    f = chunk(EP_COMPLETIONS, "{\"choices\":[{\"text\":\"a\",\"finish_reason\":null}]}");
    assert_true(f.has_content);
    assert_true(chunk(EP_CHAT_COMPLETIONS, "{\"error\":{\"message\":\"x\"}}").is_error);
    assert_false(chunk(EP_CHAT_COMPLETIONS, "{\"error\":null,\"choices\":[]}").is_error);
    assert_false(chunk(EP_CHAT_COMPLETIONS, "{\"choices\":[").is_json);
    /* A name that comes twice hides neither what else there is nor what is broken behind it. */
    f = chunk(EP_CHAT_COMPLETIONS, "{\"id\":1,\"id\":1,\"choices\":[{\"delta\":{\"content\":\"a\"},"
                                   "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}");
    assert_true(f.is_json && f.has_content && f.finished && f.has_usage);
    assert_false(chunk(EP_CHAT_COMPLETIONS, "{\"id\":1,\"id\":1,\"choices\":[").is_json);
    f = chunk(EP_RESPONSES, "{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}");
    assert_true(f.has_content && !f.finished);
    f = chunk(EP_RESPONSES, "{\"type\":\"response.completed\",\"response\":{\"error\":null,"
                            "\"usage\":{\"input_tokens\":5,\"output_tokens\":6,"
                            "\"total_tokens\":11}}}");
    assert_int_equal(f.finished, 1);
    assert_int_equal(f.usage.prompt, 5);
    assert_int_equal(f.usage.completion, 6);
    assert_true(chunk(EP_RESPONSES, "{\"type\":\"error\",\"message\":\"x\"}").is_error);
}

static void classifies_refusals(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        failure_class failure;
    } rows[] = {
        {400, "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"m\"}}",
         FAIL_CONTEXT_LENGTH},
        {400, "{\"error\":{\"message\":\"This model's maximum Context Length is 4096 tokens\"}}",
         FAIL_CONTEXT_LENGTH},
        {400, "{\"error\":{\"code\":\"content_policy_violation\",\"message\":\"m\"}}",
         FAIL_CONTENT_POLICY},
        {400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}", FAIL_CONTENT_POLICY},
        {400, "{\"error\":{\"code\":null,\"message\":\"m\"}}", FAIL_REQUEST},
        {401, "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"m\"}}", FAIL_TARGET},
        {404, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"m\"}}", FAIL_TARGET},
        {408, "", FAIL_OVERLOAD},
        {409, "", FAIL_OVERLOAD},
        {422, "{}", FAIL_REQUEST},
        {429, "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}", FAIL_OVERLOAD},
        {429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}", FAIL_TARGET},
        {500, "<html>", FAIL_OVERLOAD},
        {529, "", FAIL_OVERLOAD},
        {302, "", FAIL_TARGET},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        provider_refusal r;
        openai_refuse(rows[i].status, (http_headers){0}, span_cstr(rows[i].body), NULL, &a, &r);
        assert_int_equal(r.class, rows[i].failure);
        json_value root;
        json_fault fault;
        assert_true(json_scan(r.body, NULL, &root, &fault));
        assert_int_equal(json_get(root, SPAN_OF("error")).type, JSON_OBJECT);
    }
}

static void errors_take_openais_shape_without_the_key(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("sk-secret-123"));
    provider_refusal r;
    openai_refuse(401, (http_headers){0},
                  SPAN_OF("{\"error\":{\"message\":\"Incorrect key: sk-secret-123\",\"type\":\"t\","
                          "\"param\":null,\"code\":\"invalid_api_key\"}}"),
                  key, &a, &r);
    assert_span(r.body, "{\"error\":{\"message\":\"Incorrect key: [redacted]\",\"type\":\"t\","
                        "\"param\":null,\"code\":\"invalid_api_key\"}}");
    assert_span(r.message, "Incorrect key: [redacted]");
    openai_refuse(502, (http_headers){0},
                  SPAN_OF("<html><h1>Bad Gateway</h1>\r\nnginx sk-secret-123\x01</html>"), key, &a,
                  &r);
    assert_span(r.message, "The provider answered with status 502: Bad Gateway nginx [redacted]");
    assert_span(r.body,
                "{\"error\":{\"message\":\"The provider answered with status 502: Bad Gateway "
                "nginx [redacted]\",\"type\":\"server_error\",\"param\":null,"
                "\"code\":\"provider_error\"}}");
    openai_refuse(400, (http_headers){0}, SPAN_OF("{\"detail\":\"no such thing\"}"), key, &a, &r);
    assert_span(r.message, "The provider answered with status 400: no such thing");
    secret_unref(key);
}

static void the_table_knows_its_kinds(void **state) {
    (void)state;
    assert_ptr_equal(provider_find(SPAN_OF("openai")), &provider_openai);
    assert_ptr_equal(provider_find(SPAN_OF("simulator")), &provider_openai);
    assert_null(provider_find(SPAN_OF("nobody")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_must_change_is_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_and_hop_headers_do_not_cross, setup, teardown),
        cmocka_unit_test_setup_teardown(azure_names_the_deployment_in_the_path, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(classifies_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_take_openais_shape_without_the_key, setup, teardown),
        cmocka_unit_test(the_table_knows_its_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
