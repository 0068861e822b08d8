/* Why an answer ends: providers' words in those that clients know. */
#include "said.h"
#include "secrets.h"

#include "dialect/openai.h"

/* Each row: a word of a provider, and what a chat's and a completion's client is told. NULL: that
 * the provider broke off. */
static const struct {
    const char *native, *chat, *text;
} words[] = {
    {"stop", "stop", "stop"},
    {"length", "length", "length"},
    {"content_filter", "content_filter", "content_filter"},
    {"tool_calls", "tool_calls", "stop"},
    {"function_call", "function_call", "stop"},
    {"STOP", "stop", "stop"},
    {"Function_Call", "tool_calls", "stop"},
    {"end_turn", "stop", "stop"},
    {"stop_sequence", "stop", "stop"},
    {"max_tokens", "length", "length"},
    {"MAX_TOKENS", "length", "length"},
    {"tool_use", "tool_calls", "stop"},
    {"TOOL_CALL", "tool_calls", "stop"},
    {"refusal", "content_filter", "content_filter"},
    {"pause_turn", "stop", "stop"},
    {"model_context_window_exceeded", "length", "length"},
    {"SAFETY", "content_filter", "content_filter"},
    {"RECITATION", "content_filter", "content_filter"},
    {"MALFORMED_FUNCTION_CALL", "stop", "stop"},
    {"model_length", "length", "length"},
    {"COMPLETE", "stop", "stop"},
    {"guardrail_intervened", "content_filter", "content_filter"},
    {"sensitive", "content_filter", "content_filter"},
    {"eos_token", "stop", "stop"},
    {"limit", "length", "length"},
    {"of_a_kind_to_come", "stop", "stop"},
    {"stop ", "stop", "stop"},
    {"error", NULL, NULL},
    {"ERROR", NULL, NULL},
    {"abort", NULL, NULL},
    {"insufficient_system_resource", NULL, NULL},
    {"network_error", NULL, NULL},
};

static span choice_of(const char *text, json_value *ret_choices) {
    span data = span_cstr(text);
    json_value root;
    json_fault fault;
    assert_true(json_scan(data, NULL, &root, &fault));
    *ret_choices = json_get(root, SPAN_OF("choices"));
    return data;
}

static void assert_respelt(dialect d, const char *from, const char *to) {
    json_value choices;
    span data = choice_of(from, &choices);
    buf out = BUF_EMPTY;
    openai_respell(d, data, choices, &out);
    assert_string_equal(buf_cstr(&out), to);
    buf_done(&out);
}

static void assert_word(dialect d, const char *native, const char *word) {
    buf from = BUF_EMPTY, to = BUF_EMPTY;
    span own = span_cstr(native);
    bool known = word && span_eq(own, span_cstr(word));
    assert_int_equal(openai_knows_finish(d, own), known);
    buf_addf(&from, "{\"choices\":[{\"finish_reason\": \"%.*s\" ,\"index\":0}] }", SPAN_ARG(own));
    if (known)
        buf_add(&to, buf_span(&from));
    else if (word)
        buf_addf(&to,
                 "{\"choices\":[{\"finish_reason\": \"%s\",\"native_finish_reason\":\"%.*s\" "
                 ",\"index\":0}] }",
                 word, SPAN_ARG(own));
    else
        buf_addf(&to,
                 "{\"error\":{\"message\":\"The provider broke its answer off (finish_reason: "
                 "%.*s).\",\"type\":\"server_error\",\"param\":null,\"code\":\"%.*s\"}}",
                 SPAN_ARG(own), SPAN_ARG(own));
    assert_respelt(d, buf_cstr(&from), buf_cstr(&to));
    buf_done(&from);
    buf_done(&to);
}

static void words_have_a_meaning(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        assert_word(DIALECT_OPENAI_CHAT, words[i].native, words[i].chat);
        assert_word(DIALECT_OPENAI_COMPLETIONS, words[i].native, words[i].text);
    }
}

static void each_choice_has_its_own(void **state) {
    (void)state;
    assert_respelt(DIALECT_OPENAI_CHAT,
                   "{\"a\":1,\"choices\":[{\"finish_reason\":\"end_turn\"},"
                   "{\"finish_reason\":\"stop\"},{\"finish_reason\":null},7,"
                   "{\"finish_reason\":\"tool_use\"}],\"b\":2}",
                   "{\"a\":1,\"choices\":[{\"finish_reason\":\"stop\",\"native_finish_reason\":"
                   "\"end_turn\"},{\"finish_reason\":\"stop\"},{\"finish_reason\":null},7,"
                   "{\"finish_reason\":\"tool_calls\",\"native_finish_reason\":\"tool_use\"}],"
                   "\"b\":2}");
}

static void what_ends_nothing_becomes_null(void **state) {
    (void)state;
    assert_respelt(
        DIALECT_OPENAI_CHAT,
        "{\"choices\":[{\"finish_reason\":\"null\",\"index\":0},{\"finish_reason\":\"\"},"
        "{\"finish_reason\":\"stop\"}]}",
        "{\"choices\":[{\"finish_reason\":null,\"index\":0},{\"finish_reason\":null},"
        "{\"finish_reason\":\"stop\"}]}");
}

/* OpenRouter writes it itself. */
static void what_stands_beside_stays(void **state) {
    (void)state;
    assert_respelt(DIALECT_OPENAI_CHAT,
                   "{\"choices\":[{\"finish_reason\":\"eos\",\"native_finish_reason\":\"EOS\"}]}",
                   "{\"choices\":[{\"finish_reason\":\"stop\",\"native_finish_reason\":\"EOS\"}]}");
}

/* One that broke off makes no answer of the others. */
static void one_that_failed_fails_all(void **state) {
    (void)state;
    assert_respelt(DIALECT_OPENAI_CHAT,
                   "{\"choices\":[{\"finish_reason\":\"error\"},{\"finish_reason\":\"stop\"}]}",
                   "{\"error\":{\"message\":\"The provider broke its answer off (finish_reason: "
                   "error).\",\"type\":\"server_error\",\"param\":null,\"code\":\"error\"}}");
}

#define CHOICE_ERROR "{\"code\":502,\"message\":\"Far is away\",\"metadata\":{}}"

/* OpenRouter's: whatever reason stands beside it. */
static void a_choices_error_is_told(void **state) {
    (void)state;
    static const char *const beside[] = {"\"finish_reason\":\"error\",",
                                         "\"finish_reason\":\"stop\",", "\"finish_reason\":null,",
                                         ""};
    for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
        buf from = BUF_EMPTY;
        buf_addf(&from, "{\"choices\":[{\"index\":0,%s\"error\": " CHOICE_ERROR "}]}", beside[i]);
        assert_respelt(DIALECT_OPENAI_CHAT, buf_cstr(&from), "{\"error\":" CHOICE_ERROR "}");
        buf_done(&from);
    }
    assert_respelt(DIALECT_OPENAI_CHAT,
                   "{\"choices\":[{\"finish_reason\":\"eos\",\"error\":null},{\"error\":{}}]}",
                   "{\"choices\":[{\"finish_reason\":\"stop\",\"native_finish_reason\":\"eos\","
                   "\"error\":null},{\"error\":{}}]}");
}

/* ---- through the reader ---- */

#define DELTA(reason)                                                                              \
    "{\"id\":\"x\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":"    \
    "\"" reason "\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}"

/* Parts, envelope and reason lie in the bytes that are handed on (said.h looks). */
static void a_stream_is_read_in_the_new_words(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS | WANT_ENVELOPE);
    assert_said(&spec, EVENT_STREAM, "data: " DELTA("MAX_TOKENS") "\n\n",
                "content,finish text 1/0 \"Hi\" finish 1/0 \"length\" (length) 3+4 [\"x\"  ]\nend");
    static const char *const goes_on = "content text 1/0 \"Hi\" 3+4 [\"x\"  ]\ncut";
    assert_said(&spec, EVENT_STREAM, "data: " DELTA("null") "\n\n", goes_on);
    assert_said(&spec, EVENT_STREAM, "data: " DELTA("") "\n\n", goes_on);
    assert_said(&spec, EVENT_STREAM, "data: " DELTA("abort") "\n\n", "error 502 [  ]\nbad");
}

/* Its own words are better than any that are made of the reason. */
static void an_error_beside_the_reason_stays(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    static const char *const rows[] = {
        "{\"error\":{\"code\":429,\"message\":\"x\"},\"choices\":[{\"delta\":{\"content\":\"\"},"
        "\"finish_reason\":\"error\"}]}",
        "{\"choices\":[{\"error\":{\"code\":429,\"message\":\"x\"},\"delta\":{\"content\":\"\"},"
        "\"finish_reason\":\"error\"}]}",
        "{\"choices\":[{\"error\":{\"code\":429,\"message\":\"x\"},\"delta\":{\"content\":\"Hi\"}}]"
        "}"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf event = BUF_EMPTY;
        answer_event e;
        reader r;
        buf_addf(&event, "data: %s\n\n", rows[i]);
        span input = buf_span(&event);
        reader_init(&r, &spec, SPAN_OF(EVENT_STREAM), -1);
        assert_int_equal(reader_next(&r, &input, &e), READER_EVENT);
        assert_true(e.sorts & EVENT_ERROR);
        assert_int_equal(e.status, 429);
        assert_true(span_find_span(e.data, 0, SPAN_OF("\"message\":\"x\"")) < e.data.len);
        assert_span(e.error.raw, "{\"code\":429,\"message\":\"x\"}");
        reader_done(&r);
        buf_done(&event);
    }
}

static void a_plain_answer_likewise(void **state) {
    (void)state;
    static const char *const body =
        "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"end_turn\"}]}";
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    assert_said(&spec, "application/json", body,
                "content,full,finish text 0/0 \"Hi\" finish 0/0 \"stop\" (stop)\nend");
    /* Whose answers weir does not know are handed on as they are. */
    spec = said_spec(DIALECT_RAW, 0);
    assert_said(&spec, "application/json", body, "content,full,finish (end_turn)\nend");
}

/* Servers of Go write null for a list that has nothing; others leave it out of the usage chunk. */
static void who_goes_through_choices_finds_a_list(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, 0);
    assert_respelt(DIALECT_OPENAI_CHAT, "{\"choices\": null ,\"usage\":{}} ",
                   "{\"choices\": [] ,\"usage\":{}} ");
    assert_respelt(DIALECT_OPENAI_CHAT, "{\"usage\":{} } ", "{\"usage\":{} ,\"choices\":[]} ");
#define USED "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}"
#define SAID "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
    static const struct {
        const char *chunk, *said;
    } rows[] = {
        {"{\"choices\":null," USED "}", "usage 3+4"},
        {"{\"object\":\"chat.completion.chunk\"," USED "}", "usage 3+4"},
        {"{" USED ",\"choices\":null}", "usage 3+4"},
        {"{\"choices\":null,\"usage\":null}", ""},
        {"{\"choices\":null}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf stream = BUF_EMPTY, said = BUF_EMPTY;
        buf_addf(&stream,
                 SAID "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: %s\n\n"
                      "data: [DONE]\n\n",
                 rows[i].chunk);
        buf_addf(&said, "content\nfinish (stop)\n%s\nend", rows[i].said);
        assert_said(&spec, EVENT_STREAM, buf_cstr(&stream), buf_cstr(&said));
        buf_done(&stream);
        buf_done(&said);
    }
#undef USED
#undef SAID
}

/* The key that stands in a word is gone from both. */
static void the_key_is_not_told_either(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    secret_set *secrets = secret_set_of("sk-1234567890");
    spec.secrets = secrets;
    assert_said(&spec, EVENT_STREAM,
                "data: {\"choices\":[{\"finish_reason\":\"sk-1234567890\"}]}\n\n",
                "finish finish 0/0 \"stop\" (stop)\nend");
    secret_set_unref(secrets);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_a_meaning),
        cmocka_unit_test(each_choice_has_its_own),
        cmocka_unit_test(what_ends_nothing_becomes_null),
        cmocka_unit_test(what_stands_beside_stays),
        cmocka_unit_test(one_that_failed_fails_all),
        cmocka_unit_test(a_choices_error_is_told),
        cmocka_unit_test(an_error_beside_the_reason_stays),
        cmocka_unit_test(a_stream_is_read_in_the_new_words),
        cmocka_unit_test(a_plain_answer_likewise),
        cmocka_unit_test(who_goes_through_choices_finds_a_list),
        cmocka_unit_test(the_key_is_not_told_either),
    };
    return run_watched(tests);
}
