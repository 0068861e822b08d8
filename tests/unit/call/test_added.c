/* What weir adds to a request by itself, at a target that refuses it: the usage chunk's option.
 * Scripts and a clock that is moved by hand (origin.h). */
#include "origin.h"

#define ASKS  "{\"stream\":true}"
#define ADDED "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}"

/* A refusal that names it, one that does not, and an answer. */
#define NAMES  "|bytes {\"error\":{\"message\":\"Unknown argument: stream_options\"}}|end"
#define OTHER  "|bytes {\"error\":{\"message\":\"Unknown argument: x\"}}|end"
#define STREAM "200 stream|say Hi|finish|done|end"

typedef struct row {
    const char *name;
    const char *options;
    const char *asks; /* NULL: ASKS */
    const char *a[SCRIPTS], *b[SCRIPTS];
    const char *heard;
    const char *asked;  /* world.asking */
    const char *bodies; /* of the first call's requests */
    bool learnt;        /* a is not asked so again */
    bool never;         /* stream_usage of a */
    const char *report; /* outcomes and statuses of the attempts */
} row;

typedef struct owner {
    world w;
    request_facts facts;
    call *call;
    buf heard;
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

static void on_end(void *user) {
    owner *o = user;
    heard_add(&o->heard, "end");
    o->over = true;
}

static void on_fail(void *user, const failure *f) {
    owner *o = user;
    heard_fail(&o->heard, f);
    o->over = true;
}

static const call_sink sink = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

static void owner_begin(owner *o, const row *r) {
    *o = (owner){.over = true};
    memcpy(o->w.scripts[0], r->a, sizeof r->a);
    memcpy(o->w.scripts[1], r->b, sizeof r->b);
    world_init(&o->w, r->options);
}

static void owner_call(owner *o, const char *asks) {
    json_fault fault;
    o->facts = (request_facts){.endpoint = EP_CHAT_COMPLETIONS,
                               .method = SPAN("POST"),
                               .path = SPAN("/x"),
                               .body = span_cstr(asks),
                               .choices = 1,
                               .stream = true};
    assert_true(json_scan(o->facts.body, NULL, &o->facts.root, &fault));
    o->facts.stream_options = json_get(o->facts.root, SPAN_OF("stream_options"));
    o->facts.include_usage = json_get(o->facts.stream_options, SPAN_OF("include_usage"));
    o->facts.usage_asked = o->facts.include_usage.type == JSON_TRUE;
    const call_spec spec = {.loop = &o->w.loop,
                            .snapshot = o->w.snapshot,
                            .model = &o->w.config->models[0],
                            .facts = &o->facts,
                            .want = WANT_PARTS,
                            .deadline_ms = o->w.loop.now_ms + 60 * 1000,
                            .asking = &o->w.arena,
                            .arena = &o->w.arena};
    o->over = false;
    o->call = call_start(&spec, &sink, o);
    world_run_until(&o->w, INT64_MAX - 1);
    assert_true(o->over);
}

static void owner_done(owner *o) {
    buf_done(&o->heard);
    world_done(&o->w);
}

static void assert_report(const owner *o, const char *expected) {
    buf report = BUF_EMPTY;
    call_report r = call_get_report(o->call);
    for (unsigned i = 0; i < r.attempts; i++)
        buf_addf(&report, "%s%s %d%s", i ? "; " : "", r.tries[i].outcome, r.tries[i].status,
                 r.tries[i].hedge ? " hedge" : "");
    assert_string_equal(buf_cstr(&report), expected);
    buf_done(&report);
}

static void a_target_that_refuses_it(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "is asked without it, at once, though nothing may be retried",
         .options = "retry: {retries: 0}",
         .a = {"400" NAMES, STREAM},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aa",
         .bodies = ADDED "\n" ASKS "\n",
         .learnt = true,
         .report = "request 400; ok 200"},
        {.name = "with 422",
         .a = {"422" NAMES, STREAM},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aa",
         .bodies = ADDED "\n" ASKS "\n",
         .learnt = true,
         .report = "request 422; ok 200"},
        {.name = "with a status for another fault",
         .a = {"500" NAMES, STREAM},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aa",
         .bodies = ADDED "\n" ASKS "\n",
         .learnt = true,
         .report = "overload 500; ok 200"},
        {.name = "in an event",
         .a = {"200 stream|event {\"error\":{\"message\":\"stream_options?\",\"code\":400}}",
               STREAM},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aAa",
         .bodies = ADDED "\n" ASKS "\n",
         .learnt = true,
         .report = "request 400; ok 200"},
        {.name = "and then refuses something else: that is told, and nothing is learnt",
         .a = {"400" NAMES, "400" OTHER},
         .heard = "request provider_error 400",
         .asked = "aa",
         .bodies = ADDED "\n" ASKS "\n",
         .report = "request 400; request 400"},
        {.name = "and is refused by it for good: no third time",
         .a = {"400" NAMES},
         .heard = "request provider_error 400",
         .asked = "aa",
         .bodies = ADDED "\n" ASKS "\n",
         .report = "request 400; request 400"},
        {.name = "and then fails: the retries are as many as ever, and without it",
         .options = "retry: {retries: 2, base: 1ms}",
         .a = {"400" NAMES, "500|end", "500|end", STREAM},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aaaa",
         .bodies = ADDED "\n" ASKS "\n" ASKS "\n" ASKS "\n",
         .learnt = true,
         .report = "request 400; overload 500; overload 500; ok 200"},
        {.name = "has its two tries all the same, and another is asked with it",
         .options = "retry: {base: 1ms}",
         .a = {"400" NAMES, "500|end"},
         .b = {STREAM},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aaab",
         .bodies = ADDED "\n" ASKS "\n" ASKS "\n" ADDED "\n",
         .report = "request 400; overload 500; overload 500; ok 200"},
        {.name = "the client's own options stay",
         .asks = "{\"stream\":true,\"stream_options\":{\"x\":1}}",
         .a = {"400" NAMES, STREAM},
         .heard = "stream 200; Hi; .stop; end",
         .asked = "aa",
         .bodies = "{\"stream\":true,\"stream_options\":{\"x\":1,\"include_usage\":true}}\n"
                   "{\"stream\":true,\"stream_options\":{\"x\":1}}\n",
         .learnt = true,
         .report = "request 400; ok 200"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const row *r = &rows[i];
        owner o;
        owner_begin(&o, r);
        owner_call(&o, r->asks ? r->asks : ASKS);
        if (strcmp(buf_cstr(&o.heard), r->heard)) print_error("in the row: %s\n", r->name);
        assert_string_equal(buf_cstr(&o.heard), r->heard);
        assert_string_equal(buf_cstr(&o.w.asking), r->asked);
        assert_string_equal(buf_cstr(&o.w.bodies), r->bodies);
        assert_report(&o, r->report);
        target_state *a = target_get(o.w.targets, SPAN_OF("a"));
        assert_int_equal(target_has(a, HABIT_NO_STREAM_OPTIONS), r->learnt);
        owner_done(&o);
    }
}

/* The refusal of what the client has asked for is the client's, and so is any other. */
static void the_clients_own_is_told(void **state) {
    (void)state;
    static const row rows[] = {
        {.name = "asked for by the client", .asks = ADDED, .a = {"400" NAMES, STREAM}},
        {.name = "declined by the client",
         .asks = "{\"stream\":true,\"stream_options\":{\"include_usage\":false}}",
         .a = {"400" NAMES, STREAM}},
        {.name = "about something else", .bodies = ADDED, .a = {"400" OTHER, STREAM}},
        {.name = "never added", .never = true, .a = {"400" NAMES, STREAM}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const row *r = &rows[i];
        const char *asks = r->asks ? r->asks : ASKS;
        owner o;
        owner_begin(&o, &(row){.a = {r->a[0], r->a[1]}});
        if (r->never) o.w.config->providers[0].stream_usage = STREAM_USAGE_NEVER;
        owner_call(&o, asks);
        if (o.w.asked[0] != 1) print_error("in the row: %s\n", r->name);
        assert_string_equal(buf_cstr(&o.heard), "request provider_error 400");
        assert_string_equal(buf_cstr(&o.w.asking), "a");
        buf sent = BUF_EMPTY;
        buf_addf(&sent, "%s\n", r->bodies ? r->bodies : asks);
        assert_string_equal(buf_cstr(&o.w.bodies), sent.ptr);
        buf_done(&sent);
        assert_false(target_has(target_get(o.w.targets, SPAN_OF("a")), HABIT_NO_STREAM_OPTIONS));
        owner_done(&o);
    }
}

/* A refusal of a member that is not known, which does not say of which: it may be weir's. */
static void one_that_names_none(void **state) {
    (void)state;
#define MESSAGE(text)                                                                              \
    "{\"error\":{\"message\":\"" text "\",\"type\":\"t\",\"param\":null,\"code\":422}}"
    static const struct {
        const char *body;
        bool again;
    } rows[] = {
        {MESSAGE("Extra inputs are not permitted"), true},
        {MESSAGE("extra fields not permitted."), true},
        {MESSAGE("Unknown field"), true},
        {MESSAGE("Unrecognized request argument supplied."), true},
        {MESSAGE("Additional properties are not allowed"), true},
        {"{\"detail\":\"Extra inputs are not permitted\"}", true},
        {"{\"detail\":[{\"type\":\"extra_forbidden\",\"msg\":\"Extra inputs are not permitted\"}]}",
         true},
        {"{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"Extra inputs are not permitted\"}]}", true},
        {"{\"errors\":[\"Unknown field.\"]}", true},
        {"Extra inputs are not permitted", true},
        {" Extra inputs are not permitted.\\n", true},
        {MESSAGE("Extra inputs are not permitted: x"), false},
        {MESSAGE("x: Extra inputs are not permitted"), false},
        {MESSAGE("1 validation error: Extra inputs are not permitted"), false},
        {MESSAGE("Additional properties are not allowed (x was unexpected)"), false},
        {MESSAGE("Field required"), false},
        {"{\"detail\":[{\"loc\":[\"body\",\"x\"],\"msg\":\"Extra inputs are not permitted\"}]}",
         false},
        {"{\"detail\":[{\"loc\":[\"x\"],\"msg\":\"Extra inputs are not permitted\"}]}", false},
        {"{\"detail\":[{\"loc\":\"x\",\"msg\":\"Extra inputs are not permitted\"}]}", false},
        {"{\"error\":{\"message\":\"Unknown field\",\"param\":\"x\"}}", false},
        {"{\"message\":\"Unknown field\",\"field\":\"x\"}", false},
        {"{\"x\":[\"Unknown field.\"]}", false}, /* marshmallow: by its own name */
        {"Unknown field: x", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf script = BUF_EMPTY;
        owner o;
        buf_addf(&script, "422|bytes %s|end", rows[i].body);
        owner_begin(&o, &(row){.a = {buf_cstr(&script), STREAM}});
        owner_call(&o, ASKS);
        if (o.w.asked[0] != 1u + rows[i].again) print_error("%s\n", rows[i].body);
        assert_int_equal(o.w.asked[0], 1 + rows[i].again);
        owner_done(&o);
        buf_done(&script);
    }
}

/* A key's limit, or its refusal, may quote the request: that says nothing about it. */
static void a_keys_refusal_is_not_about_it(void **state) {
    (void)state;
    static const char *const heads[] = {"401" NAMES, "403" NAMES};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        owner o;
        owner_begin(&o, &(row){.a = {heads[i], STREAM}});
        owner_call(&o, ASKS);
        assert_string_equal(buf_cstr(&o.w.asking), "a");
        owner_done(&o);
    }
}

/* The next calls are asked without it from the first. */
static void what_was_learnt_holds(void **state) {
    (void)state;
    owner o;
    owner_begin(&o, &(row){.a = {"400" NAMES, STREAM}});
    owner_call(&o, ASKS);
    owner_call(&o, ASKS);
    assert_string_equal(buf_cstr(&o.w.bodies), ADDED "\n" ASKS "\n" ASKS "\n");
    owner_call(&o, ADDED); /* but who asks for it himself is not held back */
    assert_string_equal(buf_cstr(&o.w.bodies), ADDED "\n" ASKS "\n" ASKS "\n" ADDED "\n");
    owner_done(&o);
}

/* The other lane is not disturbed, and the second one is a hedge as the first was. */
static void a_hedge_that_is_refused(void **state) {
    (void)state;
    owner o;
    owner_begin(&o, &(row){.options = "hedge: {after: 100ms, at_most: 100%}\n",
                           .a = {"wait 500|" STREAM},
                           .b = {"400" NAMES, STREAM}});
    owner_call(&o, ASKS);
    assert_string_equal(buf_cstr(&o.heard), "stream 200; Hi; .stop; end");
    assert_string_equal(buf_cstr(&o.w.asking), "abbA");
    assert_string_equal(buf_cstr(&o.w.bodies), ADDED "\n" ADDED "\n" ASKS "\n");
    assert_report(&o, "cancelled 0; request 400 hedge; ok 200 hedge");
    owner_done(&o);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_refuses_it),
        cmocka_unit_test(the_clients_own_is_told),
        cmocka_unit_test(one_that_names_none),
        cmocka_unit_test(a_keys_refusal_is_not_about_it),
        cmocka_unit_test(what_was_learnt_holds),
        cmocka_unit_test(a_hedge_that_is_refused),
    };
    return run_watched(tests);
}
