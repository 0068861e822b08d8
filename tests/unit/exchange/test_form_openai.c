/* The form of OpenAI's API: what its clients read, byte by byte, however the answer comes. */
#include "exchange/scene.h"

static const char stream_headers[] = "x-request-id: ID\n"
                                     "content-type: text/event-stream; charset=utf-8\n"
                                     "cache-control: no-cache\n"
                                     "x-accel-buffering: no\n"
                                     "x-of-the-script: yes\n";
/* Sent by weir alone, before the provider has said anything. */
static const char early_headers[] = "x-request-id: ID\n"
                                    "content-type: text/event-stream; charset=utf-8\n"
                                    "cache-control: no-cache\n"
                                    "x-accel-buffering: no\n";

#define CUT                                                                                        \
    "{\"error\":{\"message\":\"The provider's stream ended before the answer was complete.\","     \
    "\"type\":\"server_error\",\"param\":null,\"code\":\"stream_interrupted\"}}"
#define KEEP_ALIVE "|piece : keep-alive\n\n"

static scene *chat(const char *body, const char *options) {
    exchange_request r = world_request(&form_openai, body);
    return scene_new(&r, options);
}

static scene *response_with(const char *options) {
    exchange_request r =
        world_request(&form_openai, "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}");
    r.endpoint = EP_RESPONSES;
    r.path = SPAN_OF("/responses");
    return scene_new(&r, options);
}

static scene *response(void) {
    return response_with("");
}

/* A path whose answers weir does not read. */
static scene *passed_through(const char *body, const char *options) {
    exchange_request r = world_request(&form_openai, body);
    r.endpoint = EP_OTHER;
    r.path = SPAN_OF("/audio/speech");
    return scene_new(&r, options);
}

static void raw_head(scene *c) {
    static const http_header length = {SPAN("x-length"), SPAN("2 s")};
    exchange_take_head(c->s.x, &(answer_head){.kind = ANSWER_RAW,
                                              .status = 206,
                                              .headers = {&length, 1},
                                              .content_type = SPAN("audio/mpeg")});
}

/* ---- a good end ---- */

/* The provider's own status, type, headers and bytes. */
static void a_plain_answer(void **state) {
    (void)state;
    static const http_header theirs = {SPAN("x-theirs"), SPAN("1")};
    scene *c = chat(ASK_PLAIN, "");
    exchange_take_head(c->s.x, &(answer_head){.kind = ANSWER_PLAIN,
                                              .status = 203,
                                              .headers = {&theirs, 1},
                                              .content_type = SPAN("application/vnd.it+json")});
    script_say_as(&c->s, ANSWER_PLAIN, "{ \"choices\": [] }");
    assert_int_equal(c->a.said.len, 0);
    script_end(&c->s);
    assert_headers(&c->a, "x-request-id: ID\n"
                          "content-type: application/vnd.it+json\n"
                          "x-theirs: 1\n");
    world_pass(c->w, 0);
    assert_int_equal(c->a.record.status, 203);
    assert_int_equal(c->a.record.bytes_out, 17);
    scene_done(c, "answer 203 { \"choices\": [] }|done");
}

static void a_plain_answer_without_a_type_is_json(void **state) {
    (void)state;
    scene *c = chat(ASK_PLAIN, "");
    exchange_take_head(c->s.x, &(answer_head){.kind = ANSWER_PLAIN, .status = 200});
    script_say_as(&c->s, ANSWER_PLAIN, "{}");
    script_end(&c->s);
    assert_headers(&c->a, "x-request-id: ID\ncontent-type: application/json\n");
    scene_done(c, "answer 200 {}|done");
}

/* Each event goes out as it comes, framed anew. */
static void a_stream(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, "");
    script_head(&c->s, ANSWER_STREAM);
    assert_said(&c->a, "head 200");
    assert_headers(&c->a, stream_headers);
    script_say(&c->s, "{\"n\":1}");
    assert_said(&c->a, "head 200|piece data: {\"n\":1}\n\n");
    scene_event(c, ANSWER_STREAM, "", "two\nlines");
    script_end(&c->s);
    world_pass(c->w, 0);
    assert_int_equal(c->a.record.bytes_out, 15 + 23 + 14);
    scene_done(c, "head 200|piece data: {\"n\":1}\n\n|piece data: two\ndata: lines\n\n"
                  "|piece data: [DONE]\n\n|end|done");
}

/* One of a picture goes out from where it lies, and leaves nothing behind in the loop. */
static void a_large_event(void **state) {
    (void)state;
    enum { LARGE = 64 * 1024 };
    scene *c = response();
    buf line = BUF_EMPTY, expected = BUF_EMPTY;
    for (size_t i = 0; i < LARGE; i++)
        buf_add_char(&line, 'a');
    script_head(&c->s, ANSWER_STREAM);
    scene_event(c, ANSWER_STREAM, "e", buf_cstr(&line));
    assert_true(c->w->env.scratch.cap < LARGE);
    buf_addf(&expected, "head 200|piece event: e\ndata: |piece %s|piece \n\n|", buf_cstr(&line));
    line.ptr[LARGE / 2] = '\n'; /* of two lines is framed */
    scene_event(c, ANSWER_STREAM, "", buf_cstr(&line));
    line.ptr[LARGE / 2] = 'a';
    script_end(&c->s);
    world_pass(c->w, 0);
    assert_int_equal(c->a.record.bytes_out, 15 + LARGE + 2 + 6 + LARGE + 6 + 2);
    assert_true(span_starts(buf_span(&c->a.said), buf_span(&expected)));
    buf_done(&line);
    buf_done(&expected);
    buf_clear(&c->a.said);
    scene_done(c, "");
}

/* A response's events have names, and the last of them is the end. */
static void a_response_has_no_end_marker(void **state) {
    (void)state;
    scene *c = response();
    script_head(&c->s, ANSWER_STREAM);
    scene_event(c, ANSWER_STREAM, "response.completed", "{}");
    script_end(&c->s);
    scene_done(c, "head 200|piece event: response.completed\ndata: {}\n\n|end|done");
}

/* The bytes of a body that nobody reads, under the provider's own head. */
static void a_raw_body(void **state) {
    (void)state;
    scene *c = passed_through("{\"input\":\"x\"}", "");
    raw_head(c);
    assert_said(&c->a, "head 206");
    assert_headers(&c->a, "x-request-id: ID\ncontent-type: audio/mpeg\nx-length: 2 s\n");
    scene_event(c, ANSWER_RAW, "", "ID3");
    scene_event(c, ANSWER_RAW, "", "\xff\n\n");
    script_end(&c->s);
    world_pass(c->w, 0);
    assert_int_equal(c->a.record.bytes_out, 6);
    scene_done(c, "head 206|piece ID3|piece \xff\n\n|end|done");
}

/* ---- failures ---- */

static void a_failure_before_the_head(void **state) {
    (void)state;
    static const char *const bodies[] = {ASK_PLAIN, ASK_STREAM};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        scene *c = chat(bodies[i], "");
        script_fail(&c->s, ERR_CONNECT_FAILED);
        assert_headers(&c->a, own_error_headers);
        world_pass(c->w, 0);
        assert_int_equal(c->a.record.status, 502);
        assert_int_equal(c->a.record.bytes_out, 123);
        scene_done(c, "answer 502 {\"error\":{\"message\":\"The provider could not be reached.\","
                      "\"type\":\"server_error\",\"param\":null,\"code\":\"provider_unreachable\"}}"
                      "|done");
    }
}

/* The provider's words, and the headers that may cross; when to come back is weir's to say. */
static void a_refusal_before_the_head(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, "");
    const failure f = refused_by_provider();
    scene_fail(c, &f);
    assert_headers(&c->a, "x-request-id: ID\n"
                          "x-should-retry: true\n"
                          "retry-after-ms: 1500\n"
                          "retry-after: 2\n"
                          "content-type: application/json\n"
                          "x-ratelimit-remaining: 0\n");
    scene_done(c, "answer 429 {\"error\":{\"message\":\"Too fast.\",\"type\":\"theirs\","
                  "\"param\":null,\"code\":\"slow_down\"}}|done");
}

/* A cut is an error event, never [DONE], and a transfer that is broken off. */
static void a_stream_that_breaks(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, "");
    script_head(&c->s, ANSWER_STREAM);
    script_say(&c->s, "{\"n\":1}");
    script_fail(&c->s, ERR_STREAM_CUT);
    world_pass(c->w, 0);
    assert_int_equal(c->a.record.status, 200); /* what the client saw */
    assert_int_equal(c->a.record.error, ERR_STREAM_CUT);
    scene_done(c, "head 200|piece data: {\"n\":1}\n\n|piece data: " CUT "\n\n|broken|done");
}

/* A provider may stream where no stream was asked for; then so does weir. */
static void a_stream_nobody_asked_for_breaks_alike(void **state) {
    (void)state;
    scene *c = chat(ASK_PLAIN, "");
    script_head(&c->s, ANSWER_STREAM);
    script_fail(&c->s, ERR_STREAM_CUT);
    scene_done(c, "head 200|piece data: " CUT "\n\n|broken|done");
}

/* Its SDKs know an event named error, with the fields at the top. */
static void a_response_that_breaks(void **state) {
    (void)state;
    scene *c = response();
    script_head(&c->s, ANSWER_STREAM);
    const failure f = refused_by_provider();
    scene_fail(c, &f);
    scene_done(c, "head 200|piece event: error\n"
                  "data: {\"type\":\"error\",\"code\":\"slow_down\",\"message\":\"Too fast.\","
                  "\"param\":null,\"error\":{\"message\":\"Too fast.\",\"type\":\"theirs\","
                  "\"param\":null,\"code\":\"slow_down\"}}\n\n|broken|done");

    c = response();
    script_head(&c->s, ANSWER_STREAM);
    failure bare = refused_by_provider();
    bare.body = SPAN_OF("\n {\"error\":{\"message\":\"Too fast.\"}}"); /* says little */
    scene_fail(c, &bare);
    scene_done(c, "head 200|piece event: error\n"
                  "data: {\"type\":\"error\",\"code\":null,\"message\":\"Too fast.\","
                  "\"param\":null,\"error\":{\"message\":\"Too fast.\"}}\n\n|broken|done");
}

/* Nothing can be said behind half a file: it is cut where everybody sees it. */
static void a_raw_body_that_breaks(void **state) {
    (void)state;
    static const char *const bodies[] = {"{\"input\":\"x\"}", "{\"input\":\"x\",\"stream\":true}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        scene *c = passed_through(bodies[i], "");
        raw_head(c);
        scene_event(c, ANSWER_RAW, "", "ID3");
        script_fail(&c->s, ERR_CONNECTION_LOST);
        scene_done(c, "head 206|piece ID3|abort|done");
    }
}

/* ---- silence ---- */

#define COMMENT "server: {keep_alive_comment: 10s}\n"
enum { COMMENT_MS = 10001 }; /* timers are never early */

/* The head goes out with the first comment; each comes after as long a silence. */
static void comments_come_while_nothing_else_does(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, COMMENT);
    world_pass(c->w, COMMENT_MS - 1);
    assert_said(&c->a, "");
    world_pass(c->w, 1);
    assert_said(&c->a, "head 200" KEEP_ALIVE);
    assert_headers(&c->a, early_headers);
    world_pass(c->w, COMMENT_MS - 1);
    assert_said(&c->a, "head 200" KEEP_ALIVE);
    world_pass(c->w, 1);
    assert_said(&c->a, "head 200" KEEP_ALIVE KEEP_ALIVE);
    script_head(&c->s, ANSWER_STREAM); /* the head is out */
    world_pass(c->w, 6000);
    script_say(&c->s, "{\"n\":1}"); /* it is not silent from here on */
    world_pass(c->w, COMMENT_MS - 2);
    assert_said(&c->a, "head 200" KEEP_ALIVE KEEP_ALIVE "|piece data: {\"n\":1}\n\n");
    world_pass(c->w, 2);
    script_end(&c->s);
    scene_done(c, "head 200" KEEP_ALIVE KEEP_ALIVE "|piece data: {\"n\":1}\n\n" KEEP_ALIVE
                  "|piece data: [DONE]\n\n|end|done");
}

/* No model writes these: their answers are JSON, whatever was asked, and no comment fits into it.
 */
static void no_comments_where_no_model_writes(void **state) {
    (void)state;
    static const endpoint endpoints[] = {EP_EMBEDDINGS, EP_MODERATIONS};
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        exchange_request r =
            world_request(&form_openai, "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}");
        r.endpoint = endpoints[i];
        r.path = endpoint_get(endpoints[i])->path;
        scene *c = scene_new(&r, COMMENT);
        world_pass(c->w, 2 * COMMENT_MS);
        assert_said(&c->a, "");
        script_head(&c->s, ANSWER_PLAIN);
        script_say_as(&c->s, ANSWER_PLAIN, "{\"n\":1}");
        script_end(&c->s);
        scene_done(c, "answer 200 {\"n\":1}|done");
    }
}

/* Silence is counted to the millisecond from what was said last. */
static void a_comment_comes_when_it_is_due(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, COMMENT);
    script_head(&c->s, ANSWER_STREAM);
    world_pass(c->w, 1);
    script_say(&c->s, "{\"n\":1}");
    world_pass(c->w, COMMENT_MS - 1); /* 10 s after the event */
    exchange_cancel(c->a.x);
    scene_done(c, "head 200|piece data: {\"n\":1}\n\n" KEEP_ALIVE "|done");
}

/* What nobody reads does not fit into a stream that has begun; its bytes go out, and no second
 * head. */
static void a_raw_body_behind_a_comment(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, COMMENT);
    world_pass(c->w, COMMENT_MS);
    raw_head(c);
    scene_event(c, ANSWER_RAW, "", "ID3");
    script_end(&c->s);
    scene_done(c, "head 200" KEEP_ALIVE "|piece ID3|end|done");
}

/* The client reads a stream by then, whatever the provider answers. */
static void a_plain_answer_behind_a_comment(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, COMMENT);
    world_pass(c->w, COMMENT_MS);
    script_head(&c->s, ANSWER_PLAIN);
    script_say_as(&c->s, ANSWER_PLAIN, "{\"n\":1}");
    script_end(&c->s);
    scene_done(c,
               "head 200" KEEP_ALIVE "|piece data: {\"n\":1}\n\n|piece data: [DONE]\n\n|end|done");
}

/* Nobody sees its status: the error tells it. */
static void a_failure_behind_a_comment(void **state) {
    (void)state;
#define CUT_TOLD                                                                                   \
    "{\"error\":{\"message\":\"The provider's stream ended before the answer was complete. "       \
    "(status "                                                                                     \
    "502)\",\"type\":\"server_error\",\"param\":null,\"code\":\"stream_interrupted\",\"status\":"  \
    "502}}"
    for (int headed = 0; headed < 2; headed++) { /* a plain answer that is cut */
        scene *c = chat(ASK_STREAM, COMMENT);
        world_pass(c->w, COMMENT_MS);
        if (headed) script_head(&c->s, ANSWER_PLAIN);
        script_fail(&c->s, ERR_STREAM_CUT);
        world_pass(c->w, 0);
        assert_int_equal(c->a.record.status, 200);
        scene_done(c, "head 200" KEEP_ALIVE "|piece data: " CUT_TOLD "\n\n|broken|done");
    }
}

/* Behind an answer that has begun it is an answer's status, which was told. */
static void a_cut_behind_a_comment(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, COMMENT);
    world_pass(c->w, COMMENT_MS);
    script_head(&c->s, ANSWER_STREAM);
    script_fail(&c->s, ERR_STREAM_CUT);
    scene_done(c, "head 200" KEEP_ALIVE "|piece data: " CUT "\n\n|broken|done");
}

static void a_refused_response_behind_a_comment(void **state) {
    (void)state;
    scene *c = response_with(COMMENT);
    world_pass(c->w, COMMENT_MS);
    const failure f = refused_by_provider();
    scene_fail(c, &f);
    scene_done(c,
               "head 200" KEEP_ALIVE "|piece event: error\n"
               "data: {\"type\":\"error\",\"code\":\"slow_down\",\"message\":\"Too fast. (status "
               "429)\",\"param\":null,\"error\":{\"message\":\"Too fast. (status 429)\",\"type\":"
               "\"theirs\",\"param\":null,\"code\":\"slow_down\",\"status\":429}}\n\n|broken|done");
}

/* Who asked for no stream cannot read a comment; and one may do without. */
static void nobody_is_commented_who_should_not_be(void **state) {
    (void)state;
    static const struct {
        const char *body, *options;
    } rows[] = {{ASK_PLAIN, COMMENT}, {ASK_STREAM, "server: {keep_alive_comment: off}\n"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scene *c = chat(rows[i].body, rows[i].options);
        assert_int_equal(c->w->loop.timers.count, 0);
        world_pass(c->w, 10 * COMMENT_MS);
        exchange_cancel(c->a.x);
        scene_done(c, "done");
    }
}

/* What will be answered on such a path nobody knows before its head. */
static void a_path_passed_through_has_its_head_first(void **state) {
    (void)state;
    scene *c = passed_through("{\"stream\":true}", COMMENT);
    world_pass(c->w, 2 * COMMENT_MS);
    assert_said(&c->a, "");
    script_head(&c->s, ANSWER_STREAM);
    world_pass(c->w, COMMENT_MS);
    exchange_cancel(c->a.x);
    scene_done(c, "head 200" KEEP_ALIVE "|done");
}

/* A comment in the middle of a file would be a part of it. */
static void a_raw_body_is_not_commented(void **state) {
    (void)state;
    scene *c = passed_through("{\"stream\":true}", COMMENT);
    raw_head(c);
    world_pass(c->w, 2 * COMMENT_MS);
    scene_event(c, ANSWER_RAW, "", "ID3");
    world_pass(c->w, 2 * COMMENT_MS);
    script_end(&c->s);
    scene_done(c, "head 206|piece ID3|end|done");
}

/* ---- a slow reader ---- */

static void back_pressure(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, COMMENT);
    script_head(&c->s, ANSWER_STREAM);
    script_say(&c->s, "{\"n\":1}");
    assert_int_equal(c->s.pauses, 0);
    c->a.full = true;
    script_say(&c->s, "{\"n\":2}");
    assert_int_equal(c->s.pauses, 1);
    script_say(&c->s, "{\"n\":3}"); /* was on its way */
    world_pass(c->w, 2 * COMMENT_MS);
    assert_said(&c->a, "head 200|piece data: {\"n\":1}\n\n|piece data: {\"n\":2}\n\n"
                       "|piece data: {\"n\":3}\n\n"); /* no comment on top of that */
    assert_int_equal(c->s.pauses, 1);
    c->a.full = false;
    exchange_room(c->a.x);
    assert_int_equal(c->s.resumes, 1);
    exchange_room(c->a.x);
    assert_int_equal(c->s.resumes, 1);
    world_pass(c->w, COMMENT_MS);
    c->a.full = true;
    script_end(&c->s);
    scene_done(c, "head 200|piece data: {\"n\":1}\n\n|piece data: {\"n\":2}\n\n"
                  "|piece data: {\"n\":3}\n\n" KEEP_ALIVE "|piece data: [DONE]\n\n|end|done");
}

/* A comment fills the door as well as anything. */
static void a_comment_that_fills_the_door(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, COMMENT);
    c->a.full = true;
    world_pass(c->w, COMMENT_MS);
    assert_int_equal(c->s.pauses, 1);
    exchange_cancel(c->a.x);
    exchange_room(c->a.x); /* a door that has not heard of it yet */
    assert_int_equal(c->s.resumes, 0);
    scene_done(c, "head 200" KEEP_ALIVE "|done");
}

static void a_client_that_leaves_at_a_comment(void **state) {
    (void)state;
    scene *c = chat(ASK_STREAM, COMMENT);
    c->a.leave_at = 1;
    world_pass(c->w, 3 * COMMENT_MS);
    assert_true(c->s.cancelled);
    assert_int_equal(c->a.error, ERR_CLIENT_GONE);
    scene_done(c, "head 200" KEEP_ALIVE "|done");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_answer),
        cmocka_unit_test(a_plain_answer_without_a_type_is_json),
        cmocka_unit_test(a_stream),
        cmocka_unit_test(a_large_event),
        cmocka_unit_test(a_response_has_no_end_marker),
        cmocka_unit_test(a_raw_body),
        cmocka_unit_test(a_failure_before_the_head),
        cmocka_unit_test(a_refusal_before_the_head),
        cmocka_unit_test(a_stream_that_breaks),
        cmocka_unit_test(a_stream_nobody_asked_for_breaks_alike),
        cmocka_unit_test(a_response_that_breaks),
        cmocka_unit_test(a_raw_body_that_breaks),
        cmocka_unit_test(comments_come_while_nothing_else_does),
        cmocka_unit_test(no_comments_where_no_model_writes),
        cmocka_unit_test(a_comment_comes_when_it_is_due),
        cmocka_unit_test(a_raw_body_behind_a_comment),
        cmocka_unit_test(a_plain_answer_behind_a_comment),
        cmocka_unit_test(a_failure_behind_a_comment),
        cmocka_unit_test(a_cut_behind_a_comment),
        cmocka_unit_test(a_refused_response_behind_a_comment),
        cmocka_unit_test(nobody_is_commented_who_should_not_be),
        cmocka_unit_test(a_path_passed_through_has_its_head_first),
        cmocka_unit_test(a_raw_body_is_not_commented),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(a_comment_that_fills_the_door),
        cmocka_unit_test(a_client_that_leaves_at_a_comment),
    };
    return run_watched(tests);
}
