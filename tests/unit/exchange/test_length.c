/* A bound on what an answer says: where it is cut, and how it ends then. */
#include "exchange/length.h"
#include "exchange/world.h"

static const stage_row rows[] = {{"parse", stage_parse, NULL, 0},
                                 {"route", stage_route, NULL, 0},
                                 {"length", stage_length, NULL, 0},
                                 {"script", stage_script, NULL, 0},
                                 {"settle", stage_settle, NULL, STAGE_ALWAYS | STAGE_CHILD}};
static filter_add_fn *const usual[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {rows, ARRAY_LEN(rows), usual, ARRAY_LEN(usual)};

typedef struct scene {
    world *w;
    asked a;
    script s;
} scene;

static void begin(scene *c, const char *options, endpoint e, const char *body) {
    c->w = world_new(&plan, options);
    exchange_request r = world_request(&form_direct, body);
    r.endpoint = e;
    r.path = endpoint_get(e)->path;
    ask(c->w, &c->a, &c->s, &r);
}

static void end(scene *c, const char *expected) {
    world_turn(c->w);
    assert_said(&c->a, expected);
    asked_done(&c->a);
    world_free(c->w);
}

#define CHUNK(index, text)                                                                         \
    "{\"id\":\"c\",\"choices\":[{\"index\":" index ",\"delta\":{\"content\":\"" text "\"},"        \
    "\"finish_reason\":null}]}"
#define FINISH(index, reason)                                                                      \
    "{\"id\":\"c\",\"choices\":[{\"index\":" index ",\"delta\":{},\"finish_reason\":\"" reason     \
    "\"}]}"
#define MADE(index)                                                                                \
    "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":" index            \
    ",\"delta\":{},\"finish_reason\":\"length\"}]}"

static void a_stream_is_cut_and_its_provider_cancelled(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 5}", EP_CHAT_COMPLETIONS, ASK_STREAM);
    script_head(&c.s, ANSWER_STREAM);
    script_say(&c.s, CHUNK("0", "abc"));
    assert_false(c.s.cancelled);
    script_say(&c.s, CHUNK("0", "d\\u00e9\xC3\xA9g"));
    assert_true(c.s.cancelled);
    end(&c, "head 200|piece " CHUNK("0", "abc") "|piece " CHUNK("0", "d\xC3\xA9") "|piece " MADE(
                "0") "|end|done");
}

static void what_just_fits_is_not_touched(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 3}", EP_CHAT_COMPLETIONS, ASK_STREAM);
    script_head(&c.s, ANSWER_STREAM);
    script_say(&c.s, CHUNK("0", "\\u0061bc"));
    script_say(&c.s, FINISH("0", "stop"));
    script_end(&c.s);
    end(&c, "head 200|piece " CHUNK("0", "\\u0061bc") "|piece " FINISH("0", "stop") "|end|done");
}

static void each_choice_has_its_own_bound(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 2}", EP_CHAT_COMPLETIONS,
          "{\"model\":\"m\",\"stream\":true,\"n\":2,\"messages\":[{}]}");
    script_head(&c.s, ANSWER_STREAM);
    script_say(&c.s, CHUNK("1", "abc"));
    script_say(&c.s, CHUNK("1", "def")); /* nothing of it is left */
    script_say(&c.s, CHUNK("0", "x"));
    script_say(&c.s, FINISH("1", "stop"));
    assert_false(c.s.cancelled);
    script_say(&c.s, CHUNK("0", "yz"));
    assert_true(c.s.cancelled);
    end(&c, "head 200|piece " CHUNK("1", "ab") "|piece " CHUNK("0", "x") "|piece " FINISH(
                "1", "length") "|piece " CHUNK("0", "y") "|piece " MADE("0") "|end|done");
}

static void a_plain_answer_is_cut_alike(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 4}", EP_CHAT_COMPLETIONS, ASK_PLAIN);
    script_head(&c.s, ANSWER_PLAIN);
    script_say_plain(&c.s, "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{"
                           "\"content\":\"abcdef\",\"x\":1}}],\"usage\":{\"prompt_tokens\":1,"
                           "\"completion_tokens\":2,\"total_tokens\":3}}");
    script_end(&c.s);
    end(&c, "answer 200 {\"choices\":[{\"index\":0,\"finish_reason\":\"length\",\"message\":{"
            "\"content\":\"abcd\",\"x\":1}}],\"usage\":{\"prompt_tokens\":1,"
            "\"completion_tokens\":2,\"total_tokens\":3}}|done");
}

/* Beside what was cut; not beside a choice that has all of its text. */
static void what_is_told_of_tokens_goes_too(void **state) {
    (void)state;
#define TOLD(text) "{\"content\":[{\"token\":\"" text "\",\"logprob\":-0.1}]}"
#define CHOICE(n, why, told, text)                                                                 \
    "{\"index\":" n ",\"finish_reason\":\"" why "\",\"logprobs\":" told                            \
    ",\"message\":{\"content\":\"" text "\"}}"
    scene c;
    begin(&c, "output: {characters: 4}", EP_CHAT_COMPLETIONS,
          "{\"model\":\"m\",\"n\":2,\"logprobs\":true,\"messages\":[{\"role\":\"user\",\"content\":"
          "\"x\"}]}");
    script_head(&c.s, ANSWER_PLAIN);
    script_say_plain(&c.s,
                     "{\"choices\":[" CHOICE("0", "stop", TOLD("abcdef"), "abcdef") "," CHOICE(
                         "1", "stop", TOLD("xy"), "xy") "],\"usage\":{\"prompt_tokens\":1,"
                                                        "\"completion_tokens\":2,\"total_tokens\":"
                                                        "3}}");
    script_end(&c.s);
    end(&c, "answer 200 {\"choices\":[" CHOICE("0", "length", "null", "abcd") "," CHOICE(
                "1", "stop", TOLD("xy"), "xy") "],\"usage\":{\"prompt_tokens\":1,"
                                               "\"completion_tokens\":2,\"total_tokens\":3}}|done");
}

static void a_response_says_it_in_its_own_words(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 4}", EP_RESPONSES, "{\"model\":\"m\",\"input\":\"x\"}");
    script_head(&c.s, ANSWER_PLAIN);
    script_say_plain(&c.s,
                     "{\"status\":\"completed\",\"incomplete_details\":null,\"output\":[{\"type\":"
                     "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"abcdef\"}]}]}");
    script_end(&c.s);
    end(&c, "answer 200 {\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_"
            "tokens\"},\"output\":[{\"type\":"
            "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"abcd\"}]}]}|done");
}

/* Some leave out what is null. */
static void a_response_says_why_where_it_had_nothing_to_say(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 4}", EP_RESPONSES, "{\"model\":\"m\",\"input\":\"x\"}");
    script_head(&c.s, ANSWER_PLAIN);
    script_say_plain(&c.s,
                     "{ \"status\":\"completed\",\"output\":[{\"type\":\"message\",\"content\":["
                     "{\"type\":\"output_text\",\"text\":\"abcdef\"}]}]}");
    script_end(&c.s);
    end(&c, "answer 200 {\"incomplete_details\":{\"reason\":\"max_output_tokens\"}, "
            "\"status\":\"incomplete\",\"output\":[{\"type\":\"message\",\"content\":["
            "{\"type\":\"output_text\",\"text\":\"abcd\"}]}]}|done");
}

static void a_streamed_response_ends_incomplete(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 4}", EP_RESPONSES,
          "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}");
    script_head(&c.s, ANSWER_STREAM);
#define DELTA(text)                                                                                \
    "{\"type\":\"response.output_text.delta\",\"sequence_number\":3,\"output_index\":0,"           \
    "\"content_index\":0,\"delta\":\"" text "\"}"
    script_say(&c.s, DELTA("abcdef"));
    assert_true(c.s.cancelled);
    end(&c,
        "head 200|piece " DELTA("abcd") "|piece {\"type\":\"response.incomplete\",\"sequence_"
                                        "number\":4,\"response\":{\"object\":\"response\","
                                        "\"status\":\"incomplete\",\"incomplete_details\":{"
                                        "\"reason\":\"max_output_tokens\"},\"output\":[],"
                                        "\"usage\":{\"input_tokens\":8,\"input_tokens_details\":{"
                                        "\"cached_tokens\":0},\"output_tokens\":1,\"output_tokens_"
                                        "details\":{\"reasoning_tokens\":0},\"total_tokens\":9}}}"
                                        "|end|done");
}

#define CALL(id, arguments)                                                                        \
    "{\"id\":\"" id                                                                                \
    "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"" arguments "\"}}"
#define CALLS(why, content, list)                                                                  \
    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"" content "\",\"tool_calls\":" list     \
    "},\"finish_reason\":\"" why "\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"    \
    "\"total_tokens\":3}}"

/* A call without arguments would be one that nobody made. */
static void a_call_behind_the_end_is_not_told(void **state) {
    (void)state;
    static const struct {
        const char *options, *said, *told;
    } cases[] = {
        {"output: {characters: 6}",
         CALLS("tool_calls", "abcd",
               "[" CALL("1", "") ", " CALL("2", "{}{}") " ,\n" CALL("3", "") "]"),
         CALLS("length", "abcd", "[" CALL("1", "") ", " CALL("2", "{}") "]")},
        {"output: {characters: 4}",
         CALLS("tool_calls", "abcd", "[" CALL("1", "{}") "," CALL("2", "{}") "]"),
         CALLS("length", "abcd", "null")},
        {"output: {characters: 4}", CALLS("tool_calls", "abcd", "[" CALL("1", "") "]"),
         CALLS("tool_calls", "abcd", "[" CALL("1", "") "]")},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        char expected[1024];
        begin(&c, cases[i].options, EP_CHAT_COMPLETIONS, ASK_PLAIN);
        script_head(&c.s, ANSWER_PLAIN);
        script_say_plain(&c.s, cases[i].said);
        script_end(&c.s);
        snprintf(expected, sizeof expected, "answer 200 %s|done", cases[i].told);
        end(&c, expected);
    }
}

/* Nor is what a response says after it, whatever it is. */
static void an_item_behind_the_end_is_not_told(void **state) {
    (void)state;
    static const char *const firsts[] = {"{\"type\":\"reasoning\",\"id\":\"r\",\"summary\":[]}",
                                         ""};
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
        scene c;
        char said[1024], expected[1024];
        begin(&c, "output: {characters: 4}", EP_RESPONSES, "{\"model\":\"m\",\"input\":\"x\"}");
        snprintf(
            said, sizeof said,
            "{\"status\":\"completed\",\"incomplete_details\":null,\"output\":[%s%s{\"type\":"
            "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"abcdef\"}]},{\"type\":"
            "\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
            "\"reasoning\",\"id\":\"s\",\"summary\":[]}]}",
            firsts[i], *firsts[i] ? "," : "");
        script_head(&c.s, ANSWER_PLAIN);
        script_say_plain(&c.s, said);
        script_end(&c.s);
        snprintf(
            expected, sizeof expected,
            "answer 200 {\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_"
            "tokens\"},\"output\":[%s%s{\"type\":\"message\",\"content\":[{\"type\":\"output_"
            "text\","
            "\"text\":\"abcd\"}]}]}|done",
            firsts[i], *firsts[i] ? "," : "");
        end(&c, expected);
    }
}

/* What fits whole stays, and so does what it is an item with; whatever follows the end goes, text
 * or none. */
static void a_response_ends_where_its_bound_is(void **state) {
    (void)state;
#define OUTPUT(status, why, items)                                                                 \
    "{\"status\":\"" status "\",\"incomplete_details\":" why ",\"output\":[" items "]}"
#define MESSAGE(contents) "{\"type\":\"message\",\"content\":[" contents "]}"
#define TEXT(text)        "{\"type\":\"output_text\",\"text\":\"" text "\"}"
#define CUT_WHY           "{\"reason\":\"max_output_tokens\"}"
#define IMAGE             "{\"type\":\"image_generation_call\",\"result\":\"aaaa\"}"
    static const char *const cases[][2] = {
        {OUTPUT("completed", "null", MESSAGE(TEXT("abcd") "," TEXT("ef"))),
         OUTPUT("incomplete", CUT_WHY, MESSAGE(TEXT("abcd") "," TEXT("")))},
        {OUTPUT("completed", "null", MESSAGE(TEXT("abcdef")) "," IMAGE "," IMAGE),
         OUTPUT("incomplete", CUT_WHY, MESSAGE(TEXT("abcd")))},
        {OUTPUT("completed", "null", MESSAGE(TEXT("abcd")) "," IMAGE),
         OUTPUT("completed", "null", MESSAGE(TEXT("abcd")) "," IMAGE)},
        {OUTPUT("completed", "null", IMAGE "," MESSAGE(TEXT("abcd")) "," MESSAGE(TEXT("e"))),
         OUTPUT("incomplete", CUT_WHY, IMAGE "," MESSAGE(TEXT("abcd")))},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        char expected[1024];
        begin(&c, "output: {characters: 4}", EP_RESPONSES, "{\"model\":\"m\",\"input\":\"x\"}");
        script_head(&c.s, ANSWER_PLAIN);
        script_say_plain(&c.s, cases[i][0]);
        script_end(&c.s);
        snprintf(expected, sizeof expected, "answer 200 %s|done", cases[i][1]);
        end(&c, expected);
    }
}

static void the_older_form_of_a_call_goes_too(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 4}", EP_CHAT_COMPLETIONS, ASK_PLAIN);
    script_head(&c.s, ANSWER_PLAIN);
#define ONLY(call, why)                                                                            \
    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"abcd\",\"function_call\":" call         \
    "},\"finish_reason\":\"" why "\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"    \
    "\"total_tokens\":3}}"
    script_say_plain(&c.s, ONLY("{\"name\":\"f\",\"arguments\":\"{}\"}", "function_call"));
    script_end(&c.s);
    end(&c, "answer 200 " ONLY("null", "length") "|done");
}

/* More choices than anybody has asked for: what is cut of each is found without looking at all. */
static void an_answer_of_very_many_choices(void **state) {
    (void)state;
#define ONE(text, calls, told, why)                                                                \
    "{\"message\":{\"content\":\"" text "\",\"tool_calls\":" calls "},\"logprobs\":" told          \
    ",\"finish_reason\":\"" why "\"}"
    enum { CHOICES = 20000 };
    scene c;
    buf said = BUF_EMPTY, expected = BUF_EMPTY;
    buf_add_cstr(&said, "{\"choices\":[" ONE("abcd", "null", "{\"content\":[]}", "stop"));
    buf_add_cstr(&expected,
                 "answer 200 {\"choices\":[" ONE("abcd", "null", "{\"content\":[]}", "length"));
    for (size_t i = 1; i < CHOICES; i++) {
        buf_add_cstr(&said, "," ONE("x", "[" CALL("1", "{}") "]", "{\"content\":[]}", "stop"));
        buf_add_cstr(&expected, "," ONE("", "null", "null", "length"));
    }
    buf_add_cstr(&said, "]}");
    buf_add_cstr(&expected, "]}|done");
    begin(&c, "output: {characters: 4}", EP_CHAT_COMPLETIONS, ASK_PLAIN);
    script_head(&c.s, ANSWER_PLAIN);
    script_say_plain(&c.s, buf_cstr(&said));
    script_end(&c.s);
    end(&c, buf_cstr(&expected));
    buf_done(&said);
    buf_done(&expected);
#undef ONE
}

static void tokens_are_counted_over_pieces(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {tokens: 3}", EP_CHAT_COMPLETIONS, ASK_STREAM);
    script_head(&c.s, ANSWER_STREAM);
    script_say(&c.s, CHUNK("0", "one"));
    script_say(&c.s, CHUNK("0", " two"));
    script_say(&c.s, CHUNK("0", " three"));
    assert_false(c.s.cancelled);
    script_say(&c.s, CHUNK("0", " four five"));
    assert_true(c.s.cancelled);
    end(&c, "head 200|piece " CHUNK("0", "one") "|piece " CHUNK("0", " two") "|piece " CHUNK(
                "0", " three") "|piece " CHUNK("0", " ") "|piece " MADE("0") "|end|done");
}

/* As OpenRouter tells it. */
static void reasoning_that_is_told_twice_counts_once(void **state) {
    (void)state;
#define TWICE(words)                                                                               \
    "{\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"" words                                 \
    "\",\"reasoning_details\":[{\"text\":\"" words "\",\"index\":0}]}}]}"
    scene c;
    begin(&c, "output: {characters: 6}", EP_CHAT_COMPLETIONS, ASK_STREAM);
    script_head(&c.s, ANSWER_STREAM);
    script_say(&c.s, TWICE("abc"));
    script_say(&c.s, TWICE("def"));
    assert_false(c.s.cancelled);
    script_say(&c.s, CHUNK("0", "g"));
    assert_true(c.s.cancelled);
    end(&c, "head 200|piece " TWICE("abc") "|piece " TWICE("def") "|piece " MADE("0") "|end|done");
#undef TWICE
}

/* Reasoning and a tool's arguments count, too. */
static void all_that_is_said_counts(void **state) {
    (void)state;
    scene c;
    begin(&c, "output: {characters: 6, tokens: 100}", EP_CHAT_COMPLETIONS, ASK_STREAM);
    script_head(&c.s, ANSWER_STREAM);
    script_say(&c.s, "{\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"abc\"}}]}");
    script_say(&c.s, "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
                     "\"function\":{\"arguments\":\"defg\"}}]}}]}");
    assert_true(c.s.cancelled);
    end(&c, "head 200|piece "
            "{\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"abc\"}}]}|piece "
            "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
            "\"function\":{\"arguments\":\"def\"}}]}}]}|piece "
            "{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},"
            "\"finish_reason\":\"length\"}]}|end|done");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_cut_and_its_provider_cancelled),
        cmocka_unit_test(what_just_fits_is_not_touched),
        cmocka_unit_test(each_choice_has_its_own_bound),
        cmocka_unit_test(a_plain_answer_is_cut_alike),
        cmocka_unit_test(what_is_told_of_tokens_goes_too),
        cmocka_unit_test(a_response_says_it_in_its_own_words),
        cmocka_unit_test(a_response_says_why_where_it_had_nothing_to_say),
        cmocka_unit_test(a_streamed_response_ends_incomplete),
        cmocka_unit_test(a_call_behind_the_end_is_not_told),
        cmocka_unit_test(an_item_behind_the_end_is_not_told),
        cmocka_unit_test(a_response_ends_where_its_bound_is),
        cmocka_unit_test(the_older_form_of_a_call_goes_too),
        cmocka_unit_test(an_answer_of_very_many_choices),
        cmocka_unit_test(tokens_are_counted_over_pieces),
        cmocka_unit_test(reasoning_that_is_told_twice_counts_once),
        cmocka_unit_test(all_that_is_said_counts),
    };
    return run_watched(tests);
}
