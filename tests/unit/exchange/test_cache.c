/* The cache on the way of a call: what is given again and in whose form, and what is not. */
#include "exchange/cached.h"

/* ---- what is given again ---- */

static void a_document_is_given_again(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q;
    const int64_t began_ms = clock_mono_ms();
    assert_true(one(w, ASK(""), NULL, WHOLE("x", "stop"), &p));
    assert_cache(&p, "miss");
    pass(w, 2500);
    assert_false(
        one(w,
            "{\"messages\":[{\"content\":\"h\\u0069\",\"role\":\"user\"}] , \"model\":\"m\","
            "\"user\":\"u\"}",
            NULL, NULL, &q));
    assert_cache(&q, "hit");
    assert_true(span_eq(buf_span(&q.a.said), buf_span(&p.a.said)));
    bool aged = false; /* the test takes some time itself, where a machine is slow */
    for (int64_t ms = 2500; ms <= 2500 + clock_mono_ms() - began_ms; ms++) {
        buf age = BUF_EMPTY;
        buf_addf(&age, "age: %d\n", (int)(ms / 1000));
        aged = aged || strstr(buf_cstr(&q.a.headers), buf_cstr(&age));
        buf_done(&age);
    }
    assert_true(aged);
    assert_null(strstr(buf_cstr(&p.a.headers), "age: "));
    assert_int_equal(q.a.record.attempts, 0);
    assert_int_equal(q.a.record.cost_nano, 0);
    assert_int_equal(q.a.record.usage.total, 3);
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

static void a_stream_is_given_again_event_for_event(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q, r;
    ask_plainly(w, &p, ASK(STREAM));
    says_stream(&p);
    settle_down(w);
    ask_plainly(w, &q, ASK(STREAM));
    assert_int_equal(q.a.said.len, 0); /* never from inside the start */
    settle_down(w);
    assert_said(
        &q.a, "head 200|piece " PIECE("a") "|piece " PIECE("b") "|piece " LAST("stop") "|end|done");
    assert_cache(&q, "hit");
    ask_plainly(w, &r, ASK(STREAM ",\"stream_options\":{\"include_usage\":true}"));
    settle_down(w);
    assert_said(&r.a, "head 200|piece " PIECE("a") "|piece " PIECE("b") "|piece " LAST(
                          "stop") "|piece " USAGE "|end|done");
    assert_int_equal(asked_of, 1);
    asked_done(&p.a);
    asked_done(&q.a);
    asked_done(&r.a);
    cached_free(w);
}

static void either_is_given_as_the_other(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q, r, s;
    ask_plainly(w, &p, ASK(STREAM));
    says_stream(&p);
    settle_down(w);
    ask_plainly(w, &q, ASK(""));
    settle_down(w);
    assert_cache(&q, "hit");
    assert_non_null(strstr(buf_cstr(&q.a.said), "\"content\":\"ab\""));
    assert_true(one(w, ASK(",\"seed\":1"), NULL, WHOLE("xyz", "stop"), &r));
    ask_plainly(w, &s, ASK(",\"seed\":1" STREAM));
    settle_down(w);
    assert_cache(&s, "hit");
    assert_non_null(strstr(buf_cstr(&s.a.said), "\"content\":\"xyz\""));
    assert_non_null(strstr(buf_cstr(&s.a.said), "\"finish_reason\":\"stop\""));
    assert_int_equal(asked_of, 2);
    asked_done(&p.a);
    asked_done(&q.a);
    asked_done(&r.a);
    asked_done(&s.a);
    cached_free(w);
}

static void in_the_form_of_chat_too(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p, q;
    ask_with(w, &p, &form_chat, "{\"message\":\"hi\",\"model\":\"m\"}", NULL);
    says_whole(&p, WHOLE("x", "stop"));
    settle_down(w);
    ask_with(w, &q, &form_chat, "{\"message\":\"hi\",\"model\":\"m\"}", NULL);
    settle_down(w);
    assert_int_equal(asked_of, 1);
    assert_cache(&q, "hit");
    assert_non_null(strstr(buf_cstr(&q.a.said), "\"response\":\"x\""));
    assert_non_null(strstr(buf_cstr(&q.a.said), "\"total_tokens\":3"));
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

static void a_stream_at_its_own_pace(void **state) {
    (void)state;
    world *w = cached_new(CACHED ", pace: recorded}\n");
    person p, q;
    ask_plainly(w, &p, ASK(STREAM));
    script_head(&p.s, ANSWER_STREAM);
    script_say(&p.s, PIECE("a"));
    w->loop.now_ms += 300;
    script_say(&p.s, LAST("stop"));
    script_end(&p.s);
    settle_down(w);
    ask_plainly(w, &q, ASK(STREAM));
    world_pass(w, 10);
    assert_said(&q.a, "head 200|piece " PIECE("a"));
    world_pass(w, 280);
    assert_said(&q.a, "head 200|piece " PIECE("a"));
    world_pass(w, 20);
    assert_said(&q.a, "head 200|piece " PIECE("a") "|piece " LAST("stop") "|end|done");
    asked_done(&p.a);
    asked_done(&q.a);
    cached_free(w);
}

/* ---- what is not ---- */

static void what_is_no_whole_answer_is_not_kept(void **state) {
    (void)state;
    static const char *const bad[] = {WHOLE("x", "length"), WHOLE("x", "content_filter")};
    world *w = cached_new(CACHED "}\n");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        person p, q;
        assert_true(one(w, ASK(""), NULL, bad[i], &p));
        assert_true(one(w, ASK(""), NULL, bad[i], &q));
        assert_cache(&q, "miss");
        asked_done(&p.a);
        asked_done(&q.a);
    }
    person cut, again;
    ask_plainly(w, &cut, ASK(STREAM));
    script_head(&cut.s, ANSWER_STREAM);
    script_say(&cut.s, PIECE("a"));
    script_fail(&cut.s, ERR_STREAM_CUT);
    settle_down(w);
    ask_plainly(w, &again, ASK(STREAM));
    assert_int_equal(asked_of, 6);
    exchange_cancel(again.a.x);
    asked_done(&cut.a);
    over(w, &again);
    cached_free(w);
}

static void what_may_not_be_kept_is_passed_by(void **state) {
    (void)state;
    static const char *const more[] = {
        ASK(",\"temperature\":1.5"),
        ASK(",\"tools\":[{}]"),
        ASK(",\"n\":2"),
        ASK(",\"store\":true"),
        ASK(",\"functions\":[{}]"),
        ASK(",\"audio\":{\"voice\":\"x\"}"),
        ("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
         "\"image_url\":{\"url\":\"data:\"}}]}]}")};
    world *w = cached_new(CACHED "}\n");
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        for (int k = 0; k < 2; k++) {
            person p;
            assert_true(one(w, more[i], NULL, WHOLE("x", "stop"), &p));
            assert_cache(&p, "bypass");
            asked_done(&p.a);
        }
    person other;
    assert_true(one(w, "{\"model\":\"x\",\"messages\":[{}]}", NULL, WHOLE("x", "stop"), &other));
    assert_int_equal(other.a.record.cache.len, 0);
    assert_null(strstr(buf_cstr(&other.a.headers), "x-weir-cache"));
    asked_done(&other.a);
    cached_free(w);
}

/* A response that its provider keeps goes on, or is deleted, by its id: it is one client's, even
 * where he has answers together with others. */
static void responses_that_are_stored_are_passed_by(void **state) {
    (void)state;
    static const struct {
        const char *body, *word;
    } rows[] = {
        {"{\"model\":\"m\",\"input\":\"hi\"}", "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":null}", "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":true}", "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false}", "hit"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"previous_response_id\":null}", "hit"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"previous_response_id\":\"resp_1\"}",
         "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"conversation\":\"conv_1\"}",
         "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"conversation\":{\"id\":\"conv_1\"}}",
         "bypass"},
        {"{\"model\":\"m\",\"input\":\"hi\",\"store\":false,\"background\":true}", "bypass"},
    };
    static const char *const scopes[] = {"client", "group", "global"};
    for (size_t k = 0; k < ARRAY_LEN(scopes); k++) {
        buf options = BUF_EMPTY;
        buf_addf(&options, CACHED ", tools: true, images: true, scope: %s}\n", scopes[k]);
        world *w = cached_new(buf_cstr(&options));
        for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
            person p;
            exchange_request r = world_request(&form_openai, rows[i / 2].body);
            r.endpoint = EP_RESPONSES;
            r.path = SPAN_OF("/responses");
            begin(w, &p, &r);
            if (p.s.x)
                says_whole(&p, "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":"
                               "\"completed\",\"output\":[]}");
            settle_down(w);
            if (i % 2) assert_cache(&p, rows[i / 2].word);
            asked_done(&p.a);
        }
        cached_free(w);
        buf_done(&options);
    }
}

static void clients_have_answers_of_their_own(void **state) {
    (void)state;
    for (int global = 0; global < 2; global++) {
        world *w = cached_new(global ? "clients: [{name: a, key: sk-0123456789}, {name: b, key: "
                                       "sk-1234567890}]\n" CACHED ", scope: global}\n"
                                     : "clients: [{name: a, key: sk-0123456789}, {name: b, key: "
                                       "sk-1234567890}]\n" CACHED "}\n");
        for (unsigned i = 0; i < 2; i++) {
            person p;
            exchange_request r = world_request(&form_direct, ASK(""));
            r.identified = true;
            static exchange_plan own;
            static stage_row own_rows[ARRAY_LEN(plan_rows) + 1];
            own_rows[0] = (stage_row){"identify", stage_identify, NULL, 0};
            memcpy(own_rows + 1, plan_rows, sizeof plan_rows);
            own = (exchange_plan){own_rows, ARRAY_LEN(own_rows), usual, ARRAY_LEN(usual)};
            w->env.plan = &own;
            r.caller.client = &w->config->clients[i];
            begin(w, &p, &r);
            if (p.s.x) says_whole(&p, WHOLE("x", "stop"));
            settle_down(w);
            assert_cache(&p, i && global ? "hit" : "miss");
            asked_done(&p.a);
        }
        cached_free(w);
    }
}

/* ---- what the client says ---- */

#define CONTROL(text) (&(http_header){SPAN("cache-control"), SPAN(text)})

static void what_a_client_may_say(void **state) {
    (void)state;
    world *w = cached_new(CACHED "}\n");
    person p;
#define ONE(header, makes, word)                                                                   \
    do {                                                                                           \
        assert_int_equal(one(w, ASK(""), header, WHOLE("x", "stop"), &p), makes);                  \
        assert_cache(&p, word);                                                                    \
        asked_done(&p.a);                                                                          \
    } while (0)
    ONE(CONTROL("no-store"), true, "bypass");
    ONE(NULL, true, "miss"); /* it was not stored */
    ONE(CONTROL("no-store"), true, "bypass");
    ONE(CONTROL("only-if-cached"), false, "hit");
    pass(w, 5000);
    ONE(CONTROL("max-age=10"), false, "hit");
    ONE(CONTROL("max-age=4"), true, "miss");
    ONE(CONTROL("max-age=4"), false, "hit"); /* it was replaced */
    pass(w, 5000);
    ONE(CONTROL("no-cache"), true, "miss");
    ONE(CONTROL("max-age=4"), false, "hit");
    pass(w, 3600 * 1000);
    ONE((&(http_header){SPAN("x-weir-cache-ttl"), SPAN("5")}), true, "miss");
    pass(w, 4000);
    ONE(NULL, false, "hit");
    pass(w, 1000);
    ONE(NULL, true, "miss");
#undef ONE
    cached_free(w);
}

static void what_is_not_there(void **state) {
    (void)state;
    static const char *const bodies[] = {ASK(""), ASK(",\"n\":2"),
                                         "{\"model\":\"x\",\"messages\":[{}]}"};
    world *w = cached_new(CACHED "}\n");
    person p;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_false(one(w, bodies[i], CONTROL("only-if-cached"), NULL, &p));
        assert_int_equal(p.a.status, 504);
        assert_int_equal(p.a.error, ERR_NOT_CACHED);
        asked_done(&p.a);
    }
    assert_false(one(w, ASK(""), CONTROL("max-age=soon"), NULL, &p));
    assert_int_equal(p.a.status, 400);
    asked_done(&p.a);
    cached_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_given_again),
        cmocka_unit_test(a_stream_is_given_again_event_for_event),
        cmocka_unit_test(either_is_given_as_the_other),
        cmocka_unit_test(in_the_form_of_chat_too),
        cmocka_unit_test(a_stream_at_its_own_pace),
        cmocka_unit_test(what_is_no_whole_answer_is_not_kept),
        cmocka_unit_test(what_may_not_be_kept_is_passed_by),
        cmocka_unit_test(responses_that_are_stored_are_passed_by),
        cmocka_unit_test(clients_have_answers_of_their_own),
        cmocka_unit_test(what_a_client_may_say),
        cmocka_unit_test(what_is_not_there),
    };
    return run_watched(tests);
}
