/* The loop of money: what each fault of one or two providers comes to, what the client hears, whom
 * weir asked in which order, and what it has kept of each attempt. */
#include "call_rows.h"

/* ---- one target ---- */

static void one_target(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "a plain answer",
         .plain = true,
         .a = {PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "a",
         .report = "a ok 200"},
        {.name = "a stream",
         .a = {STREAM},
         .heard = STREAMED,
         .asked = "a",
         .report = "a ok 200 3+4"},
        {.name = "a body that nobody reads is not for this endpoint",
         .plain = true,
         .a = {"200 raw|bytes xx|end"},
         .options = OFF,
         .heard = "malformed provider_bad_answer 502",
         .asked = "a",
         .report = "a malformed 200"},
        {.name = "a stream without any content, but with its reason",
         .a = {"200 stream|role|finish|done|end"},
         .heard = "stream 200; -; .stop; end",
         .asked = "a",
         .report = "a ok 200"},
        {.name = "nothing but an end is no answer",
         .options = QUICK,
         .a = {"200 stream|role|done|end", "200 stream|done|end", "200 stream|usage|done|end",
               STREAM},
         .heard = STREAMED,
         .asked = "aAaAaAa",
         .report = "a malformed 200; a malformed 200; a malformed 200 3+4; a ok 200 3+4"},
        {.name = "a document that is no answer neither",
         .options = QUICK,
         .plain = true,
         .a = {"200|bytes {}|end", "200|bytes {\"choices\":null}|end",
               "200|bytes {\"choices\":[null]}|end", PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "aaaa",
         .report = "a malformed 200; a malformed 200; a malformed 200; a ok 200"},
        {.name = "500, then an answer",
         .options = QUICK,
         .a = {"500|bytes {}|end", STREAM},
         .heard = STREAMED,
         .asked = "aa",
         .report = "a overload 500; a ok 200 3+4"},
        {.name = "retries used up",
         .options = QUICK,
         .a = {"500|end"},
         .heard = "overload provider_error 500",
         .asked = "aaaa",
         .report = "a overload 500; a overload 500; a overload 500; a overload 500"},
        {.name = "refused, reset, cut before the end",
         .options = QUICK,
         .plain = true,
         .a = {"refuse", "reset", "200|bytes {|cut", PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "aaaa",
         .report = "a connection; a connection; a connection 200; a ok 200"},
        {.name = "it ends with the last failure, not with that which was waited for",
         .options = ONCE,
         .a = {"500|end", "refuse"},
         .heard = "connection provider_unreachable 502",
         .asked = "aa",
         .report = "a overload 500; a connection"},
        {.name = "a certificate that is wrong is not asked again",
         .options = QUICK,
         .a = {"tls"},
         .heard = "tls provider_tls_failed 502",
         .asked = "a",
         .report = "a tls"},
        {.name = "a request at fault",
         .options = QUICK,
         .a = {"400|bytes {}|end"},
         .heard = "request provider_error 400",
         .asked = "a",
         .report = "a request 400"},
        {.name = "a hint is waited for, to the millisecond",
         .options = QUICK,
         .a = {"503 retry-after-ms: 700|end", PLAIN},
         .plain = true,
         .refused = 1,
         .heard = "plain 200; Hi; end",
         .asked = "aa",
         .report = "a overload 503; a ok 200",
         .took_ms = 703},
        {.name = "a hint beyond the deadline is handed on",
         .options = QUICK,
         .a = {"429 retry-after: 30|end"},
         .plain = true,
         .total_ms = 1000,
         .refused = 1,
         .heard = "limit provider_error 429 retry 30000",
         .asked = "a",
         .report = "a limit 429"},
        {.name = "the load's last hint is handed on",
         .options = ONCE,
         .a = {"429 retry-after-ms: 5|end"},
         .plain = true,
         .refused = 2,
         .heard = "limit provider_error 429 retry 5",
         .asked = "aa",
         .report = "a limit 429; a limit 429"},
        {.name = "x-should-retry: false",
         .options = QUICK,
         .a = {"500 x-should-retry: false|end"},
         .heard = "overload provider_error 500",
         .asked = "a",
         .report = "a overload 500"},
        {.name = "x-should-retry: true",
         .options = ONCE,
         .a = {"400 x-should-retry: true|end"},
         .heard = "request provider_error 400",
         .asked = "aa",
         .report = "a request 400; a request 400"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* ---- two targets ---- */

static void fallback(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "a first that is down",
         .options = OFF,
         .a = {"refuse"},
         .b = {STREAM},
         .heard = STREAMED,
         .asked = "ab",
         .report = "a connection; b ok 200 3+4"},
        {.name = "a target twice, then the next",
         .options = QUICK,
         .a = {"500|end"},
         .b = {PLAIN},
         .plain = true,
         .heard = "plain 200; Hi; end",
         .asked = "aab",
         .report = "a overload 500; a overload 500; b ok 200"},
        {.name = "a key that is wrong",
         .options = QUICK,
         .a = {"401|end"},
         .b = {PLAIN},
         .plain = true,
         .heard = "plain 200; Hi; end",
         .asked = "ab",
         .report = "a key 401; b ok 200"},
        {.name = "a hint longer than the patience",
         .options = QUICK,
         .a = {"429 retry-after: 20|end"},
         .b = {PLAIN},
         .plain = true,
         .refused = 1,
         .heard = "plain 200; Hi; end",
         .asked = "ab",
         .report = "a limit 429; b ok 200"},
        {.name = "too long a prompt for the first",
         .options = QUICK,
         .a = {"400|bytes {\"error\":{\"code\":\"context_length_exceeded\"}}|end"},
         .b = {PLAIN},
         .plain = true,
         .heard = "plain 200; Hi; end",
         .asked = "ab",
         .report = "a context_length 400; b ok 200"},
        {.name = "the content policy's word holds",
         .options = QUICK,
         .a = {"400|bytes {\"error\":{\"code\":\"content_filter\"}}|end"},
         .b = {PLAIN},
         .plain = true,
         .heard = "content_policy provider_error 400",
         .asked = "a",
         .report = "a content_policy 400"},
        {.name = "unless it is configured not to",
         .options = "retry: {retries: 0, next_on_content_policy: true}\n",
         .a = {"400|bytes {\"error\":{\"code\":\"content_filter\"}}|end"},
         .b = {PLAIN},
         .plain = true,
         .heard = "plain 200; Hi; end",
         .asked = "ab",
         .report = "a content_policy 400; b ok 200"},
        {.name = "a fallback's own refusal does not hide the first's failure",
         .options = OFF,
         .a = {"503|end"},
         .b = {"404|end"},
         .plain = true,
         .refused = 1,
         .heard = "overload provider_error 503",
         .asked = "ab",
         .report = "a overload 503; b target 404"},
        {.name = "a fallback's failure is the last word otherwise",
         .options = OFF,
         .a = {"503|end"},
         .b = {"refuse"},
         .plain = true,
         .refused = 1,
         .heard = "connection provider_unreachable 502",
         .asked = "ab",
         .report = "a overload 503; b connection"},
        {.name = "three targets",
         .options = OFF,
         .a = {"refuse"},
         .b = {"mute"},
         .c = {PLAIN},
         .plain = true,
         .heard = "plain 200; Hi; end",
         .asked = "abc",
         .report = "a connection; b silent; c ok 200"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* ---- the report ---- */

static void assert_no_usage(const token_usage *u) {
    assert_int_equal(u->prompt, -1);
    assert_int_equal(u->completion, -1);
    assert_int_equal(u->total, -1);
    assert_int_equal(u->cached, -1);
    assert_int_equal(u->reasoning, -1);
    assert_false(u->estimated);
}

/* Of a call that still runs: from the attempts that are under way. */
static void the_report_is_there_at_any_time(void **state) {
    (void)state;
    static const struct {
        row row;
        int64_t head_ms; /* -1: none */
        unsigned attempts, skipped;
    } rows[] = {
        {{.a = {"wait 900"}}, -1, 1, 0},
        {{.a = {"wait 3|200 stream|event x|role|wait 900"}}, 4, 1, 1},
        {{.a = {"200 stream|event x|say Hi|event x|wait 900"}}, 1, 1, 2},
        {{.options = HEDGE,
          .a = {"200 stream|event x|role|wait 900"},
          .b = {"wait 7|200 stream|event x|say Hi|event x|wait 900"}},
         109,
         2,
         3},
        {{.options = HEDGE, /* of two that have said nothing yet, that of the first */
          .a = {"200 stream|role|wait 900"},
          .b = {"200 stream|role|wait 900"}},
         1,
         2,
         0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i].row);
        owner_start(&o);
        world_run_until(&o.w, o.w.began_ms + 200);
        call_report r = call_get_report(o.call);
        assert_int_equal(r.attempts, rows[i].attempts);
        assert_int_equal(r.skipped, rows[i].skipped);
        int64_t head_us = rows[i].head_ms < 0 ? 0 : (o.w.began_ms + rows[i].head_ms) * 1000;
        assert_int_equal(r.head_us, head_us);
        assert_true(r.first_sent_us > 0);
        for (unsigned k = 0; k < r.attempts; k++)
            assert_no_usage(&r.tries[k].usage);
        act(&o, CANCEL);
        r = call_get_report(o.call);
        for (unsigned k = 0; k < r.attempts; k++)
            assert_no_usage(&r.tries[k].usage);
        owner_done(&o);
    }
}

static void the_report_names_what_was_asked_last(void **state) {
    (void)state;
    static const row r = {
        .options = OFF, .a = {"wait 3|503 x-request-id: req-1|end"}, .b = {"wait 4|refuse"}};
    owner o;
    owner_begin(&o, &r);
    owner_call(&o);
    call_report report = call_get_report(o.call);
    assert_span(report.target, "b");
    assert_span(report.target_label, "b");
    assert_int_equal(report.attempts, 2);
    assert_int_equal(report.hedges, 0);
    assert_span(report.tries[0].provider_request_id, "req-1");
    assert_span(report.tries[0].target_label, "a");
    assert_int_equal(report.tries[1].provider_request_id.len, 0);
    assert_int_equal(report.tries[0].head_us - o.w.began_ms * 1000, 4000);
    assert_int_equal(report.tries[0].first_content_us, 0);
    assert_int_equal(report.arrived_us - o.w.began_ms * 1000, 9000);
    assert_int_equal(report.first_sent_us, report.tries[0].sent_us);
    assert_int_equal(report.head_us, 0); /* the last had none */
    owner_done(&o);
    static const row alone = {.options = OFF, .a = {"wait 3|503|end"}};
    owner_begin(&o, &alone);
    owner_call(&o);
    assert_int_equal(call_get_report(o.call).head_us - o.w.began_ms * 1000, 4000);
    owner_done(&o);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(one_target),
        cmocka_unit_test(fallback),
        cmocka_unit_test(the_report_is_there_at_any_time),
        cmocka_unit_test(the_report_names_what_was_asked_last),
    };
    return run_watched(tests);
}
