/* Events where a document was asked for: what is put together of them. */
#include "told.h"
#include "secrets.h"

#define JSON  "application/json"
#define CHAT  DIALECT_OPENAI_CHAT
#define HELLO "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"

/* Each row: chunks, one a line, and what they make. */
static void assert_assembled(dialect d, const char *chunks, const char *document) {
    buf body = BUF_EMPTY, expected = BUF_EMPTY;
    span rest = span_cstr(chunks), line;
    while (span_cut(&rest, '\n', &line))
        buf_addf(&body, "data: %.*s\n\n", SPAN_ARG(line));
    buf_add_cstr(&body, "data: [DONE]\n\n");
    buf_addf(&expected, "= %s\nend", document);
    assert_told(d, ASKED_DOCUMENT, EVENT_STREAM, buf_cstr(&body), buf_cstr(&expected));
    buf_done(&body);
    buf_done(&expected);
}

#define ONE(delta) "{\"choices\":[{\"index\":0,\"delta\":" delta "}]}\n"
#define STOP       "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"
#define MADE(message)                                                                              \
    "{\"choices\":[{\"index\":0,\"message\":{" message "},\"finish_reason\":\"stop\"}]}"

static void chunks_become_a_chat_completion(void **state) {
    (void)state;
    assert_assembled(
        CHAT,
        "{\"id\":\"\",\"model\":\"\",\"created\":0,\"object\":\"chat.completion.chunk\","
        "\"choices\":"
        "[],\"filter\":[1]}\n"
        "{\"id\":\"c\",\"model\":\"m\",\"created\":1,\"object\":\"chat.completion.chunk\","
        "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
        "\"logprobs\":"
        "null,\"finish_reason\":null}],\"usage\":null}\n"
        "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"H\\u00e9\"},\"logprobs\":"
        "{\"content\":[{\"token\":\"H\"}],\"refusal\":null},\"finish_reason\":null}]}\n"
        "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\\"\"},\"logprobs\":"
        "{\"content\":[{\"token\":\"l\"}],\"refusal\":null}}]}\n"
        "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":"
        "\"stop\"}]}\n"
        "{\"id\":\"c\",\"choices\":[],\"usage\":{\"total_tokens\":3},\"system_fingerprint\":\"f\"}",
        "{\"id\":\"c\",\"model\":\"m\",\"created\":1,\"object\":\"chat.completion\",\"choices\":[{"
        "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"H\\u00e9\\\"\"},"
        "\"logprobs\":"
        "{\"content\":[{\"token\":\"H\"},{\"token\":\"l\"}],\"refusal\":null},\"finish_reason\":"
        "\"stop\"}],\"filter\":[1],\"usage\":{\"total_tokens\":3},\"system_fingerprint\":\"f\"}");
}

static void what_a_message_is_made_of(void **state) {
    (void)state;
#define SAYS "\"role\":\"assistant\",\"content\":"
    static const struct {
        const char *chunks, *message;
    } rows[] = {
        /* Texts are joined, half of a pair of surrogates too. */
        {ONE("{\"role\":\"assistant\",\"content\":\"a\\ud83d\"}")
             ONE("{\"content\":\"\\ude00b\",\"refusal\":null}") ONE("{\"content\":null}") STOP,
         MADE(SAYS "\"a\\ud83d\\ude00b\",\"refusal\":null")},
        {ONE("{\"reasoning_content\":\"w\"}") ONE("{\"reasoning_content\":\"hy\"}")
             ONE("{\"content\":\"x\"}") STOP,
         MADE("\"reasoning_content\":\"why\",\"content\":\"x\",\"role\":\"assistant\"")},
        {ONE("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"I \"}")
             ONE("{\"refusal\":\"can't\"}") STOP,
         MADE(SAYS "null,\"refusal\":\"I can't\"")},
        /* Of a role that comes with every chunk there is one. */
        {ONE("{\"role\":\"assistant\",\"content\":\"a\"}")
             ONE("{\"role\":\"assistant\",\"content\":\"b\"}") ONE("{\"role\":\"\"}") STOP,
         MADE(SAYS "\"ab\"")},
        /* Content in parts, between texts or alone. */
        {ONE("{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\"}]}")
             ONE("{\"content\":[]}") ONE("{\"content\":\"a\"}") ONE("{\"content\":\"b\"}")
                 ONE("{\"content\":[{\"n\":1}]}") STOP,
         MADE(SAYS "[{\"type\":\"thinking\"},{\"type\":\"text\",\"text\":\"ab\"},{\"n\":1}]")},
        {ONE("{\"role\":\"assistant\",\"content\":\"a\"}") ONE("{\"content\":[{\"n\":1}]}") STOP,
         MADE(SAYS "[{\"type\":\"text\",\"text\":\"a\"},{\"n\":1}]")},
        {ONE("{\"role\":\"assistant\",\"content\":\"\"}") ONE("{\"content\":[ ]}") STOP,
         MADE(SAYS "[]")},
        /* The older call, and sound. */
        {ONE("{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\","
             "\"arguments\":\"\"}}") ONE("{\"function_call\":{\"arguments\":\"{\"}}")
             ONE("{\"function_call\":{\"name\":\"f\",\"arguments\":\"}\"}}") STOP,
         MADE(SAYS "null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}")},
        {ONE("{\"role\":\"assistant\",\"content\":null,\"audio\":{\"id\":\"a\",\"data\":\"QQ\"}}")
             ONE("{\"audio\":{\"data\":\"==\",\"transcript\":\"x\"}}")
                 ONE("{\"audio\":{\"expires_at\":5}}") STOP,
         MADE(SAYS "null,\"audio\":{\"id\":\"a\",\"data\":\"QQ==\",\"transcript\":\"x\","
                   "\"expires_at\":5}")},
        /* What nobody knows: texts and lists are joined, of others the last counts. */
        {ONE("{\"role\":\"assistant\",\"content\":\"\",\"a\":\"x\",\"l\":[1],\"n\":1,\"o\":{\"b\":"
             "\"y\"}}") ONE("{\"a\":\"x\",\"l\":[2,3],\"n\":2,\"o\":{\"b\":\"z\",\"c\":null}}")
             STOP,
         MADE(SAYS "\"\",\"a\":\"xx\",\"l\":[1,2,3],\"n\":2,\"o\":{\"b\":\"yz\",\"c\":null}")},
        {ONE("{\"role\":\"assistant\",\"content\":1,\"a\":\"x\",\"b\":[1],\"c\":{\"d\":1}}")
             ONE("{\"content\":\"s\",\"a\":2,\"b\":true,\"c\":3}") STOP,
         MADE(SAYS "\"s\",\"a\":2,\"b\":true,\"c\":3")},
        /* A whole message in the place of a delta, or beside it. */
        {"{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"}}]}\n"
         "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"ab\"},"
         "\"finish_reason\":\"stop\"}]}",
         MADE(SAYS "\"ab\"")},
        {"{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"delta\":{\"role\":"
         "\"assistant\",\"content\":\"a\"}}]}\n"
         "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"message\":{\"content\":\"ab\"}"
         ","
         "\"finish_reason\":\"stop\"}]}",
         MADE(SAYS "\"ab\"")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_assembled(CHAT, rows[i].chunks, rows[i].message);
}

/* By index, by id, or by their places, as they are numbered. */
static void calls_of_tools(void **state) {
    (void)state;
#define CALLS(calls)       ONE("{\"tool_calls\":[" calls "]}")
#define WITH(calls)        MADE("\"tool_calls\":[" calls "],\"role\":\"assistant\",\"content\":null")
#define F(name, arguments) "\"function\":{\"name\":\"" name "\",\"arguments\":\"" arguments "\"}"
#define T(name, arguments) F(name, arguments) ",\"type\":\"function\"" /* as it is completed */
#define MORE(arguments)    "\"function\":{\"arguments\":\"" arguments "\"}"
    static const struct {
        const char *chunks, *message;
    } rows[] = {
        {CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\"," F("f", "") "}")
             CALLS("{\"index\":1,\"id\":\"b\",\"type\":\"function\"," F("g", "[") "}")
                 CALLS("{\"index\":0," MORE("{") "}") CALLS("{\"index\":1," MORE("]") "}")
                     CALLS("{\"index\":0,\"id\":\"\"," MORE("}") "}") STOP,
         WITH("{\"id\":\"a\",\"type\":\"function\"," F(
             "f", "{}") "},"
                        "{\"id\":\"b\",\"type\":\"function\"," F("g", "[]") "}")},
        {CALLS("{\"index\":1,\"id\":\"b\"}") CALLS("{\"index\":0,\"id\":\"a\"}") STOP,
         WITH("{\"id\":\"a\"},{\"id\":\"b\"}")},
        /* Whole, without numbers, one a chunk. */
        {CALLS("{\"id\":\"a\"," F("f", "{}") "}") CALLS("{\"id\":\"b\"," F("g", "{}") "}") STOP,
         WITH("{\"id\":\"a\"," T("f", "{}") "},{\"id\":\"b\"," T("g", "{}") "}")},
        /* All with the same number: another id is another call, and what follows is its own. */
        {CALLS("{\"index\":0,\"id\":\"a\"," F("f", "{}") "}")
             CALLS("{\"index\":0,\"id\":\"b\"," F("g", "{") "}")
                 CALLS("{\"index\":0," MORE("}") "}") STOP,
         WITH("{\"id\":\"a\"," T("f", "{}") "},{\"id\":\"b\"," T("g", "{}") "}")},
        /* The id, or the name, with every piece. */
        {CALLS("{\"index\":0,\"id\":\"a\"," F("f", "{") "}")
             CALLS("{\"index\":0,\"id\":\"a\"," F("f", "}") "}") STOP,
         WITH("{\"id\":\"a\"," T("f", "{}") "}")},
        /* Neither: by their places. */
        {CALLS("{" F("f", "{}") "},{" F("g", "{}") "}") STOP,
         WITH("{" T("f", "{}") "},{" T("g", "{}") "}")},
        /* One a chunk, all with the same number: a name behind arguments begins another. */
        {CALLS("{\"index\":0,\"id\":\"\"," F("f", "{\\\"a\\\":1}") "}")
             CALLS("{\"index\":0,\"id\":\"\"," F("g", "") "}") CALLS("{\"index\":0," MORE("{}") "}")
                 CALLS("{\"index\":0,\"id\":\"\"," F("g", "[]") "}") STOP,
         WITH("{\"id\":\"\"," T("f", "{\\\"a\\\":1}") "},{\"id\":\"\"," T(
             "g", "{}") "},"
                        "{\"id\":\"\"," T("g", "[]") "}")},
        {CALLS("{" F("f", "{}") "}") CALLS("{" F("g", "{}") "}") STOP,
         WITH("{" T("f", "{}") "},{" T("g", "{}") "}")},
        /* One that is repeated while these come, or behind all of them, does not; nor do pieces. */
        {CALLS("{\"index\":0,\"id\":\"a\"," F("f", "{") "}") CALLS("{\"index\":0," F("f", "}") "}")
             CALLS("{\"index\":0," F("f", "") "}") STOP,
         WITH("{\"id\":\"a\"," T("f", "{}") "}")},
        {CALLS("{\"index\":0," F("f", "") "}") CALLS("{\"index\":0," F("g", "{}") "}") STOP,
         WITH("{" T("fg", "{}") "}")},
        /* One name, with each piece: when the arguments are whole, another call begins. */
        {CALLS("{" F("f", "{\\\"a\\\":\\\"}") "}") CALLS("{" F("f", "\\\"") "}")
             CALLS("{" F("f", "}") "}") CALLS("{" F("f", "{") "}") CALLS("{" F("f", "}") "}") STOP,
         WITH("{" T("f", "{\\\"a\\\":\\\"}\\\"}") "},{" T("f", "{}") "}")},
        /* Of arguments that are a text anew, what was known of the text before them is not. */
        {CALLS("{" F("f", "[[") "}") CALLS("{" F("f", "1") "}")
             CALLS("{\"function\":{\"arguments\":{}}}") CALLS("{" MORE("{}") "}")
                 CALLS("{" F("f", "[]") "}") STOP,
         WITH("{" T("f", "{}") "},{" T("f", "[]") "}")},
        /* What a whole one has to have. */
        {CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}") STOP,
         WITH("{\"id\":\"a\"," T("f", "") "}")},
        {CALLS("{\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}") STOP,
         WITH("{\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}")},
        {CALLS("") STOP, WITH("")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_assembled(CHAT, rows[i].chunks, rows[i].message);
}

static void choices_in_any_order(void **state) {
    (void)state;
    assert_assembled(
        CHAT,
        "{\"choices\":[{\"index\":1,\"delta\":{\"role\":\"assistant\",\"content\":\"b\"}}]}\n"
        "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a\"}},"
        "{\"index\":1,\"delta\":{\"content\":\"B\"},\"finish_reason\":\"length\",\"x\":{\"y\":1}}]}"
        "\n"
        "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"x\":null}]}",
        "{\"choices\":[{\"index\":0,\"message\":{" SAYS "\"a\"},\"finish_reason\":\"stop\",\"x\":"
        "null},{\"index\":1,\"message\":{" SAYS "\"bB\"},\"finish_reason\":\"length\",\"x\":{\"y\":"
        "1}}]}");
    assert_told(CHAT, ASKED_DOCUMENT, EVENT_STREAM, "data: {\"choices\":[7]}\n\ndata: [DONE]\n\n",
                "bad");
}

static void chunks_become_a_completion(void **state) {
    (void)state;
    assert_assembled(
        DIALECT_OPENAI_COMPLETIONS,
        "{\"object\":\"text_completion\",\"choices\":[{\"text\":\"a\",\"index\":0,\"logprobs\":{"
        "\"tokens\":[\"a\"],\"text_offset\":[0]},\"finish_reason\":null}]}\n"
        "{\"object\":\"text_completion\",\"choices\":[{\"text\":\"b\",\"index\":0,\"logprobs\":{"
        "\"tokens\":[\"b\"],\"text_offset\":[1]},\"finish_reason\":null}]}\n"
        "{\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\"},{\"index\":1,"
        "\"finish_reason\":\"stop\"}]}",
        "{\"object\":\"text_completion\",\"choices\":[{\"text\":\"ab\",\"index\":0,\"logprobs\":{"
        "\"tokens\":[\"a\",\"b\"],\"text_offset\":[0,1]},\"finish_reason\":\"stop\"},{\"index\":1,"
        "\"finish_reason\":\"stop\",\"text\":\"\"}]}");
}

static void events_become_a_response(void **state) {
    (void)state;
#define OF(output)        "{\"id\":\"r\",\"output\":[" output "],\"u\":1}"
#define COMPLETED(output) "{\"type\":\"response.completed\",\"response\":" OF(output) "}"
#define ITEM(n)                                                                                    \
    "{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"id\":\"" #n "\"}}\n"
    assert_assembled(DIALECT_OPENAI_RESPONSES,
                     "{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n"
                     "{\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n" ITEM(a)
                         COMPLETED("{\"id\":\"whole\"}"),
                     "{\"id\":\"r\",\"output\":[{\"id\":\"whole\"}],\"u\":1}");
    /* Some tell what it is made of in its items alone. */
    assert_assembled(DIALECT_OPENAI_RESPONSES, ITEM(a) ITEM(b) COMPLETED(" "),
                     "{\"id\":\"r\",\"output\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"u\":1}");
    assert_assembled(DIALECT_OPENAI_RESPONSES,
                     ITEM(a) ITEM(b) "{\"type\":\"response.completed\",\"response\":{\"id\":\"r\","
                                     "\"output\":null,\"u\":1}}",
                     "{\"id\":\"r\",\"output\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"u\":1}");
    assert_assembled(DIALECT_OPENAI_RESPONSES,
                     ITEM(a) "{\"type\":\"response.incomplete\",\"response\":{\"id\":\"r\"}}",
                     "{\"id\":\"r\",\"output\":[{\"id\":\"a\"}]}");
    /* Each at its place, whichever was done first; one without a place stands behind them. */
#define ITEM_AT(at, n)                                                                             \
    "{\"type\":\"response.output_item.done\"" at ",\"item\":{\"id\":\"" #n "\"}}\n"
    assert_assembled(DIALECT_OPENAI_RESPONSES,
                     ITEM_AT("", d) ITEM_AT(",\"output_index\":2", c)
                         ITEM_AT(",\"output_index\":0", a) ITEM_AT(",\"output_index\":1", b)
                             COMPLETED(" "),
                     "{\"id\":\"r\",\"output\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"},"
                     "{\"id\":\"d\"}],\"u\":1}");
    /* Without any there is nothing to put there. */
    assert_assembled(DIALECT_OPENAI_RESPONSES,
                     "{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}",
                     "{\"status\":\"completed\"}");
}

/* Half an answer is none. */
static void a_cut_is_a_cut(void **state) {
    (void)state;
    assert_told(CHAT, ASKED_DOCUMENT, EVENT_STREAM, HELLO, "cut");
    assert_told(CHAT, ASKED_DOCUMENT, JSON, HELLO, "cut");
    assert_told(CHAT, ASKED_DOCUMENT, EVENT_STREAM, HELLO "data: " STOP,
                "= " MADE("\"content\":\"Hi\",\"role\":\"assistant\"") "\nend");
    assert_told(CHAT, ASKED_DOCUMENT, EVENT_STREAM, "data: [DONE]\n\n", "bad");
    assert_told(CHAT, ASKED_DOCUMENT, EVENT_STREAM, HELLO "data: [DONE]\n\n", "unfinished");
    assert_told(DIALECT_OPENAI_RESPONSES, ASKED_DOCUMENT, EVENT_STREAM,
                "data: {\"type\":\"response.created\"}\n\ndata: [DONE]\n\n", "bad");
}

static void what_is_put_together_is_bounded(void **state) {
    (void)state;
    reader_spec spec = told_spec(CHAT, ASKED_DOCUMENT);
    spec.answer_bytes = 10; /* of names and values */
    assert_told_by(&spec, EVENT_STREAM, HELLO "data: [DONE]\n\n", "too large");
    spec = told_spec(DIALECT_OPENAI_RESPONSES, ASKED_DOCUMENT);
    spec.answer_bytes = 10;
    assert_told_by(&spec, EVENT_STREAM, "data: " COMPLETED("") "\n\n", "too large");
    /* Of members there are not more than can be looked through. */
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "data: {\"choices\":[],\"a\":0");
    for (int i = 0; i < 600; i++)
        buf_addf(&body, ",\"m%d\":0", i);
    buf_add_cstr(&body, "}\n\n");
    spec = told_spec(CHAT, ASKED_DOCUMENT);
    assert_told_by(&spec, EVENT_STREAM, buf_cstr(&body), "too large");
    buf_done(&body);
}

#define SAID(delta)                                                                                \
    "{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":" delta             \
    ",\"logprobs\":null,\"finish_reason\":null}]}\n"

/* Not in one event, nor put together of several. */
static void the_key_is_not_told(void **state) {
    (void)state;
    reader_spec spec = told_spec(CHAT, ASKED_DOCUMENT);
    secret_set *secrets = secret_set_of("sk-secret/1");
    spec.secrets = secrets;
    assert_told_by(&spec, EVENT_STREAM,
                   "data: " ONE("{\"role\":\"assistant\",\"content\":\"a sk-sec\"}") "\ndata: " ONE(
                       "{\"content\":\"ret/1 b\"}") "\ndata: " STOP "\n\ndata: [DONE]\n\n",
                   "= " MADE(SAYS "\"a [redacted] b\"") "\nend");
    spec.asked = ASKED_STREAM;
    assert_told_by(&spec, JSON, "{\"choices\":[{\"message\":{\"content\":\"sk-secret/1\"}}]}",
                   SAID("{\"content\":\"[redacted]\"}") SAID("{}") "end");
    secret_set_unref(secrets);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_become_a_chat_completion),
        cmocka_unit_test(what_a_message_is_made_of),
        cmocka_unit_test(calls_of_tools),
        cmocka_unit_test(choices_in_any_order),
        cmocka_unit_test(chunks_become_a_completion),
        cmocka_unit_test(events_become_a_response),
        cmocka_unit_test(a_cut_is_a_cut),
        cmocka_unit_test(what_is_put_together_is_bounded),
        cmocka_unit_test(the_key_is_not_told),
    };
    return run_watched(tests);
}
