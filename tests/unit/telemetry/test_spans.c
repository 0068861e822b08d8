/* The spans of a call, as a table of calls: what stands on each, and what on none. */
#include "decode.h"

#include "heap.h"
#include "telemetry/spans.h"

/* ---- what is put, as JSON, one line each ---- */

static void put(void *user, const otlp_span *s) {
    otlp_put_span(TELEMETRY_JSON, s, user);
    buf_add_char(user, '\n');
}

static config_provider providers[] = {
    {.name = SPAN("one"), .url = {.host = SPAN("one.example"), .port = 443}},
    {.name = SPAN("azure"),
     .api_version = SPAN("1"),
     .url = {.unix_path = SPAN("/run/azure.sock")}},
};
static const config conf = {.providers = providers, .provider_count = 2};

static trace_notes notes_of(endpoint e) {
    return (trace_notes){
        .context = {.trace_id = "0123456789abcdef", .parent = 5, .span = 6, .flags = TRACE_SAMPLED},
        .endpoint = e,
        .method = SPAN("POST"),
        .path = SPAN("/asked/with a client's words"),
        .route = SPAN("/asked/{id}"),
        .answered = -1,
        .asked = {.max_tokens = -1, .choices = -1}};
}

static char *written(const call_record *r, const trace_notes *n) {
    buf out = BUF_EMPTY;
    spans_write(&conf, r, n, 1000000, put, &out);
    (void)buf_cstr(&out);
    return out.ptr;
}

static void has(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("without %s:\n%s", part, text);
}

static void has_not(const char *text, const char *part) {
    if (strstr(text, part)) fail_msg("with %s:\n%s", part, text);
}

#define TEXT(key, value)   "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define NUMBER(key, value) "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" value "\"}}"
#define DOUBLE(key, value) "{\"key\":\"" key "\",\"value\":{\"doubleValue\":" value "}}"
#define TRUTH(key)         "{\"key\":\"" key "\",\"value\":{\"boolValue\":true}}"

/* ---- an answer ---- */

static attempt_record answered = {
    .target = SPAN("one/m"),
    .target_label = SPAN("one"),
    .outcome = "ok",
    .status = 200,
    .provider_request_id = SPAN("req_1"),
    .usage = {.prompt = 12, .completion = 3, .cached = 4, .cache_write = 5, .reasoning = 1},
    .began_us = 100,
    .first_content_us = 500100,
    .ended_us = 1000100,
    .cost_nano = 77,
    .span_id = 9};

static call_record record_of(attempt_record *tries, unsigned attempts) {
    return (call_record){.request_id = "0198",
                         .started_us = 50,
                         .client = SPAN("ci"),
                         .peer = SPAN("[::1]:4711"),
                         .endpoint = SPAN("chat.completions"),
                         .model = SPAN("fast"),
                         .target = SPAN("one/m"),
                         .target_label = SPAN("one"),
                         .attempts = attempts,
                         .tries = tries,
                         .finish_reason = SPAN("stop"),
                         .outcome = CALL_OK,
                         .status = 200,
                         .cost_nano = 77,
                         .first_token_us = 500000,
                         .own_us = 1500,
                         .total_us = 1000100};
}

static void an_answer_has_two_spans(void **state) {
    (void)state;
    call_record r = record_of(&answered, 1);
    trace_notes n = notes_of(EP_CHAT_COMPLETIONS);
    n.answered = 0;
    n.response_id = SPAN_OF("chatcmpl-1");
    n.response_model = SPAN_OF("m-2026");
    n.reasons[0] = SPAN_OF("stop");
    n.reasons[2] = SPAN_OF("length");
    n.asked = (trace_request){.has_temperature = true,
                              .temperature = 0.5,
                              .max_tokens = 100,
                              .choices = 3,
                              .has_seed = true,
                              .seed = -7,
                              .stops = {SPAN("END")},
                              .stop_count = 1,
                              .effort = SPAN("low")};
    char *text = written(&r, &n), *attempt = strchr(text, '\n') + 1;
    attempt[-1] = '\0';
    has(text, "\"spanId\":\"0000000000000006\",\"parentSpanId\":\"0000000000000005\",\"name\":"
              "\"POST /asked/{id}\",\"kind\":2,\"startTimeUnixNano\":\"1000050000\","
              "\"endTimeUnixNano\":\"2000150000\"");
    has(text, TEXT("http.request.method", "POST") "," TEXT("http.route", "/asked/{id}"));
    has(text, TEXT("url.path", "/asked/with a client's words"));
    has(text, NUMBER("http.response.status_code", "200"));
    has(text, TEXT("client.address", "::1") "," NUMBER("client.port", "4711"));
    has(text, TEXT("weir.request_id", "0198") "," TEXT("weir.client", "ci"));
    has(text, TEXT("weir.model", "fast"));
    has(text, NUMBER("weir.attempts", "1"));
    has(text, NUMBER("weir.cost_nano", "77"));
    has(text, "\"flags\":769"); /* sampled, and the parent is known to be another process's */
    has_not(text, "gen_ai");
    has_not(text, "error");
    has_not(text, "status\":{");
    has(attempt, "\"spanId\":\"0000000000000009\",\"parentSpanId\":\"0000000000000006\",\"name\":"
                 "\"chat m\",\"kind\":3,\"startTimeUnixNano\":\"1000100000\","
                 "\"endTimeUnixNano\":\"2000100000\"");
    has(attempt, TEXT("gen_ai.operation.name", "chat") "," TEXT("gen_ai.provider.name", "openai"));
    has(attempt, TEXT("gen_ai.request.model", "m"));
    has(attempt, TEXT("server.address", "one.example") "," NUMBER("server.port", "443"));
    has(attempt, NUMBER("gen_ai.request.max_tokens", "100"));
    has(attempt, NUMBER("gen_ai.request.choice.count", "3"));
    has(attempt, NUMBER("gen_ai.request.seed", "-7"));
    has(attempt, DOUBLE("gen_ai.request.temperature", "0.5"));
    has(attempt, TEXT("gen_ai.request.reasoning.level", "low"));
    has(attempt, "\"gen_ai.request.stop_sequences\",\"value\":{\"arrayValue\":{\"values\":["
                 "{\"stringValue\":\"END\"}]}}");
    has(attempt, NUMBER("gen_ai.usage.input_tokens", "12"));
    has(attempt, NUMBER("gen_ai.usage.output_tokens", "3"));
    has(attempt, NUMBER("gen_ai.usage.cache_read.input_tokens", "4"));
    has(attempt, NUMBER("gen_ai.usage.cache_write.input_tokens", "5"));
    has(attempt, NUMBER("gen_ai.usage.cache_creation.input_tokens", "5"));
    has(attempt, NUMBER("gen_ai.usage.reasoning.output_tokens", "1"));
    has(attempt, "\"gen_ai.response.finish_reasons\",\"value\":{\"arrayValue\":{\"values\":["
                 "{\"stringValue\":\"stop\"},{\"stringValue\":\"length\"}]}}");
    has(attempt, TEXT("gen_ai.response.id", "chatcmpl-1"));
    has(attempt, TEXT("gen_ai.response.model", "m-2026"));
    has(attempt, TEXT("weir.outcome", "ok"));
    has(attempt, TEXT("weir.provider_request_id", "req_1"));
    has(attempt, "\"flags\":257}");
    has_not(attempt, "time_to_first_chunk"); /* of streams */
    has_not(attempt, "gen_ai.request.stream");
    has_not(attempt, "messages");
    free(text);
}

static void a_stream_has_times(void **state) {
    (void)state;
    call_record r = record_of(&answered, 1);
    trace_notes n = notes_of(EP_CHAT_COMPLETIONS);
    r.stream = true;
    n.answered = 0;
    char *text = written(&r, &n);
    has(text, TRUTH("gen_ai.request.stream"));
    has(text, DOUBLE("gen_ai.response.time_to_first_chunk", "0.5"));
    has(text, DOUBLE("weir.time_to_first_token", "0.5"));
    /* What the filter has not seen, the record knows. */
    has(text, "{\"values\":[{\"stringValue\":\"stop\"}]}");
    free(text);
}

/* ---- failures, retries, hedges ---- */

static void each_attempt_has_one(void **state) {
    (void)state;
    attempt_record tries[] = {
        {.target = SPAN("azure"),
         .target_label = SPAN("azure"),
         .outcome = "overload",
         .status = 503,
         .usage =
             {.prompt = -1, .completion = -1, .cached = -1, .reasoning = -1, .cache_write = -1},
         .cost_nano = -1,
         .span_id = 11},
        {.target = SPAN("gone/x"),
         .target_label = SPAN("gone/x"),
         .outcome = "cancelled",
         .usage = {.prompt = 2,
                   .completion = 0,
                   .cached = -1,
                   .reasoning = -1,
                   .cache_write = -1,
                   .estimated = true},
         .span_id = 12},
        answered,
        {.target = SPAN("one/m"),
         .target_label = SPAN("one"),
         .hedge = true,
         .outcome = "silent",
         .span_id = 14},
        {.target = SPAN("one/m"), .target_label = SPAN("one"), .span_id = 15}, /* it still runs */
    };
    call_record r = record_of(tries, ARRAY_LEN(tries));
    trace_notes n = notes_of(EP_EMBEDDINGS);
    r.hedges = 1;
    n.answered = 2;
    char *text = written(&r, &n), *lines[8], *rest = text;
    size_t count = 0;
    for (char *line; (line = strsep(&rest, "\n")) && *line;)
        lines[count++] = line;
    assert_int_equal(count, 5);
    has(lines[0], NUMBER("weir.hedges", "1"));
    has(lines[1], "\"name\":\"embeddings\""); /* the target names no model */
    has(lines[1], TEXT("gen_ai.provider.name", "azure.ai.openai"));
    has(lines[1], TEXT("server.address", "/run/azure.sock"));
    has(lines[1], TEXT("error.type", "503"));
    has(lines[1], TEXT("weir.outcome", "overload"));
    has(lines[1], "\"status\":{\"code\":2}");
    has_not(lines[1], "server.port");
    has_not(lines[1], "usage");
    has_not(lines[1], "finish_reasons");
    has(lines[2], "\"name\":\"embeddings x\"");
    has(lines[2], TRUTH("weir.usage.estimated"));
    has_not(lines[2], "provider.name");
    has_not(lines[2], "error.type");
    has_not(lines[2], "\"status\"");
    has(lines[3], "finish_reasons");
    has(lines[4], TRUTH("weir.hedge"));
    has(lines[4], NUMBER("weir.attempt", "4"));
    has(lines[4], TEXT("error.type", "silent"));
    has(lines[4], "\"links\":[{\"traceId\":\"30313233343536373839616263646566\",\"spanId\":"
                  "\"0000000000000009\"");
    has_not(lines[3], "links");
    free(text);
}

static void a_failure_is_the_server_s_or_the_client_s(void **state) {
    (void)state;
    static const struct {
        call_outcome outcome;
        int status;
        error_id error;
        const char *text, *type;
        bool failed;
        const char *message; /* NULL: none */
    } rows[] = {
        {CALL_FAILED, 400, ERR_BAD_VALUE, "no such thing", "invalid_value", false, NULL},
        {CALL_FAILED, 502, ERR_CONNECT_FAILED, "nobody there", "provider_unreachable", true,
         "nobody there"},
        {CALL_FAILED, 500, ERR_PROVIDER_ERROR, "you asked 'secret words'", "provider_error", true,
         NULL},
        {CALL_CUT, 200, ERR_STREAM_CUT, "cut", "stream_interrupted", true, "cut"},
        {CALL_CANCELLED, 499, ERR_CLIENT_GONE, "gone", "client_closed_request", false, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call_record r = record_of(NULL, 0);
        trace_notes n = notes_of(EP_CHAT_COMPLETIONS);
        char expected[200];
        r.outcome = rows[i].outcome;
        r.status = rows[i].status;
        r.error = rows[i].error;
        r.error_text = span_cstr(rows[i].text);
        char *text = written(&r, &n);
        span word = error_word(rows[i].error);
        snprintf(expected, sizeof expected, TEXT("error.type", "%.*s"), SPAN_ARG(word));
        has(text, expected);
        if (rows[i].failed)
            has(text, "\"code\":2}");
        else
            has_not(text, "\"code\":2}");
        if (rows[i].message) has(text, rows[i].message);
        has_not(text, "secret words");
        has_not(text, "weir.cost_nano"); /* nobody was asked */
        free(text);
    }
}

/* ---- paths and steps ---- */

static void names_are_few(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        const char *label, *route;
        bool step;
        const char *name;
    } rows[] = {
        {EP_OTHER, "other", "", false, "\"name\":\"POST\",\"kind\":2"},
        {EP_RESPONSES, "responses", "/v1/responses", false,
         "\"name\":\"POST /v1/responses\",\"kind\":2"},
        {EP_CHAT_COMPLETIONS, "chat.functions", "/chat/functions", false,
         "\"name\":\"POST /chat/functions\",\"kind\":2"},
        {EP_CHAT_COMPLETIONS, "agent", "", true, "\"name\":\"agent\",\"kind\":1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call_record r = record_of(NULL, 0);
        trace_notes n = notes_of(rows[i].endpoint);
        r.endpoint = span_cstr(rows[i].label);
        n.route = span_cstr(rows[i].route);
        n.step = rows[i].step;
        char *text = written(&r, &n);
        has(text, rows[i].name);
        has(text, rows[i].step ? "\"flags\":257}" : "\"flags\":769}");
        if (rows[i].step) has_not(text, "http.");
        if (rows[i].step) has_not(text, "url.");
        if (!*rows[i].route) has_not(text, "http.route");
        free(text);
    }
}

static void content_stands_where_it_was_asked_for(void **state) {
    (void)state;
    call_record r = record_of(&answered, 1);
    trace_notes n = notes_of(EP_RESPONSES);
    n.answered = 0;
    n.system = SPAN_OF("[1]");
    n.input = SPAN_OF("[2]");
    n.output = SPAN_OF("[3]");
    n.content_cut = true;
    char *text = written(&r, &n), *attempt = strchr(text, '\n') + 1;
    has(attempt, TEXT("gen_ai.system_instructions", "[1]"));
    has(attempt, TEXT("gen_ai.input.messages", "[2]"));
    has(attempt, TEXT("gen_ai.output.messages", "[3]"));
    has(attempt, TRUTH("weir.content_cut"));
    attempt[-1] = '\0';
    has_not(text, "gen_ai");
    free(text);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_two_spans),
        cmocka_unit_test(a_stream_has_times),
        cmocka_unit_test(each_attempt_has_one),
        cmocka_unit_test(a_failure_is_the_server_s_or_the_client_s),
        cmocka_unit_test(names_are_few),
        cmocka_unit_test(content_stands_where_it_was_asked_for),
    };
    return run_watched(tests);
}
