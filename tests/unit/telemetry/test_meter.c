/* The metrics of a process as a receiver of OTLP gets them. */
#include "unit.h"

#include "heap.h"
#include "telemetry/genai.h"
#include "telemetry/meter.h"

static void names_are_those_that_a_prometheus_turns_back(void **state) {
    (void)state;
    static const struct {
        metric_facts facts;
        const char *name, *unit;
    } rows[] = {
        {{.name = "weir_calls_total", .unit = ""}, "weir.calls", ""},
        {{.name = "weir_call_duration_seconds", .unit = "seconds"}, "weir.call_duration", "s"},
        {{.name = "weir_memory_held_bytes", .unit = "bytes"}, "weir.memory_held", "By"},
        {{.name = "process_cpu_seconds_total", .unit = "seconds"}, "process.cpu", "s"},
        {{.name = "weir_build_info", .unit = ""}, "weir.build_info", ""},
        {{.name = "gen_ai.client.token.usage", .unit = "{token}", .conventional = true},
         "gen_ai.client.token.usage",
         "{token}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        span name, unit;
        arena_init(&a, 0);
        meter_name(&rows[i].facts, &a, &name, &unit);
        assert_span(name, rows[i].name);
        assert_span(unit, rows[i].unit);
        arena_done(&a);
    }
}

static char *json_of(metrics *m) {
    buf out = BUF_EMPTY;
    otlp_attributes resource = {0};
    meter_write(m, TELEMETRY_JSON, &resource, 1796126400000000, &out);
    json_value root;
    json_fault fault;
    if (!json_scan(buf_span(&out), NULL, &root, &fault)) fail_msg("%s", fault.what);
    (void)buf_cstr(&out);
    return out.ptr;
}

static void every_kind_is_told(void **state) {
    (void)state;
    metrics *m = metrics_new();
    metrics_shard *one = metrics_add_shard(m), *two = metrics_add_shard(m);
    const span labels[] = {SPAN("openai"), SPAN("ok")};
    metric_add(metrics_series(one, METRIC_ATTEMPTS, labels), 2);
    metric_add(metrics_series(two, METRIC_ATTEMPTS, labels), 3);
    metric_set(metrics_series(one, METRIC_MEMORY_LIMIT, NULL), 77);
    metric_observe(metrics_series(one, METRIC_GENAI_FIRST_TOKEN, (span[4]){SPAN("chat")}), 0.003);
    metric_observe(metrics_series(two, METRIC_GENAI_FIRST_TOKEN, (span[4]){SPAN("chat")}), 99.0);
    char *json = json_of(m);
    static const char *const expected[] = {
        "{\"name\":\"weir.attempts\",\"description\":\"Tries made at providers.\",\"sum\":{"
        "\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[{\"attributes\":["
        "{\"key\":\"target\",\"value\":{\"stringValue\":\"openai\"}},{\"key\":\"outcome\","
        "\"value\":{\"stringValue\":\"ok\"}}],",
        "\"timeUnixNano\":\"1796126400000000000\",\"asInt\":\"5\"}]}}",
        "{\"name\":\"weir.memory_limit\",\"description\":\"limits.memory, in force.\",\"unit\":"
        "\"By\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"1796126400000000000\",\"asInt\":"
        "\"77\"}]}}",
        "\"unit\":\"s\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{"
        "\"attributes\":"
        "[{\"key\":\"gen_ai.operation.name\",\"value\":{\"stringValue\":\"chat\"}}],",
        "\"count\":\"2\",\"sum\":99.003,\"bucketCounts\":[\"0\",\"1\",\"0\",\"0\",\"0\",\"0\","
        "\"0\","
        "\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"1\"],\"explicitBounds\":[0.001,"
        "0.005,0.01,0.02,0.04,0.06,0.08,0.1,0.25,0.5,0.75,1,2.5,5,7.5,10]}]}}",
        "{\"name\":\"process.resident_memory\",",
        "{\"name\":\"weir.build_info\",\"description\":",
    };
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        if (!strstr(json, expected[i])) fail_msg("without %s: %s", expected[i], json);
    free(json);
    metrics_free(m);
}

static void a_scrape_does_not_see_them(void **state) {
    (void)state;
    metrics *m = metrics_new();
    buf out = BUF_EMPTY;
    metric_observe(
        metrics_series(metrics_add_shard(m), METRIC_GENAI_DURATION, (span[4]){SPAN("chat")}), 1.0);
    metrics_write(m, false, &out);
    assert_null(strstr(buf_cstr(&out), "gen_ai"));
    buf_done(&out);
    metrics_free(m);
}

/* ---- by the GenAI conventions ---- */

static void endpoints_have_operations(void **state) {
    (void)state;
    assert_span(genai_operation(EP_CHAT_COMPLETIONS), "chat");
    assert_span(genai_operation(EP_RESPONSES), "chat");
    assert_span(genai_operation(EP_COMPLETIONS), "text_completion");
    assert_span(genai_operation(EP_EMBEDDINGS), "embeddings");
    assert_span(genai_operation(EP_MODERATIONS), "moderations");
    assert_span(genai_operation(EP_OTHER), "");
}

static void providers_have_names(void **state) {
    (void)state;
    static const struct {
        const char *host, *version, *name;
    } rows[] = {
        {"api.openai.com", "", "openai"},
        {"127.0.0.1", "", "openai"},
        {"api.x.ai", "", "x_ai"},
        {"x.ai", "", "x_ai"},
        {"fox.ai", "", "openai"},
        {"API.GROQ.COM", "", "groq"},
        {"me.openai.azure.com", "", "azure.ai.openai"},
        {"azure.internal", "2024-10-21", "azure.ai.openai"},
        {"generativelanguage.googleapis.com", "", "gcp.gemini"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const config_provider p = {.url = {.host = span_cstr(rows[i].host)},
                                   .api_version = span_cstr(rows[i].version)};
        assert_span(genai_provider_name(&p), rows[i].name);
    }
}

static void attempts_fail_by_a_word(void **state) {
    (void)state;
    static const struct {
        const char *outcome;
        int status;
        const char *error;
    } rows[] = {
        {"ok", 200, ""},       {"cancelled", 200, ""},  {"overload", 503, "503"},
        {"limit", 429, "429"}, {"silent", 0, "silent"}, {"cut", 200, "cut"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[GENAI_STATUS_MAX];
        const attempt_record a = {.outcome = rows[i].outcome, .status = rows[i].status};
        assert_span(genai_attempt_error(&a, text), rows[i].error);
    }
}

static void a_call_is_counted_with_its_attempts(void **state) {
    (void)state;
    config_provider provider = {.name = SPAN("one"), .url = {.host = SPAN("h")}};
    const config c = {.providers = &provider, .provider_count = 1};
    attempt_record tries[] = {
        {.target = SPAN("one/m"),
         .target_label = SPAN("one"),
         .outcome = "overload",
         .status = 503,
         .usage = {.prompt = -1, .completion = -1},
         .began_us = 1000,
         .ended_us = 21000},
        {.target = SPAN("one/m"),
         .target_label = SPAN("one"),
         .outcome = "ok",
         .status = 200,
         .usage = {.prompt = 12, .completion = 5},
         .began_us = 30000,
         .first_content_us = 60000,
         .ended_us = 130000},
    };
    const call_record r = {.target = SPAN("one/m"),
                           .target_label = SPAN("one"),
                           .attempts = 2,
                           .tries = tries,
                           .outcome = CALL_OK,
                           .stream = true,
                           .usage = {.completion = 5},
                           .first_token_us = 60000,
                           .total_us = 140000};
    metrics *m = metrics_new();
    genai_count(metrics_add_shard(m), &c, EP_CHAT_COMPLETIONS, false, &r);
    genai_count(metrics_add_shard(m), &c, EP_OTHER, false, &r); /* that is no operation */
    char *json = json_of(m);
#define LABELS                                                                                     \
    "{\"key\":\"gen_ai.operation.name\",\"value\":{\"stringValue\":\"chat\"}},"                    \
    "{\"key\":\"gen_ai.provider.name\",\"value\":{\"stringValue\":\"openai\"}}"
#define MODEL      ",{\"key\":\"gen_ai.request.model\",\"value\":{\"stringValue\":\"m\"}}"
#define TYPE(word) ",{\"key\":\"gen_ai.token.type\",\"value\":{\"stringValue\":\"" word "\"}}"
    /* A name that no provider has answered for is only a client's word. */
    static const char *const expected[] = {
        "\"attributes\":[" LABELS ",{\"key\":\"error.type\",\"value\":{\"stringValue\":\"503\"}}],",
        "\"attributes\":[" LABELS MODEL "],",
        "\"count\":\"1\",\"sum\":0.02,",
        "\"count\":\"1\",\"sum\":0.1,",
        "\"count\":\"1\",\"sum\":0.03,",
        "\"attributes\":[" LABELS MODEL TYPE("input") "],",
        "\"count\":\"1\",\"sum\":12,",
        "\"attributes\":[" LABELS MODEL TYPE("output") "],",
        "\"count\":\"1\",\"sum\":5,",
        "\"name\":\"gen_ai.server.request.duration\"",
        "\"count\":\"1\",\"sum\":0.14,",
        "\"name\":\"gen_ai.server.time_to_first_token\"",
        "\"count\":\"1\",\"sum\":0.06,",
        "\"name\":\"gen_ai.server.time_per_output_token\"",
        "\"count\":\"1\",\"sum\":0.02,",
    };
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        if (!strstr(json, expected[i])) fail_msg("without %s: %s", expected[i], json);
    free(json);
    metrics_free(m);
}

/* What its client sees is the call that it is a step of. */
static void a_step_has_its_attempts_alone(void **state) {
    (void)state;
    config_provider provider = {.name = SPAN("one"), .url = {.host = SPAN("h")}};
    const config c = {.providers = &provider, .provider_count = 1};
    attempt_record answered = {.target = SPAN("one/m"),
                               .target_label = SPAN("one"),
                               .outcome = "ok",
                               .status = 200,
                               .usage = {.prompt = 12, .completion = 5},
                               .first_content_us = 10,
                               .ended_us = 20};
    const call_record r = {.target = SPAN("one/m"),
                           .target_label = SPAN("one"),
                           .attempts = 1,
                           .tries = &answered,
                           .stream = true,
                           .usage = {.completion = 5},
                           .total_us = 20};
    metrics *m = metrics_new();
    genai_count(metrics_add_shard(m), &c, EP_CHAT_COMPLETIONS, true, &r);
    char *json = json_of(m);
    assert_non_null(strstr(json, "\"name\":\"gen_ai.client.operation.duration\""));
    assert_non_null(strstr(json, "\"name\":\"gen_ai.client.token.usage\""));
    if (strstr(json, "\"name\":\"gen_ai.server.")) fail_msg("as a call: %s", json);
    free(json);
    metrics_free(m);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_that_a_prometheus_turns_back),
        cmocka_unit_test(every_kind_is_told),
        cmocka_unit_test(a_scrape_does_not_see_them),
        cmocka_unit_test(endpoints_have_operations),
        cmocka_unit_test(providers_have_names),
        cmocka_unit_test(attempts_fail_by_a_word),
        cmocka_unit_test(a_call_is_counted_with_its_attempts),
        cmocka_unit_test(a_step_has_its_attempts_alone),
    };
    return run_watched(tests);
}
