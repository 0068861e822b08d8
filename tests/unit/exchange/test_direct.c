/* A program's exchanges against the simulator: what its door hears, and what it may ask then. */
#include "direct.h"

#include "exchange/internal.h"
#include "sim/server.h"

static http_bind at;
static sim_thread *sim;

static int set_up(void **state) {
    (void)state;
    int err = 0;
    at = (http_bind){.host = SPAN_OF("127.0.0.1")};
    sim = sim_thread_start(&(sim_settings){.key = SPAN_OF("sk-k"), .pace_ms = 1}, &at, &err);
    assert_non_null(sim);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sim_thread_stop(sim);
    return 0;
}

#define ASK(model, more)                                                                           \
    "{\"model\":\"" model "\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" more "}"
#define STREAM ",\"stream\":true"

static direct chat(const char *body) {
    return direct_post(at.port, "/chat/completions", body);
}

/* Each is JSON, and this is what they say. */
static void check_pieces(const direct *d, const char *text) {
    span rest = buf_span(&d->body), line;
    while (span_cut(&rest, '\n', &line))
        if (line.len)
            assert_true(span_starts(line, SPAN_OF("{\"")) && span_ends(line, SPAN_OF("}")));
    assert_span(buf_span(&d->text), text);
}

static bool holds(const buf *text, const char *part) {
    return span_find_span(buf_span(text), 0, span_cstr(part)) < text->len;
}

static void a_plain_answer(void **state) {
    (void)state;
    direct d = chat(ASK("gpt", ""));
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.status, 200);
    assert_span(buf_span(&d.text), "You said: hi");
    assert_int_equal(d.error, ERR_NONE);
    assert_int_equal(d.last_status, 200);
    assert_int_equal(d.record.status, 200);
    assert_int_equal(d.record.attempts, 1);
    assert_int_equal(d.record.usage.completion, 3);
    assert_false(d.record.usage.estimated);
    assert_span(d.record.target, "p/gpt");
    assert_span(d.record.finish_reason, "stop");
    assert_true(d.record.total_us > 0);
    direct_free(&d);
}

static void other_paths_too(void **state) {
    (void)state;
    direct d = direct_post(at.port, "/embeddings", "{\"model\":\"e\",\"input\":\"hi\"}");
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_true(holds(&d.body, "\"embedding\""));
    direct_free(&d);
}

static void check_no_outline(direct *d) {
    if (d->pieces > 1) return; /* what a stream was asked is forgotten after its first */
    const outline_slot *slot = &d->x->facts.outline;
    assert_true(d->x->facts.root.type == JSON_OBJECT); /* there is something to outline */
    assert_true(!slot->made && !slot->fault.what);
}

/* What is made for those who ask costs nothing where nobody does. */
static void nobody_outlines_an_ordinary_call(void **state) {
    (void)state;
    direct d = chat(ASK("gpt", ""));
    d.on_answer = check_no_outline;
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    direct_free(&d);
    d = chat(ASK("gpt", STREAM));
    d.on_piece = check_no_outline;
    direct_run(&d);
    assert_span(buf_span(&d.said), "head, piece, end, done");
    direct_free(&d);
}

/* Events without framing, end marker and the chunk that only weir asked for. */
static void a_stream(void **state) {
    (void)state;
    direct d = chat(ASK("sim/comments", STREAM));
    direct_run(&d);
    assert_span(buf_span(&d.said), "head, piece, end, done");
    assert_int_equal(d.status, 200);
    check_pieces(&d, "You said: hi");
    assert_false(holds(&d.body, "\"choices\":[]"));
    assert_int_equal(d.error, ERR_NONE);
    assert_int_equal(d.last_status, 200);
    assert_int_equal(d.record.usage.completion, 3);
    assert_false(d.record.usage.estimated);
    assert_true(d.record.first_token_us >= 0);
    direct_free(&d);
}

static void a_usage_chunk_that_was_asked_for(void **state) {
    (void)state;
    direct d = chat(ASK("gpt", STREAM ",\"stream_options\":{\"include_usage\":true}"));
    direct_run(&d);
    assert_true(holds(&d.body, "\"choices\":[]"));
    check_pieces(&d, "You said: hi");
    direct_free(&d);
}

static void silence_is_not_commented(void **state) {
    (void)state;
    direct d = chat(ASK("sim/ttft-100", STREAM));
    d.options = "server: {keep_alive_comment: 10ms}\n";
    direct_run(&d);
    check_pieces(&d, "You said: hi");
    direct_free(&d);
}

static void a_refusal(void **state) {
    (void)state;
    direct d = chat(ASK("sim/429-2s", STREAM));
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.status, 429);
    assert_int_equal(d.error, ERR_PROVIDER_ERROR);
    assert_int_equal(d.last_status, 429);
    assert_int_equal(d.retry_after_ms, 2000);
    assert_true(holds(&d.body, "\"code\":\"rate_limit_exceeded\""));
    assert_span(buf_span(&d.failure), buf_cstr(&d.body));
    assert_span(buf_span(&d.sentence),
                "Service temporarily unavailable due to rate limits. Please try again later.");
    assert_int_equal(d.record.status, 429);
    assert_int_equal(d.refused, 1);
    assert_int_equal(d.refused_status, 429);
    assert_int_equal(d.refused_after_ms, 2000);
    direct_free(&d);
}

static void a_refusal_that_a_retry_hides(void **state) {
    (void)state;
    direct d = chat(ASK("sim/flaky-2,429-10ms", ""));
    d.options = "retry: {retries: 2, base: 1ms}\n";
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.status, 200);
    assert_int_equal(d.record.attempts, 3);
    assert_int_equal(d.refused, 2);
    assert_int_equal(d.refused_status, 429);
    assert_int_equal(d.refused_after_ms, 10);
    direct_free(&d);
}

static void only_load_is_told(void **state) {
    (void)state;
    static const struct {
        const char *body;
        unsigned refused;
    } rows[] = {{ASK("sim/500", ""), 0}, {ASK("sim/400", ""), 0},   {ASK("sim/503", ""), 1},
                {ASK("sim/529", ""), 1}, {ASK("sim/reset", ""), 0}, {ASK("sim/401", ""), 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        direct d = chat(rows[i].body);
        direct_run(&d);
        assert_span(buf_span(&d.said), "answer, done");
        assert_int_equal(d.refused, rows[i].refused);
        if (d.refused) assert_int_equal(d.refused_after_ms, -1);
        direct_free(&d);
    }
}

static void a_door_without_that_hook(void **state) {
    (void)state;
    static exchange_door door;
    door = direct_door;
    door.refused = NULL;
    direct d = chat(ASK("sim/429", ""));
    d.door = &door;
    direct_run(&d);
    assert_int_equal(d.status, 429);
    direct_free(&d);
}

static void a_cut_stream(void **state) {
    (void)state;
    direct d = chat(ASK("sim/cut-2", STREAM));
    direct_run(&d);
    assert_span(buf_span(&d.said), "head, piece, abort, done");
    check_pieces(&d, "You said:");
    assert_int_equal(d.error, ERR_STREAM_CUT);
    assert_int_equal(d.last_status, 200);
    assert_int_equal(d.retry_after_ms, -1);
    assert_true(holds(&d.failure, "{\"error\":{\"message\":\""));
    assert_true(holds(&d.failure, "\"code\":\"stream_interrupted\""));
    assert_true(d.sentence.len > 0);
    direct_free(&d);
}

static void an_error_event(void **state) {
    (void)state;
    direct d = chat(ASK("sim/error-event-2", STREAM));
    direct_run(&d);
    assert_span(buf_span(&d.said), "head, piece, abort, done");
    check_pieces(&d, "You said:");
    assert_int_equal(d.error, ERR_PROVIDER_ERROR);
    assert_true(holds(&d.failure, "\"error\""));
    direct_free(&d);
}

/* Nothing of it has gone out, so it is an answer like any other failure's; but nobody answered. */
static void a_stream_that_never_begins(void **state) {
    (void)state;
    direct d = chat(ASK("sim/cut-before", STREAM));
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.status, 502);
    assert_int_equal(d.last_status, 0);
    assert_span(buf_span(&d.failure), buf_cstr(&d.body));
    direct_free(&d);
}

static void nobody_there(void **state) {
    (void)state;
    direct d = chat(ASK("gpt", ""));
    sim_thread_stop(sim);
    sim = NULL;
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.error, ERR_CONNECT_FAILED);
    assert_int_equal(d.last_status, 0);
    assert_int_equal(d.status, 502);
    assert_true(d.sentence.len > 0);
    direct_free(&d);
}

/* weir's own word about the request, at once: from inside exchange_start(). */
static void a_request_that_is_wrong(void **state) {
    (void)state;
    direct d = chat("{\"model\":\"gpt\",\"messages\":7}");
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.status, 400);
    assert_int_equal(d.error, ERR_BAD_VALUE);
    assert_int_equal(d.last_status, 400);
    assert_span(buf_span(&d.sentence), "Invalid request: 'messages' must be an array.");
    assert_true(holds(&d.failure, "\"param\":\"messages\""));
    assert_int_equal(d.record.attempts, 0);
    direct_free(&d);
}

/* Its breaker opens without a log to say so. */
static void a_target_that_is_given_a_rest(void **state) {
    (void)state;
    direct d = chat(ASK("sim/500", ""));
    d.options = "retry: {retries: 2, base: 1ms}\nbreaker: {of: 1, failures: 1%}\n";
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.record.attempts, 1);
    direct_free(&d);
}

/* Who is identified needs no key, whatever the configuration says. */
static void known_callers(void **state) {
    (void)state;
    direct d = chat(ASK("gpt", ""));
    d.options = "clients: [{name: someone, key: sk-someone}]\n";
    direct_run(&d);
    assert_int_equal(d.status, 200);
    assert_int_equal(d.record.client.len, 0);
    direct_free(&d);
}

/* ---- cancelling ---- */

static void check_cancelled(direct *d, const char *said) {
    direct_run(d);
    assert_span(buf_span(&d->said), said);
    assert_int_equal(d->error, ERR_CLIENT_GONE);
    assert_int_equal(d->record.status, 499);
    assert_int_equal(d->record.error, ERR_CLIENT_GONE);
    assert_true(d->sentence.len > 0 && d->failure.len > 0);
    direct_free(d);
}

static void cancelled_before_it_answers(void **state) {
    (void)state;
    direct d = chat(ASK("sim/silent", ""));
    d.on_begun = direct_cancel;
    check_cancelled(&d, "done");
    assert_int_equal(d.last_status, 0);
}

static void cancelled_from_its_head(void **state) {
    (void)state;
    direct d = chat(ASK("gpt", STREAM));
    d.on_head = direct_cancel;
    check_cancelled(&d, "head, done");
}

static void cancelled_from_a_piece(void **state) {
    (void)state;
    direct d = chat(ASK("sim/words-1000,pace-0", STREAM));
    d.on_piece = direct_cancel;
    check_cancelled(&d, "head, piece, done");
    assert_int_equal(d.pieces, 1);
    assert_int_equal(d.last_status, 200);
}

static void cancelled_when_refused(void **state) {
    (void)state;
    direct d = chat(ASK("sim/429", ""));
    d.options = "retry: {retries: 5, base: 1ms}\n";
    d.on_refused = direct_cancel;
    d.linger_ms = 50;
    check_cancelled(&d, "done");
    assert_int_equal(d.refused, 1);
    assert_int_equal(d.record.attempts, 1);
}

/* Two that run when all must end; whoever hears of the one's end cancels the other. */
static exchange *other;
static unsigned other_answers, other_ends;

static void other_answered(void *user, int status, http_headers headers, span body) {
    (void)user;
    (void)status;
    (void)headers;
    (void)body;
    other_answers++;
}

static void other_done(void *user) {
    (void)user;
    other_ends++;
}

static void end_both(timer *t) {
    direct *d = CONTAINER_OF(t, direct, timer);
    exchange_env_fail_all(&d->env, ERR_DRAINING);
}

static void begin_other(direct *d) {
    static const exchange_door door = {.answer = other_answered, .done = other_done};
    other = exchange_start(&d->env, &d->request, &door, NULL);
    timer_init(&d->timer, end_both);
    loop_timer_start(&d->loop, &d->timer, 1);
}

static void cancel_other(direct *d) {
    (void)d;
    exchange_cancel(other);
}

static void all_are_ended(void **state) {
    (void)state;
    other_answers = other_ends = 0;
    direct d = chat(ASK("sim/silent", ""));
    d.on_begun = begin_other;
    d.on_answer = cancel_other;
    direct_run(&d);
    assert_span(buf_span(&d.said), "answer, done");
    assert_int_equal(d.error, ERR_DRAINING);
    assert_int_equal(other_answers, 0);
    assert_int_equal(other_ends, 1);
    direct_free(&d);
}

/* ---- holding back ---- */

enum { WORDS = 60000, HELD_MS = 100 };

static size_t held_bytes;

static void go_on(timer *t) {
    direct *d = CONTAINER_OF(t, direct, timer);
    held_bytes = d->body.len;
    d->full = false;
    exchange_room(d->x);
}

static void hold_once(direct *d) {
    if (d->pieces != 100) return;
    d->full = true;
    timer_init(&d->timer, go_on);
    loop_timer_start(&d->loop, &d->timer, HELD_MS);
}

/* While the door is full, no more comes than had been read already; afterwards all of it. */
static void a_full_door(void **state) {
    (void)state;
    direct d = chat(ASK("sim/words-60000,pace-0", STREAM));
    d.on_piece = hold_once;
    direct_run(&d);
    assert_span(buf_span(&d.said), "head, piece, end, done");
    assert_true(held_bytes > 0 && held_bytes < 2 * 65536);
    assert_true(d.pieces >= WORDS);
    direct_free(&d);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_plain_answer),
        CASE(other_paths_too),
        CASE(nobody_outlines_an_ordinary_call),
        CASE(a_stream),
        CASE(a_usage_chunk_that_was_asked_for),
        CASE(silence_is_not_commented),
        CASE(a_refusal),
        CASE(a_refusal_that_a_retry_hides),
        CASE(only_load_is_told),
        CASE(a_door_without_that_hook),
        CASE(a_cut_stream),
        CASE(an_error_event),
        CASE(a_stream_that_never_begins),
        CASE(nobody_there),
        CASE(a_request_that_is_wrong),
        CASE(a_target_that_is_given_a_rest),
        CASE(known_callers),
        CASE(cancelled_before_it_answers),
        CASE(cancelled_from_its_head),
        CASE(cancelled_from_a_piece),
        CASE(cancelled_when_refused),
        CASE(all_are_ended),
        CASE(a_full_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
