/* What stands where in events: golden lines for chat completions and completions, each fed whole,
 * byte by byte and cut at every offset. */
#include "said.h"

static void interleaved_tool_calls(void **state) {
    (void)state;
    const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    assert_said(
        &spec, EVENT_STREAM,
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,"
        "\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{"
        "\"name\":\"get\",\"arguments\":\"\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"function\":{"
        "\"name\":\"put\",\"arguments\":\"{\\\"a\"},\"id\":\"c2\",\"index\":1}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
        "\"arguments\":\"{\\\"b\"}},{\"index\":1,\"function\":{\"arguments\":\"\\\":1}\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":2,\"type\":"
        "\"custom\",\"custom\":{\"name\":\"sh\",\"input\":\"ls\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
        "data: [DONE]\n\n",
        "content name 0/0 \"get\" args 0/0 \"\"\n"
        "content name 0/1 \"put\" args 0/1 \"{\\\"a\"\n"
        "content args 0/0 \"{\\\"b\" args 0/1 \"\\\":1}\"\n"
        "content name 0/2 \"sh\" input 0/2 \"ls\"\n"
        "finish finish 0/0 \"tool_calls\" (tool_calls)\n"
        "end");
}

static void two_choices(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS | WANT_ENVELOPE);
    spec.choices = 2;
    assert_said(
        &spec, EVENT_STREAM,
        "data: {\"id\":\"x\",\"created\":7,\"model\":\"m\",\"choices\":["
        "{\"index\":1,\"delta\":{\"content\":\"b\"}},{\"delta\":{\"content\":\"a\"},\"index\":0}]}"
        "\n\n"
        "data: {\"choices\":[{\"delta\":{\"refusal\":\"no\"},\"finish_reason\":\"stop\","
        "\"index\":1}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"length\",\"delta\":{}}]}\n\n",
        "content text 1/0 \"b\" text 0/0 \"a\" [\"x\" \"m\" 7]\n"
        "content,finish refusal 1/0 \"no\" finish 1/0 \"stop\" (stop) [  ]\n"
        "finish finish 0/0 \"length\" (length) [  ]\n"
        "end");
}

static void whatever_a_delta_may_hold(void **state) {
    (void)state;
    const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
#define DELTA(members) "data: {\"choices\":[{\"delta\":{" members "}}]}\n\n"
    assert_said(&spec, EVENT_STREAM,
                DELTA("\"reasoning_content\":\"r\",\"reasoning\":\"s\"") //
                DELTA("\"content\":\"\",\"annotations\":[],\"reasoning\":null")
                    DELTA("\"content\":[{\"type\":\"text\",\"text\":\"t\"},"
                          "{\"type\":\"refusal\",\"refusal\":\"u\"},{\"type\":\"thinking\"},7]")
                        DELTA("\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}")
                            DELTA("\"audio\":{\"id\":\"i\",\"data\":\"QQ==\",\"transcript\":\"v\"}")
                                DELTA("\"content\":{\"odd\":1},\"new\":[1],\"reasoning\":{\"a\":1},"
                                      "\"tool_calls\":{\"index\":1}")
                                    DELTA("\"tool_calls\":[{\"index\":2,\"signed\":\"x\","
                                          "\"function\":{\"strict\":[1]}}]") //
                "data: [DONE]\n\n",
                "content reasoning 0/0 \"r\" reasoning 0/65536 \"s\"\n"
                " text 0/0 \"\"\n"
                "content text 0/0 \"t\" refusal 0/0 \"u\" opaque 0/0 {\"type\":\"thinking\"} "
                "opaque 0/1 7\n"
                "content name 0/65535 \"f\" args 0/65535 \"{}\"\n"
                "content audio 0/0 \"QQ==\" text 0/65536 \"v\"\n"
                "content opaque 0/0 {\"odd\":1} opaque 0/0 [1] opaque 0/0 {\"index\":1}\n"
                "content opaque 0/2 \"x\" opaque 0/2 [1]\n"
                "unfinished");
}

/* Each row: a delta's members, its parts; of a message the same, but where it says otherwise. */
typedef struct members_row {
    const char *members, *of_delta, *of_message;
} members_row;

static void assert_members(const members_row *row) {
    const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    buf body = BUF_EMPTY, expected = BUF_EMPTY;
    buf_addf(&body, "data: {\"choices\":[{\"delta\":{%s}}]}\n\ndata: [DONE]\n\n", row->members);
    buf_addf(&expected, "content %s\nunfinished", row->of_delta);
    assert_said(&spec, EVENT_STREAM, buf_cstr(&body), buf_cstr(&expected));
    buf_clear(&body);
    buf_clear(&expected);
    buf_addf(&body, "{\"choices\":[{\"message\":{%s}}]}", row->members);
    buf_addf(&expected, "content,full %s\nend", row->of_message ? row->of_message : row->of_delta);
    assert_said(&spec, "application/json", buf_cstr(&body), buf_cstr(&expected));
    buf_done(&body);
    buf_done(&expected);
}

/* As Mistral, OpenRouter, LiteLLM, Ollama, Copilot and others name it. */
static void reasoning_by_many_names(void **state) {
    (void)state;
    static const members_row rows[] = {
        {"\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"a\"}]},"
         "{\"type\":\"text\",\"text\":\"b\"}]",
         "reasoning 0/named \"a\" text 0/0 \"b\"", NULL},
        {"\"content\":[{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"s\"}]",
         "opaque 0/0 {\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"s\"}", NULL},
        {"\"reasoning\":\"a\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"a\","
         "\"format\":\"f\",\"index\":0,\"signature\":\"s\"},"
         "{\"type\":\"reasoning.encrypted\",\"data\":\"e\",\"index\":1}]",
         "reasoning 0/65536 \"a\" opaque 0/named {\"type\":\"reasoning.text\",\"text\":\"a\","
         "\"format\":\"f\",\"index\":0,\"signature\":\"s\"} opaque 0/named \"e\"",
         NULL},
        {"\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"a\"}]",
         "reasoning 0/named \"a\"", NULL},
        {"\"thinking\":\"a\"", "reasoning 0/named \"a\"", NULL},
        {"\"reasoning_text\":\"a\"", "reasoning 0/named \"a\"", NULL},
        {"\"thought\":\"a\"", "reasoning 0/named \"a\"", NULL},
        {"\"reasoning_content\":[{\"type\":\"text\",\"text\":\"a\"}]", "reasoning 0/named \"a\"",
         NULL},
        {"\"reasoning\":{\"content\":\"a\",\"tokens\":7}", "reasoning 0/named \"a\"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_members(&rows[i]);
}

static unsigned item_of_first(const char *delta) {
    const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    buf body = BUF_EMPTY;
    reader r;
    answer_event e;
    buf_addf(&body, "data: {\"choices\":[{\"delta\":{%s}}]}\n\n", delta);
    span rest = buf_span(&body);
    reader_init(&r, &spec, SPAN_OF(EVENT_STREAM), -1);
    assert_int_equal(reader_next(&r, &rest, &e), READER_EVENT);
    assert_true(e.part_count > 0);
    const unsigned item = e.parts[0].item;
    reader_done(&r);
    buf_done(&body);
    return item;
}

/* The pieces of one text have one item, others another. */
static void texts_without_a_number_are_told_apart(void **state) {
    (void)state;
#define DETAIL(index, member) "\"reasoning_details\":[{\"" member "\":\"a\",\"index\":" index "}]"
    const unsigned first = item_of_first(DETAIL("0", "text"));
    assert_int_equal(first, item_of_first(DETAIL("0", "text")));
    assert_int_not_equal(first, item_of_first(DETAIL("1", "text")));
    assert_int_not_equal(first, item_of_first(DETAIL("0", "summary")));
    assert_int_not_equal(first, item_of_first("\"thinking\":[{\"text\":\"a\"}]"));
    assert_int_not_equal(item_of_first("\"a_text\":\"a\""), item_of_first("\"b_text\":\"a\""));
}

/* What has another type than documented, or stands where nothing is known, says as much. */
static void nothing_that_may_be_read_is_left_out(void **state) {
    (void)state;
    static const members_row rows[] = {
        {"\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":\"b\"}}}]",
         "name 0/0 \"f\" opaque 0/0 {\"a\":\"b\"}", NULL},
        {"\"tool_calls\":[\"a\",{\"function\":\"b\"}]", "opaque 0/0 \"a\" opaque 0/1 \"b\"", NULL},
        {"\"function_call\":{\"name\":[\"f\"],\"arguments\":[\"a\"]}",
         "opaque 0/65535 [\"f\"] opaque 0/65535 [\"a\"]", NULL},
        {"\"function_call\":\"a\"", "opaque 0/65535 \"a\"", NULL},
        {"\"refusal\":[\"a\"]", "opaque 0/0 [\"a\"]", NULL},
        {"\"audio\":{\"id\":\"i\",\"text\":\"a\",\"data\":[\"b\"]}",
         "other 0/named \"a\" opaque 0/0 [\"b\"]", NULL},
        {"\"audio\":\"a\"", "opaque 0/0 \"a\"", NULL},
        {"\"content\":{\"text\":\"a\"}", "text 0/0 \"a\"", NULL},
        {"\"content\":[{\"type\":\"text\",\"text\":\"a\",\"annotations\":[{\"title\":\"b\"}],"
         "\"more\":\"c\",\"more_text\":\"d\"}]",
         "text 0/0 \"a\" opaque 0/65536 [{\"title\":\"b\"}] opaque 0/65536 \"c\" "
         "other 0/named \"d\"",
         NULL},
        {"\"new_text\":\"a\"", "other 0/named \"a\"", NULL},
        /* Labels and figures, which each chunk may have: whole as often as they come. */
        {"\"channel\":\"a\",\"turn\":\"7\",\"thread_id\":\"b\",\"status\":\"c\"",
         "opaque 0/0 \"a\" opaque 0/0 \"7\" opaque 0/0 \"b\" opaque 0/0 \"c\"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_members(&rows[i]);
    const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    assert_said(
        &spec, "application/json",
        "{\"id\":\"i\",\"search_results\":[{\"title\":\"a\"}],\"choices\":[{\"index\":1,"
        "\"message\":{\"content\":\"b\"},\"logprobs\":{\"content\":[{\"token\":\"b\"}]},"
        "\"stop_reason\":\"s\",\"new_text\":\"c\",\"newer\":[\"d\"]}],\"citations\":[\"e\"],"
        "\"provider\":\"p\",\"usage\":{\"cost\":\"1\"}}",
        "content,full opaque 0/65536 [{\"title\":\"a\"}] text 1/0 \"b\" other 1/named \"c\" "
        "opaque 1/65536 [\"d\"] opaque 0/65536 [\"e\"] -1+-1\nend");
}

/* As Perplexity does: the message so far is no piece of the delta's text. */
static void a_whole_message_beside_its_delta(void **state) {
    (void)state;
    const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    assert_said(&spec, EVENT_STREAM,
                "data: {\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                "\"Hi you\"},\"delta\":{\"content\":\" you\"},\"finish_reason\":\"stop\"}]}\n\n",
                "content,finish text 0/65536 \"Hi you\" text 0/0 \" you\" finish 0/0 \"stop\" "
                "(stop)\nend");
}

static void plain_completions(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS | WANT_ENVELOPE);
    assert_said(
        &spec, "application/json",
        "{\"id\":\"x\",\"model\":\"m\",\"created\":7,\"choices\":[{\"index\":0,\"message\":{"
        "\"role\":\"assistant\",\"content\":\"Hi\",\"refusal\":null,\"tool_calls\":["
        "{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
        "{\"function\":{\"name\":\"g\",\"arguments\":\"[]\"}}]},\"finish_reason\":\"stop\"},"
        "{\"index\":1,\"message\":{\"content\":\"Ho\"},\"finish_reason\":\"stop\"}]}",
        "content,full,finish text 0/0 \"Hi\" name 0/0 \"f\" args 0/0 \"{}\" name 0/1 \"g\" "
        "args 0/1 \"[]\" finish 0/0 \"stop\" text 1/0 \"Ho\" finish 1/0 \"stop\" (stop) "
        "[\"x\" \"m\" 7]\nend");
    spec.dialect = DIALECT_OPENAI_COMPLETIONS;
    spec.want = WANT_PARTS;
    assert_said(&spec, "application/json",
                "{\"choices\":[{\"text\":\"a\",\"index\":1,\"logprobs\":null,"
                "\"finish_reason\":\"length\"}]}",
                "content,full,finish text 1/0 \"a\" finish 1/0 \"length\" (length)\nend");
    assert_said(&spec, EVENT_STREAM,
                "data: {\"choices\":[{\"finish_reason\":\"\",\"text\":\"a\",\"index\":0}]}\n\n"
                "data: {\"choices\":[{\"text\":\"\",\"index\":0,\"finish_reason\":\"stop\"}]}\n\n",
                "content text 0/0 \"a\"\nfinish text 0/0 \"\" finish 0/0 \"stop\" (stop)\nend");
}

/* More parts than a reader has room for at first, and yet more. */
static void many_parts(void **state) {
    (void)state;
    const reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    buf body = BUF_EMPTY, expected = BUF_EMPTY;
    buf_add_cstr(&body, "{\"choices\":[");
    buf_add_cstr(&expected, "content,full");
    for (int i = 0; i < 40; i++) {
        buf_addf(&body, "%s{\"message\":{\"content\":\"%d\"}}", i ? "," : "", i);
        buf_addf(&expected, " text %d/0 \"%d\"", i, i);
    }
    buf_add_cstr(&body, "]}");
    buf_add_cstr(&expected, "\nend");
    assert_said(&spec, "application/json", buf_cstr(&body), buf_cstr(&expected));
    buf_done(&body);
    buf_done(&expected);
}

/* A list of so many elements, of two bytes each. */
static reader_result read_elements(const char *type, const char *before, const char *after,
                                   unsigned count, size_t *ret_parts, const char **ret_why) {
    reader_spec spec = said_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
    spec.event_bytes = spec.answer_bytes = 1 << 20;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, before);
    for (unsigned i = 0; i < count; i++)
        buf_add_cstr(&body, i ? ",1" : "1");
    buf_add_cstr(&body, after);
    reader r;
    answer_event e;
    span rest = buf_span(&body);
    reader_init(&r, &spec, span_cstr(type), -1);
    reader_result got = reader_next(&r, &rest, &e);
    if (got == READER_MORE) got = reader_end(&r, true, &e);
    *ret_parts = r.part_count;
    *ret_why = r.no_answer;
    reader_done(&r);
    buf_done(&body);
    return got;
}

/* Each takes twenty times the memory of what it is made of. */
static void more_parts_than_any_answer_has(void **state) {
    (void)state;
    static const struct {
        const char *type, *before, *after;
    } rows[] = {
        {"application/json", "{\"choices\":[{\"message\":{\"content\":[", "]}}]}"},
        {"text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":[", "]}}]}\n\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t parts;
        const char *why;
        assert_int_equal(read_elements(rows[i].type, rows[i].before, rows[i].after,
                                       READER_PARTS_MAX, &parts, &why),
                         READER_EVENT);
        assert_int_equal(parts, READER_PARTS_MAX);
        assert_null(why);
        assert_int_equal(read_elements(rows[i].type, rows[i].before, rows[i].after,
                                       READER_PARTS_MAX + 1, &parts, &why),
                         READER_BAD);
        assert_int_equal(parts, READER_PARTS_MAX);
        assert_string_equal(why, "The provider's answer has more than 262144 parts.");
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(interleaved_tool_calls),
        cmocka_unit_test(two_choices),
        cmocka_unit_test(whatever_a_delta_may_hold),
        cmocka_unit_test(reasoning_by_many_names),
        cmocka_unit_test(texts_without_a_number_are_told_apart),
        cmocka_unit_test(nothing_that_may_be_read_is_left_out),
        cmocka_unit_test(plain_completions),
        cmocka_unit_test(a_whole_message_beside_its_delta),
        cmocka_unit_test(many_parts),
        cmocka_unit_test(more_parts_than_any_answer_has),
    };
    return run_watched(tests);
}
