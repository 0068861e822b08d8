/* A gate that keeps calls out of targets: whom it lets in is asked, whom it does not is passed
 * over, and each attempt that was let in is told to be over, once. Providers by script (origin.h).
 */
#include "origin.h"

#include <ctype.h>

/* What the gate says to the next attempts at a target, a character each; the last for all others:
 * '+' come in; 'w' not for two seconds; 'W' not for two minutes; '?' nobody knows; '$' no money. */
typedef struct row {
    const char *name;
    const char *options;
    const char *gate_a, *gate_b;
    const char *a[SCRIPTS], *b[SCRIPTS];
    const char *heard;
    const char *report;
    const char
        *gate; /* what it was asked and told: a+ a- b! (kept out), and ~ of what never began */
    int64_t took_ms;
} row;

typedef struct owner {
    world w;
    call_gate gate;
    const char *says[2];
    char names[64]; /* of attempts that are in: their target */
    request_facts facts;
    buf heard, gated;
    int64_t ended_ms;
    bool over;
} owner;

/* ---- the gate ---- */

static bool enter(void *user, span target, unsigned attempt_number, weir_error *ret_why) {
    owner *o = user;
    const char name = target.ptr[0];
    const char **says = &o->says[name - 'a'];
    const char word = **says;
    if ((*says)[1]) (*says)++;
    buf_addf(&o->gated, "%c%c", name, word == '+' ? '+' : '!');
    if (word == '+') {
        assert_int_equal(o->names[attempt_number], 0);
        o->names[attempt_number] = name;
        return true;
    }
    *ret_why = error_of(word == '$' ? ERR_OVER_BUDGET : ERR_OVER_LIMIT);
    ret_why->retry_after_ms = word == 'w' ? 2000 : word == 'W' ? 120 * 1000 : -1;
    ret_why->message = name == 'a' ? SPAN_OF("a is full.") : SPAN_OF("b is full.");
    return false;
}

static void leave(void *user, unsigned attempt_number, bool began) {
    owner *o = user;
    assert_true(isalpha(o->names[attempt_number]));
    buf_addf(&o->gated, "%c%c", o->names[attempt_number], began ? '-' : '~');
    o->names[attempt_number] = 0;
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
                            .deadline_ms = began_ms + 60 * 1000,
                            .arena = &o.w.arena};
    call *made = call_start(&spec, &sink, &o);
    while (!o.over)
        world_run_until(&o.w, timers_next_ms(&o.w.loop.timers));
    buf report = BUF_EMPTY;
    write_report(made, &report);
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

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_asked),
        cmocka_unit_test(what_follows_a_failure),
        cmocka_unit_test(a_hedge_is_let_in_too),
    };
    return run_watched(tests);
}
