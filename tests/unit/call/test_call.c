/* The loop of money: what each fault of one or two providers comes to, what the client hears, whom
 * weir asked in which order, and what it has kept of each attempt. No sockets and no waiting: the
 * providers are scripts, the clock is moved by hand (origin.h). */
#include "origin.h"

#include <unistd.h>

enum { HOLDER = 7 };

/* What the owner of the call does, and when: as it hears that word, or at that time. */
typedef enum action { NOTHING, CANCEL, PAUSE, RESUME } action;

typedef struct row {
    const char *name;
    const char *options;
    const char *a[SCRIPTS], *b[SCRIPTS], *c[SCRIPTS];
    const char *heard;  /* heads, events, and the last word */
    const char *asked;  /* see world.asking */
    const char *report; /* of each attempt: target, outcome, status, usage */
    bool plain;         /* no stream is asked for */
    bool patient;
    action on_word; /* when the sink hears that */
    const char *word;
    action at_time;
    int64_t time_ms;
    action later;
    int64_t later_ms;
    int64_t took_ms;  /* until the last word; 0: whatever */
    int64_t total_ms; /* the deadline; 0: a minute */
    bool due;         /* it is the asker's own */
    endpoint endpoint;
    bool background;
    size_t memory;    /* what may be gathered; 0: as much as comes */
    unsigned refused; /* how often the sink heard that a provider is at its limit */
} row;

typedef struct owner {
    world w;
    const row *row;
    request_facts facts;
    memory_bound bound;
    call *call;
    buf heard;
    unsigned refused;
    int64_t ended_ms;
    bool over, cancelled;
    metrics_shard *metrics; /* NULL: nothing is counted */
    log_shard *log;         /* NULL: nothing is logged */
    struct doing {
        struct owner *owner;
        timer timer;
        action what;
    } doing[2];
    failure last;
} owner;

/* Nothing of a call that is over is timed; what counts is the test's own. */
static void assert_untimed(const owner *o) {
    size_t own = 0;
    for (size_t i = 0; i < ARRAY_LEN(o->doing); i++)
        own += timer_active(&o->doing[i].timer);
    assert_int_equal(o->w.loop.timers.count, own);
}

static void act(owner *o, action what) {
    switch (what) {
    case NOTHING: break;
    case CANCEL:
        o->over = o->cancelled = true;
        call_cancel(o->call);
        assert_untimed(o);
        break;
    case PAUSE: call_pause(o->call); break;
    case RESUME: call_resume(o->call); break;
    }
}

static void act_in_time(timer *t) {
    struct doing *d = CONTAINER_OF(t, struct doing, timer);
    if (!d->owner->over) act(d->owner, d->what);
}

/* Nothing comes after the last word, or after a cancel. */
static void hear(owner *o, bool last) {
    assert_false(o->over);
    assert_non_null(o->call); /* never from inside call_start() */
    if (last) {
        o->over = true;
        o->ended_ms = world_ms(&o->w);
        assert_untimed(o);
        return;
    }
    const char *word = o->row->word;
    span said = buf_span(&o->heard);
    if (word && span_ends(said, span_cstr(word))) act(o, o->row->on_word);
}

static void on_head(void *user, const answer_head *head) {
    owner *o = user;
    heard_head(&o->heard, head);
    hear(o, false);
}

static void on_event(void *user, const answer_event *event) {
    owner *o = user;
    heard_event(&o->heard, event);
    hear(o, false);
}

static void on_end(void *user) {
    owner *o = user;
    heard_add(&o->heard, "end");
    hear(o, true);
}

static void on_fail(void *user, const failure *f) {
    owner *o = user;
    heard_fail(&o->heard, f);
    if (f->committed) buf_add_cstr(&o->heard, " committed");
    if (f->client_may_retry) buf_add_cstr(&o->heard, " retry");
    if (f->client_after_ms >= 0) buf_addf(&o->heard, " %lld", (long long)f->client_after_ms);
    o->last = *f;
    hear(o, true);
}

static void on_refused(void *user, int status, int64_t retry_after_ms) {
    owner *o = user;
    (void)status;
    (void)retry_after_ms;
    assert_false(o->over);
    o->refused++;
    if (o->row->word && strcmp(o->row->word, "refused") == 0) act(o, o->row->on_word);
}

static const call_sink sink = {.on_head = on_head,
                               .on_event = on_event,
                               .on_end = on_end,
                               .on_fail = on_fail,
                               .on_refused = on_refused};

static void owner_begin(owner *o, const row *r) {
    *o = (owner){.row = r};
    memcpy(o->w.scripts[0], r->a, sizeof r->a);
    memcpy(o->w.scripts[1], r->b, sizeof r->b);
    memcpy(o->w.scripts[2], r->c, sizeof r->c);
    world_init(&o->w, r->options);
    if (r->memory) {
        memory_bound_init(&o->bound, r->memory, r->memory);
        o->w.loop.memory.bound = &o->bound;
    }
    const action what[] = {r->at_time, r->later};
    const int64_t when[] = {r->time_ms, r->later_ms};
    for (int i = 0; i < 2; i++) {
        o->doing[i].owner = o;
        o->doing[i].what = what[i];
        timer_init(&o->doing[i].timer, act_in_time);
        if (what[i]) timer_start(&o->w.loop.timers, &o->doing[i].timer, o->w.began_ms + when[i]);
    }
}

static void owner_start(owner *o) {
    o->facts = (request_facts){.endpoint = o->row->endpoint,
                               .method = SPAN("POST"),
                               .path = SPAN("/x"),
                               .body = SPAN("{}"),
                               .prompts = 1,
                               .choices = 1,
                               .stream = !o->row->plain,
                               .background = o->row->background};
    o->w.holder = 0;
    int64_t total_ms = o->row->total_ms ? o->row->total_ms : 60 * 1000;
    const call_spec spec = {.loop = &o->w.loop,
                            .snapshot = o->w.snapshot,
                            .metrics = o->metrics,
                            .log = o->log,
                            .model = &o->w.config->models[0],
                            .facts = &o->facts,
                            .holder = HOLDER,
                            .patient = o->row->patient,
                            .want = WANT_PARTS,
                            .deadline_ms = o->w.loop.now_ms + total_ms,
                            .due = o->row->due,
                            .arena = &o->w.arena};
    o->call = call_start(&spec, &sink, o);
}

static void owner_call(owner *o) {
    owner_start(o);
    world_run_until(&o->w, o->w.loop.now_ms + 120 * 1000);
    assert_true(o->over);
}

static void write_report(const owner *o, buf *out) {
    call_report report = call_get_report(o->call);
    unsigned hedges = 0;
    for (unsigned i = 0; i < report.attempts; i++) {
        const attempt_record *t = &report.tries[i];
        hedges += t->hedge;
        heard_add(out, "");
        buf_addf(out, "%.*s%s %s", SPAN_ARG(t->target), t->hedge ? "*" : "",
                 t->outcome ? t->outcome : "running");
        if (t->status) buf_addf(out, " %d", t->status);
        if (t->usage.prompt >= 0)
            buf_addf(out, " %lld+%lld", (long long)t->usage.prompt, (long long)t->usage.completion);
        assert_true(t->began_us > 0 && t->ended_us >= t->began_us);
        assert_true((t->head_us > 0) == (t->status > 0));
        assert_true(t->sent_us > 0 || !t->head_us);
        assert_true(t->first_content_us == 0 || t->first_content_us >= t->head_us);
    }
    assert_int_equal(report.hedges, hedges);
    (void)buf_cstr(out);
}

static void owner_done(owner *o) {
    buf_done(&o->heard);
    assert_int_equal(o->w.loop.memory.used, 0);
    if (o->row->memory) {
        memory_account_done(&o->w.loop.memory);
        memory_bound_done(&o->bound);
    }
    world_done(&o->w);
}

static void plays(const row *r) {
    owner o;
    buf report = BUF_EMPTY;
    owner_begin(&o, r);
    owner_call(&o);
    if (o.cancelled) heard_add(&o.heard, "cancelled");
    write_report(&o, &report);
    const char *heard = o.heard.len ? buf_cstr(&o.heard) : "";
    const char *asked = o.w.asking.len ? buf_cstr(&o.w.asking) : "";
    if (strcmp(heard, r->heard) || strcmp(asked, r->asked) ||
        strcmp(report.len ? report.ptr : "", r->report))
        print_error("in the row: %s\n", r->name);
    assert_string_equal(heard, r->heard);
    assert_string_equal(asked, r->asked);
    assert_string_equal(report.len ? report.ptr : "", r->report);
    assert_int_equal(o.refused, r->refused);
    assert_int_equal(o.w.holder, *r->asked ? HOLDER : 0);
    if (r->took_ms) assert_int_equal(o.ended_ms, r->took_ms);
    buf_done(&report);
    owner_done(&o);
}

#define PLAIN      "200|bytes {\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}|end"
#define STREAM     "200 stream|role|say Hi|say Ho|finish|usage|done|end"
#define STREAMED   "stream 200; -; Hi; Ho; .stop; usage; end"
#define MANY_ROLES "role|role|role|role|role|role|role|role|"
#define OFF        "retry: {retries: 0}\n"
#define QUICK      "retry: {retries: 3, base: 1ms, cap: 1ms}\n"
#define ONCE       "retry: {retries: 1, base: 1ms, cap: 1ms}\n"

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

/* ---- streams: what is seen of an attempt, and what is not ---- */

#define RESPONSE(word) "event {\"type\":\"response." word "\",\"response\":{}}"

static void hand_over(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "a cut before content is replaced unseen",
         .options = OFF,
         .a = {"200 stream|role|cut"},
         .b = {STREAM},
         .heard = STREAMED,
         .asked = "ab",
         .report = "a connection 200; b ok 200 3+4"},
        {.name = "a cut after content is seen",
         .options = QUICK,
         .a = {"200 stream|say Hi|cut"},
         .b = {STREAM},
         .heard = "stream 200; Hi; connection stream_interrupted 502 committed retry",
         .asked = "a",
         .report = "a connection 200"},
        {.name = "so is an end without finish_reason",
         .options = QUICK,
         .a = {"200 stream|say Hi|end"},
         .heard = "stream 200; Hi; connection stream_interrupted 502 committed retry",
         .asked = "a",
         .report = "a connection 200"},
        {.name = "what a broken stream has used is kept",
         .options = QUICK,
         .a = {"200 stream|say Hi|usage|cut"},
         .heard = "stream 200; Hi; usage; connection stream_interrupted 502 committed retry",
         .asked = "a",
         .report = "a connection 200 3+4"},
        {.name = "an error event before content",
         .options = OFF,
         .a = {"200 stream|role|event {\"error\":{\"code\":429}}"},
         .b = {STREAM},
         .refused = 1,
         .heard = STREAMED,
         .asked = "aAb",
         .report = "a limit 429; b ok 200 3+4"},
        {.name = "an error event after content",
         .options = QUICK,
         .a = {"200 stream|say Hi|event {\"error\":{\"message\":\"x\"}}"},
         .heard = "stream 200; Hi; overload provider_error 502 committed retry",
         .asked = "aA",
         .report = "a overload 502"},
        {.name = "a finish without content commits too",
         .options = OFF,
         .a = {"200 stream|finish|cut"},
         .b = {STREAM},
         .heard = "stream 200; .stop; end",
         .asked = "a",
         .report = "a ok 200"},
        {.name = "what follows a finish is no failure of the target",
         .options = QUICK,
         .a = {"200 stream|say Hi|finish|wait 100|reset"},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "a",
         .report = "a ok 200"},
        {.name = "an error behind it neither",
         .options = QUICK,
         .a = {"200 stream|say Hi|finish|event {\"error\":{\"code\":500}}"},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aA",
         .report = "a ok 200"},
        {.name = "nor does the deadline over all break off what is whole",
         .options = QUICK,
         .a = {"200 stream|say Hi|finish"},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aA",
         .report = "a ok 200",
         .total_ms = 1000,
         .took_ms = 1001},
        {.name = "there is no room for the answer: nobody is asked again, no target has failed",
         .options = QUICK,
         .plain = true,
         .a = {PLAIN},
         .b = {PLAIN},
         .memory = 20,
         .heard = "our_shortage memory_full 503 retry 1000",
         .asked = "aA",
         .report = "a our_shortage 200"},
        {.name = "where there is just enough it is answered",
         .options = QUICK,
         .plain = true,
         .a = {PLAIN},
         .memory = 45,
         .heard = "plain 200; Hi; end",
         .asked = "a",
         .report = "a ok 200"},
        {.name = "a stream that flows needs none",
         .options = QUICK,
         .a = {STREAM},
         .memory = 1,
         .heard = STREAMED,
         .asked = "a",
         .report = "a ok 200 3+4"},
        {.name = "no more is held than limits.event",
         .options = "retry: {retries: 0}\nlimits: {event: 1KB}\n",
         .a = {"200 stream|" MANY_ROLES "wait 10|cut"},
         .b = {STREAM},
         .heard = "stream 200; -; -; -; -; -; -; -; -; connection stream_interrupted 502 "
                  "committed retry",
         .asked = "a",
         .report = "a connection 200"},
        {.name = "the first token is late",
         .options = "retry: {retries: 0}\ntimeouts: {first_token: 100ms}\n",
         .a = {"200 stream|role|wait 200|say Hi"},
         .b = {STREAM},
         .heard = STREAMED,
         .asked = "aAb",
         .report = "a silent 200; b ok 200 3+4"},
        {.name = "a response that was taken on, and no more, is replaced unseen",
         .options = OFF,
         .endpoint = EP_RESPONSES,
         .a = {"200 stream|" RESPONSE("created") "|" RESPONSE("queued") "|" RESPONSE(
             "in_progress") "|event {\"type\":\"keepalive\"}|cut"},
         .b = {"200 stream|" RESPONSE("completed") "|end"},
         .heard = "stream 200; -; end",
         .asked = "ab",
         .report = "a connection 200; b ok 200"},
        {.name = "a search is seen: it is paid, and its answer is the one that is waited for",
         .options = OFF,
         .endpoint = EP_RESPONSES,
         .a = {"200 stream|" RESPONSE("created") "|" RESPONSE(
             "web_search_call.in_progress") "|cut"},
         .b = {"200 stream|" RESPONSE("completed") "|end"},
         .heard = "stream 200; -; -; connection stream_interrupted 502 committed retry",
         .asked = "a",
         .report = "a connection 200"},
        {.name = "in the background it goes on by itself once it is taken on",
         .options = OFF,
         .endpoint = EP_RESPONSES,
         .background = true,
         .a = {"200 stream|" RESPONSE("queued") "|cut"},
         .b = {"200 stream|" RESPONSE("completed") "|end"},
         .heard = "stream 200; -; connection stream_interrupted 502 committed retry",
         .asked = "a",
         .report = "a connection 200"},
        {.name = "and nobody else is there: it may be at it still, and is paid for",
         .options = QUICK "timeouts: {first_token: 100ms}\n",
         .a = {"200 stream|role|wait 200|say Hi", STREAM},
         .heard = "silent first_token_timeout 504",
         .asked = "aA",
         .report = "a silent 200"},
        {.name = "it is asked again where that is wanted",
         .options = "retry: {base: 1ms, after_timeout: true}\ntimeouts: {first_token: 100ms}\n",
         .a = {"200 stream|role|wait 200|say Hi", STREAM},
         .heard = STREAMED,
         .asked = "aAa",
         .report = "a silent 200; a ok 200 3+4"},
        {.name = "no head comes",
         .options = QUICK,
         .plain = true,
         .a = {"mute", PLAIN},
         .heard = "silent first_byte_timeout 504",
         .asked = "a",
         .report = "a silent"},
        {.name = "no connection: nothing is paid",
         .options = QUICK,
         .plain = true,
         .a = {"unconnected", PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "aa",
         .report = "a silent; a ok 200"},
        {.name = "silence in a plain body",
         .options = QUICK,
         .plain = true,
         .a = {"200|bytes {|idle", PLAIN},
         .heard = "silent stream_stalled 504",
         .asked = "a",
         .report = "a silent 200"},
        {.name = "silence after content",
         .options = "retry: {retries: 0}\ntimeouts: {between_events: 100ms}\n",
         .a = {"200 stream|say Hi|wait 50|bytes : c\\n\\n|wait 60|bytes : c\\n\\n"},
         .b = {STREAM},
         .heard = "stream 200; Hi; silent stream_stalled 504 committed retry",
         .asked = "aA",
         .report = "a silent 200"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* ---- hedges ---- */

#define HEDGE "retry: {retries: 0}\nhedge: {after: 100ms, at_most: 100%}\n"

/* What is said before the first content is held while there is room; else it is handed over. */
static void what_is_held_takes_room(void **state) {
    (void)state;
    enum { LONG = 20000 };
    buf script = BUF_EMPTY;
    buf_add_cstr(&script, "200 stream|event {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"");
    memset(buf_reserve(&script, LONG), 'a', LONG);
    buf_grow(&script, LONG);
    buf_add_cstr(&script, "\"}}]}|wait 10|cut");
    row r = {.name = "there is room",
             .options = OFF,
             .a = {buf_cstr(&script)},
             .b = {STREAM},
             .memory = 2 * LONG,
             .heard = STREAMED,
             .asked = "ab",
             .report = "a connection 200; b ok 200 3+4"};
    plays(&r);
    r.name = "there is none";
    r.memory = LONG;
    r.heard = "stream 200; -; connection stream_interrupted 502 committed retry";
    r.asked = "a";
    r.report = "a connection 200";
    plays(&r);
    buf_done(&script);
}

static void hedges(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "the hedge wins",
         .options = HEDGE,
         .a = {"200 stream|role|wait 900|say late"},
         .b = {STREAM},
         .heard = STREAMED,
         .asked = "abA",
         .report = "a cancelled 200; b* ok 200 3+4"},
        {.name = "from then on the first is not heard",
         .options = HEDGE,
         .a = {"200 stream|role|wait 150|say late"},
         .b = {"200 stream|say Hi|wait 100|finish|done|end"},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "abA",
         .report = "a cancelled 200; b* ok 200"},
        {.name = "the hedge loses",
         .options = HEDGE,
         .a = {"200 stream|role|usage|wait 150|say Hi|finish|done|end"},
         .b = {"200 stream|usage|wait 900|say late"},
         .heard = "stream 200; -; usage; Hi; .stop; end",
         .asked = "abB",
         .report = "a ok 200 3+4; b* cancelled 200 3+4"},
        {.name = "a quick answer is not hedged",
         .options = HEDGE,
         .a = {"wait 90|200 stream|say Hi|wait 900|finish|done|end"},
         .b = {STREAM},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "a",
         .report = "a ok 200"},
        {.name = "the first fails while the hedge runs",
         .options = HEDGE,
         .a = {"wait 150|reset"},
         .b = {"wait 100|" STREAM},
         .heard = STREAMED,
         .asked = "ab",
         .report = "a connection; b* ok 200 3+4"},
        {.name = "the hedge fails while the first runs",
         .options = HEDGE,
         .a = {"wait 300|" STREAM},
         .b = {"refuse"},
         .heard = STREAMED,
         .asked = "ab",
         .report = "a ok 200 3+4; b* connection"},
        {.name = "both fail: the first's failure is why",
         .options = HEDGE,
         .a = {"wait 150|503|end"},
         .b = {"wait 100|404|end"},
         .refused = 1,
         .heard = "overload provider_error 503",
         .asked = "ab",
         .report = "a overload 503; b* target 404"},
        {.name = "the first's content policy holds for both",
         .options = HEDGE,
         .a = {"wait 150|400|bytes {\"error\":{\"code\":\"content_filter\"}}|end"},
         .b = {"wait 100|" STREAM},
         .heard = "content_policy provider_error 400",
         .asked = "abB",
         .report = "a content_policy 400; b* cancelled"},
        {.name = "two fail while they run, and the third is asked",
         .options = HEDGE,
         .a = {"wait 300|refuse"},
         .b = {"refuse"},
         .c = {STREAM},
         .heard = STREAMED,
         .asked = "abc",
         .report = "a connection; b* connection; c ok 200 3+4"},
        {.name = "the hedge's failure is not why",
         .options = HEDGE,
         .a = {"wait 300|404|end"},
         .b = {"refuse"},
         .heard = "target provider_error 404",
         .asked = "ab",
         .report = "a target 404; b* connection"},
        {.name = "a wait for the first ends when the hedge speaks",
         .options =
             "retry: {retries: 1, base: 1s, cap: 1s}\nhedge: {after: 100ms, at_most: 100%}\n",
         .a = {"wait 150|400 x-should-retry: true|bytes {\"error\":{\"code\":"
               "\"content_filter\"}}|end",
               STREAM},
         .b = {"wait 200|200 stream|say Hi|wait 3000|finish|done|end"},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "ab",
         .report = "a content_policy 400; b* ok 200"},
        {.name = "one target alone is never hedged",
         .options = HEDGE,
         .a = {"wait 300|" STREAM},
         .heard = STREAMED,
         .asked = "a",
         .report = "a ok 200 3+4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* ---- the deadline, in each state ---- */

static void deadlines(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "before the head",
         .options = QUICK,
         .total_ms = 500,
         .a = {"wait 900|200 stream"},
         .heard = "silent total_timeout 504",
         .asked = "aA",
         .report = "a cancelled",
         .took_ms = 501},
        {.name = "in a stream",
         .total_ms = 500,
         .a = {"200 stream|say Hi|wait 900|say Ho"},
         .heard = "stream 200; Hi; silent total_timeout 504 committed",
         .asked = "aA",
         .report = "a cancelled 200",
         .took_ms = 501},
        {.name = "in a plain body",
         .plain = true,
         .total_ms = 500,
         .a = {"200|bytes {|wait 900"},
         .heard = "silent total_timeout 504",
         .asked = "aA",
         .report = "a cancelled 200",
         .took_ms = 501},
        {.name = "in a refusal's body",
         .total_ms = 500,
         .a = {"500|wait 900|end"},
         .heard = "silent total_timeout 504",
         .asked = "aA",
         .report = "a cancelled 500",
         .took_ms = 501},
        {.name = "while two run",
         .options = HEDGE,
         .total_ms = 500,
         .a = {"wait 900"},
         .b = {"wait 900"},
         .heard = "silent total_timeout 504",
         .asked = "abAB",
         .report = "a cancelled; b* cancelled",
         .took_ms = 501},
        {.name = "while nothing could be sent",
         .options = QUICK,
         .total_ms = 500,
         .a = {"queued"},
         .b = {STREAM},
         .heard = "our_way no_free_connection 503 retry 1000",
         .asked = "aA",
         .report = "a cancelled",
         .took_ms = 501},
        {.name = "while one has been sent and another could not be",
         .options = HEDGE,
         .total_ms = 500,
         .a = {"wait 900"},
         .b = {"queued"},
         .heard = "silent total_timeout 504",
         .asked = "abAB",
         .report = "a cancelled; b* cancelled",
         .took_ms = 501},
        {.name = "it has passed already",
         .total_ms = -5,
         .a = {"wait 1|" STREAM},
         .heard = "silent total_timeout 504",
         .asked = "aA",
         .report = "a cancelled"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* Who does not wait any longer hears what has failed, not that his time is over. */
static void an_own_deadline(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "nothing has failed yet",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .a = {"wait 900|200 stream"},
         .heard = "silent total_timeout 504",
         .asked = "aA",
         .report = "a cancelled",
         .took_ms = 501},
        {.name = "the wait would reach it",
         .options = "retry: {retries: 8, base: 200ms, cap: 200ms}\n",
         .total_ms = 500,
         .due = true,
         .refused = 2,
         .a = {"503|end"},
         .heard = "overload provider_error 503",
         .asked = "aa",
         .report = "a overload 503; a overload 503"},
        {.name = "a limit's hint reaches beyond it",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .refused = 1,
         .a = {"429 retry-after: 7|end"},
         .heard = "limit provider_error 429 retry 7000",
         .asked = "a",
         .report = "a limit 429"},
        {.name = "in the try after a limit",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .refused = 1,
         .a = {"429 retry-after-ms: 5|end", "wait 900|200 stream"},
         .heard = "limit provider_error 429 5",
         .asked = "aaA",
         .report = "a limit 429; a cancelled",
         .took_ms = 501},
        {.name = "in the try after an overload",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .refused = 1,
         .a = {"503|end", "wait 900|200 stream"},
         .heard = "overload provider_error 503",
         .asked = "aaA",
         .report = "a overload 503; a cancelled",
         .took_ms = 501},
        {.name = "in the try after a connection was lost",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .a = {"reset", "wait 900|200 stream"},
         .heard = "connection provider_connection_lost 502",
         .asked = "aaA",
         .report = "a connection; a cancelled",
         .took_ms = 501},
        {.name = "in the try after an answer that was none",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .a = {"garbage", "wait 900|200 stream"},
         .heard = "malformed provider_bad_answer 502",
         .asked = "aaA",
         .report = "a malformed; a cancelled",
         .took_ms = 501},
        {.name = "while the second target is asked",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .a = {"refuse"},
         .b = {"wait 900"},
         .heard = "connection provider_unreachable 502",
         .asked = "aabB",
         .report = "a connection; a connection; b cancelled",
         .took_ms = 501},
        {.name = "a key that is refused says less than what went before",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .a = {"503|end", "401|end"},
         .b = {"wait 900"},
         .refused = 1,
         .heard = "overload provider_error 503",
         .asked = "aabB",
         .report = "a overload 503; a key 401; b cancelled",
         .took_ms = 501},
        {.name = "while the hedge is asked",
         .options = HEDGE,
         .total_ms = 500,
         .due = true,
         .a = {"wait 200|reset"},
         .b = {"wait 900"},
         .heard = "connection provider_connection_lost 502",
         .asked = "abB",
         .report = "a connection; b* cancelled",
         .took_ms = 501},
        {.name = "in a stream",
         .options = QUICK,
         .total_ms = 500,
         .due = true,
         .refused = 1,
         .a = {"503|end", "200 stream|say Hi|wait 900|say Ho"},
         .heard = "stream 200; Hi; silent total_timeout 504 committed",
         .asked = "aaA",
         .report = "a overload 503; a cancelled 200",
         .took_ms = 501},
        {.name = "the option's is another matter: who set it means silence",
         .options = QUICK,
         .total_ms = 500,
         .refused = 1,
         .a = {"503|end", "wait 900|200 stream"},
         .heard = "silent total_timeout 504",
         .asked = "aaA",
         .report = "a overload 503; a cancelled",
         .took_ms = 501},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* ---- leaving, in each state ---- */

static void cancels(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "before the head",
         .a = {"wait 900"},
         .at_time = CANCEL,
         .time_ms = 50,
         .heard = "cancelled",
         .asked = "aA",
         .report = "a cancelled"},
        {.name = "while a stream is held",
         .a = {"200 stream|role|wait 900"},
         .at_time = CANCEL,
         .time_ms = 50,
         .heard = "cancelled",
         .asked = "aA",
         .report = "a cancelled 200"},
        {.name = "in a stream",
         .a = {"200 stream|say Hi|wait 900"},
         .at_time = CANCEL,
         .time_ms = 50,
         .heard = "stream 200; Hi; cancelled",
         .asked = "aA",
         .report = "a cancelled 200"},
        {.name = "before it would have been hedged",
         .options = HEDGE,
         .a = {"wait 900"},
         .b = {"wait 900"},
         .at_time = CANCEL,
         .time_ms = 50,
         .heard = "cancelled",
         .asked = "aA",
         .report = "a cancelled"},
        {.name = "while it waits to try again",
         .options = "retry: {base: 10s}\n",
         .a = {"500|end", STREAM},
         .at_time = CANCEL,
         .time_ms = 50,
         .heard = "cancelled",
         .asked = "a",
         .report = "a overload 500"},
        {.name = "while two run",
         .options = HEDGE,
         .a = {"wait 900"},
         .b = {"wait 900"},
         .at_time = CANCEL,
         .time_ms = 200,
         .heard = "cancelled",
         .asked = "abAB",
         .report = "a cancelled; b* cancelled"},
        {.name = "while the body's end is waited for",
         .a = {"200 stream|say Hi|done|wait 900"},
         .at_time = CANCEL,
         .time_ms = 2,
         .heard = "stream 200; Hi; cancelled",
         .asked = "aA",
         .report = "a cancelled 200"},
        {.name = "a body that nobody reads, whose head is told at once",
         .endpoint = EP_OTHER,
         .a = {"200 raw|wait 900|bytes x"},
         .at_time = CANCEL,
         .time_ms = 50,
         .heard = "raw 200; cancelled",
         .asked = "aA",
         .report = "a cancelled 200"},
        {.name = "on the head",
         .a = {STREAM},
         .word = "stream 200",
         .on_word = CANCEL,
         .heard = "stream 200; cancelled",
         .asked = "aA",
         .report = "a cancelled 200"},
        {.name = "on an event that was held",
         .a = {STREAM},
         .word = "-",
         .on_word = CANCEL,
         .heard = "stream 200; -; cancelled",
         .asked = "aA",
         .report = "a cancelled 200"},
        {.name = "on the first content",
         .a = {STREAM},
         .word = "Hi",
         .on_word = CANCEL,
         .heard = "stream 200; -; Hi; cancelled",
         .asked = "aA",
         .report = "a cancelled 200"},
        {.name = "on a plain body",
         .plain = true,
         .a = {PLAIN},
         .word = "Hi",
         .on_word = CANCEL,
         .heard = "plain 200; Hi; cancelled",
         .asked = "a",
         .report = "a cancelled 200"},
        {.name = "on hearing that it is refused",
         .options = QUICK,
         .a = {"429|end"},
         .word = "refused",
         .on_word = CANCEL,
         .refused = 1,
         .heard = "cancelled",
         .asked = "a",
         .report = "a limit 429"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* ---- back-pressure ---- */

static void pauses(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "before there is anything to pause",
         .options = "timeouts: {between_events: 100ms}\n",
         .a = {"wait 50|200 stream|say Hi|wait 10|say Ho|finish|done|end"},
         .at_time = PAUSE,
         .time_ms = 10,
         .later = RESUME,
         .later_ms = 900,
         .heard = "stream 200; Hi; Ho; .stop; end",
         .asked = "apr",
         .report = "a ok 200"},
        {.name = "and resumed before it",
         .a = {"wait 50|200 stream|say Hi|finish|done|end"},
         .at_time = PAUSE,
         .time_ms = 10,
         .later = RESUME,
         .later_ms = 20,
         .heard = "stream 200; Hi; .stop; end",
         .asked = "a",
         .report = "a ok 200"},
        {.name = "in a stream, for longer than its events may be apart",
         .options = "timeouts: {between_events: 100ms}\n",
         .a = {"200 stream|say Hi|wait 50|say Ho|finish|done|end"},
         .at_time = PAUSE,
         .time_ms = 20,
         .later = RESUME,
         .later_ms = 900,
         .heard = "stream 200; Hi; Ho; .stop; end",
         .asked = "apr",
         .report = "a ok 200"},
        {.name = "on an event, twice",
         .a = {STREAM},
         .word = "Ho",
         .on_word = PAUSE,
         .at_time = PAUSE,
         .time_ms = 30,
         .later = RESUME,
         .later_ms = 60,
         .heard = STREAMED,
         .asked = "apr",
         .report = "a ok 200 3+4"},
        {.name = "resumed in time, and stalled after it",
         .options = "retry: {retries: 0}\ntimeouts: {between_events: 100ms}\n",
         .a = {"200 stream|say Hi|wait 50|wait 5000"},
         .at_time = PAUSE,
         .time_ms = 20,
         .later = RESUME,
         .later_ms = 900,
         .heard = "stream 200; Hi; silent stream_stalled 504 committed retry",
         .took_ms = 1001,
         .asked = "aprA",
         .report = "a silent 200"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* ---- what is known of targets ---- */

#define BREAKER "retry: {retries: 0}\nbreaker: {failures: 50%, of: 2, window: 60s, probe: 500ms}\n"

/* Several calls in one world, each with its own words. */
static const char *call_again(owner *o) {
    buf_clear(&o->heard);
    buf_clear(&o->w.asking);
    o->over = false;
    o->call = NULL;
    owner_start(o);
    world_run_until(&o->w, o->w.loop.now_ms + 100);
    assert_true(o->over);
    (void)buf_cstr(&o->w.asking);
    return buf_cstr(&o->heard);
}

static void an_open_breaker_is_not_asked(void **state) {
    (void)state;
    static const row alone = {.options = BREAKER, .plain = true, .a = {"refuse", "refuse", PLAIN}};
    owner o;
    owner_begin(&o, &alone);
    assert_string_equal(call_again(&o), "connection provider_unreachable 502");
    assert_string_equal(call_again(&o), "connection provider_unreachable 502");
    /* Open: refused without a request, and told when to come again. */
    const char *said = call_again(&o);
    assert_non_null(strstr(said, "overload provider_unavailable 503 retry "));
    assert_true(o.last.client_after_ms > 0 && o.last.client_after_ms <= 500);
    assert_int_equal(o.w.asking.len, 0);
    assert_int_equal(call_get_report(o.call).attempts, 0);
    assert_null(call_get_report(o.call).tries);
    world_run_until(&o.w, o.w.loop.now_ms + 500);
    assert_string_equal(call_again(&o), "plain 200; Hi; end"); /* the probe closes it */
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    owner_done(&o);
}

static void an_open_breaker_is_passed_over(void **state) {
    (void)state;
    static const row two = {.options = BREAKER, .plain = true, .a = {"refuse"}, .b = {PLAIN}};
    owner o;
    owner_begin(&o, &two);
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    assert_string_equal(o.w.asking.ptr, "ab");
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    assert_string_equal(o.w.asking.ptr, "ab");
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    assert_string_equal(o.w.asking.ptr, "b"); /* it does not even count as an attempt */
    owner_done(&o);
}

static void fail_often(owner *o, span target) {
    const config_breaker *policy = &o->w.config->breaker;
    target_state *s = target_get(o->w.targets, target);
    for (int i = 0; i < 2; i++)
        (void)target_report(s, policy, 0, true, NO_PROBE, -1, o->w.loop.now_ms);
    target_unref(s);
}

/* A probe that was cancelled tells nothing, and leaves its place to the next; one whose request was
 * at fault tells enough. */
static void a_probe_that_is_no_success(void **state) {
    (void)state;
    static const row rows[] = {
        {.options = BREAKER,
         .plain = true,
         .a = {"refuse", "refuse", "wait 900", PLAIN},
         .at_time = CANCEL,
         .time_ms = 750},
        {.options = BREAKER, .plain = true, .a = {"refuse", "refuse", "400|end", PLAIN}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i]);
        (void)call_again(&o);
        (void)call_again(&o);
        world_run_until(&o.w, o.w.began_ms + 700);
        (void)call_again(&o); /* the probe */
        assert_string_equal(call_again(&o), "plain 200; Hi; end");
        owner_done(&o);
    }
}

/* Without a hint no retry comes sooner than retry.base. */
static void a_retry_waits(void **state) {
    (void)state;
    static const row r = {.options = "retry: {retries: 1, base: 500ms, cap: 500ms}\n",
                          .plain = true,
                          .a = {"refuse", PLAIN}};
    owner o;
    owner_begin(&o, &r);
    owner_call(&o);
    assert_string_equal(buf_cstr(&o.heard), "plain 200; Hi; end");
    assert_in_range(o.ended_ms, 500, 1010);
    owner_done(&o);
}

/* Each attempt, retry, fallback and hedge once, under the target that it was made at. */
static void what_is_counted(void **state) {
    (void)state;
    static const struct {
        row row;
        const char *counted; /* of the families attempts, retries, fallbacks and hedges */
    } rows[] = {
        {{.options = ONCE, .a = {"500|end"}, .b = {STREAM}},
         "attempts{target=\"a\",outcome=\"overload\"} 2; attempts{target=\"b\",outcome=\"ok\"} 1; "
         "retries{target=\"a\"} 1; fallbacks{target=\"b\",from=\"a\",reason=\"overload\"} 1"},
        {{.options = HEDGE, .a = {"wait 900"}, .b = {STREAM}},
         "attempts{target=\"a\",outcome=\"cancelled\"} 1; attempts{target=\"b\",outcome=\"ok\"} 1; "
         "hedges{target=\"b\",outcome=\"won\"} 1"},
        {{.options = HEDGE, .a = {"wait 150|" STREAM}, .b = {"wait 900"}},
         "attempts{target=\"b\",outcome=\"cancelled\"} 1; attempts{target=\"a\",outcome=\"ok\"} 1; "
         "hedges{target=\"b\",outcome=\"lost\"} 1"},
        {{.options = HEDGE, .a = {"wait 150|" STREAM}, .b = {"refuse"}},
         "attempts{target=\"b\",outcome=\"connection\"} 1; attempts{target=\"a\",outcome=\"ok\"} "
         "1; hedges{target=\"b\",outcome=\"lost\"} 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        metrics *m = metrics_new();
        owner_begin(&o, &rows[i].row);
        o.metrics = metrics_add_shard(m);
        owner_call(&o);
        buf text = BUF_EMPTY, said = BUF_EMPTY;
        metrics_write(m, false, &text);
        span rest = buf_span(&text), line;
        while (span_cut(&rest, '\n', &line)) {
            static const char *const families[] = {"attempts", "retries", "fallbacks", "hedges"};
            for (size_t k = 0; k < ARRAY_LEN(families); k++) {
                char name[64];
                snprintf(name, sizeof name, "weir_%s_total{", families[k]);
                if (!span_starts(line, span_cstr(name))) continue;
                heard_add(&said, families[k]);
                buf_add(&said, span_slice(line, strlen(name) - 1, line.len));
            }
        }
        assert_string_equal(said.len ? buf_cstr(&said) : "", rows[i].counted);
        buf_done(&text);
        buf_done(&said);
        owner_done(&o);
        metrics_free(m);
    }
}

/* Others have opened the breaker meanwhile: the client hears what went wrong, not that. */
static void a_breaker_that_opens_during_a_wait(void **state) {
    (void)state;
    static const row r = {.options = "retry: {retries: 3, base: 50ms, cap: 50ms}\n"
                                     "breaker: {failures: 50%, of: 2, window: 60s, probe: 10s}\n",
                          .a = {"refuse", PLAIN}};
    owner o;
    owner_begin(&o, &r);
    owner_start(&o);
    world_run_until(&o.w, o.w.began_ms + 10);
    fail_often(&o, SPAN_OF("a"));
    world_run_until(&o.w, o.w.began_ms + 1000);
    assert_string_equal(buf_cstr(&o.heard), "connection provider_unreachable 502");
    assert_string_equal(buf_cstr(&o.w.asking), "a");
    owner_done(&o);
}

/* How often a target of two failures is asked by four calls. */
static unsigned asked_in_four(const row *r) {
    owner o;
    owner_begin(&o, r);
    for (int n = 0; n < 4; n++)
        (void)call_again(&o);
    unsigned asked = o.w.asked[0];
    owner_done(&o);
    return asked;
}

/* The total is the call's own, a target's deadlines are not. */
static void what_a_deadline_says_of_a_target(void **state) {
    (void)state;
    static const row own[] = {
        {.options = BREAKER, .total_ms = 50, .a = {"200 stream|say Hi|wait 60"}},
        {.options = BREAKER, .total_ms = 50, .a = {"200 stream|role|wait 60"}},
        {.options = BREAKER, .total_ms = 50, .a = {"wait 60"}},
        {.options = BREAKER, .total_ms = 50, .plain = true, .a = {"200|bytes {|wait 60"}},
    };
    static const row theirs[] = {
        {.options = BREAKER "timeouts: {first_token: 50ms}\n", .a = {"200 stream|role|wait 60"}},
        {.options = BREAKER, .a = {"mute"}},
        {.options = BREAKER, .plain = true, .a = {"mute"}},
        {.options = BREAKER, .plain = true, .a = {"200|bytes {|idle"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        assert_int_equal(asked_in_four(&own[i]), 4);
    for (size_t i = 0; i < ARRAY_LEN(theirs); i++)
        assert_int_equal(asked_in_four(&theirs[i]), 2); /* then its breaker is open */
}

/* A whole answer that is late is one that was long, at a target that answers others meanwhile; a
 * stream has no such excuse. */
static void a_long_answer_is_no_silence(void **state) {
    (void)state;
    static const row rows[] = {
        {.options = BREAKER, .plain = true, .a = {"wait 50|mute"}},
        {.options = BREAKER, .plain = true, .a = {"200|bytes {|wait 50|idle"}},
        {.options = BREAKER, .a = {"wait 50|mute"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i]);
        target_state *a = target_get(o.w.targets, SPAN_OF("a"));
        for (int n = 0; n < 4; n++) {
            o.over = false;
            o.call = NULL;
            owner_start(&o);
            world_run_until(&o.w, o.w.loop.now_ms + 20);
            (void)target_report(a, &o.w.config->breaker, 0, false, NO_PROBE, 5, o.w.loop.now_ms);
            world_run_until(&o.w, o.w.loop.now_ms + 100);
            assert_true(o.over);
        }
        assert_int_equal(o.w.asked[0], rows[i].plain ? 4 : 1); /* then its breaker is open */
        owner_done(&o);
    }
}

/* ---- weir's own shortages ---- */

static void shortages_of_weirs_own(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "what every target needs ends the call",
         .options = QUICK,
         .a = {"short descriptors"},
         .b = {STREAM},
         .heard = "our_shortage out_of_resources 503 retry 1000",
         .asked = "a",
         .report = "a our_shortage"},
        {.name = "memory too",
         .options = QUICK,
         .a = {"short memory"},
         .b = {STREAM},
         .heard = "our_shortage out_of_resources 503 retry 1000",
         .asked = "a",
         .report = "a our_shortage"},
        {.name = "another target may have a place",
         .options = QUICK,
         .a = {"short pool"},
         .b = {STREAM},
         .heard = STREAMED,
         .asked = "ab",
         .report = "a our_way; b ok 200 3+4"},
        {.name = "but the same is not asked again",
         .options = QUICK,
         .a = {"short pool"},
         .heard = "our_way no_free_connection 503 retry 1000",
         .asked = "a",
         .report = "a our_way"},
        {.name = "a proxy that lets nobody through",
         .options = QUICK,
         .a = {"short proxy"},
         .heard = "our_way proxy_failed 503 retry 1000",
         .asked = "a",
         .report = "a our_way"},
        {.name = "another proxy, or none, may do",
         .options = QUICK,
         .plain = true,
         .a = {"short proxy"},
         .b = {PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "ab",
         .report = "a our_way; b ok 200"},
        {.name = "who has time waits, at the budget of nobody",
         .options = "retry: {retries: 2, base: 1ms, cap: 1ms, budget: 0%, budget_floor: 0}\n",
         .patient = true,
         .a = {"short proxy", "short proxy", STREAM},
         .heard = STREAMED,
         .asked = "aaa",
         .report = "a our_way; a our_way; a ok 200 3+4",
         .took_ms = 2005},
        {.name = "for so long, and no longer",
         .options = "retry: {retries: 1, base: 1ms, cap: 1ms, budget: 0%, budget_floor: 0}\n",
         .patient = true,
         .a = {"short descriptors"},
         .heard = "our_shortage out_of_resources 503 retry 1000",
         .asked = "aa",
         .report = "a our_shortage; a our_shortage"},
        {.name = "a fallback's refusal does not hide it",
         .options = QUICK,
         .plain = true,
         .a = {"short ports"},
         .b = {"400|end"},
         .heard = "our_way out_of_resources 503",
         .asked = "ab",
         .report = "a our_way; b request 400"},
        {.name = "after content",
         .options = QUICK,
         .a = {"200 stream|say Hi|short memory"},
         .b = {STREAM},
         .heard = "stream 200; Hi; our_shortage out_of_resources 503 committed retry",
         .asked = "a",
         .report = "a our_shortage 200"},
        {.name = "a head larger than is taken would be so again",
         .options = QUICK,
         .a = {"large"},
         .b = {STREAM},
         .heard = "our_limit provider_answer_too_large 503",
         .asked = "a",
         .report = "a our_limit"},
        {.name = "a request that cannot be sent is no news of the provider",
         .options = QUICK,
         .a = {"unsendable"},
         .b = {STREAM},
         .heard = STREAMED,
         .asked = "ab",
         .report = "a target; b ok 200 3+4"},
        {.name = "nor hides one lane's want the other's answer",
         .options = HEDGE,
         .a = {"wait 150|short pool"},
         .b = {"wait 150|" STREAM},
         .heard = STREAMED,
         .asked = "ab",
         .report = "a our_way; b* ok 200 3+4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* Not for the breaker, not for the retry budget, and not for a key. */
static void a_shortage_is_no_news_of_a_target(void **state) {
    (void)state;
    static const char *const scripts[] = {"short descriptors", "short files",   "short memory",
                                          "short ports",       "short network", "short barred",
                                          "short names",       "short proxy",   "short pool",
                                          "short share",       "dense",         "large",
                                          "unsendable"};
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        const row r = {.options = BREAKER, .a = {scripts[i]}};
        assert_int_equal(asked_in_four(&r), 4);
    }
}

/* How quick a target is does not tell how long weir's pool was full. */
static void a_wait_for_a_place_is_not_the_targets(void **state) {
    (void)state;
    static const struct {
        row row;
        int64_t latency_ms;
    } rows[] = {{{.a = {"wait 70|placed|wait 20|" STREAM}}, 20}, {{.a = {"wait 20|" STREAM}}, 21}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i].row);
        assert_string_equal(call_again(&o), STREAMED);
        assert_int_equal(target_latency_ms(target_get(o.w.targets, SPAN_OF("a"))),
                         rows[i].latency_ms);
        owner_done(&o);
    }
}

/* Its place as the breaker's probe goes to the next. */
static void a_probe_that_could_not_be_made(void **state) {
    (void)state;
    static const row r = {
        .options = BREAKER, .plain = true, .a = {"refuse", "refuse", "short pool", PLAIN}};
    owner o;
    owner_begin(&o, &r);
    (void)call_again(&o);
    (void)call_again(&o);
    world_run_until(&o.w, o.w.began_ms + 700);
    assert_string_equal(call_again(&o), "our_way no_free_connection 503 retry 1000");
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    owner_done(&o);
}

static void nobody_is_hedged_at_an_open_breaker(void **state) {
    (void)state;
    static const row r = {.options = BREAKER "hedge: {after: 10ms, at_most: 100%}\n",
                          .a = {"wait 50|" STREAM},
                          .b = {STREAM}};
    owner o;
    owner_begin(&o, &r);
    fail_often(&o, SPAN_OF("b"));
    assert_string_equal(call_again(&o), STREAMED);
    assert_string_equal(o.w.asking.ptr, "a");
    owner_done(&o);
}

/* What the log has, written by calls that o makes meanwhile. */
static void logged(owner *o, void (*calls)(owner *o), buf *text) {
    static const config_logs logs = {
        .level = LEVEL_INFO, .format = LOG_JSON, .buffer_bytes = 1 << 20};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    logger *l = logger_new(&logs, ends[1]);
    o->log = logger_add_shard(l);
    calls(o);
    logger_free(l, 10 * 1000);
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], buf_reserve(text, 4096), 4096)) > 0;)
        buf_grow(text, (size_t)n);
    close(ends[0]);
}

static void five_calls(owner *o) {
    for (int i = 0; i < 5; i++)
        (void)call_again(o);
}

/* One line, whatever the number of calls, and each of them counted. */
static void a_shortage_is_told_once(void **state) {
    (void)state;
    static const struct {
        const char *script, *line, *counted;
        size_t memory;
    } rows[] = {
        {"short descriptors",
         "\"level\":\"error\",\"event\":\"shortage\",\"message\":\"This process may open no more "
         "files: no socket for a provider.\",\"shortage\":\"descriptors\",\"provider\":\"a\","
         "\"detail\":\"The gateway has not what it needs to reach the provider. (a: as told)\","
         "\"look_at\":\"RLIMIT_NOFILE (LimitNOFILE= of the unit, ulimit -n)\"}",
         "weir_shortages_total{shortage=\"descriptors\",provider=\"a\"} 5\n"},
        {"short pool",
         "\"level\":\"warn\",\"event\":\"shortage\",\"message\":\"All connections that a worker "
         "may "
         "have to a provider are busy.\",\"shortage\":\"pool\",\"provider\":\"a\",\"detail\":\"The "
         "gateway's connections to the provider are all busy. (a: as told)\",\"look_at\":"
         "\"providers.a.max_connections\"}",
         "weir_shortages_total{shortage=\"pool\",provider=\"a\"} 5\n"},
        {"short proxy", "\"look_at\":\"providers.a.proxy, HTTPS_PROXY, HTTP_PROXY, NO_PROXY\"}",
         "weir_shortages_total{shortage=\"proxy\",provider=\"a\"} 5\n"},
        {"dense", "\"shortage\":\"answer\"",
         "weir_shortages_total{shortage=\"answer\",provider=\"a\"} 5\n"},
        {PLAIN, "\"shortage\":\"room\"",
         "weir_shortages_total{shortage=\"room\",provider=\"a\"} 5\n", .memory = 20},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const row r = {.options = OFF,
                       .plain = rows[i].memory > 0,
                       .memory = rows[i].memory,
                       .a = {rows[i].script}};
        owner o;
        metrics *m = metrics_new();
        buf text = BUF_EMPTY, counted = BUF_EMPTY;
        owner_begin(&o, &r);
        o.metrics = metrics_add_shard(m);
        logged(&o, five_calls, &text);
        span rest = buf_span(&text), line;
        assert_true(span_cut(&rest, '\n', &line));
        if (span_find_span(line, 0, span_cstr(rows[i].line)) == line.len)
            fail_msg("%.*s does not hold %s", SPAN_ARG(line), rows[i].line);
        assert_int_equal(rest.len, 0);
        metrics_write(m, false, &counted);
        assert_non_null(strstr(buf_cstr(&counted), rows[i].counted));
        buf_done(&text);
        buf_done(&counted);
        owner_done(&o);
        metrics_free(m);
    }
}

/* From the first failure that opens it to the probe that closes it, a line each. */
static void a_breaker_tells_the_log(void **state) {
    (void)state;
    static const config_logs logs = {
        .level = LEVEL_INFO, .format = LOG_JSON, .buffer_bytes = 1 << 20};
    static const row r = {.options = BREAKER, .plain = true, .a = {"refuse", "refuse", PLAIN}};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    logger *l = logger_new(&logs, ends[1]);
    owner o;
    owner_begin(&o, &r);
    o.log = logger_add_shard(l);
    (void)call_again(&o);
    (void)call_again(&o);
    world_run_until(&o.w, o.w.loop.now_ms + 500);
    (void)call_again(&o);
    (void)call_again(&o);
    logger_free(l, 10 * 1000);
    close(ends[1]);
    buf text = BUF_EMPTY;
    for (ssize_t n; (n = read(ends[0], buf_reserve(&text, 4096), 4096)) > 0;)
        buf_grow(&text, (size_t)n);
    close(ends[0]);
    static const char *const lines[] = {
        "\"level\":\"warn\",\"event\":\"breaker_opened\",\"message\":\"The target fails too often; "
        "it "
        "is given a rest.\",\"target\":\"a\"",
        "\"level\":\"info\",\"event\":\"breaker_closed\",\"message\":\"The target answers "
        "again.\",\"target\":\"a\""};
    span rest = buf_span(&text), line;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_true(span_cut(&rest, '\n', &line));
        if (span_find_span(line, 0, span_cstr(lines[i])) == line.len)
            fail_msg("%.*s does not hold %s", SPAN_ARG(line), lines[i]);
    }
    assert_int_equal(rest.len, 0);
    buf_done(&text);
    owner_done(&o);
}

/* ---- budgets: how much more than its calls a target may be asked ---- */

static void retries_have_a_budget(void **state) {
    (void)state;
    static const struct {
        row row;
        const char *first, *asked, *second, *asked_then;
    } rows[] = {
        /* one a minute, whatever the calls */
        {{.options = "retry: {retries: 1, base: 1ms, cap: 1ms, budget: 0%, budget_floor: 1}\n",
          .plain = true,
          .a = {"500|end", PLAIN, "500|end"}},
         "plain 200; Hi; end",
         "aa",
         "overload provider_error 500",
         "a"},
        /* as many as calls; a fallback is a call of its target */
        {{.options = "retry: {retries: 1, base: 1ms, cap: 1ms, budget: 100%, budget_floor: 0}\n",
          .plain = true,
          .a = {"500|end", PLAIN, "500|end", PLAIN}},
         "plain 200; Hi; end",
         "aa",
         "plain 200; Hi; end",
         "aa"},
        {{.options = "retry: {retries: 1, base: 1ms, cap: 1ms, budget: 100%, budget_floor: 0}\n",
          .plain = true,
          .a = {"401|end"},
          .b = {"500|end", PLAIN, "500|end", PLAIN}},
         "plain 200; Hi; end",
         "abb",
         "plain 200; Hi; end",
         "bb"}, /* while the key of the first is refused */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i].row);
        assert_string_equal(call_again(&o), rows[i].first);
        assert_string_equal(o.w.asking.ptr, rows[i].asked);
        assert_string_equal(call_again(&o), rows[i].second);
        assert_string_equal(o.w.asking.ptr, rows[i].asked_then);
        owner_done(&o);
    }
}

static void a_hedge_is_taken_from_the_budget_of_its_target(void **state) {
    (void)state;
    static const row r = {.options = "retry: {retries: 0, budget: 0%, budget_floor: 1}\n"
                                     "hedge: {after: 10ms, at_most: 100%}\n",
                          .a = {"wait 900"},
                          .b = {STREAM}};
    owner o;
    owner_begin(&o, &r);
    const config_retry *policy = &o.w.config->retry;
    target_state *a = target_get(o.w.targets, SPAN_OF("a")),
                 *b = target_get(o.w.targets, SPAN_OF("b"));
    assert_string_equal(call_again(&o), STREAMED);
    assert_true(target_budget_left(a, policy, 0, o.w.loop.now_ms));
    assert_false(target_budget_left(b, policy, 0, o.w.loop.now_ms));
    owner_done(&o);
}

/* ---- a target that cannot be asked what is asked ---- */

static bool build_nothing(const provider_ask *ask, provider_request *ret, weir_error *ret_error) {
    (void)ask, (void)ret;
    *ret_error = error_of(ERR_INTERNAL);
    return false;
}

static void use_unfit(owner *o, size_t provider) {
    static provider_ops unfit;
    unfit = *o->w.snapshot->items[provider].ops;
    unfit.build = build_nothing;
    o->w.snapshot->items[provider].ops = &unfit;
}

/* The next one is asked; where there is none the call ends, but not from inside its start. */
static void a_target_that_is_unfit_is_passed_over(void **state) {
    (void)state;
    static const row rows[] = {
        {.options = QUICK,
         .plain = true,
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "b",
         .report = "b ok 200"},
        {.options = ONCE, /* one retry, and no more, as with any target */
         .plain = true,
         .a = {PLAIN},
         .b = {"500|end", PLAIN},
         .heard = "plain 200; Hi; end",
         .asked = "bb",
         .report = "b overload 500; b ok 200"},
        {.options = ONCE,
         .plain = true,
         .a = {PLAIN},
         .b = {"500|end", "500|end", PLAIN},
         .heard = "overload provider_error 500",
         .asked = "bb",
         .report = "b overload 500; b overload 500"},
        {.options = QUICK,
         .a = {PLAIN},
         .heard = "target internal_error 500",
         .asked = "",
         .report = ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_begin(&o, &rows[i]);
        use_unfit(&o, 0);
        owner_call(&o);
        buf report = BUF_EMPTY;
        write_report(&o, &report);
        assert_string_equal(buf_cstr(&o.heard), rows[i].heard);
        assert_string_equal(buf_cstr(&o.w.asking), rows[i].asked);
        assert_string_equal(report.ptr, rows[i].report);
        buf_done(&report);
        owner_done(&o);
    }
}

/* Whatever it costs to find that out, it is one call. */
static void a_call_to_an_unfit_target_counts_once(void **state) {
    (void)state;
    static const row r = {.options = OFF, .a = {PLAIN}};
    static const config_retry as_many = {.budget_ratio = 1};
    owner o;
    owner_begin(&o, &r);
    use_unfit(&o, 0);
    owner_call(&o);
    target_state *a = target_get(o.w.targets, SPAN_OF("a"));
    assert_true(target_budget_left(a, &as_many, 0, o.w.began_ms));
    target_take_budget(a, 0, o.w.began_ms);
    assert_false(target_budget_left(a, &as_many, 0, o.w.began_ms));
    owner_done(&o);
}

/* Neither a hedge nor the breaker's probe is used up by it. */
static void what_is_unfit_uses_nothing_up(void **state) {
    (void)state;
    static const row hedged = {.options = HEDGE, .a = {"wait 150|" STREAM}, .b = {STREAM}};
    static const config_hedge seldom = {.on = true, .after_ms = 100, .at_most_ratio = 0.01};
    owner o;
    owner_begin(&o, &hedged);
    use_unfit(&o, 1);
    owner_call(&o);
    assert_string_equal(buf_cstr(&o.heard), STREAMED);
    assert_string_equal(buf_cstr(&o.w.asking), "a");
    assert_int_equal(call_get_report(o.call).hedges, 0);
    target_state *a = target_get(o.w.targets, SPAN_OF("a"));
    assert_true(target_take_hedge(a, &seldom, 0, o.w.began_ms + 200));
    assert_false(target_take_hedge(a, &seldom, 0, o.w.began_ms + 200));
    owner_done(&o);

    static const row probed = {.options = BREAKER, .plain = true, .a = {PLAIN}};
    owner_begin(&o, &probed);
    const provider_ops *fit = o.w.snapshot->items[0].ops;
    fail_often(&o, SPAN_OF("a"));
    world_run_until(&o.w, o.w.began_ms + 500);
    use_unfit(&o, 0);
    assert_string_equal(call_again(&o), "target internal_error 500");
    o.w.snapshot->items[0].ops = fit;
    assert_string_equal(call_again(&o), "plain 200; Hi; end");
    owner_done(&o);
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
        cmocka_unit_test(hand_over),
        cmocka_unit_test(what_is_held_takes_room),
        cmocka_unit_test(hedges),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(an_own_deadline),
        cmocka_unit_test(cancels),
        cmocka_unit_test(pauses),
        cmocka_unit_test(an_open_breaker_is_not_asked),
        cmocka_unit_test(an_open_breaker_is_passed_over),
        cmocka_unit_test(a_probe_that_is_no_success),
        cmocka_unit_test(a_retry_waits),
        cmocka_unit_test(what_is_counted),
        cmocka_unit_test(a_breaker_that_opens_during_a_wait),
        cmocka_unit_test(what_a_deadline_says_of_a_target),
        cmocka_unit_test(a_long_answer_is_no_silence),
        cmocka_unit_test(shortages_of_weirs_own),
        cmocka_unit_test(a_shortage_is_no_news_of_a_target),
        cmocka_unit_test(a_wait_for_a_place_is_not_the_targets),
        cmocka_unit_test(a_probe_that_could_not_be_made),
        cmocka_unit_test(a_shortage_is_told_once),
        cmocka_unit_test(nobody_is_hedged_at_an_open_breaker),
        cmocka_unit_test(a_breaker_tells_the_log),
        cmocka_unit_test(retries_have_a_budget),
        cmocka_unit_test(a_hedge_is_taken_from_the_budget_of_its_target),
        cmocka_unit_test(a_target_that_is_unfit_is_passed_over),
        cmocka_unit_test(a_call_to_an_unfit_target_counts_once),
        cmocka_unit_test(what_is_unfit_uses_nothing_up),
        cmocka_unit_test(the_report_is_there_at_any_time),
        cmocka_unit_test(the_report_names_what_was_asked_last),
    };
    return run_watched(tests);
}
