/* Answers in the other form than was asked for: which form it is, and the events of a document. */
#include "told.h"

#define JSON "application/json"
#define CHAT DIALECT_OPENAI_CHAT

/* ---- which form ---- */

#define HELLO  "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"
#define HELLO_ "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n"

/* Whatever their type says, events are events. */
static void events_under_any_type(void **state) {
    (void)state;
    static const char *const types[] = {"",
                                        JSON,
                                        "text/plain; charset=utf-8",
                                        EVENT_STREAM,
                                        "text/html",
                                        "application/octet-stream",
                                        "application/x-ndjson"};
    static const char *const ahead[] = {
        "",           "\n\n \r\n",    ": comment\n\n", ":\n",
        "retry: 3\n", "id: 7\nid:\n", "\xEF\xBB\xBF",  "\xEF\xBB\xBF\n: x\n\n",
        "event:\n"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        for (size_t k = 0; k < ARRAY_LEN(ahead); k++) {
            buf body = BUF_EMPTY;
            buf_addf(&body, "%s" HELLO "data: [DONE]\n\n", ahead[k]);
            assert_told(CHAT, ASKED_STREAM, types[i], buf_cstr(&body), HELLO_ "unfinished");
            buf_done(&body);
        }
    /* Behind a line end it is no mark, but part of a name that nobody knows. */
    assert_told(CHAT, ASKED_STREAM, EVENT_STREAM,
                "\n\n\n\n\xEF\xBB\xBF" HELLO HELLO "data: [DONE]\n\n", HELLO_ "unfinished");
    /* With a name, and another dialect's. */
    assert_told(DIALECT_OPENAI_RESPONSES, ASKED_STREAM, JSON,
                "event: response.completed\ndata: {\"type\":\"response.completed\"}\n\n",
                "response.completed: {\"type\":\"response.completed\"}\nend");
}

/* What begins like neither stands by its type: a stream may begin with a field that nobody knows,
 * and a page is no answer. */
static void what_is_neither(void **state) {
    (void)state;
    assert_told(CHAT, ASKED_STREAM, EVENT_STREAM, "colour: blue\n" HELLO "data: [DONE]\n\n",
                HELLO_ "unfinished");
    assert_told(CHAT, ASKED_STREAM, EVENT_STREAM, "<html>", "bad");
    assert_told(CHAT, ASKED_STREAM, EVENT_STREAM, "", "bad");
    assert_told(CHAT, ASKED_STREAM, "text/html", "<html>", "bad");
    assert_told(CHAT, ASKED_STREAM, "text/html", "dat", "bad");
    assert_told(CHAT, ASKED_STREAM, JSON, "data", "bad");
    assert_told(CHAT, ASKED_STREAM, JSON, "  \n ", "bad");
    assert_told(CHAT, ASKED_DOCUMENT, JSON, "", "bad");
    assert_told(CHAT, ASKED_DOCUMENT, EVENT_STREAM, "{\"choices\":", "bad");
}

/* Each chunk repeats the id, each choice makes two of them. */
static void events_are_bounded_by_their_document(void **state) {
    (void)state;
    static const struct {
        dialect dialect;
        int choices;
        const char *head, *one, *end, *word;
    } rows[] = {
        {DIALECT_OPENAI_COMPLETIONS, 5, "\"choices\":[", "{\"text\":\"\"}", "]", "end"},
        {DIALECT_OPENAI_COMPLETIONS, 200, "\"choices\":[", "{\"text\":\"\"}", "]", "too large"},
        {CHAT, 200, "\"choices\":[", "{\"message\":{}}", "]", "too large"},
        {DIALECT_OPENAI_RESPONSES, 3, "\"status\":\"completed\",\"output\":[", "{}", "]", "end"},
        {DIALECT_OPENAI_RESPONSES, 2000, "\"output\":[", "{}", "]", "too large"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf body = BUF_EMPTY;
        buf_addf(&body, "{\"id\":\"%02000d\",%s", 7, rows[i].head);
        for (int n = 0; n < rows[i].choices; n++)
            buf_addf(&body, "%s%s", n ? "," : "", rows[i].one);
        buf_addf(&body, "%s}", rows[i].end);
        const reader_spec spec = told_spec(rows[i].dialect, ASKED_STREAM);
        buf told = told_in(&spec, JSON, buf_cstr(&body), SIZE_MAX / 2);
        if (!span_ends(buf_span(&told), span_cstr(rows[i].word))) print_error("row %zu\n", i);
        assert_true(span_ends(buf_span(&told), span_cstr(rows[i].word)));
        buf_done(&told);
        buf_done(&body);
    }
}

/* Blanks ahead of a document are its own; they are bounded with it. */
static void a_document_stays_byte_for_byte(void **state) {
    (void)state;
#define DOCUMENT "\n\n { \"choices\" : [ {\"text\":\"\"} ] , \"x\": 1.0e0 }\n"
    assert_told(CHAT, ASKED_DOCUMENT, JSON, DOCUMENT, "= " DOCUMENT "\nend");
    assert_told(CHAT, ASKED_DOCUMENT, "", DOCUMENT, "= " DOCUMENT "\nend");
    reader_spec spec = told_spec(CHAT, ASKED_DOCUMENT);
    spec.answer_bytes = 20;
    assert_told_by(&spec, JSON, "                    {}", "too large");
    spec.answer_bytes = 22;
    assert_told_by(&spec, JSON, "                    {}", "bad");
    /* Ahead of events they are nothing. */
    spec.event_bytes = spec.answer_bytes = 20;
    assert_told_by(&spec, EVENT_STREAM, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n<", "bad");
}

/* Of what has one form alone, or nobody knows, nothing is made. */
static void others_are_as_they_come(void **state) {
    (void)state;
    assert_told(DIALECT_OPENAI_EMBEDDINGS, ASKED_DOCUMENT, EVENT_STREAM, HELLO "data: [DONE]\n\n",
                HELLO_ "unfinished");
    assert_told(DIALECT_OPENAI_EMBEDDINGS, ASKED_STREAM, JSON, "{\"data\":[{}]}",
                "= {\"data\":[{}]}\nend");
    assert_told(DIALECT_RAW, ASKED_STREAM, JSON, "data: x\n\n", "= data: x\n\n\nend");
    assert_told(DIALECT_RAW, ASKED_DOCUMENT, EVENT_STREAM, "data: x\n\n", "x\nend");
    assert_told(CHAT, ASKED_AS_IT_COMES, EVENT_STREAM, HELLO "data: [DONE]\n\n",
                HELLO_ "unfinished");
    assert_told(CHAT, ASKED_AS_IT_COMES, JSON, HELLO, "bad");
}

static void its_type_is_that_of_what_is_told(void **state) {
    (void)state;
    static const struct {
        reader_asked asked;
        const char *type, *told;
    } rows[] = {
        {ASKED_DOCUMENT, "application/json; charset=utf-8", "application/json; charset=utf-8"},
        {ASKED_DOCUMENT, "application/problem+json", "application/problem+json"},
        {ASKED_DOCUMENT, EVENT_STREAM, ""},
        {ASKED_DOCUMENT, "text/plain", ""},
        {ASKED_DOCUMENT, "", ""},
        {ASKED_STREAM, "text/plain", "text/plain"}, /* the form has its own */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const reader_spec spec = told_spec(CHAT, rows[i].asked);
        reader r;
        reader_init(&r, &spec, span_cstr(rows[i].type), -1);
        assert_span(reader_content_type(&r, span_cstr(rows[i].type)), rows[i].told);
        reader_done(&r);
    }
}

/* ---- documents for events ---- */

#define TOP "\"id\":\"c\",\"created\":1,\"model\":\"m\""

static void a_chat_completion_becomes_chunks(void **state) {
    (void)state;
#define WHOLE "{\"object\":\"chat.completion.chunk\"," TOP ",\"choices\":["
    assert_told(CHAT, ASKED_STREAM, JSON,
                "{" TOP ",\"object\":\"chat.completion\",\"extra\":[1],\"choices\":[{\"index\":0,"
                "\"message\":{\"role\":\"assistant\",\"content\":\"Hi\\n\",\"refusal\":null},"
                "\"logprobs\":{\"content\":[{\"token\":\"Hi\"}]},\"finish_reason\":\"stop\","
                "\"stop_reason\":7}],\"usage\":{\"prompt_tokens\":1}}",
                WHOLE "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\\n\","
                      "\"refusal\":null},\"logprobs\":{\"content\":[{\"token\":\"Hi\"}]},"
                      "\"finish_reason\":null}],\"extra\":[1]}\n" //
                WHOLE "{\"index\":0,\"delta\":{},\"logprobs\":null,\"stop_reason\":7,"
                      "\"finish_reason\":\"stop\"}]}\n" //
                WHOLE "],\"usage\":{\"prompt_tokens\":1}}\nend");
}

#define CHUNK(choice) "{\"object\":\"chat.completion.chunk\",\"choices\":[" choice "]}\n"
#define ENDS(i)                                                                                    \
    CHUNK("{\"index\":" #i ",\"delta\":{},\"logprobs\":null,\"finish_reason\":\"tool_calls\"}")

#define SAYS(i, delta)                                                                             \
    CHUNK("{\"index\":" #i ",\"delta\":" delta ",\"logprobs\":null,\"finish_reason\":null}")
#define CALLS(i, call) SAYS(i, "{\"tool_calls\":[" call "]}")

/* Calls of tools are numbered, and have a chunk each; each choice has its own chunks. */
static void calls_and_choices(void **state) {
    (void)state;
    assert_told(CHAT, ASKED_STREAM, "text/plain",
                "{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":"
                "\"f\"}},{\"index\":5,\"id\":\"b\"},7],\"content\":\"so\"},\"finish_reason\":"
                "\"tool_calls\"},{\"index\":1,\"delta\":{\"content\":\"x\"},\"finish_reason\":"
                "\"tool_calls\"},3]}",
                SAYS(0, "{\"content\":\"so\"}")
                    CALLS(0, "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}")
                        CALLS(0, "{\"index\":5,\"id\":\"b\"}") CALLS(0, "7") ENDS(0)
                            SAYS(1, "{\"content\":\"x\"}") ENDS(1) "end");
    assert_told(CHAT, ASKED_STREAM, JSON,
                "{\"choices\":[{\"message\":{\"tool_calls\":null},\"finish_reason\":"
                "\"tool_calls\"}]}",
                SAYS(0, "{\"tool_calls\":null}") ENDS(0) "end");
}

static void a_completion_becomes_chunks(void **state) {
    (void)state;
    assert_told(DIALECT_OPENAI_COMPLETIONS, ASKED_STREAM, EVENT_STREAM,
                "\n{\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"a\","
                "\"finish_reason\":\"length\"}],\"usage\":null}",
                "{\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"a\","
                "\"logprobs\":null,\"finish_reason\":null}]}\n"
                "{\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"\","
                "\"logprobs\":null,\"finish_reason\":\"length\"}]}\nend");
}

#define EVENT(type, n, rest) type ": {\"type\":\"" type "\",\"sequence_number\":" #n "," rest "}\n"
#define AT(o)                "\"item_id\":\"i" #o "\",\"output_index\":" #o

#define ITEM_0                                                                                     \
    "{\"id\":\"i0\",\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":"      \
    "\"why\"}]}"
#define PART "{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[{\"url\":\"u\"}]}"
#define ITEM_1                                                                                     \
    "{\"id\":\"i1\",\"type\":\"message\",\"status\":\"completed\",\"content\":[" PART              \
    ",{\"type\":\"refusal\",\"refusal\":\"\"}]}"
#define ITEM_2 "{\"id\":\"i2\",\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"}"
#define ITEM_3 "{\"id\":\"i3\",\"type\":\"web_search_call\",\"status\":\"completed\",\"content\":1}"
#define RESPONSE                                                                                   \
    "{\"id\":\"r\",\"status\":\"completed\",\"output\":[" ITEM_0 "," ITEM_1 "," ITEM_2 "," ITEM_3  \
    "],\"usage\":{\"input_tokens\":1}}"

/* The events of a response of four items, in their order. */
static const char *const response_events[] = {
    EVENT("response.created", 0,
          "\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[],\"usage\":null}"),
    EVENT("response.in_progress", 1,
          "\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[],\"usage\":null}"),
    EVENT("response.output_item.added", 2,
          "\"output_index\":0,\"item\":{\"id\":\"i0\",\"type\":\"reasoning\",\"summary\":[]}"),
    EVENT("response.reasoning_summary_part.added", 3,
          AT(0) ",\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"\"}"),
    EVENT("response.reasoning_summary_text.delta", 4,
          AT(0) ",\"summary_index\":0,\"delta\":\"why\""),
    EVENT("response.reasoning_summary_text.done", 5, AT(0) ",\"summary_index\":0,\"text\":\"why\""),
    EVENT("response.reasoning_summary_part.done", 6,
          AT(0) ",\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"why\"}"),
    EVENT("response.output_item.done", 7, "\"output_index\":0,\"item\":" ITEM_0),
    EVENT("response.output_item.added", 8,
          "\"output_index\":1,\"item\":{\"id\":\"i1\",\"type\":\"message\",\"status\":\"in_"
          "progress\","
          "\"content\":[]}"),
    EVENT("response.content_part.added", 9,
          AT(1) ",\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\","
                "\"annotations\":[]}"),
    EVENT("response.output_text.delta", 10,
          AT(1) ",\"content_index\":0,\"delta\":\"Hi\",\"logprobs\":[]"),
    EVENT("response.output_text.done", 11,
          AT(1) ",\"content_index\":0,\"text\":\"Hi\",\"logprobs\":[]"),
    EVENT("response.output_text.annotation.added", 12,
          AT(1) ",\"content_index\":0,\"annotation_index\":0,\"annotation\":{\"url\":\"u\"}"),
    EVENT("response.content_part.done", 13, AT(1) ",\"content_index\":0,\"part\":" PART),
    EVENT("response.content_part.added", 14,
          AT(1) ",\"content_index\":1,\"part\":{\"type\":\"refusal\",\"refusal\":\"\"}"),
    EVENT("response.refusal.done", 15, AT(1) ",\"content_index\":1,\"refusal\":\"\""),
    EVENT("response.content_part.done", 16,
          AT(1) ",\"content_index\":1,\"part\":{\"type\":\"refusal\",\"refusal\":\"\"}"),
    EVENT("response.output_item.done", 17, "\"output_index\":1,\"item\":" ITEM_1),
    EVENT("response.output_item.added", 18,
          "\"output_index\":2,\"item\":{\"id\":\"i2\",\"type\":\"function_call\",\"name\":\"f\","
          "\"arguments\":\"\"}"),
    EVENT("response.function_call_arguments.delta", 19, AT(2) ",\"delta\":\"{}\""),
    EVENT("response.function_call_arguments.done", 20, AT(2) ",\"arguments\":\"{}\""),
    EVENT("response.output_item.done", 21, "\"output_index\":2,\"item\":" ITEM_2),
    EVENT("response.output_item.added", 22,
          "\"output_index\":3,\"item\":{\"id\":\"i3\",\"type\":\"web_search_call\",\"status\":"
          "\"in_progress\",\"content\":1}"),
    EVENT("response.output_item.done", 23, "\"output_index\":3,\"item\":" ITEM_3),
    EVENT("response.completed", 24, "\"response\":" RESPONSE),
};

/* What each chunk repeats stands behind all of them; none goes through the document for it. */
static void very_many_choices(void **state) {
    (void)state;
    enum { CHOICES = 100 * 1000 };
    static const span repeated = SPAN("\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":");
    buf body = BUF_EMPTY, events = BUF_EMPTY;
    buf_add_cstr(&body, "{\"choices\":[");
    for (int i = 0; i < CHOICES; i++)
        buf_addf(&body, "%s{\"message\":{\"content\":\"a\"}}", i ? "," : "");
    buf_add_cstr(&body, "],\"id\":\"c\",\"model\":\"m\"}");
    const turn_ops *turn = dialect_get(CHAT)->turn;
    assert_true(turn->unfold(buf_span(&body), SIZE_MAX, &events));
    size_t chunks = 0;
    for (size_t at = 0; (at = span_find_span(buf_span(&events), at, repeated)) < events.len; at++)
        chunks++;
    assert_int_equal(chunks, 2 * CHOICES);
    buf_done(&body);
    buf_done(&events);
}

static void a_response_becomes_events(void **state) {
    (void)state;
    buf expected = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(response_events); i++)
        buf_add_cstr(&expected, response_events[i]);
    buf_add_cstr(&expected, "end");
    assert_told(DIALECT_OPENAI_RESPONSES, ASKED_STREAM, JSON, RESPONSE, buf_cstr(&expected));
    buf_done(&expected);
}

static void a_response_ends_as_it_says(void **state) {
    (void)state;
    static const struct {
        const char *document, *last;
    } rows[] = {
        {"{\"output\":[]}", "response.completed"},
        {"{\"status\":\"incomplete\"}", "response.incomplete"},
        {"{\"status\":\"cancelled\"}", "response.incomplete"},
        {"{\"status\":\"queued\"}", "response.created"},
        {"{\"status\":\"in_progress\"}", "response.created"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const reader_spec spec = told_spec(DIALECT_OPENAI_RESPONSES, ASKED_STREAM);
        buf told = told_in(&spec, JSON, rows[i].document, 5), expected = BUF_EMPTY;
        bool begun = strcmp(rows[i].last, "response.created") == 0;
        buf_addf(&expected, "%s: {\"type\":\"%s\",\"sequence_number\":%d,\"response\":%s}\nend",
                 rows[i].last, rows[i].last, begun ? 0 : 2, rows[i].document);
        assert_true(span_ends(buf_span(&told), buf_span(&expected)));
        buf_done(&expected);
        buf_done(&told);
    }
}

/* An error is an error, whatever was asked for. */
static void errors_are_told_as_they_are(void **state) {
    (void)state;
#define ERROR "{\"error\":{\"message\":\"no\"}}"
    assert_told(CHAT, ASKED_STREAM, JSON, ERROR, "= " ERROR "\nend");
    assert_told(CHAT, ASKED_DOCUMENT, EVENT_STREAM, HELLO "data: " ERROR "\n\n", ERROR "\ncut");
    assert_told(DIALECT_OPENAI_RESPONSES, ASKED_DOCUMENT, EVENT_STREAM,
                "data: {\"type\":\"error\",\"message\":\"no\"}\n\n",
                "{\"type\":\"error\",\"message\":\"no\"}\nbad");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(events_under_any_type),
        cmocka_unit_test(what_is_neither),
        cmocka_unit_test(events_are_bounded_by_their_document),
        cmocka_unit_test(a_document_stays_byte_for_byte),
        cmocka_unit_test(others_are_as_they_come),
        cmocka_unit_test(its_type_is_that_of_what_is_told),
        cmocka_unit_test(a_chat_completion_becomes_chunks),
        cmocka_unit_test(calls_and_choices),
        cmocka_unit_test(a_completion_becomes_chunks),
        cmocka_unit_test(very_many_choices),
        cmocka_unit_test(a_response_becomes_events),
        cmocka_unit_test(a_response_ends_as_it_says),
        cmocka_unit_test(errors_are_told_as_they_are),
    };
    return run_watched(tests);
}
