/* The form of POST /chat: what its clients read, byte by byte, however the answer comes. */
#include "exchange/scene.h"

#define KEEP_ALIVE "|piece : keep-alive\n\n"
#define COMMENT    "server: {keep_alive_comment: 10s}\n"
enum { COMMENT_MS = 10001 }; /* timers are never early */

/* What the call used is estimated where the provider does not say: its form and its words. */
#define ESTIMATED(prompt, completion, total)                                                       \
    "\"usage\":{\"prompt_tokens\":" prompt ",\"completion_tokens\":" completion                    \
    ",\"total_tokens\":" total ",\"estimated\":true}"
#define NAMED(model) ",\"model\":\"" model "\",\"request_id\":\"ID\"}"
#define LAST(usage, model)                                                                         \
    "|piece data: {\"done\":true,\"success\":true," usage NAMED(model) "\n\n|end|done"

#define TEXT(text) "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}"

/* say: of chat.say, more lines of chat. options: more of the configuration. */
static scene *chat(bool streams, const char *say, const char *options) {
    exchange_request r =
        world_request(&form_chat, streams ? "{\"message\":\"hello\",\"stream\":true}"
                                          : "{\"message\":\"hello, how are you\"}");
    r.path = SPAN_OF("/chat");
    buf all = BUF_EMPTY;
    buf_addf(&all, "chat: {model: asked, max_tokens: 9, temperature: 0.5, say: {%s}}\n%s", say,
             options);
    scene *c = scene_new(&r, buf_cstr(&all));
    buf_done(&all);
    return c;
}

/* ---- a good end ---- */

/* In JSON's own escapes, with the model as the provider named it. */
static void a_plain_answer(void **state) {
    (void)state;
    static const struct {
        const char *said, *told;
    } rows[] = {
        {"{\"model\":\"named-1\",\"choices\":[{\"index\":0,\"message\":{\"content\":"
         "\"a \\u00fc\\n\"},\"finish_reason\":\"stop\"}]}",
         "{\"success\":true,\"response\":\"a \\u00fc\\n\"," ESTIMATED("11", "3", "14")
             NAMED("named-1")},
        /* it says nothing, and does not say who it is */
        {"{\"model\":\"\",\"choices\":[]}",
         "{\"success\":true,\"response\":\"\"," ESTIMATED("11", "0", "11") NAMED("asked")},
        {"{\"model\":[1],\"choices\":[]}",
         "{\"success\":true,\"response\":\"\"," ESTIMATED("11", "0", "11") NAMED("asked")},
        {"{\"model\":null,\"choices\":[{\"index\":0,\"message\":{\"content\":null}}]}",
         "{\"success\":true,\"response\":\"\"," ESTIMATED("11", "0", "11") NAMED("asked")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scene *c = chat(false, "", "");
        exchange_take_head(c->s.x, &(answer_head){.kind = ANSWER_PLAIN,
                                                  .status = 203, /* is told as a 200 */
                                                  .content_type = SPAN("application/it+json")});
        script_say_as(&c->s, ANSWER_PLAIN, rows[i].said);
        assert_int_equal(c->a.said.len, 0);
        script_end(&c->s);
        assert_headers(&c->a, "x-request-id: ID\ncontent-type: application/json\n");
        buf said = BUF_EMPTY;
        buf_addf(&said, "answer 200 %s|done", rows[i].told);
        scene_done(c, buf_cstr(&said));
        buf_done(&said);
    }
}

/* What the provider told, where it told all of it or a part. */
static void usage_as_it_was_told(void **state) {
    (void)state;
    static const struct {
        token_usage usage;
        const char *told;
    } rows[] = {
        {{3, 4, 7, -1, -1, false},
         "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}"},
        {{1, 0, 1, -1, -1, false},
         "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":0,\"total_tokens\":1}"},
        {{5, -1, 5, -1, -1, false},
         "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":0,\"total_tokens\":5}"},
        {{-1, 6, -1, -1, -1, false}, ESTIMATED("11", "6", "17")},
        {{-1, 0, -1, -1, -1, false}, ESTIMATED("11", "0", "11")}, /* although there is content */
        {{0, 0, 0, -1, -1, false}, ESTIMATED("11", "0", "11")},   /* no prompt is that short */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scene *c = chat(false, "", "");
        script_head(&c->s, ANSWER_PLAIN);
        exchange_take_event(c->s.x, &(answer_event){.kind = ANSWER_PLAIN,
                                                    .is_json = true,
                                                    .sorts = EVENT_CONTENT,
                                                    .data = SPAN("{}"),
                                                    .usage = &rows[i].usage});
        script_end(&c->s);
        buf said = BUF_EMPTY;
        buf_addf(&said,
                 "answer 200 {\"success\":true,\"response\":\"\",%s,\"model\":\"asked\","
                 "\"request_id\":\"ID\"}|done",
                 rows[i].told);
        scene_done(c, buf_cstr(&said));
        buf_done(&said);
    }
}

static void a_stream(void **state) {
    (void)state;
    scene *c = chat(true, "", "");
    script_head(&c->s, ANSWER_STREAM);
    assert_said(&c->a, "head 200");
    assert_headers(&c->a, "x-request-id: ID\n"
                          "content-type: text/event-stream; charset=utf-8\n"
                          "cache-control: no-cache\n"
                          "x-accel-buffering: no\n"
                          "x-of-the-script: yes\n");
    script_say(&c->s, "{\"model\":\"named-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                      "\"\"}}]}"); /* the usual first chunk: nothing is said yet */
    assert_said(&c->a, "head 200");
    script_say(&c->s, TEXT("a"));
    assert_said(&c->a, "head 200|piece data: {\"delta\":\"a\"}\n\n");
    script_say(&c->s, "{\"model\":\"named-2\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                      "\"\\\"b\\n\"}}]}"); /* the first name counts */
    script_say(&c->s, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
    script_end(&c->s);
    scene_done(
        c, "head 200|piece data: {\"delta\":\"a\"}\n\n"
           "|piece data: {\"delta\":\"\\\"b\\n\"}\n\n" LAST(ESTIMATED("8", "4", "12"), "named-1"));
}

/* ---- failures ---- */

#define ERROR(type, message, code) "{\"type\":\"" type "\",\"message\":\"" message "\"" code "}"

static void failures(void **state) {
    (void)state;
    static const struct {
        const char *why;
        failure failure;
        const char *sentence, *error;
    } rows[] = {
        {"weir's own",
         {.error = ERR_CONNECT_FAILED,
          .class = FAIL_CONNECTION,
          .status = 502,
          .text = SPAN("Not \"there\"."),
          .client_after_ms = -1},
         "Gone.",
         ERROR("server_error", "Not \\\"there\\\".", ",\"code\":\"provider_unreachable\"")},
        {"the provider's, with its type and code",
         {.error = ERR_PROVIDER_ERROR,
          .class = FAIL_REQUEST,
          .status = 400,
          .text = SPAN("Bad."),
          .body = SPAN("{\"error\":{\"type\":\"th\\u0065irs\",\"code\":\"c\",\"message\":\"no\"}}"),
          .client_after_ms = -1},
         "(Bad.) is your fault.",
         ERROR("th\\u0065irs", "Bad.", ",\"code\":\"c\"")},
        {"the provider's, without",
         {.error = ERR_PROVIDER_ERROR,
          .class = FAIL_OVERLOAD,
          .status = 500,
          .text = SPAN("Worse."),
          .body = SPAN(" {\"error\":{\"type\":null,\"code\":7,\"message\":\"no\"}}"),
          .client_after_ms = -1},
         "Worse. is my fault",
         ERROR("server_error", "Worse.", ",\"code\":\"provider_error\"")},
        {"a field's",
         {.error = ERR_UNPROCESSABLE,
          .status = 422,
          .text = SPAN("'n' is odd."),
          .param = SPAN("n"),
          .client_after_ms = -1},
         "('n' is odd.) is your fault.",
         ERROR("invalid_request_error", "'n' is odd.",
               ",\"code\":\"validation_failed\",\"field\":\"n\"")},
        {"an error that has no code",
         {.error = ERR_BAD_REQUEST, .status = 400, .text = SPAN("Odd."), .client_after_ms = -1},
         "(Odd.) is your fault.",
         ERROR("invalid_request_error", "Odd.", "")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int behind = 0; behind < 2; behind++) { /* a stream's head */
            scene *c = chat(true,
                            "unreachable: Gone., invalid: '({error}) is your fault.', failed: "
                            "'{error} is my fault'",
                            "");
            if (behind) script_head(&c->s, ANSWER_STREAM);
            scene_fail(c, &rows[i].failure);
            if (!behind) assert_headers(&c->a, own_error_headers);
            buf said = BUF_EMPTY;
            if (behind)
                buf_add_cstr(&said, "head 200|piece data: ");
            else
                buf_addf(&said, "answer %d ", rows[i].failure.status);
            buf_addf(&said,
                     "{\"success\":false,\"response\":\"%s\",\"error\":%s,\"request_id\":\"ID\"}%s",
                     rows[i].sentence, rows[i].error, behind ? "\n\n|end|done" : "|done");
            scene_done(c, buf_cstr(&said));
            buf_done(&said);
        }
    }
}

static void a_refusal_says_when_to_come_back(void **state) {
    (void)state;
    scene *c = chat(false, "rate_limited: Later.", "");
    const failure f = refused_by_provider();
    scene_fail(c, &f);
    assert_headers(&c->a, "x-request-id: ID\n"
                          "x-should-retry: true\n"
                          "retry-after-ms: 1500\n"
                          "retry-after: 2\n"
                          "content-type: application/json\n"
                          "x-ratelimit-remaining: 0\n");
    scene_done(c, "answer 429 {\"success\":false,\"response\":\"Later.\",\"error\":{\"type\":"
                  "\"theirs\",\"message\":\"Too fast.\",\"code\":\"slow_down\"},"
                  "\"request_id\":\"ID\"}|done");
}

/* ---- silence, and a slow reader ---- */

static void comments_come_while_nothing_else_does(void **state) {
    (void)state;
    scene *c = chat(true, "", COMMENT);
    world_pass(c->w, COMMENT_MS - 1);
    assert_said(&c->a, "");
    world_pass(c->w, 1);
    assert_said(&c->a, "head 200" KEEP_ALIVE);
    script_head(&c->s, ANSWER_STREAM);
    world_pass(c->w, COMMENT_MS - 1000);
    script_say(&c->s, TEXT("a"));
    world_pass(c->w, COMMENT_MS - 2);
    assert_said(&c->a, "head 200" KEEP_ALIVE "|piece data: {\"delta\":\"a\"}\n\n");
    world_pass(c->w, 2);
    script_end(&c->s);
    scene_done(c, "head 200" KEEP_ALIVE "|piece data: {\"delta\":\"a\"}\n\n" KEEP_ALIVE LAST(
                      ESTIMATED("8", "1", "9"), "asked"));
}

static void a_plain_request_is_not_commented(void **state) {
    (void)state;
    scene *c = chat(false, "", COMMENT);
    assert_int_equal(c->w->loop.timers.count, 0);
    exchange_cancel(c->a.x);
    scene_done(c, "done");
}

/* The client reads a stream by then: one delta, and the end. */
static void a_plain_answer_behind_a_comment(void **state) {
    (void)state;
    scene *c = chat(true, "", COMMENT);
    world_pass(c->w, COMMENT_MS);
    script_head(&c->s, ANSWER_PLAIN);
    script_say_as(&c->s, ANSWER_PLAIN,
                  "{\"model\":\"named\",\"choices\":[{\"index\":0,\"message\":"
                  "{\"content\":\"all\"}}]}");
    script_end(&c->s);
    scene_done(c, "head 200" KEEP_ALIVE
                  "|piece data: {\"delta\":\"all\"}\n\n" LAST(ESTIMATED("8", "1", "9"), "named"));
}

static void a_failure_behind_a_comment(void **state) {
    (void)state;
    scene *c = chat(true, "failed: Sorry.", COMMENT); /* whose status nobody sees */
    world_pass(c->w, COMMENT_MS);
    script_fail(&c->s, ERR_STREAM_CUT);
    scene_done(
        c,
        "head 200" KEEP_ALIVE
        "|piece data: {\"success\":false,\"response\":\"Sorry.\",\"error\":{\"type\":"
        "\"server_error\",\"message\":\"The provider's stream ended before the answer "
        "was complete.\",\"code\":\"stream_interrupted\",\"status\":502},\"request_id\":\"ID\"}\n\n"
        "|end|done");
}

static void back_pressure(void **state) {
    (void)state;
    scene *c = chat(true, "", "");
    script_head(&c->s, ANSWER_STREAM);
    c->a.full = true;
    script_say(&c->s, TEXT("a"));
    assert_true(c->s.paused);
    c->a.full = false;
    exchange_room(c->a.x);
    assert_false(c->s.paused);
    c->a.leave_at = 2;
    script_say(&c->s, TEXT("b"));
    assert_true(c->s.cancelled);
    scene_done(c, "head 200|piece data: {\"delta\":\"a\"}\n\n|piece data: {\"delta\":\"b\"}\n\n"
                  "|done");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_answer),
        cmocka_unit_test(usage_as_it_was_told),
        cmocka_unit_test(a_stream),
        cmocka_unit_test(failures),
        cmocka_unit_test(a_refusal_says_when_to_come_back),
        cmocka_unit_test(comments_come_while_nothing_else_does),
        cmocka_unit_test(a_plain_request_is_not_commented),
        cmocka_unit_test(a_plain_answer_behind_a_comment),
        cmocka_unit_test(a_failure_behind_a_comment),
        cmocka_unit_test(back_pressure),
    };
    return run_watched(tests);
}
