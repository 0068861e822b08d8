/* What is answered is looked at in every text, by itself and however it is cut: what a stream tells
 * is what a plain answer tells. */
#include "exchange/guarded.h"

/* What came of a text, all pieces joined: of a kind, a choice and an item. */
static void collect(const asked *a, dialect d, part_kind kind, unsigned choice, unsigned item,
                    buf *out) {
    arena memory;
    arena_init(&memory, 0);
    span rest = buf_span(&a->said), word;
    while (span_cut(&rest, '|', &word)) {
        if (!span_starts(word, SPAN_OF("piece "))) continue;
        const reader_spec spec = world_spec(d, WANT_PARTS);
        reader r;
        buf text = BUF_EMPTY;
        answer_event e = world_read(&r, &spec, span_slice(word, 6, word.len), &text);
        for (const answer_part *p = e.parts; p < e.parts + e.part_count; p++)
            if (!(e.sorts & EVENT_FULL) && p->kind == kind && p->choice == choice &&
                p->item == item)
                buf_add(out, json_string(p->value, &memory));
        reader_done(&r);
        buf_done(&text);
    }
    arena_done(&memory);
}

static void assert_collected(const asked *a, part_kind kind, unsigned choice, unsigned item,
                             const char *expected) {
    buf out = BUF_EMPTY;
    collect(a, DIALECT_OPENAI_CHAT, kind, choice, item, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
}

static void say_text(script *s, span text) {
    buf line = BUF_EMPTY;
    buf_add_cstr(&line, "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":");
    json_write_string(&line, text);
    buf_add_cstr(&line, "},\"finish_reason\":null}]}");
    script_say(s, buf_cstr(&line));
    buf_done(&line);
}

#define FINISH "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"

static void begin(guarded *g, const char *options, const char *content) {
    buf body = BUF_EMPTY;
    buf_addf(&body,
             "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}"
             "]}",
             content);
    guarded_ask(g, options, &form_direct, EP_CHAT_COMPLETIONS, buf_cstr(&body));
    buf_done(&body);
    script_head(&g->s, ANSWER_STREAM);
}

/* ---- the same at any cut ---- */

typedef struct row {
    const char *options, *asks, *text, *expected;
} row;

static const row rows[] = {
    {"out: redact", "x", "my KEY-a1 and KEY-b2, KEY-a1",
     "my [SECRET_KEY_1] and [SECRET_KEY_2], "
     "[SECRET_KEY_1]"},
    {"out: redact", "x", "KEY-a", "[SECRET_KEY_1]"},
    {"out: redact", "x", "KEY KEY- K", "KEY KEY- K"},
    {"out: redact", "x", "a \"KEY-a\"\n\\KEY-b", "a \"[SECRET_KEY_1]\"\n\\[SECRET_KEY_2]"},
    {"out: redact", "x", "NOTE-a KEY-a", "NOTE-a [SECRET_KEY_1]"},
    {"out: flag", "x", "KEY-a", "KEY-a"},
    {"in: redact, restore: true", "KEY-a MAIL@b", "to [MAIL_1] by [SECRET_KEY_1] [MAIL_2] [MAIL_1",
     "to MAIL@b by KEY-a [MAIL_2] [MAIL_1"},
    {"in: redact", "KEY-a MAIL@b", "to [MAIL_1]", "to [MAIL_1]"},
    /* what the client sent is its own; what it did not is not */
    {"in: redact, out: redact, restore: true", "KEY-a", "[SECRET_KEY_1] KEY-b [KEY-c",
     "KEY-a [SECRET_KEY_2] [[SECRET_KEY_3]"},
    {"in: redact, out: redact, restore: true", "KEY-a", "[SECRET_KEY_KEY-b",
     "[SECRET_KEY_[SECRET_KEY_2]"},
    /* nor what the model says by itself, though the client sent the same */
    {"in: redact, out: redact, restore: true", "KEY-a", "KEY-a, [SECRET_KEY_1] KEY-a",
     "[SECRET_KEY_2], KEY-a [SECRET_KEY_2]"},
    {"in: redact, out: redact", "KEY-a", "KEY-a, KEY-b", "[SECRET_KEY_1], [SECRET_KEY_2]"},
    /* what an answer before has named has its name, whatever else the request has */
    {"in: redact, out: redact, restore: true", "[SECRET_KEY_1]", "KEY-b [SECRET_KEY_1]",
     "[SECRET_KEY_2] [SECRET_KEY_1]"},
    {"out: redact", "[SECRET_KEY_41]", "KEY-b", "[SECRET_KEY_42]"},
    {"in: redact, restore: true", "[SECRET_KEY_999] [MAIL_1000000] KEY-a MAIL@b",
     "[MAIL_1000001] [SECRET_KEY_1000]", "MAIL@b KEY-a"},
};

static void check_stream(const row *r, const size_t *ends, size_t count) {
    guarded g;
    begin(&g, r->options, r->asks);
    size_t from = 0;
    for (size_t i = 0; i < count; from = ends[i++])
        say_text(&g.s, span_slice(span_cstr(r->text), from, ends[i]));
    script_say(&g.s, FINISH);
    script_end(&g.s);
    world_turn(g.w);
    assert_collected(&g.a, PART_TEXT, 0, 0, r->expected);
    assert_true(span_ends(buf_span(&g.a.said), SPAN_OF("|piece " FINISH "|end|done")));
    guarded_done(&g);
}

static void check_plain(const row *r) {
    guarded g;
    buf body = BUF_EMPTY, answer = BUF_EMPTY, expected = BUF_EMPTY;
    buf_addf(&body, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
             r->asks);
    guarded_ask(&g, r->options, &form_openai, EP_CHAT_COMPLETIONS, buf_cstr(&body));
    script_head(&g.s, ANSWER_PLAIN);
    buf_add_cstr(&answer, "{\"choices\":[{\"index\":0,\"message\":{\"content\":");
    json_write_string(&answer, span_cstr(r->text));
    buf_add_cstr(&answer, "},\"x\":\"\\u0041\"}]}");
    script_say_plain(&g.s, buf_cstr(&answer));
    script_end(&g.s);
    buf_add_cstr(&expected, "answer 200 {\"choices\":[{\"index\":0,\"message\":{\"content\":");
    json_write_string(&expected, span_cstr(r->expected));
    buf_add_cstr(&expected, "},\"x\":\"\\u0041\"}]}|done");
    guarded_end(&g, buf_cstr(&expected));
    buf_done(&body);
    buf_done(&answer);
    buf_done(&expected);
}

static void a_stream_tells_what_a_plain_answer_tells_at_any_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const size_t len = strlen(rows[i].text);
        size_t each[128];
        for (size_t k = 0; k < len; k++)
            each[k] = k + 1;
        check_plain(&rows[i]);
        check_stream(&rows[i], each, len);
        for (size_t k = 0; k <= len; k++)
            check_stream(&rows[i], (size_t[]){k, len}, 2);
    }
}

static void what_is_clean_goes_on_as_it_came(void **state) {
    (void)state;
    guarded g;
    begin(&g, "out: redact", "x");
#define CLEAN "{\"id\":\"c\", \"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\u0041\\/ z\"}}]}"
    script_say(&g.s, CLEAN);
    assert_said(&g.a, "head 200|piece " CLEAN); /* in the same turn */
    script_say(&g.s, FINISH);
    script_end(&g.s);
    guarded_end(&g, "head 200|piece " CLEAN "|piece " FINISH "|end|done");
}

static void only_the_bytes_that_must_change_do(void **state) {
    (void)state;
    guarded g;
    begin(&g, "out: redact", "x");
    script_say(&g.s, "{\"choices\":[{\"delta\":{\"content\":\"\\u0041\\/ KEY-a \\ud83d\\ude00\"}, "
                     "\"index\":0}]}");
    script_say(&g.s, FINISH);
    script_end(&g.s);
    guarded_end(&g, "head 200|piece {\"choices\":[{\"delta\":{\"content\":\"\\u0041\\/ "
                    "[SECRET_KEY_1] \\ud83d\\ude00\"}, "
                    "\"index\":0}]}|piece " FINISH "|end|done");
}

#define TOLD(text, logprobs)                                                                       \
    "{\"choices\":[{\"index\":0,\"logprobs\":" logprobs ",\"delta\":{\"content\":\"" text "\"}}]}"
#define TOKENS(text) "{\"content\":[{\"token\":\"" text "\",\"top_logprobs\":[]}]}"

/* They would tell it all the same. */
static void tokens_of_what_is_changed_are_not_told(void **state) {
    (void)state;
    guarded g;
    begin(&g, "out: redact", "x");
    script_say(&g.s, TOLD("z", TOKENS("z")));
    script_say(&g.s, TOLD("KEY-a", TOKENS("KEY-a")));
    script_say(&g.s, TOLD("b ", TOKENS("b ")));
    script_say(&g.s, FINISH);
    script_end(&g.s);
    guarded_end(&g,
                "head 200|piece " TOLD("z", TOKENS("z")) "|piece " TOLD("", "null") "|piece " TOLD(
                    "[SECRET_KEY_1] ", "null") "|piece " FINISH "|end|done");
}

/* The last piece of a text and why it ends, in one event. */
static void nothing_is_held_of_a_text_that_ends(void **state) {
    (void)state;
    guarded g;
    begin(&g, "out: redact", "x");
    say_text(&g.s, SPAN_OF("KEY-a"));
    script_say(&g.s,
               "{\"id\":\"c\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"delta\":{"
               "\"content\":\"b\"}}]}");
    script_end(&g.s);
    guarded_end(&g, "head 200|piece {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                    "\"\"},\"finish_reason\":null}]}|piece "
                    "{\"id\":\"c\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"delta\":{"
                    "\"content\":\"[SECRET_KEY_1]\"}}]}|end|done");
}

/* A stream that ends without a word. */
static void what_is_held_comes_out_at_the_end(void **state) {
    (void)state;
    guarded g;
    begin(&g, "out: redact", "x");
    say_text(&g.s, SPAN_OF("a KEY-"));
    script_end(&g.s);
    world_turn(g.w);
    assert_collected(&g.a, PART_TEXT, 0, 0, "a KEY-");
    guarded_done(&g);
}

/* ---- texts apart ---- */

#define ARGS(item, text)                                                                           \
    "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":" item                       \
    ",\"function\":{\"arguments\":\"" text "\"}}]}}]}"

static void two_texts_do_not_share_a_tail(void **state) {
    (void)state;
    guarded g;
    begin(&g, "out: redact", "x");
    script_say(&g.s, ARGS("0", "{\\\"a\\\":\\\"KE"));
    script_say(&g.s, ARGS("1", "Y-x\\\"KEY"));
    script_say(&g.s, ARGS("0", "Y-a\\\"}"));
    /* both in one event, and a text beside them */
    script_say(&g.s, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"K\",\"tool_calls\":["
                     "{\"index\":1,\"function\":{\"arguments\":\"-b\"}},"
                     "{\"index\":0,\"function\":{\"arguments\":\"KEY\"}}]}}]}");
    script_say(&g.s, "{\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"EY-r\"}}]}");
    script_say(&g.s, "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"EY-c\"}}]}");
    script_say(&g.s, ARGS("1", "c!"));
    script_say(&g.s, FINISH);
    script_end(&g.s);
    world_turn(g.w);
    assert_collected(&g.a, PART_TOOL_ARGS, 0, 0, "{\"a\":\"[SECRET_KEY_1]\"}KEY");
    assert_collected(&g.a, PART_TOOL_ARGS, 0, 1, "Y-x\"[SECRET_KEY_2]!");
    assert_collected(&g.a, PART_TEXT, 0, 0, "K");
    assert_collected(&g.a, PART_TEXT, 1, 0, "EY-c");
    assert_collected(&g.a, PART_REASONING, 0, 0, "EY-r");
    guarded_done(&g);
}

static void a_value_is_put_back_as_its_place_has_it(void **state) {
    (void)state;
    guarded g;
    /* The stand-ins' value has a backslash only where a rule takes one: restored as it is. */
    begin(&g, "in: redact, restore: true", "MAIL@b");
    script_say(&g.s, ARGS("0", "{\\\"to\\\":\\\"[MA"));
    script_say(&g.s, ARGS("0", "IL_1]\\\"}"));
    script_say(&g.s, FINISH);
    script_end(&g.s);
    world_turn(g.w);
    assert_collected(&g.a, PART_TOOL_ARGS, 0, 0, "{\"to\":\"MAIL@b\"}");
    guarded_done(&g);
}

/* ---- responses ---- */

static void repeats_of_a_response_get_the_same_verdict(void **state) {
    (void)state;
    guarded g;
    guarded_ask(&g, "out: redact", &form_direct, EP_RESPONSES,
                "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}");
    script_head(&g.s, ANSWER_STREAM);
#define DELTA(index, text)                                                                         \
    "{\"type\":\"response.output_text.delta\",\"output_index\":" index                             \
    ",\"content_index\":0,\"delta\":\"" text "\"}"
#define DONE(text)                                                                                 \
    "{\"type\":\"response.output_text.done\",\"output_index\":0,\"content_index\":0,\"text\":"     \
    "\"" text "\"}"
#define COMPLETED(a, b)                                                                            \
    "{\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"text\":\"" a      \
    "\"}]},{\"content\":[{\"text\":\"" b "\"}]}]}}"
    script_say(&g.s, DELTA("0", "a KEY"));
    script_say(&g.s, DELTA("1", "-x"));
    script_say(&g.s, DELTA("0", "-a KEY-b"));
    script_say(&g.s, DONE("a KEY-a KEY-b"));
    script_say(&g.s, COMPLETED("a KEY-a KEY-b", "-x"));
    script_end(&g.s);
    guarded_end(&g, "head 200"
                    "|piece " DELTA("0", "a ") "|piece " DELTA("1", "-x") "|piece " DELTA(
                        "0", "[SECRET_KEY_1] ")
                /* what was held back comes before its repeat */
                "|piece " DELTA("0", "[SECRET_KEY_2]") "|piece " DONE(
                    "a [SECRET_KEY_1] [SECRET_KEY_2]") "|piece " COMPLETED("a [SECRET_KEY_1] "
                                                                           "[SECRET_KEY_2]",
                                                                           "-x") "|end|done");
}

/* ---- block ---- */

#define MADE(reason)                                                                               \
    "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},"   \
    "\"finish_reason\":\"" reason "\"}]}"
#define CHUNK(text)                                                                                \
    "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text                       \
    "\"},\"finish_reason\":null}]}"

static void a_stream_that_is_blocked_ends_there(void **state) {
    (void)state;
    guarded g;
    begin(&g, "", "x");
    script_say(&g.s, CHUNK("boo"));
    script_say(&g.s, CHUNK("m BO"));
    script_say(&g.s, CHUNK("MB-1 after"));
    assert_true(g.s.cancelled);
    world_turn(g.w);
    assert_said(&g.a, "head 200|piece " CHUNK("boo") "|piece " CHUNK("m ") "|piece " CHUNK(
                          "") "|piece " MADE("content_filter") "|end|done");
    assert_string_equal(g.a.reason, "content_filter");
    guarded_done(&g);
}

/* Of the texts behind it in the same event nothing was looked at. */
static void nothing_behind_it_goes_out(void **state) {
    (void)state;
    guarded g;
    begin(&g, "", "x");
    script_say(&g.s,
               "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"ok\","
               "\"content\":\"a BOMB-1 b\",\"refusal\":\"BOMB-2 \",\"x\":{\"y\":\"BOMB-3\"}},"
               "\"finish_reason\":\"stop\"}]}");
    assert_true(g.s.cancelled);
    guarded_end(&g,
                "head 200|piece "
                "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"ok\","
                "\"content\":\"a \",\"refusal\":\"\",\"x\":null},"
                "\"finish_reason\":\"content_filter\"}]}|end|done");
}

/* What the reader does not know is looked at event by event. */
static void what_is_not_known_is_looked_at(void **state) {
    (void)state;
    guarded g;
    begin(&g, "out: redact", "x");
#define UNKNOWN(text) "{\"choices\":[{\"index\":0,\"delta\":{\"x\":[{\"y\":\"" text "\"},7]}}]}"
    script_say(&g.s, UNKNOWN("KEY-a"));
    assert_said(&g.a, "head 200|piece " UNKNOWN("[SECRET_KEY_1]"));
    script_say(&g.s,
               "{\"choices\":[{\"index\":0,\"delta\":{\"x\":[{\"y\":\"BOMB-a\"},7],\"z\":1}}]}");
    guarded_end(&g, "head 200|piece " UNKNOWN(
                        "[SECRET_KEY_1]") "|piece "
                                          "{\"choices\":[{\"index\":0,\"delta\":{\"x\":null,\"z\":"
                                          "null}}]}|piece "
                                          "{\"object\":\"chat.completion.chunk\",\"choices\":[{"
                                          "\"index\":0,\"delta\":{},"
                                          "\"finish_reason\":\"content_filter\"}]}|end|done");
}

static void or_with_an_error(void **state) {
    (void)state;
    guarded g;
    begin(&g, "stream_end: error", "x");
    script_say(&g.s, CHUNK("boom BOMB-1 after"));
    assert_true(g.s.cancelled);
    world_turn(g.w);
    assert_said(&g.a, "head 200|piece " CHUNK("boom ") "|abort|done");
    assert_int_equal(g.a.error, ERR_CONTENT_BLOCKED);
    guarded_done(&g);
}

/* Only its end tells. */
static void a_text_may_be_blocked_where_it_ends(void **state) {
    (void)state;
    guarded g;
    begin(&g, "", "x");
    script_say(&g.s, CHUNK("a BOMB-1"));
    assert_false(g.s.cancelled);
    script_say(&g.s, FINISH);
    assert_true(g.s.cancelled);
    guarded_end(&g, "head 200|piece " CHUNK("a ") "|piece " MADE("content_filter") "|end|done");
}

static void a_plain_answer_that_is_blocked_is_replaced(void **state) {
    (void)state;
    guarded g;
    guarded_ask(&g, "", &form_openai, EP_CHAT_COMPLETIONS,
                "{\"model\":\"m\",\"n\":2,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
    script_head(&g.s, ANSWER_PLAIN);
    script_say_plain(&g.s, "{\"id\":\"c\",\"created\":5,\"model\":\"p\",\"choices\":[{\"index\":0,"
                           "\"message\":{\"content\":\"good\"},\"finish_reason\":\"stop\"},{"
                           "\"index\":1,\"message\":{\"content\":\"BOMB-1\"},\"finish_reason\":"
                           "\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
                           "\"total_tokens\":7}}");
    script_end(&g.s);
    world_turn(g.w);
    assert_said(
        &g.a,
        "answer 200 "
        "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":5,\"model\":\"p\",\"choices\":[{"
        "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null},\"finish_reason\":"
        "\"content_filter\"},{\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":null},"
        "\"finish_reason\":\"content_filter\"}],\"usage\":{\"prompt_tokens\":3,\"completion_"
        "tokens\":"
        "4,\"total_tokens\":7}}|done");
    assert_string_equal(g.a.reason, "content_filter");
    guarded_done(&g);
}

static void a_response_that_is_blocked_is_incomplete(void **state) {
    (void)state;
    guarded g;
    guarded_ask(&g, "", &form_openai, EP_RESPONSES, "{\"model\":\"m\",\"input\":\"x\"}");
    script_head(&g.s, ANSWER_PLAIN);
    script_say_plain(&g.s,
                     "{\"id\":\"r\",\"created_at\":5,\"model\":\"p\",\"status\":\"completed\","
                     "\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"output_"
                     "text\",\"text\":\"BOMB-1\"}]}]}");
    script_end(&g.s);
    guarded_end(&g,
                "answer 200 {\"id\":\"r\",\"object\":\"response\",\"created_at\":5,\"status\":"
                "\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"},\"model\":"
                "\"p\",\"output\":[]}|done");
}

/* ---- what is noted ---- */

static void each_match_is_noted_once(void **state) {
    (void)state;
    guarded g;
    begin(&g, "out: redact", "x");
    say_text(&g.s, SPAN_OF("KEY-a NOTE-b KEY-c "));
    const span noted = exchange_record(g.a.x)->guard;
    assert_true(span_eq(noted, SPAN_OF("out.secret-key.redact=2,out.noted.flag=1")));
    script_say(&g.s, FINISH);
    script_end(&g.s);
    guarded_done(&g);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_tells_what_a_plain_answer_tells_at_any_cut),
        cmocka_unit_test(what_is_clean_goes_on_as_it_came),
        cmocka_unit_test(only_the_bytes_that_must_change_do),
        cmocka_unit_test(tokens_of_what_is_changed_are_not_told),
        cmocka_unit_test(nothing_is_held_of_a_text_that_ends),
        cmocka_unit_test(what_is_held_comes_out_at_the_end),
        cmocka_unit_test(two_texts_do_not_share_a_tail),
        cmocka_unit_test(a_value_is_put_back_as_its_place_has_it),
        cmocka_unit_test(repeats_of_a_response_get_the_same_verdict),
        cmocka_unit_test(a_stream_that_is_blocked_ends_there),
        cmocka_unit_test(nothing_behind_it_goes_out),
        cmocka_unit_test(what_is_not_known_is_looked_at),
        cmocka_unit_test(or_with_an_error),
        cmocka_unit_test(a_text_may_be_blocked_where_it_ends),
        cmocka_unit_test(a_plain_answer_that_is_blocked_is_replaced),
        cmocka_unit_test(a_response_that_is_blocked_is_incomplete),
        cmocka_unit_test(each_match_is_noted_once),
    };
    return run_watched(tests);
}
