/* What of an answer is large: gathered, read when the test says so, and told as ever. */
#include "origin.h"

#include "dialect/answer_large.h"
#include "loop/aside.h"

/* ---- another thread, which the test is ---- */

static aside *away; /* what has been given and was not done */
static bool dropped;

void loop_aside(loop *l, aside *a) {
    (void)l;
    assert_null(away);
    away = a;
    dropped = false;
}

void aside_drop(aside *a) {
    assert_ptr_equal(a, away);
    dropped = true;
}

void aside_free(loop *l, void (*free)(void *what), void *what) {
    (void)l;
    free(what);
}

static void come_back(void) {
    aside *a = away;
    assert_non_null(a);
    a->run(a);
    away = NULL;
    if (dropped)
        a->free(a);
    else
        a->done(a);
}

/* ---- an owner, who writes down what he is told ---- */

enum { UNIT = 100 * 1000 }; /* three of them are large */

typedef struct owner {
    world w;
    buf script, heard;
    attempt *attempt;
    unsigned trips;
    answer_event *kept; /* a copy of the large event that came last */
    size_t cancel_at;   /* when so much has been heard; 0: never */
} owner;

static void on_head(void *user, const answer_head *head) {
    owner *o = user;
    heard_head(&o->heard, head);
}

/* "4 L" is four units. */
static void on_event(void *user, const answer_event *e) {
    owner *o = user;
    bool big = e->data.len > UNIT;
    if (!big) {
        heard_event(&o->heard, e);
    } else {
        heard_add(&o->heard, "");
        size_t units = 0;
        for (size_t i = 0; i < e->part_count; i++)
            units += e->parts[i].value.raw.len / UNIT;
        buf_addf(&o->heard, "%zu%s", units, e->large ? " L" : "");
        answer_free(o->kept);
        o->kept = answer_copy(e);
    }
    if (o->cancel_at && o->heard.len >= o->cancel_at) attempt_cancel(o->attempt);
}

static void on_end(void *user) {
    owner *o = user;
    heard_add(&o->heard, "end");
}

static void on_fail(void *user, const failure *f) {
    owner *o = user;
    heard_fail(&o->heard, f);
}

static const attempt_ops ops = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

/* In a script "%" stands for a unit, which comes in a piece of its own. */
static void write_script(buf *out, const char *text) {
    for (; *text; text++) {
        if (*text != '%') {
            buf_add_char(out, *text);
            continue;
        }
        buf_add_cstr(out, "|bytes ");
        memset(buf_reserve(out, UNIT), 'a', UNIT);
        buf_grow(out, UNIT);
        buf_add_cstr(out, "|bytes ");
    }
}

static void owner_start(owner *o, bool stream, const char *script) {
    static request_facts facts;
    facts = (request_facts){.endpoint = EP_CHAT_COMPLETIONS,
                            .method = SPAN("POST"),
                            .path = SPAN("/x"),
                            .body = SPAN("{}"),
                            .prompts = 1,
                            .choices = 1,
                            .stream = stream};
    *o = (owner){0};
    write_script(&o->script, script);
    o->w.scripts[0][0] = buf_cstr(&o->script);
    world_init(&o->w, "timeouts: {between_events: 200ms}\n"
                      "limits: {event: 800KB, answer: 900KB}\n");
    const attempt_spec spec = {.loop = &o->w.loop,
                               .snapshot = o->w.snapshot,
                               .upstream = &o->w.snapshot->items[0],
                               .target = target_get(o->w.targets, SPAN_OF("a")),
                               .credential = o->w.snapshot->items[0].keys[0].credential,
                               .entry = &o->w.config->models[0].targets[0],
                               .facts = &facts,
                               .want = WANT_PARTS | WANT_WORDS,
                               .asking = &o->w.arena,
                               .arena = &o->w.arena};
    failure unused;
    o->attempt = attempt_start(&spec, &ops, o, &unused);
    assert_non_null(o->attempt);
}

static void go_on(owner *o, int64_t ms) {
    world_run_until(&o->w, o->w.loop.now_ms + ms);
}

/* Until nothing is under way any more. */
static void run(owner *o) {
    go_on(o, 5);
    for (; away; o->trips++) {
        come_back();
        go_on(o, 5);
    }
    go_on(o, 150); /* what is waited for behind an answer */
    for (; away; go_on(o, 5))
        come_back();
}

static void owner_done(owner *o) {
    answer_free(o->kept);
    assert_null(away);
    assert_int_equal(o->w.loop.memory.used, 0);
    buf_done(&o->script);
    buf_done(&o->heard);
    world_done(&o->w);
}

#define DELTA(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\\n\\n"
#define DOCUMENT(text)                                                                             \
    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"" text                                  \
    "\"},\"finish_reason\":\"stop\"}]}"

static const struct {
    const char *script;
    bool stream;
    const char *heard;
    unsigned trips;
} rows[] = {
    /* what is not large stays here */
    {"200 stream|say I|bytes " DELTA("%%") "|finish|done|end", true, "stream 200; I; 2; .stop; end",
     0},
    /* what comes in the piece of its end is told behind it, and may be large again */
    {"200 stream|say I|bytes " DELTA("%%%%") "|say so|finish|done|end", true,
     "stream 200; I; 4 L; so; .stop; end", 1},
    {"200 stream|bytes " DELTA("%%%%") DELTA("so") DELTA("%%%%%") "|finish|done|end", true,
     "stream 200; 4 L; so; 5 L; .stop; end", 2},
    {"200 stream|bytes " DELTA("%%%%") DELTA("%%%%") DELTA("%") "|finish|done|end", true,
     "stream 200; 4 L; 4 L; 1; .stop; end", 2},
    /* an end is more than a blank line */
    {"200 stream|bytes : no event\\n\\n" DELTA("%%%%") ": nor this\\n\\n|say so|finish|done|end",
     true, "stream 200; 4 L; so; .stop; end", 1},
    {"200 stream|bytes data: {\"x\":\"%%%%\",\\ndata: \"choices\":[]}\\n\\n|say so|finish|done|end",
     true, "stream 200; 0 L; so; .stop; end", 1},
    /* a body's end may be an event's, or none */
    {"200 stream|say I|finish|bytes data: {\"x\":\"%%%%\"}|end", true,
     "stream 200; I; .stop; 0 L; end", 1},
    {"200 stream|say I|bytes " DELTA("%%%%") "|cut", true,
     "stream 200; I; 4 L; connection stream_interrupted 502", 1},
    {"200 stream|say I|bytes data: {\"x\":\"%%%%|cut", true,
     "stream 200; I; connection stream_interrupted 502", 1},
    /* limits */
    {"200 stream|say I|bytes " DELTA("%%%%%%%%%") "|done|end", true,
     "stream 200; I; our_limit provider_answer_too_large 503", 1},
    {"200|bytes " DOCUMENT("%%%%%%%%%%") "|end", false,
     "plain 200; our_limit provider_answer_too_large 503", 1},
    /* documents, as they are and as streams */
    {"200|bytes " DOCUMENT("%%%%%") "|end", false, "plain 200; 5 L; end", 1},
    {"200|bytes " DOCUMENT("%%%%%") "|end", true, "stream 200; 5 L; .stop; end", 1},
    {"200|bytes {\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":"
     "\"stop\"},{\"index\":1,\"message\":{\"content\":\"%%%%\"},\"finish_reason\":\"stop\"}]}|end",
     true, "stream 200; a; .stop; 4 L; .stop; end", 2},
    {"200|bytes " DOCUMENT("%%%%%") " no JSON|end", false,
     "plain 200; malformed provider_bad_answer 502", 1},
    /* events that are put together */
    {"200 stream|bytes " DELTA("%%%%") "|say so|finish|done|end", false, "plain 200; 4 L; end", 4},
    {"200 stream|bytes " DELTA("%%") DELTA("%%") "|finish|done|end", false, "plain 200; 4 L; end",
     2},
    {"200 stream|bytes " DELTA("%%%%") "|finish", false, "plain 200; 4 L; end", 2},
    {"200 stream|bytes " DELTA("%%%%") "|finish|end", false, "plain 200; 4 L; end", 3},
    {"200 stream|bytes " DELTA("%%%%") "|done|end", false, "plain 200; 4 L; end", 3},
};

static void what_is_large_is_told_as_ever(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        owner_start(&o, rows[i].stream, rows[i].script);
        run(&o);
        if (!span_eq(buf_span(&o.heard), span_cstr(rows[i].heard)) || o.trips != rows[i].trips)
            fail_msg("row %zu: %u trips, %s", i, o.trips, buf_cstr(&o.heard));
        owner_done(&o);
    }
}

/* What is read away is counted there, and said as /chat says it. */
static void the_work_is_done_there(void **state) {
    (void)state;
    owner o;
    owner_start(&o, true, "200 stream|bytes " DELTA("%%%%") "|finish|done|end");
    run(&o);
    const answer_large *l = o.kept->large;
    answer_event small = *o.kept;
    small.large = NULL;
    answer_guess g = guess_begin(TOKENS_O200K, false), there = guess_begin(TOKENS_O200K, false);
    guess_add(&g, &small);
    guess_add(&there, o.kept);
    assert_int_equal(guess_total(&g), guess_total(&there));
    assert_true(guess_total(&g) > UNIT / 10);
    assert_int_equal(l->words.raw.len, 4 * UNIT + 2);
    assert_int_equal(l->framed.len, 0);
    owner_done(&o);
}

/* Nothing is awaited of a provider that is not read. */
static void no_deadline_passes_meanwhile(void **state) {
    (void)state;
    owner o;
    owner_start(&o, true, "200 stream|say I|bytes " DELTA("%%%%") "|finish|done|end");
    go_on(&o, 5);
    assert_non_null(away);
    go_on(&o, 1000);
    assert_string_equal(buf_cstr(&o.w.asking), "ap");
    run(&o);
    assert_string_equal(buf_cstr(&o.heard), "stream 200; I; 4 L; .stop; end");
    assert_string_equal(buf_cstr(&o.w.asking), "apr");
    owner_done(&o);
}

/* One that its owner has paused stays paused. */
static void who_pauses_is_not_resumed(void **state) {
    (void)state;
    owner o;
    owner_start(&o, true, "200 stream|say I|bytes " DELTA("%%%%") "|finish|done|end");
    go_on(&o, 5);
    attempt_pause(o.attempt);
    come_back();
    go_on(&o, 1000);
    assert_string_equal(buf_cstr(&o.heard), "stream 200; I; 4 L");
    attempt_resume(o.attempt);
    run(&o);
    assert_string_equal(buf_cstr(&o.heard), "stream 200; I; 4 L; .stop; end");
    owner_done(&o);
}

static http_call *the_call(owner *o) {
    return LIST_ENTRY(o->w.calls.next, http_call, link);
}

static void say(owner *o, const char *text) {
    origin_body(the_call(o), span_cstr(text));
}

/* What was read before the pause still comes, and the end of the body or of the connection. */
static void what_comes_meanwhile_waits(void **state) {
    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        owner o;
        owner_start(&o, true, "200 stream|say I|bytes " DELTA("%%%%"));
        go_on(&o, 5);
        say(&o, "data: {\"choices\":[{\"index\":0,\"delta\":{\"con");
        say(&o, "tent\":\"so\"}}]}\n\n");
        if (!cut) say(&o, "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\n");
        http_call *h = the_call(&o);
        const http_fail how = {.kind = HTTP_FAIL_RESET, .text = "so it is"};
        origin_over(h);
        if (cut)
            h->ops->on_fail(h->user, &how);
        else
            h->ops->on_end(h->user);
        assert_string_equal(buf_cstr(&o.heard), "stream 200; I");
        run(&o);
        assert_string_equal(buf_cstr(&o.heard),
                            cut ? "stream 200; I; 4 L; so; connection provider_connection_lost 502"
                                : "stream 200; I; 4 L; so; .stop; end");
        owner_done(&o);
    }
}

/* Whatever it is that is under way. */
static void whoever_cancels_hears_no_more(void **state) {
    (void)state;
    static const char *const scripts[] = {
        "200 stream|say I|bytes " DELTA("%%%%") "|done|end",
        "200|bytes " DOCUMENT("%%%%%") "|end",
        "200 stream|bytes " DELTA("%%%%") "|finish|done|end",
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        for (int stream = 0; stream < 2; stream++) {
            owner o;
            owner_start(&o, stream, scripts[i]);
            go_on(&o, 5);
            size_t heard = o.heard.len;
            attempt_cancel(o.attempt);
            come_back();
            go_on(&o, 1000);
            assert_int_equal(o.heard.len, heard);
            owner_done(&o);
            owner_start(&o, stream, scripts[i]); /* and from inside the event */
            o.cancel_at = heard + 1;
            run(&o);
            assert_true(o.heard.len >= o.cancel_at);
            owner_done(&o);
        }
    }
}

/* What it has become is counted, and may be too much. */
static void there_may_be_no_room(void **state) {
    (void)state;
    memory_bound bound;
    static const unsigned units[] = {2, 3, 5, 30};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        owner o;
        memory_bound_init(&bound, units[i] * UNIT, units[i] * UNIT);
        owner_start(&o, true, "200 stream|say I|bytes " DELTA("%%%%%") "|finish|done|end");
        o.w.loop.memory.bound = &bound;
        run(&o);
        bool room = units[i] == 30;
        const char *end = room ? "; 5 L; .stop; end" : "; our_shortage memory_full 503";
        assert_true(span_ends(buf_span(&o.heard), span_cstr(end)));
        answer_free(o.kept);
        o.kept = NULL;
        owner_done(&o);
        memory_account_done(&o.w.loop.memory);
        assert_int_equal(bound.lent, 0);
        memory_bound_done(&bound);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_large_is_told_as_ever),
        cmocka_unit_test(the_work_is_done_there),
        cmocka_unit_test(no_deadline_passes_meanwhile),
        cmocka_unit_test(who_pauses_is_not_resumed),
        cmocka_unit_test(what_comes_meanwhile_waits),
        cmocka_unit_test(whoever_cancels_hears_no_more),
        cmocka_unit_test(there_may_be_no_room),
    };
    return run_watched(tests);
}
