/* What a call has used: as its provider tells, or as weir counts where it does not, and who is
 * told. */
#include "calling.h"

#define ASK_OF(members) "{\"model\":\"m\"," members "}"
#define WORDS           "\"messages\":[{\"role\":\"user\",\"content\":\"one two three\"}]"
#define STREAMED        "\"stream\":true,"
#define CHOICE(i, words)                                                                           \
    "{\"index\":" #i ",\"message\":{\"content\":\"" words "\"},\"finish_reason\":\"stop\"}"
#define ANSWER(members) "200|bytes {\"choices\":[" members "]}|end"

/* A word is 0.88 of a token, a chat's form 3 and 4 more for each message. */
static void what_is_not_told_is_estimated(void **state) {
    (void)state;
    static const struct {
        const char *name, *body, *script;
        int prompt, completion;
    } cases[] = {
        {"plain", ASK_OF(WORDS), ANSWER(CHOICE(0, "four five six seven eight")), 10, 4},
        {"all choices", ASK_OF("\"n\":2," WORDS),
         ANSWER(CHOICE(0, "four five six") "," CHOICE(1, "seven eight")), 10, 4},
        {"null for usage", ASK_OF(WORDS),
         "200|bytes {\"usage\":null,\"choices\":[" CHOICE(0, "four five six") "]}|end", 10, 3},
        {"nothing in usage", ASK_OF(WORDS),
         "200|bytes {\"usage\":{},\"choices\":[" CHOICE(0, "four five six") "]}|end", 10, 3},
        {"noughts for usage", ASK_OF(WORDS),
         "200|bytes {\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0},"
         "\"choices\":[" CHOICE(0, "four five six") "]}|end",
         10, 3},
        {"a stream", ASK_OF(STREAMED WORDS),
         "200 stream|role|say four|say  fi|say ve|say  six|finish|done|end", 10, 3},
        {"one event for all", ASK_OF(STREAMED WORDS),
         "200 stream|role|say four five six seven eight|finish|done|end", 10, 4},
        {"a stream that is cut", ASK_OF(STREAMED WORDS), "200 stream|role|say four five|cut", 10,
         2},
        {"a picture",
         ASK_OF("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
                "\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}]"),
         ANSWER(CHOICE(0, "four")), 772, 1},
        {"a picture, streamed",
         ASK_OF(STREAMED "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
                         "\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}]"),
         "200 stream|say four|finish|done|end", 772, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        scene_begin(&c, cases[i].script, NULL, ONCE);
        scene_ask(&c, cases[i].body);
        scene_pass(&c, 1000);
        const token_usage *u = &c.a.record.usage;
        if (u->prompt != cases[i].prompt || u->completion != cases[i].completion)
            print_error("%s\n", cases[i].name);
        assert_int_equal(u->prompt, cases[i].prompt);
        assert_int_equal(u->completion, cases[i].completion);
        assert_int_equal(u->total, cases[i].prompt + cases[i].completion);
        assert_true(u->estimated);
        scene_done(&c);
    }
}

/* What was asked is given back with the first event. Of a target that has told its usage before no
 * more than a rough figure is made then. */
static void a_stream_is_estimated_although_its_request_is_gone(void **state) {
    (void)state;
    scene c;
    buf body = BUF_EMPTY;
    buf_add_cstr(
        &body, "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"");
    for (int i = 0; i < 1000; i++)
        buf_add_cstr(&body, "word ");
    buf_add_cstr(&body, "\"}]}");
    scene_begin(&c, "200 stream|say Hi|wait 9|say  there|finish|done|end",
                "200 stream|say Hi|finish|usage|done|end", ONCE);
    c.w.scripts[0][2] = "200 stream|say one two three|cut";
    scene_ask(&c, buf_cstr(&body));
    scene_pass(&c, 1000);
    assert_int_equal(c.a.record.usage.prompt, 887);
    assert_int_equal(c.a.record.usage.completion, 2);
    asked_done(&c.a);
    scene_ask(&c, buf_cstr(&body));
    scene_pass(&c, 1000);
    assert_int_equal(c.a.record.usage.prompt, 3);
    assert_false(c.a.record.usage.estimated);
    asked_done(&c.a);
    scene_ask(&c, buf_cstr(&body));
    scene_pass(&c, 1000);
    assert_in_range(c.a.record.usage.prompt, 700, 1100);
    assert_true(c.a.record.usage.prompt != 887);
    assert_int_equal(c.a.record.usage.completion, 3);
    assert_true(c.a.record.usage.estimated);
    buf_done(&body);
    scene_done(&c);
}

/* A stream may tell what it has used at its beginning, or as it goes: what it says after the last
 * time is estimated, and added to that. */
static void what_is_said_after_the_usage_was_told_is_added(void **state) {
    (void)state;
#define TOLD(delta, completion, total)                                                             \
    "event {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" delta                             \
    "\"}}],\"usage\":{\"prompt_tokens\":90,\"completion_tokens\":" #completion                     \
    ",\"total_tokens\":" #total "}}|"
#define THOUGHT(delta, usage)                                                                      \
    "event {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"" delta                   \
    "\"}}],\"usage\":{\"prompt_tokens\":90," usage "}}|"
#define THINKS(reasoning, total)                                                                   \
    "\"completion_tokens\":0,\"total_tokens\":" #total                                             \
    ",\"completion_tokens_details\":{\"reasoning_tokens\":" #reasoning "}"
    static const struct {
        const char *name, *script;
        int completion, total;
        bool estimated;
    } cases[] = {
        {"at the beginning, then cut", TOLD("", 0, 90) "say four five six|cut", 3, 93, true},
        {"at the beginning alone", TOLD("", 0, 90) "say four five six|finish|done|end", 3, 93,
         true},
        {"behind some text", "say one|say two|" TOLD("", 7, 97) "say four five six|cut", 10, 100,
         true},
        {"with more than both", TOLD("", 7, 107) "say four five six|cut", 10, 110, true},
        {"the prompt with every event", TOLD("four five", 0, 90) TOLD(" six", 0, 90) "cut", 3, 93,
         true},
        {"with every event", TOLD("four", 1, 91) TOLD("five", 2, 92) TOLD("six", 3, 93) "cut", 3,
         93, false},
        {"at both ends", TOLD("", 0, 90) "say four five six|finish|" TOLD("", 9, 99) "done|end", 9,
         99, false},
        {"with the last text, then what says nothing",
         "say four|" TOLD("five", 9, 99) "say |role|finish|done|end", 9, 99, false},
        {"thoughts beside the completion",
         THOUGHT("four", THINKS(1, 91)) THOUGHT(" five six", THINKS(3, 93)) "cut", 0, 93, false},
        {"thoughts beside it to the end", THOUGHT("four five six", THINKS(0, 93)) "finish|done|end",
         0, 93, false},
        {"and words that are not told", THOUGHT("four", THINKS(1, 91)) "say five six|cut", 2, 93,
         true},
        {"nothing in it afterwards",
         TOLD("", 0, 90) "say four five six|finish|event {\"choices\":[],\"usage\":{}}|done|end", 3,
         93, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char script[1024];
        scene c;
        (void)snprintf(script, sizeof script, "200 stream|role|%s", cases[i].script);
        scene_begin(&c, script, NULL, ONCE);
        scene_ask(&c, ASK_OF(STREAMED WORDS));
        scene_pass(&c, 1000);
        const token_usage *u = &c.a.record.usage;
        if (u->completion != cases[i].completion) print_error("%s\n", cases[i].name);
        assert_int_equal(u->prompt, 90);
        assert_int_equal(u->completion, cases[i].completion);
        assert_int_equal(u->total, cases[i].total);
        assert_int_equal(u->estimated, cases[i].estimated);
        scene_done(&c);
    }
}

/* Nothing of the provider's head, no token: a failed call says so. */
static void what_did_not_come_is_recorded_as_that(void **state) {
    (void)state;
    static const struct {
        const char *script, *body;
        int status_told;
    } cases[] = {{"refuse", PLAIN, 0}, {"429|end", PLAIN, 429}, {"", "{\"model\":\"\"}", 400}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        scene_begin(&c, cases[i].script, NULL, ONCE);
        scene_ask(&c, cases[i].body);
        scene_pass(&c, 1000);
        const call_record *r = &c.a.record;
        assert_int_equal(r->first_byte_us, -1);
        assert_int_equal(r->first_token_us, -1);
        assert_int_equal(r->usage.prompt, -1);
        assert_int_equal(r->usage.completion, -1);
        assert_int_equal(r->usage.total, -1);
        assert_int_equal(r->usage.cached, -1);
        assert_int_equal(r->usage.reasoning, -1);
        assert_int_equal(c.a.status_told, cases[i].status_told);
        scene_done(&c);
    }
}

/* What weir's question brings into a stream goes no further than to who asks too. */
static void usage_is_for_those_who_ask(void **state) {
    (void)state;
#define NOTHING "event {\"choices\":[{\"delta\":{\"content\":\"a\"}}], \"usage\": null}|"
#define BESIDE                                                                                     \
    "event {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":1}}|"
#define ASKS(said) "{\"model\":\"m\",\"stream\":true,\"messages\":[{}],\"stream_options\":" said "}"
    static const struct {
        const char *name, *body, *script, *again, *told;
        bool never;
    } cases[] = {
        {"nobody asks but weir", STREAM, NOTHING "finish|usage|", NULL, "\"a\"}}]}\n\n"},
        {"the client says nothing of it", ASKS("{\"x\":1}"), NOTHING "finish|usage|", NULL,
         "\"a\"}}]}\n\n"},
        {"figures beside content", STREAM, BESIDE "finish|", NULL,
         "\"a\"}}],\"usage\":{\"prompt_tokens\":1}}\n\n"},
        {"the client asks", ASKS("{\"include_usage\":true}"), NOTHING "finish|", NULL,
         "\"a\"}}], \"usage\": null}\n\n"},
        {"the client declines", ASKS("{\"include_usage\":false}"), NOTHING "finish|usage|", NULL,
         "\"a\"}}], \"usage\": null}\n\n"},
        {"the target has refused it", STREAM, NULL, NOTHING "finish|",
         "\"a\"}}], \"usage\": null}\n\n"},
        {"it is never asked for", STREAM, NOTHING "finish|usage|", NULL,
         "\"a\"}}], \"usage\": null}\n\n", .never = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        buf script = BUF_EMPTY;
        buf_addf(&script, "200 stream|%sdone|end",
                 cases[i].script ? cases[i].script : cases[i].again);
        if (cases[i].script)
            scene_begin(&c, buf_cstr(&script), NULL, ONCE);
        else
            scene_begin(&c, "400|bytes stream_options?|end", buf_cstr(&script), ONCE);
        if (cases[i].never) c.w.config->providers[0].stream_usage = STREAM_USAGE_NEVER;
        scene_ask(&c, cases[i].body);
        scene_pass(&c, 1000);
        buf told = BUF_EMPTY;
        buf_addf(&told, "head 200|piece data: {\"choices\":[{\"delta\":{\"content\":%s",
                 cases[i].told);
        buf_addf(&told, "|piece data: " ORIGIN_CHUNK("\"finish_reason\":\"stop\"") "\n\n");
        buf_add_cstr(&told, "|piece data: [DONE]\n\n|end|done");
        if (!span_eq(buf_span(&c.a.said), buf_span(&told)))
            print_error("in the row: %s\n", cases[i].name);
        assert_span(buf_span(&c.a.said), buf_cstr(&told));
        buf_done(&told);
        scene_done(&c);
        buf_done(&script);
    }
#undef NOTHING
#undef BESIDE
#undef ASKS
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_told_is_estimated),
        cmocka_unit_test(a_stream_is_estimated_although_its_request_is_gone),
        cmocka_unit_test(what_is_said_after_the_usage_was_told_is_added),
        cmocka_unit_test(what_did_not_come_is_recorded_as_that),
        cmocka_unit_test(usage_is_for_those_who_ask),
    };
    return run_watched(tests);
}
