/* What calls do about their providers' keys: which one is asked with, what follows where one is
 * refused or has had its share, and what the client hears of it. Providers by script, and a clock
 * that is moved by hand (origin.h). */
#include "origin.h"

enum { CALLS = 6 };

/* One of several calls in a row. */
typedef struct step {
    int64_t after_ms; /* since the call before it was over */
    const char *heard;
    const char *used;   /* the last character of each request's key */
    const char *report; /* of each attempt */
    int64_t took_ms;    /* give or take a turn of the wheel; 0: whatever */
} step;

typedef struct row {
    const char *name;
    const char *options;
    const char *keys; /* those of a; NULL: one */
    const char *keys_b;
    const char *a[SCRIPTS], *b[SCRIPTS];
    step calls[CALLS];
    bool patient;
    int64_t total_ms; /* 0: a minute */
} row;

typedef struct owner {
    world w;
    request_facts facts;
    buf heard;
    int64_t ended_ms;
    bool over;
} owner;

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
    if (f->error == ERR_PROVIDER_REFUSED) buf_addf(&o->heard, " %.*s", SPAN_ARG(f->text));
    if (f->error == ERR_PROVIDER_REFUSED) assert_int_equal(f->body.len, 0);
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

static void expect(const row *r, size_t at, const char *what, buf *got, const char *wanted) {
    const char *is = got->len ? buf_cstr(got) : "";
    if (strcmp(is, wanted)) print_error("in the row: %s, call %zu: %s\n", r->name, at + 1, what);
    assert_string_equal(is, wanted);
    buf_clear(got);
}

static void play(owner *o, const row *r, size_t at) {
    const step *s = &r->calls[at];
    world_run_until(&o->w, o->w.loop.now_ms + s->after_ms);
    o->facts = (request_facts){
        .method = SPAN("POST"), .path = SPAN("/x"), .body = SPAN("{}"), .prompts = 1, .choices = 1};
    o->over = false;
    int64_t began_ms = o->w.loop.now_ms;
    const call_spec spec = {.loop = &o->w.loop,
                            .snapshot = o->w.snapshot,
                            .model = &o->w.config->models[0],
                            .facts = &o->facts,
                            .want = WANT_PARTS,
                            .patient = r->patient,
                            .deadline_ms = began_ms + (r->total_ms ? r->total_ms : 60 * 1000),
                            .asking = &o->w.arena,
                            .arena = &o->w.arena};
    call *made = call_start(&spec, &sink, o);
    while (!o->over)
        world_run_until(&o->w, timers_next_ms(&o->w.loop.timers));
    buf report = BUF_EMPTY;
    write_report(made, &report);
    expect(r, at, "heard", &o->heard, s->heard);
    expect(r, at, "used", &o->w.used, s->used);
    expect(r, at, "report", &report, s->report);
    int64_t off_ms = o->ended_ms - began_ms - s->took_ms;
    if (s->took_ms) assert_true(off_ms >= -1 && off_ms <= 1);
    buf_done(&report);
}

static void plays(const row *r) {
    owner o = {0};
    memcpy(o.w.scripts[0], r->a, sizeof r->a);
    memcpy(o.w.scripts[1], r->b, sizeof r->b);
    o.w.keys[0] = r->keys;
    o.w.keys[1] = r->keys_b;
    world_init(&o.w, r->options);
    for (size_t i = 0; i < CALLS && r->calls[i].heard; i++)
        play(&o, r, i);
    buf_done(&o.heard);
    world_done(&o.w);
}

#define PLAIN    "200|bytes {\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}|end"
#define ANSWERED "plain 200; Hi; end"
#define TWO      "[sk-provider-1, sk-provider-2]"
#define THREE    "[sk-provider-1, sk-provider-2, sk-provider-3]"
#define OFF      "retry: {retries: 0}\n"
#define ONCE     "retry: {retries: 1, base: 1ms, cap: 1ms}\n"
#define QUOTA    "429|bytes {\"error\":{\"code\":\"insufficient_quota\",\"message\":\"No.\"}}|end"
#define REFUSED(status)                                                                            \
    "key provider_refused 502 The provider a refuses the key that it is sent (status " status ")."

/* Another key at once, though there are no retries, and each but once. */
static void another_key_is_asked_at_once(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "the first is revoked; from then on the second goes first",
         .options = OFF,
         .keys = TWO,
         .a = {"401|end", PLAIN},
         .calls = {{0, ANSWERED, "12", "a key 401; a ok 200", 2},
                   {0, ANSWERED, "2", "a ok 200", 1},
                   {0, ANSWERED, "2", "a ok 200", 1}}},
        {.name = "a 403 is followed by another key, whoever's turn it is",
         .options = OFF,
         .keys = TWO,
         .a = {"403|end", PLAIN, "403|end", PLAIN},
         .calls = {{0, ANSWERED, "12", "a key 403; a ok 200", 2},
                   {0, ANSWERED, "12", "a key 403; a ok 200", 2}}},
        {.name = "or which key goes before it",
         .options = OFF,
         .keys = THREE,
         .a = {"401|end", PLAIN, PLAIN, "403|end", PLAIN},
         .calls = {{0, ANSWERED, "12", "a key 401; a ok 200", 0},
                   {0, ANSWERED, "3", "a ok 200", 0},
                   {0, ANSWERED, "23", "a key 403; a ok 200", 0}}},
        {.name = "an account without money",
         .options = OFF,
         .keys = TWO,
         .a = {"402|end", PLAIN},
         .calls = {{0, ANSWERED, "12", "a key 402; a ok 200", 0}}},
        {.name = "an exhausted quota",
         .options = OFF,
         .keys = TWO,
         .a = {QUOTA, PLAIN},
         .calls = {{0, ANSWERED, "12", "a key 429; a ok 200", 0}}},
        {.name = "a limit",
         .options = OFF,
         .keys = TWO,
         .a = {"429|end", PLAIN},
         .calls = {{0, ANSWERED, "12", "a limit 429; a ok 200", 2},
                   {0, ANSWERED, "2", "a ok 200", 1},
                   {1000, ANSWERED, "2", "a ok 200", 1},
                   {0, ANSWERED, "1", "a ok 200", 1}}},
        {.name = "a limit that is over at once is none for others",
         .options = OFF,
         .keys = TWO,
         .a = {"429 retry-after: 0|end", PLAIN},
         .calls = {{0, ANSWERED, "12", "a limit 429; a ok 200", 2}}},
        {.name = "each key once, and then the failure is the last one's",
         .options = OFF,
         .keys = THREE,
         .a = {"401|end", "403|end", "401|end"},
         .calls = {{0, REFUSED("401"), "123", "a key 401; a key 403; a key 401", 3}}},
        {.name = "each key once, and then another target",
         .options = OFF,
         .keys = TWO,
         .a = {"401|end"},
         .b = {PLAIN},
         .calls = {{0, ANSWERED, "12b", "a key 401; a key 401; b ok 200", 3},
                   {0, ANSWERED, "b", "b ok 200", 1}}},
        {.name = "what is no key's fault is none of the other's",
         .options = OFF,
         .keys = TWO,
         .a = {"404|end"},
         .calls = {{0, "target provider_error 404", "1", "a target 404", 1}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void a_refused_key_goes_last(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "the fallback first, a look after the rest, and well again",
         .options = OFF,
         .a = {"401|end", "401|end", PLAIN},
         .b = {PLAIN},
         .calls = {{0, ANSWERED, "ab", "a key 401; b ok 200", 0},
                   {900, ANSWERED, "b", "b ok 200", 0},
                   {100, ANSWERED, "ab", "a key 401; b ok 200", 0},
                   {1900, ANSWERED, "b", "b ok 200", 0},
                   {100, ANSWERED, "a", "a ok 200", 0},
                   {0, ANSWERED, "a", "a ok 200", 0}}},
        {.name = "where there is no other way it is asked all the same",
         .options = OFF,
         .a = {"401|end", "401|end", PLAIN},
         .calls = {{0, REFUSED("401"), "a", "a key 401", 0},
                   {0, REFUSED("401"), "a", "a key 401", 0},
                   {0, ANSWERED, "a", "a ok 200", 0}}},
        {.name = "also where the fallback is down",
         .options = OFF,
         .a = {"401|end", PLAIN},
         .b = {PLAIN, "503|end"},
         .calls = {{0, ANSWERED, "ab", "a key 401; b ok 200", 0},
                   {0, ANSWERED, "ba", "b overload 503; a ok 200", 0}}},
        {.name = "two 403s may be about what was asked",
         .options = OFF,
         .a = {"403|end"},
         .b = {PLAIN},
         .calls = {{0, ANSWERED, "ab", "a key 403; b ok 200", 0},
                   {0, ANSWERED, "ab", "a key 403; b ok 200", 0},
                   {0, ANSWERED, "ab", "a key 403; b ok 200", 0},
                   {0, ANSWERED, "b", "b ok 200", 0}}},
        {.name = "a provider that is sent no key asks for one",
         .options = OFF,
         .keys = "sk-provider-a, auth: none",
         .a = {"401|end"},
         .b = {PLAIN},
         .calls = {{0, ANSWERED, "-b", "a key 401; b ok 200", 0},
                   {0, ANSWERED, "b", "b ok 200", 0}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

#define SOON "429 retry-after-ms: 40|end"
#define LATE "429 retry-after: 30|end"

static void limits_are_no_outage(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "the breaker stays closed, and nothing is refused by weir",
         .options = OFF "breaker: {failures: 50%, of: 2, window: 60s, probe: 30s}\n",
         .a = {"429|end", "429|end", "429|end", PLAIN},
         .calls = {{0, "limit provider_error 429", "a", "a limit 429", 0},
                   {0, "limit provider_error 429", "a", "a limit 429", 0},
                   {0, "limit provider_error 429", "a", "a limit 429", 0},
                   {0, ANSWERED, "a", "a ok 200", 0}}},
        {.name = "the budget is for outages",
         .options = "retry: {retries: 1, base: 1ms, cap: 1ms, budget: 0%, budget_floor: 1}\n",
         .a = {"429|end", PLAIN, "429|end", PLAIN, "503|end", PLAIN, "503|end", PLAIN},
         .calls = {{0, ANSWERED, "aa", "a limit 429; a ok 200", 0},
                   {0, ANSWERED, "aa", "a limit 429; a ok 200", 0},
                   {0, ANSWERED, "aa", "a overload 503; a ok 200", 0},
                   {0, "overload provider_error 503", "a", "a overload 503", 0}}},
        {.name = "what the provider has said is waited for before it is asked",
         .options = ONCE,
         .a = {SOON, SOON, PLAIN},
         .calls = {{0, "limit provider_error 429 retry 40", "aa", "a limit 429; a limit 429", 0},
                   {0, ANSWERED, "a", "a ok 200", 41}}},
        {.name = "or told, where it may not be waited for",
         .options = OFF,
         .a = {LATE, PLAIN},
         .calls = {{0, "limit provider_error 429 retry 30000", "a", "a limit 429", 0},
                   {1000, "limit provider_rate_limited 429 retry 29000", "", "", 0},
                   {29000, ANSWERED, "a", "a ok 200", 0}}},
        {.name = "or takes longer than retry.patience",
         .options = ONCE,
         .a = {LATE, LATE, PLAIN},
         .calls = {{0, "limit provider_error 429 retry 30000", "aa", "a limit 429; a limit 429", 0},
                   {0, "limit provider_rate_limited 429 retry 29999", "", "", 0}}},
        {.name = "unless who asks has time",
         .options = ONCE,
         .patient = true,
         .a = {LATE, LATE, PLAIN},
         .calls = {{0, "limit provider_error 429 retry 30000", "aa", "a limit 429; a limit 429", 0},
                   {0, ANSWERED, "a", "a ok 200", 30001}}},
        {.name = "or reaches beyond the deadline",
         .options = ONCE,
         .total_ms = 1000,
         .a = {LATE},
         .calls = {{0, "limit provider_error 429 retry 30000", "a", "a limit 429", 0},
                   {0, "limit provider_rate_limited 429 retry 29999", "", "", 0}}},
        {.name = "that the limit begins anew is a hint, where there is no other",
         .options = OFF,
         .a = {"429 x-ratelimit-remaining-tokens: 0; x-ratelimit-reset-tokens: 6m0s|end",
               "429 x-ratelimit-remaining-tokens: 0; x-ratelimit-reset-tokens: 6m0s; "
               "retry-after: 5|end"},
         .calls = {{0, "limit provider_error 429 360000", "a", "a limit 429", 0},
                   {0, "limit provider_rate_limited 429 359999", "", "", 0},
                   {360000, "limit provider_error 429 retry 5000", "a", "a limit 429", 0}}},
        {.name = "but not of what is no limit",
         .options = OFF,
         .a = {"503 x-ratelimit-remaining-tokens: 0; x-ratelimit-reset-tokens: 6m0s|end"},
         .calls = {{0, "overload provider_error 503", "a", "a overload 503", 0},
                   {0, "overload provider_error 503", "a", "a overload 503", 0}}},
        {.name = "another target goes on meanwhile",
         .options = OFF,
         .a = {LATE, PLAIN},
         .b = {PLAIN},
         .calls = {{0, ANSWERED, "ab", "a limit 429; b ok 200", 0},
                   {0, ANSWERED, "b", "b ok 200", 0},
                   {30000, ANSWERED, "a", "a ok 200", 0}}},
        {.name = "all keys rest: the shortest wait is told",
         .options = OFF,
         .keys = TWO,
         .a = {LATE, "429 retry-after: 20|end"},
         .calls = {{0, "limit provider_error 429 retry 20000", "12", "a limit 429; a limit 429", 0},
                   {0, "limit provider_rate_limited 429 retry 19999", "", "", 0}}},
        {.name = "the first key's wait, where it is the shorter",
         .options = OFF,
         .keys = TWO,
         .a = {"429 retry-after: 20|end", LATE},
         .calls = {{0, "limit provider_error 429 retry 19999", "12", "a limit 429; a limit 429",
                    0}}},
        {.name = "a dead key does not hide that the other is only limited",
         .options = ONCE,
         .keys = TWO,
         .a = {"401|end", SOON, SOON, "401|end", PLAIN},
         .calls = {{0, "limit provider_error 429 retry 40", "122",
                    "a key 401; a limit 429; a limit 429", 0},
                   {0, ANSWERED, "12", "a key 401; a ok 200", 42}}},
        {.name = "nor where it is asked after that one",
         .options = ONCE,
         .keys = TWO,
         .a = {SOON, "401|end", PLAIN},
         .calls = {{0, ANSWERED, "121", "a limit 429; a key 401; a ok 200", 0}}},
        {.name = "all targets are limited: the shortest of all is told",
         .options = OFF,
         .a = {LATE},
         .b = {"429 retry-after: 10|end"},
         .calls = {{0, "limit provider_error 429 retry 10000", "ab", "a limit 429; b limit 429", 0},
                   {0, "limit provider_rate_limited 429 retry 9999", "", "", 0}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

#define SAYS(status)                                                                               \
    status "|bytes {\"error\":{\"message\":\"Bad key sk-pr***1\",\"code\":\"own\"}}|end"

/* That weir's key is refused is weir's affair; what is about money is told. */
static void what_the_client_hears(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "401",
         .options = OFF,
         .a = {SAYS("401")},
         .calls = {{0, REFUSED("401"), "a", "a key 401", 0}}},
        {.name = "403",
         .options = OFF,
         .a = {SAYS("403")},
         .calls = {{0, REFUSED("403"), "a", "a key 403", 0}}},
        {.name = "402",
         .options = OFF,
         .a = {SAYS("402")},
         .calls = {{0, "key provider_error 402", "a", "a key 402", 0}}},
        {.name = "quota",
         .options = OFF,
         .a = {QUOTA},
         .calls = {{0, "key provider_error 429", "a", "a key 429", 0}}},
        {.name = "none is sent",
         .options = OFF,
         .keys = "sk-provider-a, auth: none",
         .a = {SAYS("401")},
         .calls =
             {{0,
               "key provider_refused 502 The provider a asks for a key, and none is configured "
               "for it (status 401).",
               "-", "a key 401", 0}}},
        {.name = "in the middle of a call of two targets it is the first one's failure",
         .options = OFF,
         .a = {SAYS("401")},
         .b = {SAYS("400")},
         .calls = {{0, REFUSED("401"), "ab", "a key 401; b request 400", 0}}},
        {.name = "a fallback's refusal does not hide the first one's",
         .options = OFF,
         .a = {SAYS("503")},
         .b = {SAYS("401")},
         .calls = {{0, "overload provider_error 503", "ab", "a overload 503; b key 401", 0}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void hedges_turn_keys_too(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "the hedge's key is refused: its next is asked beside the slow one",
         .options = "retry: {retries: 0}\nhedge: {after: 10ms, at_most: 100%}\n",
         .keys_b = TWO,
         .a = {"wait 500|" PLAIN},
         .b = {"401|end", PLAIN},
         .calls = {{0, ANSWERED, "a12", "a cancelled; b* key 401; b* ok 200", 13}}},
        {.name = "the slow one's key is refused while the hedge runs",
         .options = "retry: {retries: 0}\nhedge: {after: 10ms, at_most: 100%}\n",
         .keys = TWO,
         .a = {"wait 20|401|end", PLAIN},
         .b = {"wait 500|" PLAIN},
         .calls = {{0, ANSWERED, "1b2", "a key 401; b* cancelled; a ok 200", 22}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(another_key_is_asked_at_once), cmocka_unit_test(a_refused_key_goes_last),
        cmocka_unit_test(limits_are_no_outage),         cmocka_unit_test(what_the_client_hears),
        cmocka_unit_test(hedges_turn_keys_too),
    };
    return run_watched(tests);
}
