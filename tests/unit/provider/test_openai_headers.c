/* Which header fields go to OpenAI and its look-alikes. */
#include "unit.h"

#include "asking.h"

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

static void assert_sent(const provider_request *r, const char *expected) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < r->headers.count; i++)
        buf_addf(&text, "%.*s: %.*s\n", SPAN_ARG(r->headers.items[i].name),
                 SPAN_ARG(r->headers.items[i].value));
    assert_string_equal(buf_cstr(&text), expected);
    buf_done(&text);
}

/* The client's, but where the configuration has its own; then what nobody has said. */
static void headers_are_the_clients_the_configurations_and_weirs(void **state) {
    (void)state;
    static config_header configured[] = {{SPAN("X-First"), SPAN("ours")},
                                         {SPAN("x-second"), SPAN("ours")}};
    static config_header typed[] = {{SPAN("Content-Type"), SPAN("text/json")},
                                    {SPAN("Accept"), SPAN("*/*")}};
    static const http_header client[] = {
        {SPAN("x-a"), SPAN("1")},
        {SPAN("x-first"), SPAN("theirs")},
        {SPAN("X-Second"), SPAN("theirs")},
        {SPAN("x-b"), SPAN("2")},
    };
    static const http_header asked[] = {
        {SPAN("accept"), SPAN("text/plain")},
        {SPAN("content-type"), SPAN("application/json; charset=x")}};
#define END "accept-encoding: identity\nuser-agent: weir\n"
    const struct {
        const char *body;
        http_headers client;
        config_header *headers;
        size_t header_count;
        const char *sent;
    } rows[] = {
        {"{}",
         {client, 0},
         NULL,
         0,
         "content-type: application/json\naccept: application/json\n" END},
        {"{\"stream\":true}",
         {client, 0},
         NULL,
         0,
         "content-type: application/json\naccept: text/event-stream\n" END},
        {"{}",
         {client, 4},
         configured,
         2,
         "x-a: 1\nx-b: 2\nX-First: ours\nx-second: ours\n"
         "content-type: application/json\naccept: application/json\n" END},
        {"{}",
         {asked, 2},
         NULL,
         0,
         "accept: text/plain\ncontent-type: application/json; charset=x\n" END},
        {"{}", {asked, 2}, typed, 2, "Content-Type: text/json\nAccept: */*\n" END},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_provider p = openai;
        p.headers = rows[i].headers;
        p.header_count = rows[i].header_count;
        request_facts f = facts_of(rows[i].body);
        f.headers = rows[i].client;
        provider_request r = build(&p, &f, "", NULL);
        assert_sent(&r, rows[i].sent);
    }
    request_facts f = facts_of("{}");
    f.body = SPAN_EMPTY; /* a GET */
    f.root = (json_value){JSON_NONE, SPAN_EMPTY};
    provider_request r = build(&openai, &f, "", NULL);
    assert_sent(&r, "accept: application/json\n" END);
#undef END
}

static void the_clients_own_id_goes_on(void **state) {
    (void)state;
    static const http_header sent[] = {{SPAN("X-Request-Id"), SPAN("mine")},
                                       {SPAN("X-Client-Request-Id"), SPAN("better")}};
    static const config_header set = {SPAN("x-client-request-id"), SPAN("configured")};
    request_facts f = facts_of("{\"model\":\"a\"}");
    f.client_request_id = SPAN_OF("mine");
    f.headers = (http_headers){sent, 1};
    provider_request r = build(&openai, &f, "", NULL);
    assert_span(http_header_get(r.headers, SPAN_OF("x-client-request-id")), "mine");
    assert_null(http_header_get(r.headers, SPAN_OF("x-request-id")).ptr);
    f.headers = (http_headers){sent, 2};
    r = build(&openai, &f, "", NULL);
    assert_int_equal(http_header_count(r.headers, SPAN_OF("x-client-request-id")), 1);
    assert_span(http_header_get(r.headers, SPAN_OF("x-client-request-id")), "better");
    config_provider p = openai;
    p.headers = (config_header *)&set;
    p.header_count = 1;
    r = build(&p, &f, "", NULL);
    assert_int_equal(http_header_count(r.headers, SPAN_OF("x-client-request-id")), 1);
    assert_span(http_header_get(r.headers, SPAN_OF("x-client-request-id")), "configured");
}

/* ---- traces ---- */

static span header_of(const provider_request *r, const char *name) {
    return http_header_get(r->headers, span_cstr(name));
}

static provider_request build_traced(const config_provider *p, const request_facts *f,
                                     const char *traceparent, const char *tracestate) {
    provider_request r = {0};
    weir_error error;
    const provider_ask ask = {.provider = p,
                              .facts = f,
                              .model = SPAN("m"),
                              .traceparent = span_cstr(traceparent),
                              .tracestate = span_cstr(tracestate),
                              .arena = &a};
    assert_true(provider_openai.build(&ask, &r, &error));
    return r;
}

static void a_trace_is_handed_on(void **state) {
    (void)state;
    static const http_header sent[] = {{SPAN("TraceParent"), SPAN("theirs")},
                                       {SPAN("traceparent"), SPAN("theirs too")},
                                       {SPAN("tracestate"), SPAN("a=1")},
                                       {SPAN("baggage"), SPAN("b=2")}};
    static const http_header fixed[] = {{SPAN("traceparent"), SPAN("configured")}};
    request_facts f = facts_of("{\"model\":\"m\"}");
    f.headers = (http_headers){sent, ARRAY_LEN(sent)};
    provider_request as_it_came = build_traced(&openai, &f, NULL, NULL);
    assert_int_equal(http_header_count(as_it_came.headers, SPAN_OF("traceparent")), 2);
    assert_span(header_of(&as_it_came, "tracestate"), "a=1");
    provider_request ours = build_traced(&openai, &f, "ours", "c=3");
    assert_int_equal(http_header_count(ours.headers, SPAN_OF("traceparent")), 1);
    assert_span(header_of(&ours, "traceparent"), "ours");
    assert_int_equal(http_header_count(ours.headers, SPAN_OF("tracestate")), 1);
    assert_span(header_of(&ours, "tracestate"), "c=3");
    assert_span(header_of(&ours, "baggage"), "b=2");
    provider_request anew = build_traced(&openai, &f, "ours", "");
    assert_span(header_of(&anew, "traceparent"), "ours");
    assert_null(header_of(&anew, "tracestate").ptr);
    config_provider p = openai;
    p.headers = (config_header[]){{fixed[0].name, fixed[0].value}};
    p.header_count = 1;
    provider_request configured = build_traced(&p, &f, "ours", "c=3");
    assert_int_equal(http_header_count(configured.headers, SPAN_OF("traceparent")), 1);
    assert_span(header_of(&configured, "traceparent"), "configured");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_and_hop_headers_do_not_cross, setup, teardown),
        cmocka_unit_test_setup_teardown(headers_are_the_clients_the_configurations_and_weirs, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_clients_own_id_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_trace_is_handed_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
