/* One attempt: what it makes of heads, bodies and ends, what it is sent with, and what is known of
 * it. */
#include "attempt_rows.h"

/* ---- answers ---- */

static void answers(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "a stream",
         .script = "200 stream|role|say Hi|finish|usage|done|end",
         .heard = "stream 200; -; Hi; .stop; usage; end"},
        {.name = "plain",
         .plain = true,
         .script = "200|bytes " HI "|end",
         .heard = "plain 200; Hi; end " HI},
        {.name = "plain, where a stream was asked for",
         .script = "200|bytes " HI "|end",
         .heard = "stream 200; Hi; -; end"},
        {.name = "a stream, where none was asked for",
         .plain = true,
         .script = "200 stream|say Hi|finish|end",
         .heard = "plain 200; Hi.stop; end "
                  "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"Hi\",\"role\":"
                  "\"assistant\"},\"finish_reason\":\"stop\"}]}"},
        {.name = "and one that ends before its answer does",
         .plain = true,
         .script = "200 stream|say Hi|end",
         .heard = "plain 200; connection stream_interrupted 502"},
        {.name = "events without a type",
         .script = "200|event {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}|done|end",
         .heard = "stream 200; Hi; end"},
        {.name = "201 is an answer too",
         .plain = true,
         .script = "201|bytes " HI "|end",
         .heard = "plain 201; Hi; end " HI},
        {.name = "what nobody reads",
         .endpoint = EP_OTHER,
         .script = "200 raw|bytes a|bytes b|end",
         .heard = "raw 200; a; b; end"},
        {.name = "a provider's key in it",
         .endpoint = EP_OTHER,
         .script = "200 raw|bytes x sk-prov|bytes ider-a y|bytes sk-p|end",
         .heard = "raw 200; x ; [redacted] y; sk-p; end"},
        {.name = "and most of one, where the body ends",
         .endpoint = EP_OTHER,
         .script = "200 raw|bytes x sk-prov|bytes ider-|end",
         .heard = "raw 200; x ; [redacted]; end"},
        {.name = "JSON of any kind",
         .endpoint = EP_OTHER,
         .script = "200|bytes {\"a\":1}|end",
         .heard = "plain 200; -; end {\"a\":1}"},
        {.name = "that is none",
         .endpoint = EP_OTHER,
         .script = "200|bytes {\"a|end",
         .heard = "plain 200; -; end {\"a"},
        {.name = "a response",
         .endpoint = EP_RESPONSES,
         .script = "200 stream|event {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}|"
                   "event {\"type\":\"response.completed\",\"response\":{}}|end",
         .heard = "stream 200; Hi; -; end"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* The marker is the end, whatever the connection does then; for a moment the body's end is waited
 * for, so that the connection can be used again. */
static void drains(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "the body ends with it",
         .script = "200 stream|say Hi|done|end",
         .heard = "stream 200; Hi; end",
         .took_ms = 1},
        {.name = "a little later",
         .script = "200 stream|say Hi|done|wait 3|end",
         .heard = "stream 200; Hi; end",
         .took_ms = 4},
        {.name = "never",
         .script = "200 stream|say Hi|done",
         .heard = "stream 200; Hi; end",
         .took_ms = 7},
        {.name = "it is cut instead",
         .script = "200 stream|say Hi|done|wait 3|cut",
         .heard = "stream 200; Hi; end",
         .took_ms = 4},
        {.name = "what follows is passed over",
         .script = "200 stream|say Hi|done|say Ho|wait 1|"
                   "bytes \\n\\ndata: x\\n\\n|end",
         .heard = "stream 200; Hi; end"},
        {.name = "cancelled meanwhile",
         .script = "200 stream|say Hi|done",
         .cancel_ms = 3,
         .heard = "stream 200; Hi"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* Once it is complete, whatever follows: its figures and its mark are waited for, and nothing makes
 * it a failure. */
static void finished_is_finished(void **state) {
    (void)state;
#define OPENS(i)  "event {\"choices\":[{\"index\":" #i ",\"delta\":{\"content\":\"Ho\"}}]}"
#define CLOSES(i) "event {\"choices\":[{\"index\":" #i ",\"finish_reason\":\"stop\"}]}"
#define ENDED     "event {\"type\":\"response.completed\",\"response\":{}}"
#define WAIT_LESS "timeouts: {first_token: 100ms, between_events: 200ms}\n"
    static const row rows[] = {
        {.name = "silence: as long as its figures may take",
         .options = WAIT_LESS,
         .script = "200 stream|say Hi|finish",
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 2002},
        {.name = "comments",
         .options = WAIT_LESS,
         .script = "200 stream|say Hi|finish|wait 900|bytes : c\\n\\n|wait 900|"
                   "bytes : c\\n\\n|wait 900|bytes : c\\n\\n",
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 2002},
        {.name = "events that say nothing",
         .script = "200 stream|say Hi|finish|wait 900|role|wait 900|role|wait 900|role|wait 900",
         .heard = "stream 200; Hi; .stop; -; -; end",
         .took_ms = 2002},
        {.name = "the figures, and then silence",
         .script = "200 stream|say Hi|finish|wait 1500|usage",
         .heard = "stream 200; Hi; .stop; usage; end",
         .took_ms = 1602},
        {.name = "figures that came with the finish",
         .script =
             "200 stream|say Hi|event {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}],"
             "\"usage\":{\"prompt_tokens\":3}}",
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 102},
        {.name = "the mark, and then silence",
         .script = "200 stream|say Hi|finish|wait 50|done",
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 57},
        {.name = "the body's end",
         .script = "200 stream|say Hi|finish|wait 50|end",
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 51},
        {.name = "a reset",
         .script = "200 stream|say Hi|finish|wait 50|reset",
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 51},
        {.name = "a cut",
         .script = "200 stream|say Hi|finish|cut",
         .heard = "stream 200; Hi; .stop; end"},
        {.name = "the clock of the connection",
         .script = "200 stream|say Hi|finish|idle",
         .heard = "stream 200; Hi; .stop; end"},
        {.name = "what is no HTTP",
         .script = "200 stream|say Hi|finish|garbage",
         .heard = "stream 200; Hi; .stop; end"},
        {.name = "what is no JSON",
         .script = "200 stream|say Hi|finish|bytes data: <x>\\n\\n|wait 50|cut",
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 51},
        {.name = "an event that is too large",
         .options = "limits: {event: 1KB}\n",
         .script = "200 stream|say Hi|finish|say " TOO_MUCH,
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 1},
        {.name = "an error",
         .script = "200 stream|say Hi|finish|event {\"error\":{\"code\":500}}|wait 900",
         .heard = "stream 200; Hi; .stop; end",
         .took_ms = 1},
        {.name = "cancelled meanwhile",
         .script = "200 stream|say Hi|finish",
         .cancel_ms = 50,
         .heard = "stream 200; Hi; .stop"},
        {.name = "a plain answer is asked for: nobody asks for figures",
         .plain = true,
         .script = "200 stream|say Hi|finish",
         .heard = "plain 200; Hi.stop; end {\"choices\":[{\"index\":0,\"message\":{\"content\":"
                  "\"Hi\",\"role\":\"assistant\"},\"finish_reason\":\"stop\"}]}",
         .took_ms = 102},
        /* Some say why they end and go on. */
        {.name = "more of the same",
         .script =
             "200 stream|say Hi|finish|wait 1500|say Ho|wait 1500|say Hu|finish|wait 1500|done",
         .heard = "stream 200; Hi; .stop; Ho; Hu; .stop; end",
         .took_ms = 4507},
        {.name = "more of another choice: it was not the end",
         .options = WAIT_LESS,
         .script = "200 stream|say Hi|finish|wait 900|" OPENS(1),
         .heard = "stream 200; Hi; .stop; Ho; silent stream_stalled 504"},
        {.name = "until that one ends too",
         .script = "200 stream|say Hi|finish|" OPENS(1) "|wait 5000|" CLOSES(1) "|usage",
         .heard = "stream 200; Hi; .stop; Ho; .stop; usage; end",
         .took_ms = 5102},
        {.name = "a response",
         .endpoint = EP_RESPONSES,
         .script = "200 stream|" ENDED,
         .heard = "stream 200; -; end",
         .took_ms = 102},
        {.name = "an error behind it",
         .endpoint = EP_RESPONSES,
         .script = "200 stream|" ENDED "|event {\"type\":\"error\"}",
         .heard = "stream 200; -; end",
         .took_ms = 1},
        {.name = "one that failed",
         .endpoint = EP_RESPONSES,
         .script = "200 stream|event {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}|"
                   "event {\"type\":\"response.failed\",\"response\":{}}|reset",
         .heard = "stream 200; a; failed; end"},
        {.name = "what weir does not know ends with its body alone",
         .endpoint = EP_OTHER,
         .options = WAIT_LESS,
         .script = "200 stream|finish|wait 900",
         .heard = "stream 200; -; silent stream_stalled 504"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* What targets do is remembered, each for itself: the second attempt is made at the same one. */
typedef struct after_row {
    endpoint first_endpoint;
    const char *first;
    endpoint endpoint;
    const char *second, *heard;
    unsigned choices; /* asked of both; 0: one */
    bool unfinished;
} after_row;

static void plays_after(const after_row *r) {
    const row first = {.script = r->first, .endpoint = r->first_endpoint};
    const row second = {.script = r->second, .endpoint = r->endpoint};
    request_facts facts[] = {facts_for(&first), facts_for(&second)};
    if (r->choices) facts[0].choices = facts[1].choices = r->choices;
    owner o;
    owner_start(&o, &first, &facts[0]);
    o.w.scripts[0][1] = r->second;
    world_run_until(&o.w, o.w.began_ms + 5000);
    assert_true(o.over);
    owner_ask_again(&o, &facts[1]);
    world_run_until(&o.w, o.w.began_ms + 10000);
    assert_true(o.over);
    assert_string_equal(buf_cstr(&o.heard), r->heard);
    assert_int_equal(attempt_get_facts(o.attempt).unfinished, r->unfinished);
    owner_done(&o);
}

static void an_end_without_a_reason(void **state) {
    (void)state;
#define PIECE "event {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}"
    static const after_row rows[] = {
        {.first = "200 stream|say Hi|done|end",
         .second = "200 stream|say Hi|done|end",
         .heard = "stream 200; Hi; end",
         .unfinished = true},
        {.first = "200 stream|say Hi|done",
         .second = "200 stream|say Hi|bytes data: [DONE]|end",
         .heard = "stream 200; Hi; end",
         .unfinished = true},
        {.first = "200 stream|say Hi|finish|done|end",
         .second = "200 stream|say Hi|done|end",
         .heard = "stream 200; Hi; connection stream_interrupted 502"},
        {.first = "200 stream|finish|cut",
         .second = "200 stream|say Hi|bytes data: [DONE]|end",
         .heard = "stream 200; Hi; connection stream_interrupted 502"},
        {.first = "200 stream|say Hi|finish|done|end",
         .second = "200 stream|say Hi|finish|done|end",
         .heard = "stream 200; Hi; .stop; end"},
        /* It has just told one. */
        {.first = "200 stream|say Hi|done|end",
         .second = "200 stream|say Hi|" OPENS(1) "|finish|done|end",
         .heard = "stream 200; Hi; Ho; .stop; connection stream_interrupted 502"},
        /* No word at all is no end anywhere. */
        {.first = "200 stream|say Hi|done|end",
         .second = "200 stream|say Hi|end",
         .heard = "stream 200; Hi; connection stream_interrupted 502"},
        /* A plain answer's reason says nothing of streams. */
        {.first = "200|bytes {\"choices\":[{\"message\":{},\"finish_reason\":\"stop\"}]}|end",
         .second = "200 stream|say Hi|done|end",
         .heard = "stream 200; Hi; end",
         .unfinished = true},
        {.first_endpoint = EP_COMPLETIONS,
         .first = "200 stream|finish|done|end",
         .second = "200 stream|say Hi|done|end",
         .heard = "stream 200; Hi; connection stream_interrupted 502"},
        {.first_endpoint = EP_RESPONSES,
         .first = "200 stream|" PIECE "|done|end",
         .endpoint = EP_RESPONSES,
         .second = "200 stream|" PIECE "|done|end",
         .heard = "stream 200; Hi; end",
         .unfinished = true},
        {.first_endpoint = EP_RESPONSES,
         .first = "200 stream|" ENDED "|end",
         .endpoint = EP_RESPONSES,
         .second = "200 stream|" PIECE "|done|end",
         .heard = "stream 200; Hi; connection stream_interrupted 502"},
        /* Look-alikes may know the one form better than the other. */
        {.first = "200 stream|finish|done|end",
         .endpoint = EP_RESPONSES,
         .second = "200 stream|" PIECE "|done|end",
         .heard = "stream 200; Hi; end",
         .unfinished = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays_after(&rows[i]);
}

/* Where `n` is known fewer choices than it are a part; elsewhere all that there is. */
static void an_end_with_fewer_choices(void **state) {
    (void)state;
#define TWO "200 stream|say Hi|" OPENS(1) "|finish|" CLOSES(1) "|done|end"
    static const after_row rows[] = {
        {.first = "200 stream|say Hi|finish|done|end",
         .second = "200 stream|say Hi|finish|done|end",
         .choices = 2,
         .heard = "stream 200; Hi; .stop; end"},
        {.first = TWO,
         .second = "200 stream|say Hi|finish|done|end",
         .choices = 2,
         .heard = "stream 200; Hi; .stop; connection stream_interrupted 502"},
        {.first = TWO,
         .second = TWO,
         .choices = 2,
         .heard = "stream 200; Hi; Ho; .stop; .stop; end"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays_after(&rows[i]);
}

/* ---- what it is sent with, and what is known of it ---- */

/* A credential lives as long as the attempt that it was sent with, whatever is in force then. */
static void an_attempt_keeps_its_credential(void **state) {
    (void)state;
    const row r = {.script = "200 stream|say Hi|wait 50|say sk-provider-a|say sk-other-key|done"};
    owner o;
    const request_facts facts = facts_for(&r);
    owner_start(&o, &r, &facts);
    assert_non_null(strstr(buf_cstr(&o.w.sent), "authorization: Bearer sk-provider-a\n"));
    world_run_until(&o.w, o.w.began_ms + 10);
    upstream *u = &o.w.snapshot->items[0];
    secret *other = secret_new(SPAN_OF("sk-other-key"));
    credential_unref(u->keys[0].credential);
    u->keys[0].credential = credential_new(other);
    secret_unref(other);
    world_run_until(&o.w, o.w.began_ms + 100);
    assert_string_equal(buf_cstr(&o.heard), "stream 200; Hi; [redacted]; sk-other-key; end");
    owner_done(&o);
}

static void it_tells_how_far_it_has_come(void **state) {
    (void)state;
    const row r = {.script =
                       "wait 9|200 stream|role|bytes data: nonsense\\n\\n|wait 9|say Hi|usage|"
                       "wait 9|finish|done|end"};
    owner o;
    const request_facts facts = facts_for(&r);
    owner_start(&o, &r, &facts);
    int64_t began_us = o.w.began_ms * 1000;
    attempt_facts f = attempt_get_facts(o.attempt);
    assert_true(!f.sent_us && !f.head_us && !f.first_content_us && !f.status && !f.skipped);
    assert_int_equal(f.usage.prompt, -1);
    world_run_until(&o.w, o.w.began_ms + 12);
    f = attempt_get_facts(o.attempt);
    assert_true(f.sent_us > 0);
    assert_int_equal(f.head_us - began_us, 10000);
    assert_int_equal(f.first_content_us, 0);
    assert_int_equal(f.status, 200);
    world_run_until(&o.w, o.w.began_ms + 100);
    f = attempt_get_facts(o.attempt); /* also when it is over */
    assert_int_equal(f.head_us - began_us, 10000);
    assert_int_equal(f.first_content_us - began_us, 19000);
    assert_int_equal(f.skipped, 1);
    assert_int_equal(f.usage.prompt, 3);
    assert_int_equal(f.usage.completion, 4);
    owner_done(&o);
}

/* What a provider says of itself may hold its key, or be no text. */
static void headers_that_must_not_cross(void **state) {
    (void)state;
    static const struct {
        const char *script, *id;
    } rows[] = {
        {"200 x-request-id: req-1|bytes " HI "|end", "req-1"},
        {"200 x-request-id: sk-provider-a|bytes " HI "|end", ""},
        {"200 x-request-id: \xFF|bytes " HI "|end", ""},
        {"500 x-request-id: req-1|end", "req-1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const row r = {.plain = true, .script = rows[i].script};
        owner o;
        const request_facts facts = facts_for(&r);
        owner_start(&o, &r, &facts);
        world_run_until(&o.w, o.w.began_ms + 10);
        assert_true(o.over);
        assert_span(attempt_get_facts(o.attempt).request_id, rows[i].id);
        owner_done(&o);
    }
}

static void on_crossing(void *user, const answer_head *head) {
    owner *o = user;
    heard_add(&o->heard, "");
    for (size_t i = 0; i < head->headers.count; i++)
        buf_addf(&o->heard, "%.*s: %.*s|", SPAN_ARG(head->headers.items[i].name),
                 SPAN_ARG(head->headers.items[i].value));
    buf_add(&o->heard, head->content_type);
}

/* Of its other headers only those that may; provider/headers.c has the list. */
static void headers_that_may_cross(void **state) {
    (void)state;
    static const struct {
        const char *script, *crossing;
    } rows[] = {
        {"200 x-ratelimit-remaining: 5", "x-ratelimit-remaining: 5|application/json"},
        {"200 set-cookie: a=1", "application/json"},
        {"200 set-cookie: a=1; x-ratelimit-remaining: 5; server: x; x-own: y",
         "x-ratelimit-remaining: 5|x-own: y|application/json"},
        {"200 x-own: for sk-provider-a", "application/json"},
    };
    static const attempt_ops crossing_ops = {
        .on_head = on_crossing, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const row r = {.plain = true, .script = rows[i].script};
        owner o;
        const request_facts facts = facts_for(&r);
        owner_start_with(&o, &r, &facts, &crossing_ops);
        world_run_until(&o.w, o.w.began_ms + 10);
        assert_string_equal(buf_cstr(&o.heard), rows[i].crossing);
        attempt_cancel(o.attempt);
        owner_done(&o);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(drains),
        cmocka_unit_test(finished_is_finished),
        cmocka_unit_test(an_end_without_a_reason),
        cmocka_unit_test(an_end_with_fewer_choices),
        cmocka_unit_test(an_attempt_keeps_its_credential),
        cmocka_unit_test(it_tells_how_far_it_has_come),
        cmocka_unit_test(headers_that_must_not_cross),
        cmocka_unit_test(headers_that_may_cross),
    };
    return run_watched(tests);
}
