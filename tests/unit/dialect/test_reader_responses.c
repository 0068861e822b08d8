/* What stands where in the events of responses: golden lines, each fed whole, byte by byte and cut
 * at every offset. */
#include "said.h"

/* A stream ends with it; and what a reader says then. */
#define COMPLETED      "data: {\"type\":\"response.completed\"}\n\n"
#define COMPLETED_SAID "content,full,finish,close (stop)\nend"

/* Each text in pieces, then whole wherever it comes again: the same kind, choice and item. */
static void a_response_repeats_itself(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_RESPONSES, WANT_PARTS | WANT_ENVELOPE);
#define EVENT(type, members) "event: " type "\ndata: {\"type\":\"" type "\"," members "}\n\n"
    assert_said(
        &spec, EVENT_STREAM,
        EVENT("response.created", "\"response\":{\"id\":\"r\",\"created_at\":7,\"model\":\"m\","
                                  "\"status\":\"in_progress\",\"output\":[],\"usage\":null}")
            EVENT("response.output_item.added",
                  "\"output_index\":1,\"item\":{\"id\":\"i\",\"type\":\"message\",\"status\":"
                  "\"in_progress\",\"role\":\"assistant\",\"content\":[]}")
                EVENT("response.content_part.added",
                      "\"item_id\":\"i\",\"output_index\":1,\"content_index\":2,\"part\":{\"type\":"
                      "\"output_text\",\"text\":\"\",\"annotations\":[]}")
                    EVENT("response.output_text.delta",
                          "\"output_index\":1,\"content_index\":2,\"delta\":\"Hi\",\"logprobs\":[]")
                        EVENT("response.output_text.done",
                              "\"output_index\":1,\"content_index\":2,\"text\":\"Hi\"")
                            EVENT("response.content_part.done",
                                  "\"output_index\":1,\"content_index\":2,\"part\":{\"text\":"
                                  "\"Hi\",\"type\":\"output_text\"}")
                                EVENT("response.output_item.done",
                                      "\"output_index\":1,\"item\":{\"type\":\"message\","
                                      "\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\"}]}")
                                    EVENT("response.completed",
                                          "\"response\":{\"id\":\"r\",\"created_at\":7,\"status\":"
                                          "\"completed\",\"model\":\"m\",\"output\":[{\"type\":"
                                          "\"reasoning\",\"summary\":[{\"type\":\"summary_text\","
                                          "\"text\":\"s\"}]},{\"type\":\"message\",\"content\":"
                                          "[{\"type\":\"output_text\",\"text\":\"Hi\"}]}],"
                                          "\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}"),
        "response.created:  [\"r\" \"m\" 7]\n"
        "response.output_item.added: full,begun [  ]\n"
        "response.content_part.added: full,begun text 1/2 \"\" [  ]\n"
        "response.output_text.delta: content text 1/2 \"Hi\" [  ]\n"
        "response.output_text.done: full,begun text 1/2 \"Hi\" [  ]\n"
        "response.content_part.done: full,begun text 1/2 \"Hi\" [  ]\n"
        "response.output_item.done: full,begun text 1/0 \"Hi\" [  ]\n"
        "response.completed: content,full,finish,close finish 0/0 \"completed\" reasoning 0/65536 "
        "\"s\" text 1/0 \"Hi\" (stop) 5+6 [\"r\" \"m\" 7]\n"
        "end");
}

static void each_event_of_a_response(void **state) {
    (void)state;
    static const struct {
        const char *data, *said;
    } rows[] = {
        {"\"response.refusal.delta\",\"output_index\":1,\"content_index\":2,\"delta\":\"n\"",
         "content refusal 1/2 \"n\""},
        {"\"response.refusal.done\",\"output_index\":1,\"content_index\":2,\"refusal\":\"no\"",
         "full,begun refusal 1/2 \"no\""},
        {"\"response.reasoning_text.delta\",\"output_index\":1,\"content_index\":2,\"delta\":\"n\"",
         "content reasoning 1/2 \"n\""},
        {"\"response.reasoning_text.done\",\"output_index\":1,\"content_index\":2,\"text\":\"no\"",
         "full,begun reasoning 1/2 \"no\""},
        {"\"response.reasoning_summary_text.delta\",\"output_index\":1,\"summary_index\":2,"
         "\"delta\":\"n\"",
         "content reasoning 1/65538 \"n\""},
        {"\"response.reasoning_summary_text.done\",\"output_index\":1,\"summary_index\":2,"
         "\"text\":\"no\"",
         "full,begun reasoning 1/65538 \"no\""},
        {"\"response.reasoning_summary_part.done\",\"output_index\":1,\"summary_index\":2,"
         "\"part\":{\"type\":\"summary_text\",\"text\":\"no\"}",
         "full,begun reasoning 1/65538 \"no\""},
        {"\"response.content_part.done\",\"output_index\":1,\"content_index\":2,"
         "\"part\":{\"text\":\"no\",\"type\":\"reasoning_text\"}",
         "full,begun reasoning 1/2 \"no\""},
        {"\"response.content_part.done\",\"output_index\":1,\"content_index\":2,"
         "\"part\":{\"type\":\"refusal\",\"refusal\":\"no\"}",
         "full,begun refusal 1/2 \"no\""},
        {"\"response.content_part.done\",\"output_index\":1,\"content_index\":2,"
         "\"part\":{\"type\":\"novel\"}",
         "full,begun opaque 1/2 {\"type\":\"novel\"}"},
        {"\"response.content_part.done\",\"output_index\":1,\"content_index\":2,"
         "\"part\":{\"type\":\"output_text\",\"text\":\"no\",\"annotations\":[{\"title\":\"t\"}],"
         "\"logprobs\":[{\"token\":\"no\"}]}",
         "full,begun text 1/2 \"no\" opaque 1/65536 [{\"title\":\"t\"}]"},
        {"\"response.output_text.annotation.added\",\"item_id\":\"i\",\"output_index\":1,"
         "\"annotation\":{\"title\":\"t\"}",
         "full,begun opaque 1/65536 {\"title\":\"t\"}"},
        {"\"response.function_call_arguments.delta\",\"output_index\":3,\"delta\":\"{\"",
         "content args 3/0 \"{\""},
        {"\"response.function_call_arguments.done\",\"output_index\":3,\"name\":\"f\","
         "\"arguments\":\"{}\"",
         "full,begun name 3/0 \"f\" args 3/0 \"{}\""},
        {"\"response.custom_tool_call_input.delta\",\"output_index\":3,\"delta\":\"{\"",
         "content input 3/0 \"{\""},
        {"\"response.custom_tool_call_input.done\",\"output_index\":3,\"input\":\"{}\"",
         "full,begun input 3/0 \"{}\""},
        {"\"response.mcp_call_arguments.delta\",\"output_index\":3,\"delta\":\"{\"",
         "content args 3/0 \"{\""},
        {"\"response.mcp_call_arguments.done\",\"output_index\":3,\"arguments\":\"{}\"",
         "full,begun args 3/0 \"{}\""},
        {"\"response.audio.delta\",\"delta\":\"QQ==\"", "content audio 0/0 \"QQ==\""},
        {"\"response.audio.transcript.delta\",\"delta\":\"a\"", "content text 0/65536 \"a\""},
        {"\"response.code_interpreter_call_code.delta\",\"output_index\":4,\"delta\":\"x\"",
         "content other 4/named \"x\""},
        {"\"response.code_interpreter_call_code.done\",\"output_index\":4,\"code\":\"x\"",
         "full,begun other 4/named \"x\""},
        {"\"response.shell_call_output_content.delta\",\"output_index\":4,"
         "\"delta\":{\"stdout\":\"x\",\"stderr\":\"\"}",
         "content other 4/named \"x\" other 4/named \"\""},
        {"\"response.image_generation_call.partial_image\",\"output_index\":4,"
         "\"partial_image_b64\":\"QQ==\"",
         "begun"},
        {"\"response.output_text.delta\",\"item_id\":\"i\",\"content_index\":2,\"delta\":\"x\","
         "\"novel\":\"y\",\"obfuscation\":\"z\"",
         "content text 0/2 \"x\" opaque 0/65536 \"y\""},
        /* Of two strings one goes on in the next event. */
        {"\"response.shell_call_command.delta\",\"delta\":\"x\",\"shell\":\"y\"",
         "content other 0/named \"x\" opaque 0/65536 \"y\""},
        {"\"response.output_text.delta\",\"delta\":{\"text\":\"x\"}",
         "content opaque 0/65536 {\"text\":\"x\"}"},
        {"\"response.output_item.done\",\"item\":{\"content\":\"x\"},\"novel\":[\"y\"]",
         "full,begun opaque 0/0 \"x\" opaque 0/65536 [\"y\"]"},
        {"\"response.novel\",\"response\":{\"instructions\":\"x\",\"output\":[{\"content\":\"y\"}]"
         "}",
         "full,begun opaque 0/0 \"y\""},
        {"\"response.output_item.added\",\"output_index\":3,\"item\":{\"type\":\"function_call\","
         "\"id\":\"i\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"\"}",
         "full,begun name 3/0 \"f\" args 3/0 \"\""},
        {"\"response.output_item.done\",\"output_index\":3,\"item\":{\"type\":\"custom_tool_call\","
         "\"name\":\"f\",\"input\":\"ls\"}",
         "full,begun name 3/0 \"f\" input 3/0 \"ls\""},
        {"\"response.output_item.done\",\"output_index\":3,\"item\":{\"type\":\"reasoning\","
         "\"summary\":[],\"content\":[{\"type\":\"reasoning_text\",\"text\":\"no\"}]}",
         "full,begun reasoning 3/0 \"no\""},
        {"\"response.output_item.done\",\"output_index\":3,\"item\":{\"type\":"
         "\"image_generation_call\",\"status\":\"completed\",\"result\":\"QQ==\"}",
         "full,begun opaque 3/0 \"QQ==\""},
        {"\"response.output_item.done\",\"output_index\":3,\"item\":{\"type\":\"message\","
         "\"content\":{\"odd\":1}}",
         "full,begun opaque 3/0 {\"odd\":1}"},
        {"\"response.output_item.done\",\"output_index\":3,\"item\":{\"type\":\"tool_search_call\","
         "\"arguments\":{\"q\":\"x\"}}",
         "full,begun opaque 3/0 {\"q\":\"x\"}"},
        {"\"response.output_item.done\",\"output_index\":3,\"item\":\"x\"",
         "full,begun opaque 3/0 \"x\""},
        {"\"response.output_text.delta\",\"delta\":\"x\"", "content text 0/0 \"x\""},
        {"\"response.content_part.done\",\"part\":{\"type\":\"output_audio\",\"data\":\"QQ==\","
         "\"transcript\":\"a\"}",
         "full,begun audio 0/0 \"QQ==\" text 0/65536 \"a\""},
        {"\"response.web_search_call.searching\",\"output_index\":3", "begun"},
        {"\"response.incomplete\",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":{"
         "\"reason\":\"max_output_tokens\"},\"output\":[]}",
         "content,full,finish,close finish 0/0 \"max_output_tokens\" (length)"},
        {"\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"x\"},"
         "\"output\":{}}",
         "content,full,finish,close,failed finish 0/0 \"failed\" opaque 0/65536 {\"code\":\"x\"} "
         "(error) "
         "502"},
        {"\"error\",\"code\":\"x\",\"message\":\"y\"", "error 502"},
        {"\"error\",\"error\":{\"code\":429}", "error 429"},
        {"\"foreign.delta\",\"delta\":\"x\"", "content other 0/named \"x\""},
        {"\"response.in_progress\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6}", " 5+6"},
    };
    const reader_spec spec = said_spec(DIALECT_OPENAI_RESPONSES, WANT_PARTS);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf body = BUF_EMPTY, expected = BUF_EMPTY;
        buf_addf(&body, "data: {\"type\":%s}\n\n" COMPLETED, rows[i].data);
        buf_addf(&expected, "%s\n" COMPLETED_SAID, rows[i].said);
        assert_said(&spec, EVENT_STREAM, buf_cstr(&body), buf_cstr(&expected));
        buf_done(&body);
        buf_done(&expected);
    }
}

/* Each word, whether it says that an answer has begun: of a call that waits for it, and of one in
 * the background. */
static void what_begins_an_answer(void **state) {
    (void)state;
    static const struct {
        const char *type;
        const char *said, *in_background;
    } rows[] = {
        {"response.created", "", "begun"},
        {"response.queued", "", "begun"},
        {"response.in_progress", "", "begun"},
        {"keepalive", "", ""},
        {"response.keepalive", "", ""},
        {"keep_alive", "", ""},
        {"ping", "", ""},
        {"heartbeat", "", ""},
        {"response.output_item.added", "full,begun", "full,begun"},
        {"response.content_part.added", "full,begun", "full,begun"},
        {"response.reasoning_summary_part.added", "full,begun", "full,begun"},
        {"response.reasoning.in_progress", "begun", "begun"},
        {"response.web_search_call.in_progress", "begun", "begun"},
        {"response.web_search_call.searching", "begun", "begun"},
        {"response.web_search_call.completed", "begun", "begun"},
        {"response.file_search_call.searching", "begun", "begun"},
        {"response.code_interpreter_call.interpreting", "begun", "begun"},
        {"response.code_interpreter_call_code.done", "begun", "begun"},
        {"response.image_generation_call.generating", "begun", "begun"},
        {"response.image_generation_call.partial_image", "begun", "begun"},
        {"response.mcp_list_tools.in_progress", "begun", "begun"},
        {"response.mcp_call.in_progress", "begun", "begun"},
        {"response.created_by_nobody", "begun", "begun"},
        {"response.pingpong", "begun", "begun"},
        {"novel", "begun", "begun"},
        {"output_text.delta", "content", "content"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        reader_spec spec = said_spec(DIALECT_OPENAI_RESPONSES, 0);
        for (int background = 0; background < 2; background++) {
            buf inside = BUF_EMPTY, named = BUF_EMPTY, expected = BUF_EMPTY;
            const char *said = background ? rows[i].in_background : rows[i].said;
            spec.background = background;
            buf_addf(&inside, "data: {\"type\":\"%s\"}\n\n" COMPLETED, rows[i].type);
            buf_addf(&expected, "%s\n" COMPLETED_SAID, said);
            assert_said(&spec, EVENT_STREAM, buf_cstr(&inside), buf_cstr(&expected));
            /* The name alone is as good; what is told inside comes first. */
            buf_addf(&named, "event: %s\ndata: {\"a\":1}\n\n" COMPLETED, rows[i].type);
            buf_clear(&expected);
            buf_addf(&expected, "%s: %s\n" COMPLETED_SAID, rows[i].type, said);
            assert_said(&spec, EVENT_STREAM, buf_cstr(&named), buf_cstr(&expected));
            buf_done(&inside);
            buf_done(&named);
            buf_done(&expected);
        }
    }
    const reader_spec spec = said_spec(DIALECT_OPENAI_RESPONSES, WANT_PARTS);
    assert_said(&spec, EVENT_STREAM,
                "event: response.created\ndata: {\"type\":\"novel\"}\n\n"
                "event: response.output_text.delta\ndata: {\"delta\":\"a\"}\n\n"
                "data: {\"delta\":\"a\"}\n\ndata: {\"type\":7}\n\n" COMPLETED,
                "response.created: begun\n"
                "response.output_text.delta: content text 0/0 \"a\"\n other 0/named "
                "\"a\"\n\n" COMPLETED_SAID);
}

/* Its members come in any order. */
static void an_event_whose_type_comes_last(void **state) {
    (void)state;
    const reader_spec spec = said_spec(DIALECT_OPENAI_RESPONSES, WANT_PARTS);
    assert_said(&spec, EVENT_STREAM,
                "data: {\"delta\":\"x\",\"output_index\":3,\"content_index\":1,"
                "\"type\":\"response.output_text.delta\"}\n\n" COMPLETED,
                "content text 3/1 \"x\"\n" COMPLETED_SAID);
}

/* The real thing has some thirty members, and its usage among the last. */
static void a_plain_response(void **state) {
    (void)state;
    const reader_spec spec = said_spec(DIALECT_OPENAI_RESPONSES, WANT_PARTS | WANT_ENVELOPE);
    assert_said(
        &spec, "application/json",
        "{\"id\":\"r\",\"object\":\"response\",\"created_at\":7,\"status\":\"completed\",\"a\":1,"
        "\"b\":1,\"c\":1,\"error\":null,\"incomplete_details\":null,\"d\":1,\"e\":1,\"f\":1,"
        "\"model\":\"m\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
        "\"text\":\"Hi\"},{\"type\":\"refusal\",\"refusal\":\"no\"}]},{\"type\":\"function_call\","
        "\"name\":\"f\",\"arguments\":\"{}\"}],\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,"
        "\"n\":1,\"o\":1,\"p\":1,\"q\":1,\"s\":1,\"t\":1,\"u\":1,"
        "\"usage\":{\"input_tokens\":5,\"output_tokens\":6},\"v\":1,\"w\":1}",
        "content,full finish 0/0 \"completed\" text 0/0 \"Hi\" refusal 0/1 \"no\" name 1/0 \"f\" "
        "args 1/0 \"{}\" (stop) 5+6 [\"r\" \"m\" 7]\nend");
    assert_said(&spec, "application/json",
                "{\"status\":\"failed\",\"error\":{\"code\":\"x\"},\"output\":[]}",
                "full,failed finish 0/0 \"failed\" opaque 0/65536 {\"code\":\"x\"} (error) 502 [  "
                "]\nend");
    assert_said(&spec, "application/json", "{\"status\":\"queued\"}", "content,full [  ]\nend");
#define INCOMPLETE(reason)                                                                         \
    "{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"" reason "\"}}"
    static const char *const filtered = "finish 0/0 \"content_filter\" (content_filter) [  ]\nend";
    char said[200];
    snprintf(said, sizeof said, "content,full %s", filtered);
    assert_said(&spec, "application/json", INCOMPLETE("content_filter"), said);
    assert_said(&spec, "application/json", INCOMPLETE("max_output_tokens"),
                "content,full finish 0/0 \"max_output_tokens\" (length) [  ]\nend");
    snprintf(said, sizeof said, "content,full,finish,close %s", filtered);
    assert_said(&spec, EVENT_STREAM,
                "data: {\"type\":\"response.incomplete\",\"response\":" INCOMPLETE(
                    "content_filter") "}\n\n",
                said);
}

/* What nobody asks for is not made, and the rest is the same. */
static void without_parts(void **state) {
    (void)state;
    reader_spec spec = said_spec(DIALECT_OPENAI_RESPONSES, 0);
    assert_said(&spec, EVENT_STREAM,
                "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n"
                "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n"
                "data: {\"type\":\"response.output_text.done\",\"text\":\"Hi\"}\n\n"
                "data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"name\":\"f\"}"
                "],\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}}\n\n",
                "\ncontent\nfull,begun\ncontent,full,finish,close (stop) 5+6\nend");
    spec.dialect = DIALECT_RAW;
    spec.want = WANT_PARTS | WANT_ENVELOPE; /* nobody knows what they would be */
    assert_said(&spec, "application/json", "{\"id\":\"x\",\"choices\":[{\"text\":\"a\"}]}",
                "content,full\nend");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_repeats_itself),
        cmocka_unit_test(each_event_of_a_response),
        cmocka_unit_test(what_begins_an_answer),
        cmocka_unit_test(an_event_whose_type_comes_last),
        cmocka_unit_test(a_plain_response),
        cmocka_unit_test(without_parts),
    };
    return run_watched(tests);
}
