/* Rows of calls: what one or two providers say, by script, and what the client hears, whom weir
 * asked in which order, and what it has kept of each attempt. No sockets and no waiting (origin.h).
 */
#ifndef WEIR_TEST_CALL_ROWS_H
#define WEIR_TEST_CALL_ROWS_H

#include "origin.h"

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
static inline void assert_untimed(const owner *o) {
    size_t own = 0;
    for (size_t i = 0; i < ARRAY_LEN(o->doing); i++)
        own += timer_active(&o->doing[i].timer);
    assert_int_equal(o->w.loop.timers.count, own);
}

static inline void act(owner *o, action what) {
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

static inline void act_in_time(timer *t) {
    struct doing *d = CONTAINER_OF(t, struct doing, timer);
    if (!d->owner->over) act(d->owner, d->what);
}

/* Nothing comes after the last word, or after a cancel. */
static inline void hear(owner *o, bool last) {
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

static inline void on_head(void *user, const answer_head *head) {
    owner *o = user;
    heard_head(&o->heard, head);
    hear(o, false);
}

static inline void on_event(void *user, const answer_event *event) {
    owner *o = user;
    heard_event(&o->heard, event);
    hear(o, false);
}

static inline void on_end(void *user) {
    owner *o = user;
    heard_add(&o->heard, "end");
    hear(o, true);
}

static inline void on_fail(void *user, const failure *f) {
    owner *o = user;
    heard_fail(&o->heard, f);
    if (f->committed) buf_add_cstr(&o->heard, " committed");
    if (f->client_may_retry) buf_add_cstr(&o->heard, " retry");
    if (f->client_after_ms >= 0) buf_addf(&o->heard, " %lld", (long long)f->client_after_ms);
    o->last = *f;
    hear(o, true);
}

static inline void on_refused(void *user, int status, int64_t retry_after_ms) {
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

static inline void owner_begin(owner *o, const row *r) {
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

static inline void owner_start(owner *o) {
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
                            .asking = &o->w.arena,
                            .arena = &o->w.arena};
    o->call = call_start(&spec, &sink, o);
}

static inline void owner_call(owner *o) {
    owner_start(o);
    world_run_until(&o->w, o->w.loop.now_ms + 120 * 1000);
    assert_true(o->over);
}

static inline void write_report(const owner *o, buf *out) {
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

static inline void owner_done(owner *o) {
    buf_done(&o->heard);
    assert_int_equal(o->w.loop.memory.used, 0);
    if (o->row->memory) {
        memory_account_done(&o->w.loop.memory);
        memory_bound_done(&o->bound);
    }
    world_done(&o->w);
}

/* Whether it goes as the row says. */
static inline void plays(const row *r) {
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
#define HEDGE      "retry: {retries: 0}\nhedge: {after: 100ms, at_most: 100%}\n"
#define BREAKER    "retry: {retries: 0}\nbreaker: {failures: 50%, of: 2, window: 60s, probe: 500ms}\n"

/* Several calls in one world, each with its own words. */
static inline const char *call_again(owner *o) {
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

static inline void fail_often(owner *o, span target) {
    const config_breaker *policy = &o->w.config->breaker;
    target_state *s = target_get(o->w.targets, target);
    for (int i = 0; i < 2; i++)
        (void)target_report(s, policy, 0, true, NO_PROBE, -1, o->w.loop.now_ms);
    target_unref(s);
}

/* How often a target of two failures is asked by four calls. */
static inline unsigned asked_in_four(const row *r) {
    owner o;
    owner_begin(&o, r);
    for (int n = 0; n < 4; n++)
        (void)call_again(&o);
    unsigned asked = o.w.asked[0];
    owner_done(&o);
    return asked;
}

#endif
