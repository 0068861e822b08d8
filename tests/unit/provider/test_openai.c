/* What is sent to OpenAI and its look-alikes: bodies, paths and queries. */
#include "unit.h"

#include "asking.h"

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
        {"{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":null,\"y\":1}}",
         "",
         "{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":true,\"y\":1}}"},
        {"{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"y\":1}}", "",
         "{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"y\":1,\"include_usage\":true}}"},
        {"{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":false,\"y\":1}}",
         "",
         "{\"model\":\"a\",\"stream\":true,\"stream_options\":{\"include_usage\":false,\"y\":1}}"},
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

/* Where the last event tells it, nobody has to be asked. */
static void usage_is_asked_for_where_it_has_a_chunk(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        bool asks;
    } rows[] = {{EP_CHAT_COMPLETIONS, true},
                {EP_COMPLETIONS, true},
                {EP_RESPONSES, false},
                {EP_OTHER, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        request_facts f = facts_of("{\"stream\":true}");
        f.endpoint = rows[i].endpoint;
        provider_request r = build(&openai, &f, "b", NULL);
        assert_span(body_of(&r),
                    rows[i].asks ? "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
                                 : "{\"stream\":true}");
    }
}

/* In either direction, and nothing else; a request with both is left alone. */
static void the_bound_has_the_name_that_is_known(void **state) {
    (void)state;
    static const struct {
        const char *in, *old, *new;
    } rows[] = {
        {"{\"max_completion_tokens\":5}", "{\"max_tokens\":5}", NULL},
        {"{\"max_tokens\":5}", NULL, "{\"max_completion_tokens\":5}"},
        {"{ \"model\":\"a\", \"max_completion_tokens\" : 5 , \"stream\":true}",
         "{ \"model\":\"b\", \"max_tokens\" : 5 , \"stream\":true,"
         "\"stream_options\":{\"include_usage\":true}}",
         "{ \"model\":\"b\", \"max_completion_tokens\" : 5 , \"stream\":true,"
         "\"stream_options\":{\"include_usage\":true}}"},
        {"{\"max\\u005fcompletion_tokens\":5}", "{\"max_tokens\":5}", NULL},
        {"{\"max_tokens\":1,\"max_completion_tokens\":5}", NULL, NULL},
        {"{\"max_completion_tokens\":5,\"max_tokens\":null}",
         "{\"max_completion_tokens\":null,\"max_tokens\":5}", NULL},
        {"{\"messages\":[{\"max_tokens\":1}],\"x\":{\"max_completion_tokens\":2}}", NULL, NULL},
        {"{}", NULL, NULL},
    };
    config_provider p = openai;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        request_facts f = facts_of(rows[i].in);
        const char *model = f.model_name.len ? "b" : "";
        p.max_tokens = MAX_TOKENS_OLD;
        provider_request r = build(&p, &f, model, NULL);
        assert_span(body_of(&r), rows[i].old ? rows[i].old : rows[i].in);
        p.max_tokens = MAX_TOKENS_NEW;
        r = build(&p, &f, model, NULL);
        assert_span(body_of(&r), rows[i].new ? rows[i].new : rows[i].in);
    }
    /* Elsewhere there is but one name, and as it was sent is the usual case. */
    request_facts f = facts_of("{\"max_tokens\":5}");
    p.max_tokens = MAX_TOKENS_AS_SENT;
    provider_request r = build(&p, &f, "", NULL);
    assert_span(body_of(&r), "{\"max_tokens\":5}");
    p.max_tokens = MAX_TOKENS_NEW;
    f.endpoint = EP_COMPLETIONS;
    r = build(&p, &f, "", NULL);
    assert_span(body_of(&r), "{\"max_tokens\":5}");
}

/* A bound beyond the cap becomes the cap, and one that is missing is put there: no other byte. */
static void the_answers_bound_is_capped(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        config_max_tokens name;
        const char *in, *out; /* NULL: as it came */
    } rows[] = {
        {EP_CHAT_COMPLETIONS, 0, "{\"max_tokens\":100, \"n\":1}", NULL},
        {EP_CHAT_COMPLETIONS, 0, "{ \"max_tokens\" : 101 , \"n\":1}",
         "{ \"max_tokens\" : 100 , \"n\":1}"},
        {EP_CHAT_COMPLETIONS, 0, "{\"max\\u005ftokens\":1e9}", "{\"max\\u005ftokens\":100}"},
        {EP_CHAT_COMPLETIONS, 0, "{\"max_tokens\":-1}", "{\"max_tokens\":100}"},
        {EP_CHAT_COMPLETIONS, 0, "{\"max_tokens\":1e400}", "{\"max_tokens\":100}"},
        {EP_CHAT_COMPLETIONS, 0, "{\"max_tokens\":500,\"max_completion_tokens\":5}",
         "{\"max_tokens\":100,\"max_completion_tokens\":5}"},
        {EP_CHAT_COMPLETIONS, 0, "{\"max_tokens\":null,\"max_completion_tokens\":5}", NULL},
        {EP_CHAT_COMPLETIONS, 0, "{\"max_tokens\":null}", "{\"max_tokens\":100}"},
        {EP_CHAT_COMPLETIONS, 0, "{\"x\":1}", "{\"x\":1,\"max_completion_tokens\":100}"},
        {EP_CHAT_COMPLETIONS, MAX_TOKENS_OLD, "{\"x\":1}", "{\"x\":1,\"max_tokens\":100}"},
        {EP_CHAT_COMPLETIONS, MAX_TOKENS_OLD, "{\"max_completion_tokens\":900}",
         "{\"max_tokens\":100}"},
        {EP_CHAT_COMPLETIONS, 0, "{\"stream\":true}",
         "{\"stream\":true,\"max_completion_tokens\":100,"
         "\"stream_options\":{\"include_usage\":true}}"},
        {EP_CHAT_COMPLETIONS, 0, "{\"max_tokens\":9,\"x\":{\"max_tokens\":900}}", NULL},
        {EP_RESPONSES, 0, "{\"max_output_tokens\":900}", "{\"max_output_tokens\":100}"},
        {EP_RESPONSES, 0, "{\"x\":1}", "{\"x\":1,\"max_output_tokens\":100}"},
        {EP_COMPLETIONS, 0, "{\"max_tokens\":900}", "{\"max_tokens\":100}"},
        {EP_COMPLETIONS, 0, "{\"x\":1}", NULL}, /* the API has a bound of its own there */
        {EP_EMBEDDINGS, 0, "{\"x\":1}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_provider p = openai;
        p.max_tokens = rows[i].name;
        request_facts f = facts_of(rows[i].in);
        f.endpoint = rows[i].endpoint;
        f.cap_tokens = 100;
        const provider_request r = build(&p, &f, "", NULL);
        if (!span_eq(body_of(&r), span_cstr(rows[i].out ? rows[i].out : rows[i].in)))
            fail_msg("row %zu: %.*s", i, SPAN_ARG(body_of(&r)));
    }
}

/* Where nothing is to be added the client's bytes go as they are. */
static void usage_is_not_asked_for(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{\"stream\":true}",
        "{\"stream\":true, \"stream_options\" : null }",
        "{\"stream\":true,\"stream_options\":{\"include_obfuscation\":false}}",
        "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
    };
    config_provider never = openai;
    never.stream_usage = STREAM_USAGE_NEVER;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        request_facts f = facts_of(bodies[i]);
        provider_request r = {0};
        weir_error error;
        const provider_ask bare = {
            .provider = &openai, .facts = &f, .without = OWN_USAGE, .arena = &a};
        assert_true(provider_openai.build(&bare, &r, &error));
        assert_span(body_of(&r), bodies[i]);
        assert_int_equal(r.own, 0);
        r = build(&never, &f, "", NULL);
        assert_span(body_of(&r), bodies[i]);
        assert_int_equal(r.own, 0);
        r = build(&openai, &f, "", NULL);
        assert_int_equal(r.own, f.usage_asked ? 0 : OWN_USAGE);
    }
}

/* What a refusal is about: each in the words of a server. */
static void a_refusal_of_what_was_added(void **state) {
    (void)state;
    static const struct {
        const char *body;
        bool about;
    } rows[] = {
        {"{\"error\":{\"message\":\"Unrecognized request argument supplied: stream_options\"}}",
         true},
        {"{\"error\":{\"message\":\"Unknown parameter.\",\"param\":\"stream_options\"}}", true},
        {"{\"error\":{\"param\":\"stream_options.include_usage\"}}", true},
        {"{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"stream_options\"],"
         "\"msg\":\"Extra inputs are not permitted\",\"input\":{\"include_usage\":true}}]}",
         true},
        {"{\"detail\":[{\"loc\":[\"body\",\"stream_options\",\"include_usage\"]}]}", true},
        {"{\"errors\":{\"json\":{\"stream_options\":[\"Unknown field.\"]}}}", true},
        {"{\"errors\":{\"stream_options\":{\"include_usage\":[\"Unknown field.\"]}}}", true},
        {"Invalid JSON payload: Unknown name \\\"stream_options\\\": Cannot find field.", true},
        {"<p>unknown field &quot;stream_options&quot;</p>", true},
        {"json: unknown field \"stream_options\"", true},
        {"Unrecognized field \"streamOptions\" (class Request)", true},
        {"Stream options are not supported.", true},
        {"Invalid value for stream_options: {'include_usage': True}", true},
        {"1 validation error for Request\nstream_options\n  Extra inputs are not permitted", true},
        {"INCLUDE-USAGE is unknown", true},
        /* The request, repeated where it lacks something else. */
        {"{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"x\"],\"input\":{\"stream\":true,"
         "\"stream_options\":{\"include_usage\":true}}}]}",
         false},
        {"{\"input\":{\"stream_options\" : { \"include_usage\" : true }}}", false},
        {"{'loc': ('body', 'x'), 'input': {'stream_options': {'include_usage': True}}}", false},
        {"\"{\\\"stream_options\\\":{\\\"include_usage\\\":true}}\"", false},
        {"&quot;stream_options&quot;:{&quot;include_usage&quot;:true}", false},
        {"{\"error\":{\"message\":\"Extra inputs are not permitted\"}}", true},
        {"{\"error\":\"'stream' is not supported; options are many\"}", false},
        {"stream", false},
        {"stream_option", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool about = provider_openai.refuses_own(span_cstr(rows[i].body), OWN_USAGE);
        if (about != rows[i].about) print_error("in the row: %s\n", rows[i].body);
        assert_int_equal(about, rows[i].about);
    }
}

/* A form of weir's own, at a model that takes neither. */
static void what_a_form_puts_in_is_left_out(void **state) {
    (void)state;
#define BODY(limit, temperature, cap)                                                              \
    "{\"model\":\"m\",\"" limit "\":" cap temperature ",\"messages\":[]}"
    static const char given[] = BODY("max_tokens", ",\"temperature\":0.7", "1000");
    static const struct {
        unsigned own, without;
        config_max_tokens name;
        int64_t cap;
        const char *body;
        unsigned left;
    } rows[] = {
        {OWN_BOUND_NAME | OWN_TEMPERATURE, 0, MAX_TOKENS_AS_SENT, 0, given,
         OWN_BOUND_NAME | OWN_TEMPERATURE},
        {OWN_BOUND_NAME | OWN_TEMPERATURE, OWN_BOUND_NAME, MAX_TOKENS_AS_SENT, 0,
         BODY("max_completion_tokens", ",\"temperature\":0.7", "1000"), OWN_TEMPERATURE},
        {OWN_BOUND_NAME | OWN_TEMPERATURE, OWN_BOUND_NAME | OWN_TEMPERATURE, MAX_TOKENS_AS_SENT, 0,
         BODY("max_completion_tokens", "", "1000"), 0},
        {OWN_BOUND_NAME | OWN_TEMPERATURE, OWN_BOUND_NAME | OWN_TEMPERATURE, MAX_TOKENS_AS_SENT, 50,
         BODY("max_completion_tokens", "", "50"), 0},
        /* The option says what it is called there. */
        {OWN_BOUND_NAME | OWN_TEMPERATURE, OWN_BOUND_NAME, MAX_TOKENS_OLD, 0, given,
         OWN_TEMPERATURE},
        /* The client's own stays, whatever the target has refused to others. */
        {OWN_BOUND_NAME, OWN_BOUND_NAME | OWN_TEMPERATURE, MAX_TOKENS_AS_SENT, 0,
         BODY("max_completion_tokens", ",\"temperature\":0.7", "1000"), 0},
        {0, OWN_BOUND_NAME | OWN_TEMPERATURE, MAX_TOKENS_AS_SENT, 0, given, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        request_facts f = facts_of(given);
        config_provider p = openai;
        provider_request r = {0};
        weir_error error;
        f.own = rows[i].own;
        f.cap_tokens = rows[i].cap;
        p.max_tokens = rows[i].name;
        const provider_ask ask = {
            .provider = &p, .facts = &f, .without = rows[i].without, .arena = &a};
        assert_true(provider_openai.build(&ask, &r, &error));
        assert_span(body_of(&r), rows[i].body);
        assert_int_equal(r.own, rows[i].left);
    }
}

static void a_refusal_of_what_a_form_puts_in(void **state) {
    (void)state;
    static const struct {
        const char *body;
        unsigned about;
    } rows[] = {
        {"{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this "
         "model. Use 'max_completion_tokens' instead.\",\"param\":\"max_tokens\"}}",
         OWN_BOUND_NAME},
        {"{\"error\":{\"message\":\"Unsupported value: 'temperature' does not support 0.7 with "
         "this "
         "model. Only the default (1) value is supported.\",\"param\":\"temperature\"}}",
         OWN_TEMPERATURE},
        {"`temperature` is deprecated for this model.", OWN_TEMPERATURE},
        {"Temperature and max_completion_tokens", OWN_BOUND_NAME | OWN_TEMPERATURE},
        {"max_tokens is too large: 5000", 0},
        {"{\"detail\":[{\"loc\":[\"body\",\"tools\"],\"input\":{\"temperature\":0.7}}]}", 0},
        {"temperature\": \"x", OWN_TEMPERATURE},
        {"temperature\":", OWN_TEMPERATURE},
        {"temperatur", 0},
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const span body = span_cstr(rows[i].body);
        const unsigned both = OWN_BOUND_NAME | OWN_TEMPERATURE;
        if (provider_openai.refuses_own(body, both) != rows[i].about)
            print_error("in the row: %s\n", rows[i].body);
        assert_int_equal(provider_openai.refuses_own(body, both), rows[i].about);
        assert_int_equal(provider_openai.refuses_own(body, OWN_USAGE), 0);
    }
}

/* Two edits of one place would be weir's own mistake: nothing is sent then. */
static void a_body_that_cannot_be_edited(void **state) {
    (void)state;
    request_facts f = facts_of("{\"model\":\"a\",\"stream\":true}");
    f.stream_options = (json_value){JSON_NULL, f.model.raw};
    provider_request r = {0};
    weir_error error = {.id = ERR_NONE};
    const provider_ask ask = {.provider = &openai, .facts = &f, .model = SPAN("b"), .arena = &a};
    assert_false(provider_openai.build(&ask, &r, &error));
    assert_int_equal(error.id, ERR_INTERNAL);
    assert_null(r.pieces);
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
    f = facts_of("{\"model\":\"azAZ09-._~@[`{/:\"}"); /* unreserved, and their neighbours */
    r = build(&azure, &f, "", key);
    assert_span(r.path, "/openai/deployments/azAZ09-._~%40%5B%60%7B%2F%3A/chat/completions"
                        "?api-version=2024-10-21");
    azure.url.path = SPAN_OF("/deployments/mine");
    r = build(&azure, &f, "", key);
    assert_span(r.path, "/deployments/mine/chat/completions?api-version=2024-10-21");
    azure.url.path = SPAN_OF("/openai/deployments/mine");
    r = build(&azure, &f, "", key);
    assert_span(r.path, "/openai/deployments/mine/chat/completions?api-version=2024-10-21");
    f.query = SPAN_OF("a=1");
    r = build(&openai, &f, "", key);
    assert_span(r.path, "/v1/chat/completions?a=1");
    secret_unref(key);
}

/* Escaped or not, somebody would resolve them. */
static void a_model_that_would_lead_elsewhere_is_no_deployment(void **state) {
    (void)state;
    static const char *const names[] = {
        "..",   ".",      "a/../b", "../..", "..;x", "..;/a",  "..\\\\a", "a\\\\b",     "%2e%2e",
        "%2E.", "..%2fa", "%252e.", "../",   ".. ",  "a/..?b", "\\u0000", "..\\u0000a", "a\\r\\nb",
    };
    const config_provider azure = {.name = SPAN("azure"), .api_version = SPAN("2024-10-21")};
    const config_provider fixed = {.api_version = SPAN("2024-10-21"),
                                   .url = {.path = SPAN("/openai/deployments/mine")}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"model\":\"%s\"}", names[i]);
        request_facts f = facts_of(body);
        const span asked[] = {SPAN_EMPTY, f.model_name}; /* the client's word, or the target's */
        for (size_t k = 0; k < ARRAY_LEN(asked); k++) {
            const provider_ask ask = {
                .provider = &azure, .facts = &f, .model = asked[k], .arena = &a};
            provider_request r = {0};
            weir_error error;
            if (provider_openai.build(&ask, &r, &error))
                fail_msg("%s: %.*s", body, SPAN_ARG(r.path));
            assert_int_equal(error.id, ERR_UNKNOWN_MODEL);
        }
        (void)build(&openai, &f, "", NULL); /* in a body it is a name like any other */
        assert_span(build(&fixed, &f, "", NULL).path,
                    "/openai/deployments/mine/chat/completions?api-version=2024-10-21");
    }
    request_facts f = facts_of("{\"model\":\"..a/b..%41\"}");
    assert_span(build(&azure, &f, "", NULL).path,
                "/openai/deployments/..a%2Fb..%2541/chat/completions?api-version=2024-10-21");
}

static void a_model_that_the_path_names(void **state) {
    (void)state;
    static const struct {
        const char *in, *model, *out;
    } rows[] = {
        {"{\"model\":\"a\"}", "", "{\"model\":\"mine\"}"},
        {"{\"model\":\"mine\"}", "", "{\"model\":\"mine\"}"},
        {"{ \"model\" : \"min\\u0065\" }", "", "{ \"model\" : \"min\\u0065\" }"},
        {"{\"model\":\"a\"}", "mine", "{\"model\":\"mine\"}"},
        {"{\"model\":\"a\"}", "b", "{\"model\":\"b\"}"},
        {"{\"model\":\"b\"}", "b", "{\"model\":\"b\"}"},
        {"{\"model\":null,\"n\":1}", "", "{\"model\":\"mine\",\"n\":1}"},
        {"{\"n\":1}", "", "{\"n\":1,\"model\":\"mine\"}"},
        {"{\"n\":1}", "b", "{\"n\":1,\"model\":\"b\"}"},
        {"{}", "", "{\"model\":\"mine\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        request_facts f = facts_of(rows[i].in);
        f.path_named = true;
        f.model_name = SPAN_OF("mine");
        provider_request r = build(&openai, &f, rows[i].model, NULL);
        assert_span(body_of(&r), rows[i].out);
    }
}

/* The version of an API that a client asks weir in is not the one that a provider is asked in. */
static void the_clients_query(void **state) {
    (void)state;
    static const struct {
        const char *in, *openai, *azure;
    } rows[] = {
        {"", "", "?api-version=mine"},
        {"a=1", "?a=1", "?api-version=mine&a=1"},
        {"api-version=2024-10-21", "", "?api-version=mine"},
        {"api%2Dversion=x&%61PI-%56ersion=y&api%2dversion", "", "?api-version=mine"},
        {"api%2=x&api-version%20=y&api-versio%6=z&%", "?api%2=x&api-versio%6=z&%",
         "?api-version=mine&api%2=x&api-versio%6=z&%"},
        {"API-Version=preview", "", "?api-version=mine"},
        {"api-version", "", "?api-version=mine"},
        {"a=1&api-version=x&b=%26", "?a=1&b=%26", "?api-version=mine&a=1&b=%26"},
        {"api-version=x&b=2&api-version=y", "?b=2", "?api-version=mine&b=2"},
        {"a&&b=", "?a&b=", "?api-version=mine&a&b="},
        {"api-versions=x&my-api-version=y", "?api-versions=x&my-api-version=y",
         "?api-version=mine&api-versions=x&my-api-version=y"},
    };
    config_provider azure = {.name = SPAN("azure"),
                             .url = {.path = SPAN("/openai/deployments/d")},
                             .api_version = SPAN("mine")};
    request_facts f = facts_of("{\"model\":\"a\"}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f.query = span_cstr(rows[i].in);
        const span plain[] = {SPAN("/v1/chat/completions"), span_cstr(rows[i].openai)};
        const span dated[] = {SPAN("/openai/deployments/d/chat/completions"),
                              span_cstr(rows[i].azure)};
        provider_request r = build(&openai, &f, "", NULL);
        assert_span(r.path, arena_join(&a, plain, 2).ptr);
        r = build(&azure, &f, "", NULL);
        assert_span(r.path, arena_join(&a, dated, 2).ptr);
    }
}

/* Some servers read in the query first which model is meant. */
static void the_query_says_no_other_model(void **state) {
    (void)state;
    request_facts f = facts_of("{\"model\":\"a\"}");
    f.model_name = SPAN_OF("a");
    f.query = SPAN_OF("model=b&x=1&Model%5B%5D=c&models=d");
    provider_request r = build(&openai, &f, "", NULL);
    assert_span(r.path, "/v1/chat/completions?x=1&models=d");
}

static void each_endpoint_is_answered_in_its_own_dialect(void **state) {
    (void)state;
    assert_int_equal(provider_openai.speaks(EP_CHAT_COMPLETIONS), DIALECT_OPENAI_CHAT);
    assert_int_equal(provider_openai.speaks(EP_COMPLETIONS), DIALECT_OPENAI_COMPLETIONS);
    assert_int_equal(provider_openai.speaks(EP_EMBEDDINGS), DIALECT_OPENAI_EMBEDDINGS);
    assert_int_equal(provider_openai.speaks(EP_RESPONSES), DIALECT_OPENAI_RESPONSES);
    assert_int_equal(provider_openai.speaks(EP_MODERATIONS), DIALECT_OPENAI_MODERATIONS);
    assert_int_equal(provider_openai.speaks(EP_OTHER), DIALECT_RAW);
}

/* A form names its model as JSON does, and is changed where that is. */
static void a_forms_model(void **state) {
    (void)state;
#define PART(text) "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" text "\r\n"
    static const char parts[] = "multipart/form-data; boundary=b",
                      pairs[] = "application/x-www-form-urlencoded";
    static const struct {
        const char *type, *in, *path, *model, *out; /* out: NULL: it cannot be named there */
    } rows[] = {
        {parts, PART("a") "--b--", "", "", PART("a") "--b--"},
        {parts, PART("a") "--b--", "", "a", PART("a") "--b--"},
        {parts, PART("a") "--b--", "", "longer", PART("longer") "--b--"},
        {parts, "--b--", "", "longer", "--b--"},
        {parts, "--b--", "mine", "", PART("mine") "--b--"},
        {parts, PART("a") "--b--", "mine", "theirs", PART("theirs") "--b--"},
        {parts, PART("mine") "--b--", "mine", "", PART("mine") "--b--"},
        {parts, PART("a") "--b--", "", "a\r\nb", NULL},
        {parts, PART("a") "--b--", "", "a--b", NULL},
        {pairs, "x=y&model=a&z", "", "b&c", "x=y&model=b%26c&z"},
        {pairs, "x=y", "mine", "", "model=mine&x=y"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static const span name = SPAN("model");
        request_form form = {.choices = 1};
        request_facts f = {.endpoint = EP_OTHER,
                           .method = SPAN("POST"),
                           .path = SPAN("/audio/transcriptions"),
                           .body = span_cstr(rows[i].in),
                           .form = &form,
                           .path_named = *rows[i].path};
        http_form_fault fault;
        assert_true(http_form_read(span_cstr(rows[i].type), f.body, &name, 1, &a, &form.frame,
                                   &form.model, &fault));
        f.model_name = f.path_named ? span_cstr(rows[i].path) : form.model.text;
        if (rows[i].out) {
            provider_request r = build(&openai, &f, rows[i].model, NULL);
            assert_span(body_of(&r), rows[i].out);
            continue;
        }
        provider_request r = {0};
        weir_error error;
        const provider_ask ask = {
            .provider = &openai, .facts = &f, .model = span_cstr(rows[i].model), .arena = &a};
        assert_false(provider_openai.build(&ask, &r, &error));
        assert_int_equal(error.id, ERR_UNKNOWN_MODEL);
    }
#undef PART
}

static void the_table_knows_its_kinds(void **state) {
    (void)state;
    assert_ptr_equal(provider_find(SPAN_OF("openai")), &provider_openai);
    assert_ptr_equal(provider_find(SPAN_OF("simulator")), &provider_openai);
    assert_ptr_equal(provider_find(SPAN_OF("ollama")), &provider_openai);
    assert_null(provider_find(SPAN_OF("nobody")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_must_change_is_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(usage_is_asked_for_where_it_has_a_chunk, setup, teardown),
        cmocka_unit_test_setup_teardown(usage_is_not_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(the_answers_bound_is_capped, setup, teardown),
        cmocka_unit_test_setup_teardown(the_bound_has_the_name_that_is_known, setup, teardown),
        cmocka_unit_test(a_refusal_of_what_was_added),
        cmocka_unit_test_setup_teardown(what_a_form_puts_in_is_left_out, setup, teardown),
        cmocka_unit_test(a_refusal_of_what_a_form_puts_in),
        cmocka_unit_test_setup_teardown(a_body_that_cannot_be_edited, setup, teardown),
        cmocka_unit_test_setup_teardown(azure_names_the_deployment_in_the_path, setup, teardown),
        cmocka_unit_test_setup_teardown(a_model_that_would_lead_elsewhere_is_no_deployment, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_model_that_the_path_names, setup, teardown),
        cmocka_unit_test_setup_teardown(the_clients_query, setup, teardown),
        cmocka_unit_test_setup_teardown(the_query_says_no_other_model, setup, teardown),
        cmocka_unit_test(each_endpoint_is_answered_in_its_own_dialect),
        cmocka_unit_test_setup_teardown(a_forms_model, setup, teardown),
        cmocka_unit_test(the_table_knows_its_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
