/* An exchange that asks providers: what its headers tell of the call, its record, back-pressure and
 * cancel all the way through. */
#include "calling.h"

/* The time that weir took is whatever it is, in milliseconds with three decimals. */
static void hide_own_share(buf *headers) {
    static const span name = SPAN("x-weir-overhead-ms: ");
    size_t from = span_find_span(buf_span(headers), 0, name);
    if (from == headers->len) return;
    from += name.len;
    size_t to = span_find(buf_span(headers), from, '\n'), at = from;
    while (at < to && headers->ptr[at] >= '0' && headers->ptr[at] <= '9')
        at++;
    assert_true(at > from && to - at == 4 && headers->ptr[at] == '.');
    buf rest = BUF_EMPTY;
    buf_add(&rest, span_slice(buf_span(headers), to, headers->len));
    headers->len = from;
    buf_add_char(headers, '#');
    buf_add(headers, buf_span(&rest));
    buf_done(&rest);
}

/* ---- what the headers tell ---- */

#define JSON "content-type: application/json\n"
#define EVENTS                                                                                     \
    "content-type: text/event-stream; charset=utf-8\ncache-control: no-cache\n"                    \
    "x-accel-buffering: no\n"
#define ASKED(n) "x-weir-target: a/m\nx-weir-attempts: " n "\n"
#define OWN      "x-weir-overhead-ms: #\n"
#define NO_RETRY "x-should-retry: false\n"

static void headers_tell_of_the_call(void **state) {
    (void)state;
    static const struct {
        const char *name, *body, *script, *again, *options, *headers;
    } cases[] = {
        {"a plain answer", PLAIN, "200 x-request-id: theirs|" HI "|end", NULL, ONCE,
         "x-request-id: ID\n" ASKED("1") "x-weir-provider-request-id: theirs\n" OWN JSON},
        {"a header that crosses", PLAIN, "200 x-left: 5|" HI "|end", NULL, ONCE,
         "x-request-id: ID\n" ASKED("1") OWN JSON "x-left: 5\n"},
        {"a stream", STREAM, "200 stream|say Hi|done|end", NULL, ONCE,
         "x-request-id: ID\n" ASKED("1") OWN EVENTS},
        {"a second attempt", PLAIN, "500|end", "200|" HI "|end", "retry: {retries: 1}\n",
         "x-request-id: ID\n" ASKED("2") OWN JSON},
        {"a refusal", PLAIN, "400 x-request-id: theirs|bytes {}|end", NULL, ONCE,
         "x-request-id: ID\n" NO_RETRY ASKED("1") "x-weir-provider-request-id: theirs\n" OWN JSON},
        {"nobody there", PLAIN, "refuse", NULL, ONCE,
         "x-request-id: ID\n" NO_RETRY ASKED("1") OWN JSON},
        {"a comment before there is anything to tell", STREAM,
         "wait 15000|200 stream|say Hi|done|end", NULL, "server: {keep_alive_comment: 10s}\n",
         "x-request-id: ID\n" OWN EVENTS},
        {"a request at fault, of which nobody was asked", "{\"model\":\"m\"}", "", NULL, ONCE,
         "x-request-id: ID\n" NO_RETRY JSON},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        scene_begin(&c, cases[i].script, cases[i].again, cases[i].options);
        scene_ask(&c, cases[i].body);
        scene_pass(&c, 30 * 1000);
        if (c.a.x) print_error("%s\n", cases[i].name);
        assert_null(c.a.x);
        hide_own_share(&c.a.headers);
        assert_headers(&c.a, cases[i].headers);
        scene_done(&c);
    }
}

/* How long it is silent before the first comment is the model's to say, else the server's. */
static void a_model_has_its_own_pause(void **state) {
    (void)state;
#define SERVER "server: {keep_alive_comment: 10s}\n"
    static const struct {
        const char *options;
        int64_t after_ms;
    } cases[] = {
        {"  m: {targets: a, keep_alive_comment: 20s}\n" SERVER, 20000},
        {"  m: {targets: a, keep_alive_comment: server}\n" SERVER, 10000},
        {"  m: {targets: a, keep_alive_comment: 20s}\nserver: {keep_alive_comment: off}\n", 20000},
        {"  other: {targets: a, keep_alive_comment: 20s}\n" SERVER, 10000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        scene_begin(&c, "wait 30000|200 stream|say Hi|done|end", NULL, cases[i].options);
        scene_ask(&c, STREAM);
        scene_pass(&c, cases[i].after_ms - 1);
        assert_int_equal(c.a.said.len, 0);
        scene_pass(&c, 2); /* timers are never early */
        assert_said(&c.a, "head 200|piece : keep-alive\n\n");
        exchange_cancel(c.a.x);
        scene_done(&c);
    }
}

/* What is before the request left counts, and what is behind the answer: not the provider's time.
 */
static void weirs_share_is_its_own(void **state) {
    (void)state;
    static const struct {
        const char *body, *script;
    } cases[] = {{PLAIN, "200|" HI "|end"},
                 {STREAM, "200 stream|say Hi|done|end"},
                 {PLAIN, "refuse"},
                 {"{", ""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        scene_begin(&c, cases[i].script, NULL, ONCE);
        c.waited_us = 700 * 1000 * 1000; /* longer than a test takes */
        scene_ask(&c, cases[i].body);
        scene_pass(&c, 1000);
        assert_true(c.a.record.own_us > 600 * 1000 * 1000);
        assert_true(c.a.record.total_us > 600 * 1000 * 1000);
        size_t at = span_find_span(buf_span(&c.a.headers), 0, SPAN_OF("x-weir-overhead-ms: "));
        uint64_t told_ms = 0;
        span told = span_slice(buf_span(&c.a.headers), at, c.a.headers.len);
        if (i < 3) {
            assert_true(told.len > 0);
            told = span_slice(told, 20, span_find(told, 0, '.'));
            assert_true(span_u64(told, &told_ms) && told_ms > 600 * 1000);
        } else {
            assert_int_equal(told.len, 0); /* nobody was asked */
        }
        scene_done(&c);
    }
}

static void weirs_share_has_three_decimals(void **state) {
    (void)state;
    static const struct {
        int64_t us;
        const char *told;
    } times[] = {{0, "0.000"},        {1, "0.001"},          {9, "0.009"},
                 {10, "0.010"},       {99, "0.099"},         {100, "0.100"},
                 {999, "0.999"},      {1000, "1.000"},       {1001, "1.001"},
                 {199890, "199.890"}, {1000999, "1000.999"}, {1001000, "1001.000"}};
    scene c;
    scene_begin(&c, "200 stream|wait 60000", NULL, "");
    scene_ask(&c, STREAM);
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        http_header h[EXCHANGE_HEADERS_MAX];
        c.a.x->record.own_us = times[i].us;
        size_t n = exchange_own_headers(c.a.x, h);
        assert_span(h[n - 1].name, "x-weir-overhead-ms");
        assert_span(h[n - 1].value, times[i].told);
    }
    exchange_cancel(c.a.x);
    scene_done(&c);
}

/* ---- what is left of it ---- */

static void a_call_is_recorded(void **state) {
    (void)state;
    scene c;
    scene_begin(&c, "500|end", "wait 50|200 stream|event x|wait 10|say Hi|finish|usage|done|end",
                "retry: {retries: 1, base: 100ms, cap: 100ms}\n");
    scene_ask(&c, STREAM);
    scene_pass(&c, 1000);
    const call_record *r = &c.a.record;
    assert_int_equal(r->status, 200);
    assert_int_equal(r->error, ERR_NONE);
    assert_int_equal(r->attempts, 2);
    assert_int_equal(r->hedges, 0);
    assert_int_equal(r->skipped_events, 1);
    assert_true(r->stream);
    assert_int_equal(r->usage.prompt, 3);
    assert_int_equal(r->usage.completion, 4);
    assert_false(r->usage.estimated);
    assert_int_equal(r->bytes_in, strlen(STREAM));
    assert_in_range(r->first_byte_us, 150 * 1000, 250 * 1000); /* back-off and jitter, and 50 ms */
    assert_true(r->total_us >= 0);
    assert_int_equal(c.a.status_told, 200);
    scene_done(&c);
}

static unsigned refused;

static void hear_refused(void *user, int status, int64_t retry_after_ms) {
    (void)user;
    assert_int_equal(status, 429);
    assert_int_equal(retry_after_ms, 2000);
    refused++;
}

/* Also where a retry hides it; and a door need not care. */
static void the_door_hears_of_a_provider_at_its_limit(void **state) {
    (void)state;
    exchange_door careful = world_door;
    careful.refused = hear_refused;
    const exchange_door *const doors[] = {&careful, &world_door};
    refused = 0;
    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        scene c;
        scene_begin(&c, "429 retry-after: 2|end", "200|" HI "|end", "");
        scene_ask_at(&c, doors[i], PLAIN);
        scene_pass(&c, 10 * 1000);
        assert_int_equal(refused, 1);
        assert_said(&c.a, "answer 200 {\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}|done");
        scene_done(&c);
    }
}

static unsigned dropped;

static char lent[sizeof STREAM]; /* the request's bytes, as long as they are */

static void hear_asked(void *user) {
    (void)user;
    dropped++;
    memset(lent, '#', sizeof lent - 1);
}

/* What counting a prompt takes is not kept for as long as the stream lasts. */
static void a_stream_keeps_no_outline(void **state) {
    (void)state;
    enum { MESSAGES = 200, SMALL = 1024 };
    scene c;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"model\":\"m\",\"stream\":true,\"messages\":[{}");
    for (int i = 1; i < MESSAGES; i++)
        buf_add_cstr(&body, ",{\"role\":\"user\",\"content\":\"Hi\"}");
    buf_add_cstr(&body, "]}");
    scene_begin(&c, "200 stream|role|wait 100|say Hi|wait 100|finish|done|end", NULL, ONCE);
    scene_ask_at(&c, &world_door, buf_cstr(&body));
    scene_pass(&c, 50);
    size_t before = c.a.x->arena.used;
    scene_pass(&c, 100);
    assert_true(c.a.x->asked);
    assert_true(c.a.x->arena.used - before < SMALL);
    scene_pass(&c, 1000);
    assert_int_equal(c.a.record.status, 200);
    scene_done(&c);
    buf_done(&body);
}

/* An open stream that nothing looks at has one block, and what it was asked with none. */
static size_t bytes_of_an_open_stream(const char *script) {
    scene c;
    scene_begin(&c, script, NULL, ONCE);
    scene_ask_at(&c, &world_door, STREAM);
    scene_pass(&c, 150);
    assert_true(c.a.x->asked);
    assert_null(c.a.x->asking.block);
    size_t used = c.a.x->arena.used;
    scene_pass(&c, 1000);
    assert_int_equal(c.a.record.status, 200);
    scene_done(&c);
    return used;
}

static void a_bare_stream_fits_its_first_block(void **state) {
    (void)state;
    size_t used =
        bytes_of_an_open_stream("200 stream|role|wait 100|say Hi|wait 100|finish|done|end");
    assert_true(used > EXCHANGE_FIRST_BYTES / 2);
    assert_true(used <= EXCHANGE_FIRST_BYTES);
}

/* They have gone to the client by then. */
static void a_stream_keeps_no_headers_of_its_provider(void **state) {
    (void)state;
    const char *few = "200 content-type: text/event-stream"
                      "|role|wait 100|say Hi|wait 100|finish|done|end";
    const char *more = "200 content-type: text/event-stream; openai-organization: some-other; "
                       "x-ratelimit-limit-requests: 10000; x-ratelimit-reset-requests: 6ms"
                       "|role|wait 100|say Hi|wait 100|finish|done|end";
    assert_int_equal(bytes_of_an_open_stream(more), bytes_of_an_open_stream(few));
}

/* Its spans are the door's again, who hears of it once: not before content, and not of an answer
 * that is over with its first event. */
static void what_was_asked_is_dropped_once_a_stream_runs(void **state) {
    (void)state;
    exchange_door careful = world_door;
    careful.asked = hear_asked;
    static const struct {
        const char *body, *script;
        unsigned before, after; /* the answer's end */
    } cases[] = {
        {STREAM, "200 stream|role|wait 100|say Hi|wait 100|say Ho|finish|done|end", 0, 1},
        {STREAM, "200 stream|say Hi|say Ho|wait 100|finish|done|end", 1, 1},
        {PLAIN, "200|wait 100|" HI "|end", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        scene_begin(&c, cases[i].script, NULL, ONCE);
        dropped = 0;
        snprintf(lent, sizeof lent, "%s", cases[i].body);
        scene_ask_at(&c, &careful, lent);
        scene_pass(&c, 50);
        assert_int_equal(dropped, cases[i].before);
        assert_span(exchange_record(c.a.x)->model, "m");
        scene_pass(&c, 1000);
        assert_int_equal(dropped, cases[i].after);
        assert_int_equal(c.a.record.status, 200);
        scene_done(&c);
    }
}

static void the_record_says_why_an_answer_ended(void **state) {
    (void)state;
    static const struct {
        const char *script, *reason;
    } cases[] = {
        {"200 stream|say Hi|finish|done|end", "stop"},
        {"200 stream|say Hi|done|end", "unfinished"},
        {"200 stream|say Hi|event {\"choices\":[{\"finish_reason\":null}]}|done|end", "unfinished"},
        {"200 stream|say Hi|cut", ""},
        {"200|bytes {\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}|end", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        scene_begin(&c, cases[i].script, NULL, ONCE);
        scene_ask(&c, STREAM);
        scene_pass(&c, 1000);
        assert_null(c.a.x);
        assert_string_equal(c.a.reason, cases[i].reason);
        scene_done(&c);
    }
}

/* ---- the way back ---- */

static void back_pressure_reaches_the_provider(void **state) {
    (void)state;
    scene c;
    scene_begin(&c, "200 stream|say a|wait 10|say b|done|end", NULL, "");
    c.a.full = true;
    scene_ask(&c, STREAM);
    scene_pass(&c, 1000);
    assert_string_equal(buf_cstr(&c.w.asking), "apd");
    c.a.full = false;
    exchange_room(c.a.x);
    scene_pass(&c, 1000);
    assert_string_equal(buf_cstr(&c.w.asking), "apdr");
    assert_null(c.a.x);
    assert_true(span_ends(buf_span(&c.a.said), SPAN_OF("|piece data: [DONE]\n\n|end|done")));
    scene_done(&c);
}

static void a_client_that_leaves_frees_the_provider(void **state) {
    (void)state;
    scene c;
    scene_begin(&c, "200 stream|say a|wait 10|say b", NULL, "");
    scene_ask(&c, STREAM);
    scene_pass(&c, 5);
    exchange_cancel(c.a.x);
    assert_string_equal(buf_cstr(&c.w.asking), "adA");
    scene_pass(&c, 1000);
    assert_int_equal(c.a.error, ERR_CLIENT_GONE);
    assert_int_equal(c.a.record.status, 499);
    scene_done(&c);
}

static void the_call_ends_with_the_deadline(void **state) {
    (void)state;
    scene c;
    scene_begin(&c, "wait 5000|200|" HI "|end", NULL, "timeouts: {total: 2s}\n");
    scene_ask(&c, PLAIN);
    scene_pass(&c, 2500);
    assert_string_equal(buf_cstr(&c.w.asking), "aA");
    assert_int_equal(c.a.status, 504);
    assert_int_equal(c.a.error, ERR_TOTAL_TIMEOUT);
    scene_done(&c);
}

/* A model's own total, longer or shorter than the file's. */
static void a_models_deadline_rules(void **state) {
    (void)state;
    static const int64_t file_ms[] = {1000, 9000};
    for (size_t i = 0; i < ARRAY_LEN(file_ms); i++) {
        scene c;
        scene_begin(&c, "wait 5000|200|" HI "|end", NULL, "");
        c.w.config->timeouts.total_ms = file_ms[i];
        c.w.config->models[0].timeouts.total_ms = 3000;
        scene_ask(&c, PLAIN);
        scene_pass(&c, 2900);
        assert_int_equal(c.a.status, 0);
        scene_pass(&c, 200);
        assert_int_equal(c.a.error, ERR_TOTAL_TIMEOUT);
        assert_non_null(strstr(buf_cstr(&c.a.said), "within models.*.timeouts.total (3 s)."));
        scene_done(&c);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_tell_of_the_call),
        cmocka_unit_test(a_model_has_its_own_pause),
        cmocka_unit_test(weirs_share_is_its_own),
        cmocka_unit_test(weirs_share_has_three_decimals),
        cmocka_unit_test(a_stream_keeps_no_outline),
        cmocka_unit_test(a_bare_stream_fits_its_first_block),
        cmocka_unit_test(a_stream_keeps_no_headers_of_its_provider),
        cmocka_unit_test(what_was_asked_is_dropped_once_a_stream_runs),
        cmocka_unit_test(a_call_is_recorded),
        cmocka_unit_test(the_record_says_why_an_answer_ended),
        cmocka_unit_test(the_door_hears_of_a_provider_at_its_limit),
        cmocka_unit_test(back_pressure_reaches_the_provider),
        cmocka_unit_test(a_client_that_leaves_frees_the_provider),
        cmocka_unit_test(the_call_ends_with_the_deadline),
        cmocka_unit_test(a_models_deadline_rules),
    };
    return run_watched(tests);
}
