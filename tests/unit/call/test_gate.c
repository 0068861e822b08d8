/* A gate that keeps calls out of targets: whom it lets in is asked, whom it does not is passed
 * over, and each attempt that was let in is told to be over, once. It says so at once, or later,
 * and then not to a call that has gone. Providers by script (origin.h).
 */
#include "origin.h"

#include <ctype.h>

/* What the gate says to the next attempts at a target, a character each; the last for all others:
 * '+' come in; 'w' not for two seconds; 'W' not for two minutes; '?' nobody knows; '$' no money.
 * After 20 ms: 'o' come in; 's', 'S' as w, W; 'm' not for a millisecond; 'k' come in, but its key
 * is at its limit by now. 'n' nothing, ever. */
typedef struct row {
    const char *name;
    const char *options;
    const char *gate_a, *gate_b;
    const char *a[SCRIPTS], *b[SCRIPTS];
    const char *heard;
    const char *report;
    const char *gate; /* what it was asked and told: a+ a- b! (kept out), a. (waits), and ~ of what
                         never began */
    int64_t took_ms;
    int64_t total_ms, cancel_ms; /* 0: a minute; never */
    const char *keys;            /* of a; NULL: one */
} row;

enum { GATE_TAKES_MS = 20, ASKINGS = 16 };

typedef struct asking {
    struct owner *owner;
    timer timer;
    gate_wait *wait;
    char name, word;
    bool in;
} asking;

typedef struct owner {
    world w;
    call_gate gate;
    const char *says[2];
    asking askings[ASKINGS];
    timer cancel;
    call *call;
    request_facts facts;
    buf heard, gated;
    int64_t ended_ms;
    bool over;
} owner;

/* ---- the gate ---- */

static gate_word answer(asking *g, gate_wait *w) {
    owner *o = g->owner;
    g->in = strchr("+ok", g->word) != NULL;
    buf_addf(&o->gated, "%c%c", g->name, g->in ? '+' : '!');
    if (g->in) return GATE_OPEN;
    w->why = error_of(g->word == '$' ? ERR_OVER_BUDGET : ERR_OVER_LIMIT);
    w->why.retry_after_ms = strchr("ws", g->word)   ? 2000
                            : strchr("WS", g->word) ? 120 * 1000
                            : g->word == 'm'        ? 1
                                                    : -1;
    w->why.message = g->name == 'a' ? SPAN_OF("a is full.") : SPAN_OF("b is full.");
    return GATE_SHUT;
}

static void exhaust_key(owner *o) {
    const upstream *u = loop_snapshot_find(o->w.snapshot, &o->w.config->providers[0]);
    target_limit(u->plain, u->keys[0].state, 100 * 1000, o->w.loop.now_ms);
}

static void on_answer(timer *t) {
    asking *g = CONTAINER_OF(t, asking, timer);
    gate_wait *w = g->wait;
    g->wait = NULL;
    if (g->word == 'k') exhaust_key(g->owner);
    w->word = answer(g, w);
    w->told(w);
}

static gate_word enter(void *user, span target, unsigned number, gate_wait *w) {
    owner *o = user;
    assert_true(number < ASKINGS);
    asking *g = &o->askings[number];
    assert_null(g->owner); /* each has its own number */
    const char **says = &o->says[target.ptr[0] - 'a'];
    *g = (asking){.owner = o, .name = target.ptr[0], .word = **says};
    if ((*says)[1]) (*says)++;
    if (!strchr("osSmkn", g->word)) return answer(g, w);
    g->wait = w;
    timer_init(&g->timer, on_answer);
    if (g->word != 'n') timer_start(&o->w.loop.timers, &g->timer, o->w.loop.now_ms + GATE_TAKES_MS);
    buf_addf(&o->gated, "%c.", g->name);
    return GATE_WAIT;
}

static void leave(void *user, unsigned number, int tried) {
    owner *o = user;
    asking *g = &o->askings[number];
    assert_true(g->in || g->wait);
    assert_true(g->in || tried == GATE_NOT_TRIED);
    buf_addf(&o->gated, "%c%c", g->name, tried == GATE_NOT_TRIED ? '~' : '-');
    if (tried != GATE_NOT_TRIED)
        assert_int_equal(call_get_report(o->call).tries[tried].target.ptr[0], g->name);
    if (g->wait) timer_stop(&o->w.loop.timers, &g->timer);
    g->wait = NULL;
    g->in = false;
}

/* ---- the call ---- */

static void on_head(void *user, const answer_head *head) {
    owner *o = user;
    heard_head(&o->heard, head);
}

static void on_event(void *user, const answer_event *event) {
    owner *o = user;
    heard_event(&o->heard, event);
}

static void end(owner *o) {
    assert_false(o->over);
    assert_non_null(o->call); /* never from inside call_start() */
    o->over = true;
    o->ended_ms = o->w.loop.now_ms;
}

static void on_end(void *user) {
    owner *o = user;
    heard_add(&o->heard, "end");
    end(o);
}

static void on_fail(void *user, const failure *f) {
    owner *o = user;
    heard_fail(&o->heard, f);
    if (f->error == ERR_OVER_LIMIT || f->error == ERR_OVER_BUDGET)
        buf_addf(&o->heard, " %.*s", SPAN_ARG(f->text));
    if (f->client_may_retry) buf_add_cstr(&o->heard, " retry");
    if (f->client_after_ms >= 0) buf_addf(&o->heard, " %lld", (long long)f->client_after_ms);
    end(o);
}

static const call_sink sink = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

static void on_cancel(timer *t) {
    owner *o = CONTAINER_OF(t, owner, cancel);
    call_cancel(o->call);
    heard_add(&o->heard, "cancelled");
    end(o);
}

static void write_report(const call *made, buf *out) {
    call_report report = call_get_report(made);
    for (unsigned i = 0; i < report.attempts; i++) {
        const attempt_record *t = &report.tries[i];
        heard_add(out, "");
        buf_addf(out, "%.*s%s %s", SPAN_ARG(t->target), t->hedge ? "*" : "", t->outcome);
        if (t->status) buf_addf(out, " %d", t->status);
    }
}

static void expect(const row *r, const char *what, buf *got, const char *wanted) {
    const char *is = got->len ? buf_cstr(got) : "";
    if (strcmp(is, wanted)) print_error("in the row: %s: %s\n", r->name, what);
    assert_string_equal(is, wanted);
    buf_done(got);
}

static void plays(const row *r) {
    owner o = {.says = {r->gate_a ? r->gate_a : "+", r->gate_b ? r->gate_b : "+"}};
    o.gate = (call_gate){&o, enter, leave};
    o.w.keys[0] = r->keys;
    memcpy(o.w.scripts[0], r->a, sizeof r->a);
    memcpy(o.w.scripts[1], r->b, sizeof r->b);
    world_init(&o.w, r->options);
    o.facts = (request_facts){
        .method = SPAN("POST"), .path = SPAN("/x"), .body = SPAN("{}"), .prompts = 1, .choices = 1};
    int64_t began_ms = o.w.loop.now_ms;
    const call_spec spec = {.loop = &o.w.loop,
                            .snapshot = o.w.snapshot,
                            .model = &o.w.config->models[0],
                            .facts = &o.facts,
                            .gate = &o.gate,
                            .want = WANT_PARTS,
                            .deadline_ms = began_ms + (r->total_ms ? r->total_ms : 60 * 1000),
                            .asking = &o.w.arena,
                            .arena = &o.w.arena};
    timer_init(&o.cancel, on_cancel);
    if (r->cancel_ms) timer_start(&o.w.loop.timers, &o.cancel, began_ms + r->cancel_ms);
    o.call = call_start(&spec, &sink, &o);
    while (!o.over)
        world_run_until(&o.w, timers_next_ms(&o.w.loop.timers));
    buf report = BUF_EMPTY;
    for (size_t i = 0; i < ASKINGS; i++)
        assert_false(o.askings[i].in || o.askings[i].wait);
    write_report(o.call, &report);
    expect(r, "heard", &o.heard, r->heard);
    expect(r, "report", &report, r->report);
    expect(r, "gate", &o.gated, r->gate);
    int64_t off_ms = o.ended_ms - began_ms - r->took_ms;
    if (r->took_ms) assert_true(off_ms >= -1 && off_ms <= 1);
    world_done(&o.w);
}

#define PLAIN    "200|bytes {\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}|end"
#define ANSWERED "plain 200; Hi; end"
#define OFF      "retry: {retries: 0}\n"
#define ONCE     "retry: {retries: 1, base: 1ms, cap: 1ms}\n"

static void who_is_asked(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "who is let in",
         .options = OFF,
         .a = {PLAIN},
         .heard = ANSWERED,
         .report = "a ok 200",
         .gate = "a+a-"},
        {.name = "one that is full is passed over, at once",
         .options = OFF,
         .gate_a = "W",
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "b ok 200",
         .gate = "a!b+b-",
         .took_ms = 1},
        {.name = "also where it would be free soon",
         .options = OFF,
         .gate_a = "w",
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "b ok 200",
         .gate = "a!b+b-",
         .took_ms = 1},
        {.name = "all are: the soonest is told",
         .options = OFF,
         .gate_a = "W",
         .gate_b = "w",
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = "limit rate_limit_exceeded 429 b is full. retry 2000",
         .report = "",
         .gate = "a!b!"},
        {.name = "which is too late for who would come again by himself",
         .options = OFF,
         .gate_a = "W",
         .a = {PLAIN},
         .heard = "limit rate_limit_exceeded 429 a is full. 120000",
         .report = "",
         .gate = "a!"},
        {.name = "or nobody knows",
         .options = OFF,
         .gate_a = "?",
         .a = {PLAIN},
         .heard = "limit rate_limit_exceeded 429 a is full.",
         .report = "",
         .gate = "a!"},
        {.name = "no money",
         .options = OFF,
         .gate_a = "$",
         .a = {PLAIN},
         .heard = "limit insufficient_quota 429 a is full.",
         .report = "",
         .gate = "a!"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void what_follows_a_failure(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "the next is let in",
         .options = OFF,
         .a = {"503|end"},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a overload 503; b ok 200",
         .gate = "a+a-b+b-"},
        {.name = "the next is full: the first is asked once more, as if there were no other",
         .options = ONCE,
         .gate_b = "W",
         .a = {"503|end", PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a overload 503; a ok 200",
         .gate = "a+a-a+a-"},
        {.name = "and where that is no use either, what the first has said is told",
         .options = OFF,
         .gate_b = "W",
         .a = {"404|end"},
         .b = {PLAIN},
         .heard = "target provider_error 404",
         .report = "a target 404",
         .gate = "a+a-b!"},
        {.name = "each try is one: at the second the target is full, and the first's failure told, "
                 "with when to come again",
         .options = ONCE,
         .gate_a = "+W",
         .a = {"503|end", PLAIN},
         .heard = "overload provider_error 503 120000",
         .report = "a overload 503",
         .gate = "a+a-a!"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void a_hedge_is_let_in_too(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "it is",
         .options = OFF "hedge: {after: 10ms, at_most: 100%}\n",
         .a = {"wait 500|" PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a cancelled; b* ok 200",
         .gate = "a+b+a-b-"},
        {.name = "it is not: the slow one is waited for",
         .options = OFF "hedge: {after: 10ms, at_most: 100%}\n",
         .gate_b = "W",
         .a = {"wait 500|" PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a ok 200",
         .gate = "a+b!a-"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void it_has_to_ask_itself(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "and lets in",
         .options = OFF,
         .gate_a = "o",
         .a = {PLAIN},
         .heard = ANSWERED,
         .report = "a ok 200",
         .gate = "a.a+a-",
         .took_ms = 21},
        {.name = "and keeps out",
         .options = OFF,
         .gate_a = "S",
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "b ok 200",
         .gate = "a.a!b+b-",
         .took_ms = 21},
        {.name = "of all: the soonest is told",
         .options = OFF,
         .gate_a = "S",
         .gate_b = "s",
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = "limit rate_limit_exceeded 429 b is full. retry 2000",
         .report = "",
         .gate = "a.a!b.b!"},
        {.name = "for so short that it is over meanwhile: nobody goes round in circles",
         .options = OFF,
         .gate_a = "m",
         .gate_b = "m",
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = "limit rate_limit_exceeded 429 a is full. retry 1",
         .report = "",
         .gate = "a.a!b.b!"},
        {.name = "after one that is full at once",
         .options = OFF,
         .gate_a = "W",
         .gate_b = "o",
         .a = {PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "b ok 200",
         .gate = "a!b.b+b-"},
        {.name = "for a fallback",
         .options = OFF,
         .gate_b = "o",
         .a = {"503|end"},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a overload 503; b ok 200",
         .gate = "a+a-b.b+b-"},
        {.name = "for a fallback that is full: as if there were no other",
         .options = OFF,
         .gate_b = "S",
         .a = {"404|end"},
         .b = {PLAIN},
         .heard = "target provider_error 404",
         .report = "a target 404",
         .gate = "a+a-b.b!"},
        {.name = "for a retry",
         .options = ONCE,
         .gate_a = "+o",
         .a = {"503|end", PLAIN},
         .heard = ANSWERED,
         .report = "a overload 503; a ok 200",
         .gate = "a+a-a.a+a-"},
        {.name = "for a retry, and keeps out",
         .options = ONCE,
         .gate_a = "+S",
         .a = {"503|end", PLAIN},
         .heard = "overload provider_error 503 120000",
         .report = "a overload 503",
         .gate = "a+a-a.a!"},
        {.name = "for another key at once",
         .options = OFF,
         .gate_a = "+o",
         .keys = "[sk-provider-1, sk-provider-2]",
         .a = {"429 retry-after: 30|end", PLAIN},
         .heard = ANSWERED,
         .report = "a limit 429; a ok 200",
         .gate = "a+a-a.a+a-"},
        {.name = "meanwhile the key has come to its limit",
         .options = OFF,
         .gate_a = "k",
         .a = {PLAIN},
         .heard = "limit provider_rate_limited 429 100000",
         .report = "",
         .gate = "a.a+a~"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void nobody_waits_for_ever(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "the call's own time is over",
         .options = OFF,
         .gate_a = "n",
         .total_ms = 500,
         .a = {PLAIN},
         .heard = "silent total_timeout 504",
         .report = "",
         .gate = "a.a~",
         .took_ms = 500},
        {.name = "before a retry: what the first has said is told",
         .options = ONCE,
         .gate_a = "+n",
         .total_ms = 500,
         .a = {"503|end", PLAIN},
         .heard = "overload provider_error 503",
         .report = "a overload 503",
         .gate = "a+a-a.a~",
         .took_ms = 500},
        {.name = "its client leaves",
         .options = OFF,
         .gate_a = "o",
         .cancel_ms = 10,
         .a = {PLAIN},
         .heard = "cancelled",
         .report = "",
         .gate = "a.a~"},
        {.name = "its client leaves before a fallback",
         .options = OFF,
         .gate_b = "o",
         .cancel_ms = 10,
         .a = {"503|end"},
         .b = {PLAIN},
         .heard = "cancelled",
         .report = "a overload 503",
         .gate = "a+a-b.b~"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

#define HEDGE OFF "hedge: {after: 10ms, at_most: 100%}\n"

static void a_hedge_waits_beside(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "and is let in",
         .options = HEDGE,
         .gate_b = "o",
         .a = {"wait 500|" PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a cancelled; b* ok 200",
         .gate = "a+b.b+a-b-"},
        {.name = "and is kept out: the slow one is waited for",
         .options = HEDGE,
         .gate_b = "S",
         .a = {"wait 500|" PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a ok 200",
         .gate = "a+b.b!a-"},
        {.name = "until the slow one has answered",
         .options = HEDGE,
         .gate_b = "o",
         .a = {"wait 20|" PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a ok 200",
         .gate = "a+b.b~a-"},
        {.name = "until the slow one has failed: then it is a fallback",
         .options = HEDGE,
         .gate_b = "o",
         .a = {"wait 20|503|end"},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a overload 503; b ok 200",
         .gate = "a+b.a-b~b.b+b-"},
        {.name = "until the call is cancelled",
         .options = HEDGE,
         .gate_b = "n",
         .cancel_ms = 100,
         .a = {"wait 500|" PLAIN},
         .b = {PLAIN},
         .heard = "cancelled",
         .report = "a cancelled",
         .gate = "a+b.b~a-"},
        {.name = "while the slow one turns to another key, for which the gate is asked, too",
         .options = HEDGE,
         .gate_a = "+n",
         .gate_b = "o",
         .keys = "[sk-provider-1, sk-provider-2]",
         .a = {"wait 20|429 retry-after: 30|end", PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a limit 429; b* ok 200",
         .gate = "a+b.a-a.b+a~b-"},
        {.name = "while the slow one turns to another key, for which it is full: it was a hedge",
         .options = HEDGE,
         .gate_a = "+W",
         .gate_b = "no",
         .keys = "[sk-provider-1, sk-provider-2]",
         .a = {"wait 20|429 retry-after: 30|end", PLAIN},
         .b = {PLAIN},
         .heard = ANSWERED,
         .report = "a limit 429; b ok 200",
         .gate = "a+b.a-a!b~b.b+b-"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_asked),          cmocka_unit_test(what_follows_a_failure),
        cmocka_unit_test(a_hedge_is_let_in_too), cmocka_unit_test(it_has_to_ask_itself),
        cmocka_unit_test(nobody_waits_for_ever), cmocka_unit_test(a_hedge_waits_beside),
    };
    return run_watched(tests);
}
