/* One attempt, in each of its states: what it makes of heads, bodies and ends, and how long it
 * waits for them. Scripts and a clock that is moved by hand (origin.h). */
#include "origin.h"

typedef struct row {
    const char *name;
    const char *options;
    const char *script;
    const char *heard;
    bool plain; /* no stream is asked for */
    bool background;
    endpoint endpoint;
    int64_t took_ms;   /* until the last word; 0: whatever */
    int64_t cancel_ms; /* 0: not */
    const char *text;  /* of the failure; NULL: whatever */
} row;

typedef struct owner {
    world w;
    buf heard;
    attempt *attempt;
    bool over;
    int64_t ended_ms;
    span plain;  /* the body of a plain event, which lives until the end */
    bool leaves; /* it cancels when it hears an event, and reads it then */
    failure last;
} owner;

static void on_head(void *user, const answer_head *head) {
    owner *o = user;
    assert_false(o->over);
    heard_head(&o->heard, head);
}

static void on_event(void *user, const answer_event *event) {
    owner *o = user;
    assert_false(o->over);
    if (o->leaves) {
        attempt_cancel(o->attempt);
        o->over = true;
    }
    heard_event(&o->heard, event);
    if (event->kind == ANSWER_PLAIN) o->plain = event->data;
}

static void note_end(owner *o) {
    assert_false(o->over);
    o->over = true;
    o->ended_ms = world_ms(&o->w);
}

static void on_end(void *user) {
    owner *o = user;
    heard_add(&o->heard, "end");
    if (o->plain.len)
        buf_addf(&o->heard, " %.*s", SPAN_ARG(o->plain)); /* under ASan: still there */
    note_end(o);
}

static void on_fail(void *user, const failure *f) {
    owner *o = user;
    assert_false(f->committed || f->client_may_retry);
    assert_int_equal(f->client_after_ms, -1);
    assert_true(span_is_utf8(f->text));
    assert_true(f->text.len > 0 || f->error == ERR_PROVIDER_ERROR);
    heard_fail(&o->heard, f);
    if (f->body.len) buf_addf(&o->heard, " %.*s", SPAN_ARG(f->body));
    o->last = *f;
    note_end(o);
}

static const attempt_ops ops = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

static request_facts facts_for(const row *r) {
    return (request_facts){.endpoint = r->endpoint,
                           .method = SPAN("POST"),
                           .path = SPAN("/x"),
                           .body = SPAN("{}"),
                           .prompts = 1,
                           .choices = 1,
                           .stream = !r->plain,
                           .background = r->background};
}

static void owner_ask(owner *o, const request_facts *facts, const attempt_ops *told) {
    const attempt_spec spec = {.loop = &o->w.loop,
                               .snapshot = o->w.snapshot,
                               .upstream = &o->w.snapshot->items[0],
                               .target = target_get(o->w.targets, SPAN_OF("a")),
                               .credential = o->w.snapshot->items[0].keys[0].credential,
                               .entry = &o->w.config->models[0].targets[0],
                               .facts = facts,
                               .want = WANT_PARTS,
                               .arena = &o->w.arena};
    failure unused;
    o->attempt = attempt_start(&spec, told, o, &unused);
    assert_non_null(o->attempt);
    assert_int_equal(o->heard.len, 0);
}

static void owner_start_with(owner *o, const row *r, const request_facts *facts,
                             const attempt_ops *told) {
    *o = (owner){.w = {.scripts = {{r->script}}}};
    world_init(&o->w, r->options);
    owner_ask(o, facts, told);
}

static void owner_ask_again(owner *o, const request_facts *facts) {
    o->over = false;
    o->plain = SPAN_EMPTY;
    buf_clear(&o->heard);
    owner_ask(o, facts, &ops);
}

static void owner_start(owner *o, const row *r, const request_facts *facts) {
    owner_start_with(o, r, facts, &ops);
}

static void owner_done(owner *o) {
    buf_done(&o->heard);
    world_done(&o->w);
}

static void plays(const row *r) {
    owner o;
    const request_facts facts = facts_for(r);
    owner_start(&o, r, &facts);
    if (r->cancel_ms) {
        world_run_until(&o.w, o.w.began_ms + r->cancel_ms);
        attempt_cancel(o.attempt);
        attempt_cancel(o.attempt); /* once more is nothing */
        o.over = true;
    }
    world_run_until(&o.w, o.w.began_ms + 120 * 1000);
    const char *heard = o.heard.len ? buf_cstr(&o.heard) : "";
    if (strcmp(heard, r->heard)) print_error("in the row: %s\n", r->name);
    assert_string_equal(heard, r->heard);
    assert_true(o.over);
    if (r->took_ms) assert_int_equal(o.ended_ms, r->took_ms);
    if (r->text) assert_span(o.last.text, r->text);
    owner_done(&o);
}

/* ---- answers ---- */

/* 1100 bytes */
#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define TOO_MUCH                                                                                   \
    HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

#define HI "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}"

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

/* ---- failures ---- */

static void connections_fail(void **state) {
    (void)state;
    static const row rows[] = {
        {.script = "refuse",
         .heard = "connection provider_unreachable 502",
         .text = "The provider could not be reached. (a: as told)"},
        {.script = "tls", .heard = "tls provider_tls_failed 502"},
        {.script = "unconnected",
         .heard = "silent connect_timeout 504",
         .text = "Connecting to the provider took too long. (a: as told, as timeouts.connect "
                 "says)"},
        {.script = "mute",
         .heard = "silent first_byte_timeout 504",
         .text = "The provider did not begin to answer in time. (a: as told, as "
                 "timeouts.first_byte says)"},
        {.script = "reset", .heard = "connection provider_connection_lost 502"},
        {.script = "garbage", .heard = "malformed provider_bad_answer 502"},
        {.script = "short pool",
         .heard = "our_way no_free_connection 503",
         .text = "The gateway's connections to the provider are all busy. (a: as told)"},
        {.script = "short share", .heard = "our_way no_free_connection 503"},
        {.script = "short descriptors",
         .heard = "our_shortage out_of_resources 503",
         .text = "The gateway has not what it needs to reach the provider. (a: as told)"},
        {.script = "short files", .heard = "our_shortage out_of_resources 503"},
        {.script = "short memory", .heard = "our_shortage out_of_resources 503"},
        {.script = "short ports", .heard = "our_way out_of_resources 503"},
        {.script = "short network", .heard = "our_way out_of_resources 503"},
        {.script = "short barred", .heard = "our_way out_of_resources 503"},
        {.script = "short names", .heard = "our_way out_of_resources 503"},
        {.script = "short proxy",
         .heard = "our_way proxy_failed 503",
         .text = "The gateway's proxy did not lead to the provider. (a: as told)"},
        {.script = "large",
         .heard = "our_limit provider_answer_too_large 503",
         .text = "The provider's answer is larger than the configured limit. (a: as told)"},
        {.script = "unsendable", .heard = "target internal_error 500"},
        /* The kernel's memory may go at any time. */
        {.script = "200 stream|say Hi|short memory",
         .heard = "stream 200; Hi; our_shortage out_of_resources 503"},
        {.options = "timeouts: {first_token: 50ms}\n",
         .script = "queued",
         .heard = "our_way no_free_connection 503",
         .text = "The gateway's connections to the provider are all busy. (a: nothing could be "
                 "sent within timeouts.first_token (50 ms))"},
        {.plain = true,
         .script = "200|bytes {|short memory",
         .heard = "plain 200; our_shortage out_of_resources 503"},
        {.plain = true,
         .script = "200|bytes {|cut",
         .heard = "plain 200; connection provider_connection_lost 502"},
        {.plain = true,
         .script = "200|bytes {|idle",
         .heard = "plain 200; silent stream_stalled 504"},
        {.endpoint = EP_OTHER,
         .script = "200 raw|bytes x sk-p|cut",
         .heard = "raw 200; x ; sk-p; connection provider_connection_lost 502"},
        {.script = "200 stream|say Hi|cut",
         .heard = "stream 200; Hi; connection stream_interrupted 502",
         .text = "The provider's stream ended before the answer was complete. (a: as told)"},
        {.script = "200 stream|say Hi|idle", .heard = "stream 200; Hi; silent stream_stalled 504"},
        {.script = "200 stream|say Hi|end",
         .heard = "stream 200; Hi; connection stream_interrupted 502",
         .text = "The provider's stream ended before the answer was complete."},
        {.script = "200 stream|finish|cut", .heard = "stream 200; .stop; end"},
        {.endpoint = EP_RESPONSES,
         .script = "200 stream|event {\"type\":\"response.completed\",\"response\":{}}|cut",
         .heard = "stream 200; -; end"},
        {.endpoint = EP_OTHER,
         .script = "200 stream|event x|cut",
         .heard = "stream 200; -; connection stream_interrupted 502"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void answers_that_are_none(void **state) {
    (void)state;
    static const row rows[] = {
        {.plain = true,
         .script = "200|bytes <html>|end",
         .heard = "plain 200; malformed provider_bad_answer 502",
         .text = "The provider's answer is not valid JSON."},
        {.plain = true,
         .script = "200|end",
         .heard = "plain 200; malformed provider_bad_answer 502"},
        {.plain = true,
         .script = "200|bytes {}|end",
         .heard = "plain 200; malformed provider_bad_answer 502",
         .text = "The provider's answer has no choices."},
        {.script = "200|bytes {\"choices\":[]}|end", /* for a stream */
         .heard = "stream 200; malformed provider_bad_answer 502"},
        {.plain = true,
         .endpoint = EP_EMBEDDINGS,
         .script = "200|bytes {\"data\":[]}|end",
         .heard = "plain 200; malformed provider_bad_answer 502",
         .text = "The provider's answer has no embeddings."},
        {.plain = true,
         .endpoint = EP_RESPONSES,
         .script = "200|bytes {\"status\":\"failed\",\"output\":[]}|end",
         .heard = "plain 200; malformed provider_bad_answer 502",
         .text = "The provider's response failed, and does not say why."},
        {.script = "200 stream|done|end", .heard = "stream 200; malformed provider_bad_answer 502"},
        {.script = "200 stream|end", .heard = "stream 200; malformed provider_bad_answer 502"},
        {.script = "200 stream|role|usage|done",
         .heard = "stream 200; -; usage; malformed provider_bad_answer 502"},
        {.script = "200 stream|event {\"choices\":[],\"prompt_filter_results\":[]}|bytes data: "
                   "[DONE]|end",
         .heard = "stream 200; -; malformed provider_bad_answer 502"},
        {.endpoint = EP_RESPONSES,
         .script = "200 stream|event {\"type\":\"response.created\",\"response\":{}}|done",
         .heard = "stream 200; -; malformed provider_bad_answer 502"},
        /* Not its own end: that is a broken connection, whatever has come. */
        {.script = "200 stream|role|cut",
         .heard = "stream 200; -; connection stream_interrupted 502"},
        /* What nobody reads may be empty. */
        {.endpoint = EP_OTHER, .script = "200 stream|end", .heard = "stream 200; end"},
        {.script = "200 stream|bytes data: [\\n\\n|end",
         .heard = "stream 200; malformed provider_bad_answer 502",
         .text = "The provider's stream ended without an answer."},
        {.plain = true,
         .script = "200 content-encoding: compress|end",
         .heard = "target provider_bad_encoding 502",
         .text = "The provider sent its answer with Content-Encoding: compress; of gzip, deflate, "
                 "br, zstd one is understood."},
        {.script = "200 content-encoding: gzip; content-encoding: br|end",
         .heard = "target provider_bad_encoding 502",
         .text = "The provider sent its answer with Content-Encoding: gzip, br; of gzip, deflate, "
                 "br, zstd one is understood."},
        /* 39 bytes, then a character of two: it is not cut in half. */
        {.plain = true,
         .script = "200 content-encoding: 123456789012345678901234567890123456789\xC3\xA9|end",
         .heard = "target provider_bad_encoding 502",
         .text = "The provider sent its answer with Content-Encoding: "
                 "123456789012345678901234567890123456789; of gzip, deflate, br, zstd one is "
                 "understood."},
        {.plain = true,
         .script = "200 content-encoding: \xFF\xFE|end",
         .heard = "target provider_bad_encoding 502"},
        /* Undone where it comes from (http/client.h). */
        {.plain = true,
         .script = "200 content-encoding: identity|bytes " HI "|end",
         .heard = "plain 200; Hi; end " HI},
        {.plain = true,
         .script = "200 content-encoding: GZIP|bytes " HI "|end",
         .heard = "plain 200; Hi; end " HI},
        {.script = "200 stream|say Hi|dense",
         .heard = "stream 200; Hi; our_limit provider_answer_too_large 503",
         .text = "The provider's answer is larger than the configured limit. (a: as told)"},
        {.options = "limits: {event: 1KB}\n",
         .script = "200 stream|say " TOO_MUCH,
         .heard = "stream 200; our_limit provider_answer_too_large 503",
         .text = "An event of the provider's stream is larger than limits.event (1024 bytes)."},
        {.options = "limits: {answer: 1KB}\n",
         .plain = true,
         .script = "200|bytes " TOO_MUCH "|end",
         .heard = "plain 200; our_limit provider_answer_too_large 503",
         .text = "The provider's answer is larger than limits.answer (1024 bytes)."},
        /* Told by the end of the body alone: of events that are put together, the last; of a
         * document, what is made of it. */
        {.options = "limits: {answer: 1KB}\n",
         .plain = true,
         .script = "200 stream|bytes data: {\"choices\":[{\"delta\":{\"content\":\"" TOO_MUCH
                   "\"}}]}|end",
         .heard = "plain 200; our_limit provider_answer_too_large 503",
         .text = "The provider's answer is larger than limits.answer (1024 bytes)."},
        {.options = "limits: {answer: 1KB}\n",
         .script = "200|bytes {\"choices\":[{\"message\":{}},{\"message\":{}},{\"message\":{}},"
                   "{\"message\":{}},{\"message\":{}},{\"message\":{}},{\"message\":{}},"
                   "{\"message\":{}},{\"message\":{}},{\"message\":{}},{\"message\":{}},"
                   "{\"message\":{}},{\"message\":{}},{\"message\":{}},{\"message\":{}}]}|end",
         .heard = "stream 200; our_limit provider_answer_too_large 503"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void refusals(void **state) {
    (void)state;
#define ERROR_OF(code)                                                                             \
    "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":" code "}}"
    static const row rows[] = {
        {.script = "429|bytes " ERROR_OF("\"x\"") "|end",
         .heard = "limit provider_error 429 " ERROR_OF("\"x\"")},
        {.plain = true, .script = "299|bytes " HI "|end", .heard = "plain 299; Hi; end " HI},
        {.plain = true,
         .script = "300|bytes " ERROR_OF("\"x\"") "|end",
         .heard = "target provider_redirected 502"},
        {.script = "302 location: https://b.test/v1?key=s3cret; content-encoding: gzip",
         .heard = "target provider_redirected 502",
         .text = "The url of provider a redirects elsewhere (status 302). weir follows no "
                 "redirects; the configuration must name the place itself."},
        {.plain = true,
         .script = "399|bytes " HI "|end",
         .heard = "target provider_redirected 502"},
        {.script = "400 location: https://b.test/|bytes " ERROR_OF("\"x\"") "|end",
         .heard = "request provider_error 400 " ERROR_OF("\"x\"")},
        /* Its status alone says enough. */
        {.script = "503 content-encoding: compress|bytes junk|end",
         .heard =
             "overload provider_error 503 {\"error\":{\"message\":\"The provider answered with "
             "status 503 and no explanation.\",\"type\":\"server_error\",\"param\":null,\"code\":"
             "\"provider_error\"}}"},
        {.script = "503|dense",
         .heard =
             "overload provider_error 503 {\"error\":{\"message\":\"The provider answered with "
             "status 503 and no explanation.\",\"type\":\"server_error\",\"param\":null,\"code\":"
             "\"provider_error\"}}"},
        {.script = "503|bytes {|cut",
         .heard =
             "overload provider_error 503 {\"error\":{\"message\":\"The provider answered with "
             "status 503: {\",\"type\":\"server_error\",\"param\":null,\"code\":"
             "\"provider_error\"}}"},
        {.plain = true,
         .script = "200|bytes " ERROR_OF("429") "|end",
         .heard = "plain 200; limit provider_error 429 " ERROR_OF("\"429\"")},
        {.script = "200 stream|event " ERROR_OF("429"),
         .heard = "stream 200; limit provider_error 429 " ERROR_OF("\"429\"")},
        {.script = "200 stream|say Hi|event " ERROR_OF("\"context_length_exceeded\""),
         .heard = "stream 200; Hi; context_length provider_error 502 " ERROR_OF(
             "\"context_length_exceeded\"")},
        {.script = "200 stream|event {\"error\":{\"message\":\"sk-provider-a\"}}",
         .heard = "stream 200; overload provider_error 502 {\"error\":{\"message\":"
                  "\"[redacted]\",\"type\":\"server_error\",\"param\":null,\"code\":null}}"},
    /* In whatever form it comes: its own words, in OpenAI's shape. */
#define SHAPED(text, type, code)                                                                   \
    "{\"error\":{\"message\":\"The provider answered with status " text "\",\"type\":\"" type      \
    "\",\"param\":null,\"code\":\"" code "\"}}"
        {.plain = true,
         .script = "200|bytes "
                   "{\"object\":\"error\",\"message\":\"slow\",\"type\":\"t\",\"code\":429}|end",
         .heard = "plain 200; limit provider_error 429 " SHAPED("429: slow", "t", "429")},
        {.plain = true,
         .script = "200|bytes {\"detail\":\"prompt is too long\",\"status\":400}|end",
         .heard = "plain 200; context_length provider_error 400 " SHAPED(
             "400: prompt is too long", "invalid_request_error", "provider_error")},
        {.script = "200 stream|role|event {\"detail\":\"it broke\"}",
         .heard = "stream 200; -; overload provider_error 502 " SHAPED(
             "502: it broke", "server_error", "provider_error")},
        {.script = "200 stream|say Hi|bytes event: error\\ndata: it broke\\n\\n|wait 900",
         .heard = "stream 200; Hi; overload provider_error 502 " SHAPED(
             "502: it broke", "server_error", "provider_error"),
         .took_ms = 1},
        {.endpoint = EP_RESPONSES,
         .plain = true,
         .script =
             "200|bytes {\"status\":\"failed\",\"error\":{\"code\":\"context_length_exceeded\","
             "\"message\":\"long\"}}|end",
         .heard = "plain 200; context_length provider_error 502 " SHAPED(
             "502: long", "server_error", "context_length_exceeded")},
        /* Plain JSON on a path that weir does not know is the client's to read. */
        {.endpoint = EP_OTHER,
         .script = "200|bytes " ERROR_OF("429") "|end",
         .heard = "plain 200; -; end " ERROR_OF("429")},
        {.endpoint = EP_OTHER,
         .script = "200 stream|event " ERROR_OF("429"),
         .heard = "stream 200; limit provider_error 429 " ERROR_OF("\"429\"")},
        {.endpoint = EP_RESPONSES,
         .plain = true,
         .script = "200|bytes " ERROR_OF("429") "|end",
         .heard = "plain 200; limit provider_error 429 " ERROR_OF("\"429\"")},
#define RESPONSE_FAILED                                                                            \
    "event "                                                                                       \
    "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\","     \
    "\"message\":\"slow\"}}}"
        /* Before any content another may answer; after it the client has it as it came. */
        {.endpoint = EP_RESPONSES,
         .script = "200 stream|" RESPONSE_FAILED,
         .heard = "stream 200; limit provider_error 502 {\"error\":{\"message\":\"The provider "
                  "answered with status 502: slow\",\"type\":\"server_error\",\"param\":null,"
                  "\"code\":\"rate_limit_exceeded\"}}"},
        {.endpoint = EP_RESPONSES,
         .script =
             "200 stream|event "
             "{\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}|" RESPONSE_FAILED "|end",
         .heard = "stream 200; Hi; failed; end"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* A refusal of any size is read no further than to a bound. */
static void a_refusal_without_end(void **state) {
    (void)state;
    buf script = BUF_EMPTY;
    buf_add_cstr(&script, "500");
    for (int i = 0; i < 260; i++)
        buf_add_cstr(&script, "|bytes " TOO_MUCH);
    const row r = {.script = buf_cstr(&script)};
    owner o;
    const request_facts facts = facts_for(&r);
    owner_start(&o, &r, &facts);
    world_run_until(&o.w, o.w.began_ms + 10);
    assert_true(o.over);
    assert_int_equal(o.last.class, FAIL_OVERLOAD);
    assert_string_equal(buf_cstr(&o.w.asking), "aA");
    owner_done(&o);
    buf_done(&script);
}

/* ---- clocks ---- */

static void clocks(void **state) {
    (void)state;
#define SHORT "timeouts: {first_token: 100ms, between_events: 200ms}\n"
    static const row rows[] = {
        {.name = "the first token's runs from the start",
         .options = SHORT,
         .script = "wait 60|200 stream|role|wait 60|say Hi",
         .heard = "stream 200; -; silent first_token_timeout 504",
         .took_ms = 101,
         .text = "No token came from a within timeouts.first_token (100 ms)."},
        {.name = "of events under another type",
         .options = SHORT,
         .script = "wait 60|200|bytes : \\n\\n|role|wait 60|say Hi",
         .heard = "stream 200; -; silent first_token_timeout 504",
         .took_ms = 101},
        {.name = "a document under its own type has none",
         .options = SHORT,
         .script = "200|bytes {\"choices\":|wait 150|bytes [{\"message\":{\"content\":\"Hi\"},"
                   "\"finish_reason\":\"stop\"}]}|end",
         .heard = "stream 200; Hi; .stop; end"},
        {.name = "also before the head",
         .options = SHORT,
         .script = "wait 900|200 stream",
         .heard = "silent first_token_timeout 504",
         .took_ms = 101},
        {.name = "not for plain answers",
         .options = SHORT,
         .script = "200|wait 150|bytes " HI "|end",
         .heard = "stream 200; Hi; -; end"},
        {.name = "nor for refusals",
         .options = SHORT,
         .script = "400|wait 150|bytes {\"error\":\"late\"}|end",
         .heard = "request provider_error 400 {\"error\":{\"message\":\"The provider answered with "
                  "status 400: late\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
                  "\"provider_error\"}}"},
        {.name = "events may be that far apart, comments, half lines and nonsense do not count",
         .options = SHORT,
         .script = "200 stream|say Hi|wait 150|say Ho|wait 150|bytes : c\\n\\n|wait 20|"
                   "bytes data: {|wait 20|bytes x\\n\\n|wait 900|say late",
         .heard = "stream 200; Hi; Ho; silent stream_stalled 504",
         .took_ms = 352,
         .text = "No event came from a within timeouts.between_events (200 ms)."},
        {.name = "a finish starts it too, where another choice has begun",
         .options = SHORT,
         .script = "200 stream|event {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"Ho\"}},"
                   "{\"index\":0,\"finish_reason\":\"stop\"}]}|wait 900",
         .heard = "stream 200; Ho.stop; silent stream_stalled 504"},
        {.name = "cancelled in a stream",
         .options = SHORT,
         .script = "200 stream|say Hi",
         .cancel_ms = 50,
         .heard = "stream 200; Hi"},
        {.name = "before its head",
         .options = SHORT,
         .script = "wait 90|200 stream",
         .cancel_ms = 50,
         .heard = ""},
        {.name = "in a refusal",
         .options = SHORT,
         .script = "500|bytes {",
         .cancel_ms = 50,
         .heard = ""},
        {.name = "in a plain body",
         .plain = true,
         .options = SHORT,
         .script = "200|bytes {",
         .cancel_ms = 50,
         .heard = "plain 200"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* What a response says before it says anything to a user: work that has begun is no silence. */
static void signs_of_life(void **state) {
    (void)state;
#define CREATED     "event {\"type\":\"response.created\",\"response\":{}}"
#define IN_PROGRESS "event {\"type\":\"response.in_progress\",\"response\":{}}"
#define SEARCHES    "event {\"type\":\"response.web_search_call.searching\"}"
#define KEEPS_ALIVE "event {\"type\":\"keepalive\"}"
#define COMPLETED   "event {\"type\":\"response.completed\",\"response\":{}}"
    static const row rows[] = {
        {.name = "to be taken on is no sign",
         .endpoint = EP_RESPONSES,
         .options = SHORT,
         .script = "200 stream|" CREATED "|wait 60|" IN_PROGRESS "|" KEEPS_ALIVE "|wait 60",
         .heard = "stream 200; -; -; -; silent first_token_timeout 504",
         .took_ms = 101},
        {.name = "a search is one",
         .endpoint = EP_RESPONSES,
         .options = SHORT,
         .script = "200 stream|" CREATED "|wait 60|" SEARCHES "|wait 180|" SEARCHES
                   "|wait 180|" COMPLETED "|end",
         .heard = "stream 200; -; -; -; -; end"},
        {.name = "and then none may be late",
         .endpoint = EP_RESPONSES,
         .options = SHORT,
         .script = "200 stream|" CREATED "|wait 60|" SEARCHES "|wait 900",
         .heard = "stream 200; -; -; silent stream_stalled 504",
         .took_ms = 262},
        {.name = "in the background to be taken on is all there is to wait for",
         .endpoint = EP_RESPONSES,
         .background = true,
         .options = SHORT,
         .script = "200 stream|" CREATED "|wait 150|" IN_PROGRESS "|wait 150|" COMPLETED "|end",
         .heard = "stream 200; -; -; -; end"},
        {.name = "what fails after that is told as it is",
         .endpoint = EP_RESPONSES,
         .script =
             "200 stream|" SEARCHES "|event {\"type\":\"response.failed\",\"response\":{}}|end",
         .heard = "stream 200; -; failed; end"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* A request that has not left is nobody's work yet. */
static void it_is_told_whether_the_request_had_left(void **state) {
    (void)state;
    static const struct {
        row row;
        bool sent;
    } cases[] = {
        {{.script = "mute", .heard = "silent first_byte_timeout 504"}, true},
        {{.script = "200 stream|idle", .heard = "stream 200; silent stream_stalled 504"}, true},
        {{.options = SHORT,
          .script = "200 stream",
          .heard = "stream 200; silent first_token_timeout 504"},
         true},
        {{.options = SHORT,
          .script = "200 stream|say Hi",
          .heard = "stream 200; Hi; silent stream_stalled 504"},
         true},
        {{.script = "unconnected", .heard = "silent connect_timeout 504"}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        owner o;
        const request_facts facts = facts_for(&cases[i].row);
        owner_start(&o, &cases[i].row, &facts);
        world_run_until(&o.w, o.w.began_ms + 120 * 1000);
        assert_string_equal(buf_cstr(&o.heard), cases[i].row.heard);
        assert_int_equal(o.last.sent, cases[i].sent);
        owner_done(&o);
    }
    owner o;
    const row unsent = {.options = "timeouts: {first_token: 1ms}\n", .script = ""};
    const request_facts facts = facts_for(&unsent);
    owner_start(&o, &unsent, &facts);
    http_call *h = LIST_ENTRY(o.w.calls.next, http_call, link);
    timer_stop(&o.w.loop.timers, &h->timer); /* no connection comes */
    world_run_until(&o.w, o.w.began_ms + 120 * 1000);
    assert_string_equal(buf_cstr(&o.heard), "silent first_token_timeout 504");
    assert_false(o.last.sent);
    owner_done(&o);
}

/* What is in force for the target rules, and whose word it is, is told. */
static void deadlines_of_providers_and_models(void **state) {
    (void)state;
    static const struct {
        config_timeouts provider, model, rules;
        const char *script, *text;
        int64_t took_ms;
    } cases[] = {
        {.provider = {.first_token_ms = 200},
         .rules = {.first_token_ms = 200},
         .script = "200 stream",
         .text = "No token came from a within providers.a.timeouts.first_token (200 ms).",
         .took_ms = 201},
        {.provider = {.first_token_ms = 200},
         .model = {.first_token_ms = 2000},
         .rules = {.first_token_ms = 2000},
         .script = "200 stream",
         .text = "No token came from a within models.*.timeouts.first_token (2 s).",
         .took_ms = 2001},
        {.model = {.between_events_ms = 250},
         .rules = {.first_token_ms = 100, .between_events_ms = 250},
         .script = "200 stream|say Hi|wait 240|say Ho",
         .text = "No event came from a within models.*.timeouts.between_events (250 ms).",
         .took_ms = 492},
        {.provider = {.between_events_ms = 90},
         .rules = {.first_token_ms = 100, .between_events_ms = 90},
         .script = "200 stream|idle",
         .text = "The provider stopped sending in the middle of its answer. (a: as told, as "
                 "providers.a.timeouts.between_events says)"},
        {.provider = {.first_byte_ms = 90},
         .model = {.first_byte_ms = 80},
         .rules = {.first_token_ms = 100, .first_byte_ms = 80},
         .script = "mute",
         .text = "The provider did not begin to answer in time. (a: as told, as "
                 "models.*.timeouts.first_byte says)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        owner o = {.w = {.scripts = {{cases[i].script}}}};
        world_init(&o.w, "");
        config *c = o.w.config;
        c->providers[0].timeouts = cases[i].provider;
        c->models[0].timeouts = cases[i].model;
        c->models[0].targets[0].timeouts = cases[i].rules;
        const request_facts facts = facts_for(&(row){.script = ""});
        owner_ask(&o, &facts, &ops);
        world_run_until(&o.w, o.w.began_ms + 120 * 1000);
        assert_span(o.last.text, cases[i].text);
        if (cases[i].took_ms) assert_int_equal(o.ended_ms, cases[i].took_ms);
        owner_done(&o);
    }
}

/* An event is its hearer's until he returns, also where he has cancelled: under ASan. */
static void an_event_outlives_a_cancel_from_inside(void **state) {
    (void)state;
    static const row rows[] = {
        {.script = "200 stream|bytes data: {\"choices\":[{\"delta\":{\"content\":\"H|"
                   "bytes i\"}}]}\n\n|say late",
         .heard = "stream 200; Hi"},
        {.script = "200 stream|say sk-provider-a|say late", .heard = "stream 200; [redacted]"},
        {.plain = true, .script = "200|bytes " HI "|end", .heard = "plain 200; Hi"},
        {.endpoint = EP_OTHER,
         .script = "200 raw|bytes sk-p|bytes x|bytes late",
         .heard = "raw 200; sk-px"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        const request_facts facts = facts_for(&rows[i]);
        owner_start(&o, &rows[i], &facts);
        o.leaves = true;
        world_run_until(&o.w, o.w.began_ms + 100);
        assert_string_equal(buf_cstr(&o.heard), rows[i].heard);
        owner_done(&o);
    }
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

/* ---- what is gathered must come on ---- */

static void what_drips(void **state) {
    (void)state;
#define PACE(rate)                                                                                 \
    "timeouts: {first_token: 100ms, first_byte: 1s, between_events: 200ms}\n"                      \
    "limits: {answer_rate: " rate "}\n"
#define PACED PACE("1KB")
#define DRIP  "wait 50|bytes x|wait 50|bytes x|wait 50|bytes x|wait 50|bytes x|"
#define SLOW  "silent stream_stalled 504"
    static const row rows[] = {
        {.name = "a document",
         .plain = true,
         .options = PACED,
         .script = "200|bytes {|" DRIP DRIP "end",
         .heard = "plain 200; " SLOW,
         .took_ms = 202,
         .text = "The answer of a came with less than limits.answer_rate (1024 bytes a second) "
                 "over timeouts.between_events (200 ms)."},
        {.name = "a document where a stream was asked for",
         .options = PACED,
         .script = "200|bytes {|" DRIP DRIP "end",
         .heard = "stream 200; " SLOW,
         .took_ms = 202},
        {.name = "of a path that is passed through",
         .endpoint = EP_OTHER,
         .options = PACED,
         .script = "200|bytes {|" DRIP DRIP "end",
         .heard = "plain 200; " SLOW,
         .took_ms = 202},
        {.name = "complete within the first window",
         .plain = true,
         .options = PACED,
         .script = "200|wait 900|bytes {\"choices\":[{\"message\":{|wait 190|"
                   "bytes \"content\":\"Hi\"}}]}|end",
         .heard = "plain 200; Hi; end " HI},
        {.name = "any pace is taken",
         .plain = true,
         .options = PACE("off"),
         .script = "200|bytes {|" DRIP DRIP "bytes }|wait 900",
         .heard = "plain 200; " SLOW,
         .took_ms = 602,
         .text = "No byte came from a within timeouts.between_events (200 ms)."},
        {.name = "pieces of what nobody reads",
         .endpoint = EP_OTHER,
         .options = PACED,
         .script = "200 raw|" DRIP DRIP "end",
         .heard = "raw 200; x; x; x; x; x; x; x; x; end"},
        {.name = "blanks alone",
         .plain = true,
         .options = PACED,
         .script = "200|bytes \\n|wait 150|bytes \\n|wait 600|bytes \\n|wait 600|bytes " HI "|end",
         .heard = "plain 200; silent first_byte_timeout 504",
         .took_ms = 1002,
         .text = "No answer came from a within timeouts.first_byte (1 s)."},
        {.name = "blanks, and an answer in time",
         .plain = true,
         .options = PACED,
         .script = "200|bytes \\n|wait 400|bytes \\n|wait 500|bytes " HI "|end",
         .heard = "plain 200; Hi; end \n\n" HI},
        {.name = "a refusal: what is there says enough",
         .plain = true,
         .options = PACED,
         .script = "503|bytes {\"err|wait 4000|bytes or|wait 4000|bytes \"|wait 4000|bytes :1}|end",
         .heard = "overload provider_error 503 {\"error\":{\"message\":\"The provider answered "
                  "with status 503: {\\\"error\\\"\",\"type\":\"server_error\",\"param\":null,"
                  "\"code\":\"provider_error\"}}",
         .took_ms = 10002},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(drains),
        cmocka_unit_test(finished_is_finished),
        cmocka_unit_test(an_end_without_a_reason),
        cmocka_unit_test(an_end_with_fewer_choices),
        cmocka_unit_test(connections_fail),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_refusal_without_end),
        cmocka_unit_test(clocks),
        cmocka_unit_test(signs_of_life),
        cmocka_unit_test(it_is_told_whether_the_request_had_left),
        cmocka_unit_test(deadlines_of_providers_and_models),
        cmocka_unit_test(an_event_outlives_a_cancel_from_inside),
        cmocka_unit_test(an_attempt_keeps_its_credential),
        cmocka_unit_test(it_tells_how_far_it_has_come),
        cmocka_unit_test(headers_that_must_not_cross),
        cmocka_unit_test(headers_that_may_cross),
        cmocka_unit_test(what_drips),
    };
    return run_watched(tests);
}
