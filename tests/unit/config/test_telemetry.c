/* telemetry: what the file says of it, what OpenTelemetry's variables say, and which goes first. */
#include "world.h"

#define PROVIDERS "providers: {a: {kind: simulator}}\n"

static config *load(const world_pair *env, const char *yaml, buf *ret_said) {
    world w;
    char text[1024];
    world_init(&w, env, NULL);
    snprintf(text, sizeof text, PROVIDERS "%s", yaml);
    config *c = world_load(&w, text);
    *ret_said = world_text(c);
    return c;
}

/* ---- off and on ---- */

static const world_pair nothing[] = {{NULL, NULL}};
static const world_pair endpoint[] = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/base"},
                                      {NULL, NULL}};
static const world_pair disabled[] = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"},
                                      {"OTEL_SDK_DISABLED", "TRUE"},
                                      {NULL, NULL}};
static const world_pair others[] = {
    {"OTEL_SERVICE_NAME", "x"}, {"OTEL_EXPORTER_OTLP_HEADERS", "a=b"}, {NULL, NULL}};

static void it_is_off_until_somebody_says_where_to(void **state) {
    (void)state;
    static const struct {
        const world_pair *env;
        const char *yaml, *to; /* NULL: off */
    } rows[] = {
        {nothing, "", NULL},
        {nothing, "telemetry: off\n", NULL},
        {nothing, "telemetry:\n", NULL},
        {nothing, "telemetry: on\n", "http://localhost:4318"},
        {nothing, "telemetry: {sample: 5%}\n", "http://localhost:4318"},
        {nothing, "telemetry: {endpoint: \"https://o.example:443/otlp\"}\n",
         "https://o.example/otlp"},
        {endpoint, "", "http://collector:4318/base"},
        {endpoint, "telemetry:\n", "http://collector:4318/base"},
        {endpoint, "telemetry: off\n", NULL},
        {endpoint, "telemetry: on\n", "http://collector:4318/base"},
        {endpoint, "telemetry: {endpoint: \"http://here:1\"}\n", "http://here:1"},
        {disabled, "", NULL},
        {disabled, "telemetry: on\n", "http://collector:4318"},
        {others, "", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].env, rows[i].yaml, &said);
        if (!c) fail_msg("row %zu: %s", i, said.ptr);
        assert_string_equal(said.ptr, "");
        assert_int_equal(c->telemetry.on, rows[i].to != NULL);
        if (rows[i].to) assert_span(c->telemetry.endpoint.text, rows[i].to);
        buf_done(&said);
        world_done(c);
    }
}

static void defaults(void **state) {
    (void)state;
    buf said;
    config *c = load(nothing, "telemetry: on\n", &said);
    const config_telemetry *t = &c->telemetry;
    assert_int_equal(t->protocol, TELEMETRY_PROTOBUF);
    assert_int_equal(t->compression, TELEMETRY_PLAIN);
    assert_true(t->traces && t->metrics && !t->content);
    assert_true(t->sample == 1.0);
    assert_int_equal(t->interval_ms, 60000);
    assert_int_equal(t->timeout_ms, 10000);
    assert_int_equal(t->queue_bytes, 8 * 1024 * 1024);
    assert_span(t->service, "weir");
    assert_int_equal(t->header_count, 0);
    assert_int_equal(t->resource_count, 0);
    buf_done(&said);
    world_done(c);
}

/* ---- variables ---- */

static void variables_say_what_the_file_does_not(void **state) {
    (void)state;
    static const world_pair env[] = {
        {"OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
        {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc, x-key = $a${b},"},
        {"OTEL_SERVICE_NAME", "gateway"},
        {"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,service.name=other,t=a%2Cb"},
        {NULL, NULL}};
    buf said;
    config *c = load(env, "telemetry: on\n", &said);
    const config_telemetry *t = &c->telemetry;
    assert_string_equal(said.ptr, "");
    assert_int_equal(t->protocol, TELEMETRY_JSON);
    assert_int_equal(t->header_count, 2);
    assert_span(t->headers[0].name, "authorization");
    assert_span(t->headers[0].value, "Basic abc");
    assert_span(t->headers[1].name, "x-key");
    assert_span(t->headers[1].value, "$a${b}");
    assert_span(t->service, "gateway");
    assert_int_equal(t->resource_count, 3);
    assert_span(t->resource[2].value, "a,b");
    buf_done(&said);
    world_done(c);

    c = load(env,
             "telemetry: {protocol: protobuf, headers: {a: b}, service: mine, resource: {r: s}}\n",
             &said);
    t = &c->telemetry;
    assert_string_equal(said.ptr, "");
    assert_int_equal(t->protocol, TELEMETRY_PROTOBUF);
    assert_int_equal(t->header_count, 1);
    assert_span(t->service, "mine");
    assert_int_equal(t->resource_count, 1);
    buf_done(&said);
    world_done(c);
}

static void a_service_may_be_named_among_the_attributes(void **state) {
    (void)state;
    static const world_pair env[] = {{"OTEL_RESOURCE_ATTRIBUTES", "service.name=other"},
                                     {NULL, NULL}};
    buf said;
    config *c = load(env, "telemetry: on\n", &said);
    assert_span(c->telemetry.service, "other");
    buf_done(&said);
    world_done(c);
    c = load(env, "telemetry: {service: mine}\n", &said);
    assert_span(c->telemetry.service, "mine");
    buf_done(&said);
    world_done(c);
}

/* Other programs may read the same variables, and understand them. */
static void a_variable_that_is_not_understood_is_told_and_passed_over(void **state) {
    (void)state;
    static const struct {
        world_pair env[3];
        const char *yaml, *said;
        bool on;
    } rows[] = {
        {{{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}},
         "telemetry: on\n",
         "weir.yaml: warning: OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which weir does not speak: it "
         "sends protobuf "
         "over HTTP, which collectors take at port 4318\n",
         true},
        {{{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/xml"}},
         "telemetry: on\n",
         "weir.yaml: warning: OTEL_EXPORTER_OTLP_PROTOCOL is 'xml'; allowed: protobuf, json\n",
         true},
        {{{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}, "telemetry: {protocol: json}\n", "", true},
        {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"}},
         "",
         "weir.yaml: warning: OTEL_EXPORTER_OTLP_ENDPOINT: a URL begins with https://, http:// or "
         "unix:/\n",
         false},
        {{{"OTEL_EXPORTER_OTLP_HEADERS", "a b=secret"}},
         "telemetry: on\n",
         "weir.yaml: warning: OTEL_EXPORTER_OTLP_HEADERS[0]: this is no name of a header field\n",
         true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].env, rows[i].yaml, &said);
        if (!c) fail_msg("row %zu: %s", i, said.ptr);
        assert_string_equal(said.ptr, rows[i].said);
        assert_int_equal(c->telemetry.on, rows[i].on);
        assert_int_equal(c->telemetry.header_count, 0);
        buf_done(&said);
        world_done(c);
    }
}

/* Only where something is sent, or whoever set it means that it should be. */
static void a_variable_that_is_not_read_is_told(void **state) {
    (void)state;
    static const struct {
        world_pair env[3];
        const char *yaml, *said;
    } rows[] = {
        {{{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/v1/traces"}},
         "",
         "weir.yaml: warning: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, which weir does not read: "
         "telemetry.endpoint says it\n"},
        {{{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/v1/traces"}},
         "telemetry: {endpoint: \"http://c:4318\"}\n",
         ""},
        {{{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/v1/traces"}},
         "telemetry: off\n",
         ""},
        {{{"OTEL_TRACES_SAMPLER", "always_off"}}, "", ""},
        {{{"OTEL_TRACES_SAMPLER", "always_off"}},
         "telemetry: on\n",
         "weir.yaml: warning: OTEL_TRACES_SAMPLER is set, which weir does not read: "
         "telemetry.sample says it\n"},
        {{{"OTEL_TRACES_SAMPLER", "always_off"}}, "telemetry: {sample: 10%}\n", ""},
        {{{"OTEL_TRACES_EXPORTER", "otlp"}, {"OTEL_METRICS_EXPORTER", ""}}, "telemetry: on\n", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].env, rows[i].yaml, &said);
        if (!c) fail_msg("row %zu: %s", i, said.ptr);
        assert_string_equal(said.ptr, rows[i].said);
        buf_done(&said);
        world_done(c);
    }
}

/* ---- the file ---- */

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *expected;
    } rows[] = {
        {"telemetry: {endpoint: \"http://c:4318/v1/traces\"}\n",
         "2:23: telemetry.endpoint ends in /v1/traces, which weir adds itself; expected what "
         "stands before it, "
         "such as http://localhost:4318"},
        {"telemetry: {endpoint: localhost}\n",
         "2:23: telemetry.endpoint: a URL begins with https://, http:// or unix:/"},
        {"telemetry: {protocol: grpc}\n",
         "2:23: telemetry.protocol is 'grpc'; allowed: protobuf, json"},
        {"telemetry: {headers: {cookie: x}}\n",
         "2:23: telemetry.headers.cookie is set by weir itself and cannot be configured"},
        {"telemetry: {resource: [a]}\n",
         "2:23: telemetry.resource is a list; expected a mapping of up to 32 names to texts"},
        {"telemetry: {resource: {a: [b]}}\n",
         "2:27: telemetry.resource.a is a list; expected a text"},
        {"telemetry: {sample: 101%}\n", "2:21: telemetry.sample is 101%; allowed 0% to 100%"},
        {"telemetry: {interval: 1ms}\n", "2:23: telemetry.interval is 1ms; allowed 100ms to 1h"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, PROVIDERS "%s", rows[i].yaml);
        world_bad(yaml, rows[i].expected);
    }
}

static void headers_are_secret(void **state) {
    (void)state;
    buf said, out = BUF_EMPTY;
    config *c = load(nothing,
                     "telemetry: {endpoint: \"http://10.0.0.1:4318\", protocol: json, headers: "
                     "{authorization: Bearer tiger}, resource: {team: search}}\n",
                     &said);
    assert_string_equal(
        said.ptr, "weir.yaml:2:12: warning: telemetry.endpoint is plain http to another machine: "
                  "telemetry.headers cross the network for anyone to read\n");
    config_explain(c, &out);
    assert_null(strstr(buf_cstr(&out), "tiger"));
    assert_non_null(strstr(out.ptr, "headers: {authorization: (set)}"));
    assert_non_null(strstr(out.ptr, "protocol: json"));
    assert_non_null(strstr(out.ptr, "resource: {team: search}"));
    buf_done(&out);
    buf_done(&said);
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_off_until_somebody_says_where_to),
        cmocka_unit_test(defaults),
        cmocka_unit_test(variables_say_what_the_file_does_not),
        cmocka_unit_test(a_service_may_be_named_among_the_attributes),
        cmocka_unit_test(a_variable_that_is_not_understood_is_told_and_passed_over),
        cmocka_unit_test(a_variable_that_is_not_read_is_told),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(headers_are_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
