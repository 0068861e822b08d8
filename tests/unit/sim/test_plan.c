/* The simulator's answers: a request in, a transcript of steps out. */
#include "unit.h"

#include "sim/plan.h"

#include <stdio.h>

static const sim_settings usual = {.pace_ms = 20};

typedef struct ask {
    const char *path;
    const char *body; /* NULL: GET */
    http_header header;
} ask;

static sim_request request_of(const ask *a) {
    return (sim_request){.method = a->body ? HTTP_POST_M : HTTP_GET_M,
                         .method_text = a->body ? SPAN_OF("POST") : SPAN_OF("GET"),
                         .path = span_cstr(a->path),
                         .headers = {&a->header, a->header.name.len ? 1 : 0},
                         .body = span_cstr(a->body),
                         .wall_us = 1700000000000000,
                         .serial = 1};
}

/* "HEAD 200", "+20 PIECE", "END" … joined by spaces; the bytes of all pieces in text. */
static void run(const ask *a, const sim_settings *settings, sim_counts *counts, buf *steps,
                buf *text) {
    static const char *const names[] = {"ANSWER", "HEAD", "PIECE", "END", "CUT", "SILENCE"};
    sim_plan p;
    sim_request r = request_of(a);
    sim_plan_init(&p, settings, &r, counts);
    buf_clear(steps);
    buf_clear(text);
    for (int i = 0; i < 5000; i++) {
        sim_step s = sim_plan_next(&p);
        if (steps->len) buf_add_char(steps, ' ');
        if (s.pause_ms) buf_addf(steps, "+%lld ", (long long)s.pause_ms);
        buf_add_cstr(steps, names[s.kind]);
        if (s.kind == SIM_STEP_ANSWER || s.kind == SIM_STEP_HEAD) buf_addf(steps, " %d", p.status);
        buf_add(text, s.bytes);
        if (s.kind != SIM_STEP_HEAD && s.kind != SIM_STEP_PIECE) break;
    }
    sim_plan_done(&p);
}

static bool holds(const buf *text, const char *part) {
    return span_find_span(buf_span(text), 0, span_cstr(part)) < text->len;
}

static size_t occurrences(const buf *text, const char *part) {
    size_t n = 0, at = 0;
    while ((at = span_find_span(buf_span(text), at, span_cstr(part))) < text->len)
        n++, at++;
    return n;
}

static json_value parse(span text) {
    json_value root = {0};
    json_fault fault;
    if (!json_scan(text, NULL, &root, &fault))
        fail_msg("%s at %zu of %.*s", fault.what, fault.offset, SPAN_ARG(text));
    return root;
}

/* json_get along "choices.0.message". */
static json_value at(json_value v, const char *path) {
    span rest = span_cstr(path), step;
    while (span_cut(&rest, '.', &step)) {
        uint64_t n;
        if (!span_u64(step, &n)) {
            v = json_get(v, step);
            continue;
        }
        json_iter it = json_iter_of(v);
        json_value one = {0};
        for (uint64_t i = 0; i <= n; i++)
            if (!json_next_element(&it, &one)) return (json_value){0};
        v = one;
    }
    return v;
}

#define CHAT "/v1/chat/completions"
#define HI   "\"messages\":[{\"role\":\"user\",\"content\":\"hi there\"}]"
#define TOOL                                                                                       \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"     \
    "\"object\","                                                                                  \
    "\"properties\":{\"place\":{\"type\":\"string\"}},\"required\":[\"place\"]}}},"                \
    "{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]"
#define EXPECT(path, text) assert_span(at(root, path).raw, text)

static buf steps, text;

static json_value plain(const char *path, const char *body) {
    run(&(ask){path, body}, &usual, NULL, &steps, &text);
    assert_span(buf_span(&steps), "ANSWER 200");
    return parse(buf_span(&text));
}

static void a_plain_chat(void **state) {
    (void)state;
    json_value root = plain(CHAT, "{\"model\":\"m\\u00e9\"," HI ",\"n\":2}");
    EXPECT("object", "\"chat.completion\"");
    EXPECT("created", "1700000000");
    EXPECT("model", "\"m\\u00e9\"");
    EXPECT("choices.0.message.content", "\"You said: hi there\"");
    EXPECT("choices.1.index", "1");
    EXPECT("choices.0.finish_reason", "\"stop\"");
    EXPECT("choices.0.logprobs", "null");
    EXPECT("usage.prompt_tokens", "9"); /* 2 words, 4 for the message, 3 */
    EXPECT("usage.completion_tokens", "8");
    EXPECT("usage.total_tokens", "17");
    buf first = BUF_EMPTY;
    buf_add(&first, buf_span(&text));
    (void)plain(CHAT, "{\"model\":\"m\\u00e9\"," HI ",\"n\":2}");
    assert_true(span_eq(buf_span(&first), buf_span(&text))); /* the same request, the same bytes */
    buf_done(&first);
    root = plain(CHAT, "{\"model\":\"m\"," HI ",\"max_tokens\":2}");
    EXPECT("choices.0.message.content", "\"You said:\"");
    EXPECT("choices.0.finish_reason", "\"length\"");
    root = plain(CHAT, "{\"model\":\"m\"," HI
                       ",\"stop\":[\" there\"],\"logprobs\":true,\"top_logprobs\":2}");
    EXPECT("choices.0.message.content", "\"You said: hi\"");
    EXPECT("choices.0.logprobs.content.2.token", "\" hi\"");
    EXPECT("choices.0.logprobs.content.2.bytes", "[32,104,105]");
    assert_int_equal(json_count(at(root, "choices.0.logprobs.content.2.top_logprobs")), 2);
    root = plain(CHAT, "{\"model\":\"sim/words-3\"," HI "}");
    EXPECT("choices.0.message.content", "\"The water is\"");
    root = plain(CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
                       "\"text\",\"text\":"
                       "\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}}]}]}");
    EXPECT("choices.0.message.content", "\"You said: see (with 1 image)\"");
    root = plain(CHAT, "{\"model\":\"m\"," HI
                       ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                       "\"schema\":{\"type\":\"integer\"}}}}");
    EXPECT("choices.0.message.content", "\"0\"");
}

static void tools_are_called_then_answered(void **state) {
    (void)state;
    json_value root = plain(CHAT, "{\"model\":\"m\"," HI "," TOOL "}");
    EXPECT("choices.0.finish_reason", "\"tool_calls\"");
    EXPECT("choices.0.message.content", "null");
    EXPECT("choices.0.message.tool_calls.0.type", "\"function\"");
    EXPECT("choices.0.message.tool_calls.0.function.name", "\"f\"");
    EXPECT("choices.0.message.tool_calls.0.function.arguments", "\"{\\\"place\\\":\\\"text\\\"}\"");
    assert_int_equal(json_count(at(root, "choices.0.message.tool_calls")), 1);
    root = plain(CHAT, "{\"model\":\"m\"," HI "," TOOL ",\"parallel_tool_calls\":true}");
    assert_int_equal(json_count(at(root, "choices.0.message.tool_calls")), 2);
    root = plain(CHAT, "{\"model\":\"sim/calls-3\"," HI "," TOOL "}");
    assert_int_equal(json_count(at(root, "choices.0.message.tool_calls")), 3);
    EXPECT("choices.0.message.tool_calls.2.function.name", "\"f\"");
    root = plain(CHAT, "{\"model\":\"m\"," HI "," TOOL
                       ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}}");
    EXPECT("choices.0.message.tool_calls.0.function.name", "\"g\"");
    EXPECT("choices.0.message.tool_calls.0.function.arguments", "\"{}\"");
    root = plain(CHAT, "{\"model\":\"m\"," HI "," TOOL ",\"tool_choice\":\"none\"}");
    EXPECT("choices.0.finish_reason", "\"stop\"");
    root = plain(CHAT, "{\"model\":\"m\"," TOOL
                       ",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":"
                       "\"assistant\",\"content\":null},{\"role\":\"tool\",\"tool_call_id\":\"c\","
                       "\"content\":\"42\"}]}");
    EXPECT("choices.0.message.content", "\"The tool says: 42\"");
    root = plain(CHAT,
                 "{\"model\":\"m\"," HI ",\"functions\":[{\"name\":\"old\",\"parameters\":{}}]}");
    EXPECT("choices.0.message.function_call.name", "\"old\"");
    EXPECT("choices.0.finish_reason", "\"function_call\"");
    run(&(ask){CHAT,
               "{\"model\":\"m\",\"stream\":true," HI "," TOOL ",\"parallel_tool_calls\":true}"},
        &usual, NULL, &steps, &text);
    assert_int_equal(occurrences(&text, "\"id\":\"call_"), 2);
    assert_int_equal(occurrences(&text, "\"name\":"), 2);
    assert_true(holds(&text, "{\"index\":0,\"function\":{\"arguments\":\"xt\\\"}\"}}"));
    assert_true(holds(&text, "\"finish_reason\":\"tool_calls\""));
}

#define ASKED(model, text, more)                                                                   \
    "{\"model\":\"sim/" model "\"," TOOL ",\"messages\":[{\"role\":\"user\",\"content\":\"" text   \
    "\"}" more "]}"
#define CALLED                                                                                     \
    ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{}]},{\"role\":\"tool\","           \
    "\"content\":"                                                                                 \
    "\"1\"}"
#define CALLED_ITEMS                                                                               \
    ",{\"type\":\"function_call\"},{\"type\":\"function_call\"},{\"type\":\"function_call_"        \
    "output\","                                                                                    \
    "\"output\":\"1\"}"
#define FIRST_CALL "choices.0.message.tool_calls.0."

/* Models that are no pleasure: they call too often, wrongly, or say nothing. */
static void tools_are_called_as_it_is_wished(void **state) {
    (void)state;
    static const struct {
        const char *body;
        unsigned calls;
    } rows[] = {
        {ASKED("rounds-2", "q", ""), 1},
        {ASKED("rounds-2", "q", CALLED), 1},
        {ASKED("rounds-2", "q", CALLED CALLED), 0},
        {ASKED("rounds-2", "q", CALLED CALLED ",{\"role\":\"user\",\"content\":\"q\"}"), 1},
        {ASKED("rounds-3,calls-2", "q", CALLED CALLED), 2},
        {ASKED("forever", "q", CALLED CALLED CALLED), 1},
        {ASKED("script", "f {}\\ng {}\\n\\nf {}", ""), 2},
        {ASKED("script", "f {}\\ng {}\\n\\nf {}", CALLED), 1},
        {ASKED("script", "\\n\\nf {}\\n\\n\\n", CALLED), 0},
        {ASKED("script", "", ""), 0},
        {ASKED("text,forever", "q", ""), 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_value root = plain(CHAT, rows[i].body);
        json_value calls = at(root, "choices.0.message.tool_calls");
        size_t count = calls.type == JSON_ARRAY ? json_count(calls) : 0;
        if (count != rows[i].calls) fail_msg("row %zu has %zu calls", i, count);
    }
    json_value root = plain(CHAT, ASKED("script", " nope {\\\"a\\\": ] \\nnow", ""));
    EXPECT(FIRST_CALL "function.name", "\"nope\"");
    EXPECT(FIRST_CALL "function.arguments", "\"{\\\"a\\\": ]\"");
    EXPECT("choices.0.message.tool_calls.1.function.arguments", "\"{}\"");
    root = plain(CHAT, "{\"model\":\"sim/forever\"," HI "," TOOL ",\"tool_choice\":\"none\"}");
    EXPECT(FIRST_CALL "function.name", "\"f\"");
    root = plain(CHAT, ASKED("no-json,rounds-2", "q", ""));
    EXPECT(FIRST_CALL "function.arguments", "\"{\\\"value\\\": \"");
    root = plain(CHAT, ASKED("no-json,rounds-2", "q", CALLED));
    EXPECT(FIRST_CALL "function.arguments", "\"{\\\"place\\\":\\\"text\\\"}\"");
    root = plain(CHAT, ASKED("wrong-arguments", "q", ""));
    EXPECT(FIRST_CALL "function.arguments", "\"{\\\"place\\\":[{}],\\\"no_such_member\\\":true}\"");
    root = plain(CHAT, ASKED("unknown-tool", "q", ""));
    EXPECT(FIRST_CALL "function.name", "\"no_such_tool\"");
    root = plain(CHAT, ASKED("same-ids,calls-2", "q", ""));
    EXPECT(FIRST_CALL "id", "\"call_of_all\"");
    EXPECT("choices.0.message.tool_calls.1.id", "\"call_of_all\"");
    root = plain(CHAT, ASKED("no-ids", "q", ""));
    assert_int_equal(at(root, FIRST_CALL "id").type, JSON_NONE);
    EXPECT(FIRST_CALL "type", "\"function\"");
    root = plain(CHAT, ASKED("mute", "q", CALLED));
    EXPECT("choices.0.message.content", "\"\"");
    root = plain(CHAT, ASKED("talk", "q", ""));
    EXPECT("choices.0.message.content", "\"Let me see.\"");
    EXPECT(FIRST_CALL "function.name", "\"f\"");
    EXPECT("usage.completion_tokens", "6"); /* three, and a call of three */
}

static void words_stand_beside_calls_in_a_stream(void **state) {
    (void)state;
    run(&(ask){CHAT, "{\"model\":\"sim/talk,no-ids\",\"stream\":true," HI "," TOOL "}"}, &usual,
        NULL, &steps, &text);
    assert_true(holds(&text, "\"content\":\" see.\""));
    assert_true(holds(&text, "\"tool_calls\":[{\"index\":0,\"type\":\"function\","));
    assert_int_equal(occurrences(&text, "\"finish_reason\":\"tool_calls\""), 1);
}

static void responses_count_rounds_of_items(void **state) {
    (void)state;
    json_value root =
        plain("/v1/responses",
              "{\"model\":\"sim/rounds-2\",\"tools\":[{\"type\":\"function\",\"name\":"
              "\"f\"}],\"input\":[{\"role\":\"user\",\"content\":\"q\"}" CALLED_ITEMS "]}");
    EXPECT("output.0.type", "\"function_call\"");
    root = plain("/v1/responses",
                 "{\"model\":\"sim/rounds-2\",\"tools\":[{\"type\":\"function\","
                 "\"name\":\"f\"}],\"input\":[{\"role\":\"user\",\"content\":\"q\"}" CALLED_ITEMS
                     CALLED_ITEMS "]}");
    EXPECT("output.0.type", "\"message\"");
}

static void a_stream_and_its_usage(void **state) {
    (void)state;
    run(&(ask){CHAT, "{\"model\":\"m\",\"stream\":true," HI "}"}, &usual, NULL, &steps, &text);
    assert_span(buf_span(&steps), "HEAD 200 PIECE +20 PIECE +20 PIECE +20 PIECE +20 PIECE END");
    assert_true(span_starts(buf_span(&text), SPAN_OF("data: {\"id\":\"chatcmpl-")));
    assert_int_equal(occurrences(&text, "data: "), 7); /* role, 4 tokens, finish, [DONE] */
    assert_true(holds(&text, "\"delta\":{\"role\":\"assistant\",\"content\":\"\""));
    assert_true(holds(&text, "\"delta\":{\"content\":\" there\"}"));
    assert_false(holds(&text, "usage"));
    assert_true(span_ends(buf_span(&text), SPAN_OF("data: [DONE]\n\n")));
    run(&(ask){CHAT, "{\"model\":\"m\",\"stream\":true,\"n\":2,\"stream_options\":{\"include_"
                     "usage\":true}," HI "}"},
        &usual, NULL, &steps, &text);
    assert_int_equal(occurrences(&text, "data: "), 2 * 6 + 2);
    assert_int_equal(occurrences(&text, "\"usage\":null"), 2 * 6);
    assert_true(
        holds(&text, "\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":8,"));
    /* Every event is JSON. */
    span rest = buf_span(&text), line;
    while (span_cut(&rest, '\n', &line))
        if (span_starts(line, SPAN_OF("data: {"))) (void)parse(span_slice(line, 6, line.len));
}

#define STREAM(model)                                                                              \
    "{\"model\":\"" model                                                                          \
    "\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"a b c d\"}]}"
#define PLAIN(model)                                                                               \
    "{\"model\":\"" model "\",\"messages\":[{\"role\":\"user\",\"content\":\"a b c d\"}]}"

/* Six tokens: You said: a b c d. */
static void faults_are_steps(void **state) {
    (void)state;
    static const struct {
        const char *body, *steps, *holds, *lacks;
    } rows[] = {
        {PLAIN("sim/429-2s"), "ANSWER 429", "\"code\":\"rate_limit_exceeded\"", NULL},
        {STREAM("sim/500"), "ANSWER 500", "\"type\":\"server_error\",\"param\":null,\"code\":null",
         "data:"},
        {PLAIN("sim/quota"), "ANSWER 429", "\"code\":\"insufficient_quota\"", NULL},
        {PLAIN("sim/context-length"), "ANSWER 400", "\"code\":\"context_length_exceeded\"", NULL},
        {PLAIN("sim/content-policy"), "ANSWER 400", "\"code\":\"content_policy_violation\"", NULL},
        {PLAIN("sim/content-filter"), "ANSWER 400", "\"code\":\"content_filter\"", NULL},
        {PLAIN("sim/html-502"), "ANSWER 502", "<h1>502 Bad Gateway</h1>", "{"},
        {PLAIN("sim/slow-2s,500"), "+2000 ANSWER 500", "error", NULL},
        {PLAIN("sim/slow-2s"), "+2000 ANSWER 200", "You said", NULL},
        {PLAIN("sim/late-2s"), "HEAD 200 +2000 PIECE END", "You said", NULL},
        {PLAIN("sim/ttft-5"), "+5 ANSWER 200", "You said", NULL},
        {STREAM("sim/late-2s,pace-0"),
         "HEAD 200 +2000 PIECE PIECE PIECE PIECE PIECE PIECE PIECE END", "[DONE]", NULL},
        {STREAM("sim/slow-2s,pace-0"),
         "+2000 HEAD 200 PIECE PIECE PIECE PIECE PIECE PIECE PIECE END", "[DONE]", NULL},
        {STREAM("sim/silent"), "SILENCE", NULL, "d"},
        {STREAM("sim/stall-before"), "HEAD 200 SILENCE", NULL, "d"},
        {STREAM("sim/stall"), "HEAD 200 PIECE +20 PIECE +20 PIECE SILENCE", "\" a\"", "\" b\""},
        {STREAM("sim/stall-1"), "HEAD 200 PIECE SILENCE", "You", "said"},
        {PLAIN("sim/stall"), "HEAD 200 PIECE SILENCE", "chatcmpl", "usage"},
        {PLAIN("sim/stall-before"), "HEAD 200 SILENCE", NULL, "d"},
        {PLAIN("sim/reset"), "CUT", NULL, "d"},
        {STREAM("sim/cut-before"), "HEAD 200 +20 CUT", NULL, "d"},
        {STREAM("sim/cut-2"), "HEAD 200 PIECE +20 PIECE +20 CUT", "said", "\" a\""},
        {STREAM("sim/cut-0"), "HEAD 200 PIECE +20 CUT", "assistant", "You"},
        {STREAM("sim/cut-99"),
         "HEAD 200 PIECE +20 PIECE +20 PIECE +20 PIECE +20 PIECE +20 PIECE +20 CUT", "\" d\"",
         "stop"},
        {PLAIN("sim/cut"), "HEAD 200 PIECE +20 CUT", "chatcmpl", "usage"},
        {STREAM("sim/error-event-1"), "HEAD 200 PIECE +20 PIECE END",
         "data: {\"error\":{\"message\":", "[DONE]"},
        {PLAIN("sim/error-event"), "ANSWER 500", "server_error", NULL},
        {PLAIN("sim/garbage"), "ANSWER 200", "neither", "{"},
        {STREAM("sim/garbage"), "HEAD 200 PIECE END", "neither", "{"},
        {STREAM("sim/bad-json,pace-0"), "HEAD 200 PIECE PIECE PIECE PIECE PIECE PIECE PIECE END",
         "\"brok\n\n", NULL},
        {PLAIN("sim/empty"), "ANSWER 200", NULL, "{"},
        {STREAM("sim/empty"), "HEAD 200 PIECE END", "data: [DONE]\n\n", "{"},
        {STREAM("sim/no-done,pace-0"), "HEAD 200 PIECE PIECE PIECE PIECE PIECE PIECE PIECE END",
         "\"stop\"", "[DONE]"},
        {STREAM("sim/no-finish"), "HEAD 200 PIECE +20 PIECE +20 PIECE END", "\" a\"", "\"stop\""},
        {PLAIN("sim/no-usage"), "ANSWER 200", "You said", "\"usage\""},
        {PLAIN("sim/filtered"), "ANSWER 200", "\"finish_reason\":\"content_filter\"", "a b"},
        {STREAM("sim/crlf,pace-0"), "HEAD 200 PIECE PIECE PIECE PIECE PIECE PIECE PIECE END",
         "[DONE]\r\n\r\n", "\n\n"},
        {STREAM("sim/comments,pace-0"), "HEAD 200 PIECE PIECE PIECE PIECE PIECE PIECE PIECE END",
         ": the simulator", NULL},
        {STREAM("sim/split,pace-0,words-1"), "HEAD 200 PIECE +1 PIECE PIECE +1 PIECE END",
         "data: [DONE]\n\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(&(ask){CHAT, rows[i].body}, &usual, NULL, &steps, &text);
        if (!span_eq(buf_span(&steps), span_cstr(rows[i].steps)) ||
            (rows[i].holds && !holds(&text, rows[i].holds)) ||
            (rows[i].lacks && holds(&text, rows[i].lacks)))
            fail_msg("%s\n%.*s\n%.*s", rows[i].body, SPAN_ARG(buf_span(&steps)),
                     SPAN_ARG(buf_span(&text)));
    }
}

static const char *header_of(const ask *a, const char *name, char out[128]) {
    sim_plan p;
    sim_request r = request_of(a);
    sim_plan_init(&p, &usual, &r, NULL);
    span value = http_header_get((http_headers){p.headers, p.header_count}, span_cstr(name));
    snprintf(out, 128, "%.*s", SPAN_ARG(value));
    sim_plan_done(&p);
    return out;
}

static void headers_are_openais(void **state) {
    (void)state;
    char out[128];
    ask good = {CHAT, PLAIN("m")}, limited = {CHAT, PLAIN("sim/429-1500ms")};
    assert_int_equal(strlen(header_of(&good, "x-request-id", out)), 36);
    assert_string_equal(header_of(&good, "openai-processing-ms", out), "1");
    assert_string_equal(header_of(&good, "x-ratelimit-remaining-requests", out), "9999");
    assert_string_equal(header_of(&good, "x-ratelimit-remaining-tokens", out), "1999983");
    assert_string_equal(header_of(&good, "content-type", out), "application/json");
    assert_string_equal(header_of(&good, "retry-after", out), "");
    assert_string_equal(header_of(&limited, "retry-after", out), "2");
    assert_string_equal(header_of(&limited, "retry-after-ms", out), "1500");
    assert_string_equal(header_of(&limited, "x-ratelimit-remaining-requests", out), "0");
    limited.header =
        (http_header){SPAN_OF("x-sim-retry-after"), SPAN_OF("Wed, 21 Oct 2026 07:28:00 GMT")};
    assert_string_equal(header_of(&limited, "retry-after", out), "Wed, 21 Oct 2026 07:28:00 GMT");
    ask stream = {CHAT, STREAM("m")}, page = {CHAT, PLAIN("sim/html")};
    assert_string_equal(header_of(&stream, "content-type", out),
                        "text/event-stream; charset=utf-8");
    assert_string_equal(header_of(&page, "content-type", out), "text/html");
}

static void flaky_ones_come_round(void **state) {
    (void)state;
    sim_counts *counts = calloc(1, sizeof *counts);
    const char *const expected[] = {"ANSWER 503", "ANSWER 503", "ANSWER 200", "ANSWER 503"};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        run(&(ask){CHAT, PLAIN("sim/flaky-2")}, &usual, counts, &steps, &text);
        assert_span(buf_span(&steps), expected[i]);
    }
    free(counts);
}

static void keys_are_demanded_when_set(void **state) {
    (void)state;
    static const sim_settings locked = {.key = SPAN("sk-right"), .pace_ms = 20};
    const http_header keys[] = {{SPAN("authorization"), SPAN("Bearer sk-right")},
                                {SPAN("api-key"), SPAN("sk-right")},
                                {SPAN("authorization"), SPAN("Bearer sk-wrong")},
                                {SPAN("x"), SPAN("y")}};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        run(&(ask){CHAT, PLAIN("m"), keys[i]}, &locked, NULL, &steps, &text);
        assert_span(buf_span(&steps), i < 2 ? "ANSWER 200" : "ANSWER 401");
        assert_true(i < 2 || holds(&text, "\"code\":\"invalid_api_key\""));
    }
}

static void bad_requests_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *path, *body, *steps, *holds;
    } rows[] = {
        {CHAT, "{\"model\":\"m\"", "ANSWER 400", "We could not parse the JSON body"},
        {CHAT, "{" HI "}", "ANSWER 400", "you must provide a model parameter"},
        {CHAT, "{\"model\":7," HI "}", "ANSWER 400", "you must provide a model parameter"},
        {CHAT, "{\"model\":\"m\"}", "ANSWER 400", "\"param\":\"messages\""},
        {CHAT, "{\"model\":\"m\",\"messages\":[]}", "ANSWER 400", "empty array"},
        {CHAT, "{\"model\":\"m\",\"max_tokens\":0," HI "}", "ANSWER 400",
         "\"param\":\"max_tokens\""},
        {CHAT, "{\"model\":\"m\",\"n\":129," HI "}", "ANSWER 400",
         "Invalid 'n': expected an integer of 1 to 128, but got 129 instead."},
        {CHAT, "{\"model\":\"m\",\"stream\":1," HI "}", "ANSWER 400", "\"param\":\"stream\""},
        {CHAT, "{\"model\":\"m\",\"stream_options\":{}," HI "}", "ANSWER 400",
         "\"param\":\"stream_options\""},
        {CHAT, "{\"model\":\"sim/words-100000\",\"n\":3," HI "}", "ANSWER 400", "200000 tokens"},
        {CHAT, "{\"model\":\"sim/cutt\"," HI "}", "ANSWER 404", "Did you mean 'cut'?"},
        {CHAT, NULL, "ANSWER 405", "Not allowed to GET"},
        {"/v1/nothing", "{}", "ANSWER 404", "Unknown request URL: POST /v1/nothing."},
        {"/chat/completions", "{}", "ANSWER 404", "unknown_url"},
        {"/v1/models", "{}", "ANSWER 405", "method_not_supported"},
        {"/v1/embeddings", "{\"model\":\"m\"}", "ANSWER 400", "\"param\":\"input\""},
        {"/v1/responses", "{\"model\":\"m\"}", "ANSWER 400", "\"param\":\"input\""},
        {"/v1/completions", "{\"model\":\"m\"}", "ANSWER 400", "\"param\":\"prompt\""},
        {"/v1/moderations", "{}", "ANSWER 400", "\"param\":\"input\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(&(ask){rows[i].path, rows[i].body}, &usual, NULL, &steps, &text);
        if (!span_eq(buf_span(&steps), span_cstr(rows[i].steps)) || !holds(&text, rows[i].holds))
            fail_msg("row %zu: %.*s %.*s", i, SPAN_ARG(buf_span(&steps)),
                     SPAN_ARG(buf_span(&text)));
        json_value root = parse(buf_span(&text));
        assert_int_equal(json_count(at(root, "error")), 4);
    }
}

static void completions(void **state) {
    (void)state;
    json_value root =
        plain("/v1/completions", "{\"model\":\"m\",\"prompt\":\"one two\",\"logprobs\":1}");
    EXPECT("object", "\"text_completion\"");
    EXPECT("choices.0.text", "\"You said: one two\"");
    EXPECT("choices.0.logprobs.text_offset", "[0,3,9,13]");
    EXPECT("choices.0.logprobs.tokens", "[\"You\",\" said:\",\" one\",\" two\"]");
    EXPECT("usage.total_tokens", "6");
    run(&(ask){"/v1/completions",
               "{\"model\":\"m\",\"prompt\":[\"x\",\"y\"],\"stream\":true,\"logprobs\":0}"},
        &usual, NULL, &steps, &text);
    assert_true(
        holds(&text, "\"text\":\" y\",\"logprobs\":{\"tokens\":[\" "
                     "y\"],\"token_logprobs\":[-0.03],\"top_logprobs\":[{}],\"text_offset\":[9]}"));
    assert_true(span_ends(buf_span(&text), SPAN_OF("data: [DONE]\n\n")));
    assert_true(
        holds(&text, "{\"index\":1,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\"}"));
    assert_false(holds(&text, "\"index\":2"));
}

static void each_prompt_has_its_choices(void **state) {
    (void)state;
    static const struct {
        const char *prompt, *last, *more;
    } cases[] = {
        {"\"x\"", "choices.1.index", "choices.2"},
        {"[\"x\",\"y\",\"z\"]", "choices.5.index", "choices.6"},
        {"[1,2,3]", "choices.1.index", "choices.2"},
        {"[[1,2],[3]]", "choices.3.index", "choices.4"},
        {"[]", "choices.1.index", "choices.2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[120];
        (void)snprintf(body, sizeof body, "{\"model\":\"m\",\"n\":2,\"prompt\":%s}",
                       cases[i].prompt);
        json_value root = plain("/v1/completions", body);
        assert_int_equal(at(root, cases[i].last).type, JSON_NUMBER);
        assert_int_equal(at(root, cases[i].more).type, JSON_NONE);
    }
}

static void responses(void **state) {
    (void)state;
    json_value root = plain("/v1/responses", "{\"model\":\"m\",\"input\":\"hi\"}");
    EXPECT("status", "\"completed\"");
    EXPECT("output.0.content.0.text", "\"You said: hi\"");
    EXPECT("usage.output_tokens", "3");
    root = plain("/v1/responses", "{\"model\":\"m\",\"input\":\"hi\",\"max_output_tokens\":1}");
    EXPECT("status", "\"incomplete\"");
    EXPECT("incomplete_details.reason", "\"max_output_tokens\"");
    root = plain("/v1/responses",
                 "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_"
                 "text\",\"text\":\"q\"}]},"
                 "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"7\"}],"
                 "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]}");
    EXPECT("output.0.content.0.text", "\"The tool says: 7\"");
    run(&(ask){"/v1/responses",
               "{\"model\":\"m\",\"input\":\"hi\",\"stream\":true,\"tools\":[{\"type\":"
               "\"function\",\"name\":\"f\"},"
               "{\"type\":\"custom\",\"name\":\"c\"}],\"parallel_tool_calls\":true}"},
        &usual, NULL, &steps, &text);
    static const char *const order[] = {"response.created",
                                        "response.in_progress",
                                        "response.output_item.added",
                                        "response.function_call_arguments.delta",
                                        "response.function_call_arguments.done",
                                        "response.output_item.done",
                                        "response.output_item.added",
                                        "response.custom_tool_call_input.delta",
                                        "response.custom_tool_call_input.delta",
                                        "response.custom_tool_call_input.delta",
                                        "response.custom_tool_call_input.done",
                                        "response.output_item.done",
                                        "response.completed"};
    span rest = buf_span(&text), line;
    size_t n = 0;
    while (span_cut(&rest, '\n', &line)) {
        if (!span_starts(line, SPAN_OF("data: "))) continue;
        root = parse(span_slice(line, 6, line.len));
        assert_true(n < ARRAY_LEN(order) && json_is(at(root, "type"), span_cstr(order[n])));
        int64_t number;
        assert_true(json_i64(at(root, "sequence_number"), &number) && number == (int64_t)n);
        n++;
    }
    assert_int_equal(n, ARRAY_LEN(order));
    assert_int_equal(occurrences(&text, "event: response."), ARRAY_LEN(order));
    run(&(ask){"/v1/responses", "{\"model\":\"sim/error-event\",\"input\":\"hi\",\"stream\":true}"},
        &usual, NULL, &steps, &text);
    assert_true(holds(&text, "event: error\ndata: {\"type\":\"error\",\"sequence_number\":5,"));
}

static void embeddings(void **state) {
    (void)state;
    json_value root =
        plain("/v1/embeddings", "{\"model\":\"m\",\"input\":[\"a\",\"b\",\"a\"],\"dimensions\":3}");
    double x = 0, y = 0, z = 0;
    assert_true(json_double(at(root, "data.0.embedding.0"), &x) &&
                json_double(at(root, "data.0.embedding.1"), &y) &&
                json_double(at(root, "data.0.embedding.2"), &z));
    double off = x * x + y * y + z * z - 1;
    assert_true(off < 1e-6 && off > -1e-6);
    assert_true(span_eq(at(root, "data.0.embedding").raw, at(root, "data.2.embedding").raw));
    assert_false(span_eq(at(root, "data.0.embedding").raw, at(root, "data.1.embedding").raw));
    EXPECT("data.2.index", "2");
    EXPECT("usage.total_tokens", "3");
    root = plain("/v1/embeddings",
                 "{\"model\":\"m\",\"input\":[1,2,3],\"encoding_format\":\"base64\"}");
    assert_int_equal(at(root, "data.0.embedding").raw.len, 1536 * 4 / 3 * 4 + 2);
    EXPECT("usage.prompt_tokens", "3");
    root = plain("/v1/embeddings", "{\"model\":\"m\",\"input\":[[1,2],[3]]}");
    assert_int_equal(json_count(at(root, "data")), 2);
}

static void lists(void **state) {
    (void)state;
    json_value root = plain("/v1/moderations", "{\"input\":[\"peace\",\"no Violence\"]}");
    EXPECT("results.0.flagged", "false");
    EXPECT("results.1.flagged", "true");
    EXPECT("results.1.categories.violence", "true");
    root = plain("/v1/models", NULL);
    EXPECT("data.0.object", "\"model\"");
    root = plain("/v1/models/sim%2F429", NULL);
    EXPECT("id", "\"sim/429\"");
    root = plain("/openai/deployments/d/chat/completions", "{" HI "}");
    EXPECT("model", "\"d\"");
}

static int tidy(void **state) {
    (void)state;
    buf_done(&steps);
    buf_done(&text);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_chat),
        cmocka_unit_test(tools_are_called_then_answered),
        cmocka_unit_test(tools_are_called_as_it_is_wished),
        cmocka_unit_test(words_stand_beside_calls_in_a_stream),
        cmocka_unit_test(responses_count_rounds_of_items),
        cmocka_unit_test(a_stream_and_its_usage),
        cmocka_unit_test(faults_are_steps),
        cmocka_unit_test(headers_are_openais),
        cmocka_unit_test(flaky_ones_come_round),
        cmocka_unit_test(keys_are_demanded_when_set),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(completions),
        cmocka_unit_test(each_prompt_has_its_choices),
        cmocka_unit_test(responses),
        cmocka_unit_test(embeddings),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, tidy);
}
