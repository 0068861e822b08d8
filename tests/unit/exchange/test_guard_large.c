/* What is large is looked at on another thread, and whoever waits for that may end before it. */
#include "exchange/blocker.h"
#include "exchange/guarded.h"

#include "base/clock.h"
#include "loop/aside.h"

#include <limits.h>

static void wait_asides(world *w) {
    while (w->loop.aside.running)
        uv_run(&w->loop.uv, UV_RUN_ONCE);
}

/* ---- requests ---- */

static buf body_of_test;
static memory_account *account;

static buf hand_over(void *user, memory_hold *ret_hold) {
    (void)user;
    memory_set(account, ret_hold, body_of_test.cap);
    const buf body = body_of_test;
    body_of_test = BUF_EMPTY;
    return body;
}

/* A request of 300 KB that says so. */
static void ask_large(guarded *g, const char *options, const char *text) {
    static exchange_door door;
    guarded_world(g, options);
    buf_add_cstr(&body_of_test, "{\"messages\":[{\"role\":\"user\",\"content\":\"");
    while (body_of_test.len < 300 * 1024)
        buf_add_cstr(&body_of_test, "so many words ");
    buf_addf(&body_of_test, "%s\"}],\"model\":\"m\"}", text);
    account = &g->w->loop.memory;
    door = world_door;
    door.hand_over = hand_over;
    g->a = (asked){.x = NULL};
    g->r = world_request(&form_openai, "");
    g->r.body = buf_span(&body_of_test);
    script_next = &g->s;
    loop_read_clock(&g->w->loop);
    g->a.x = exchange_start(&g->w->env, &g->r, &door, &g->a);
}

static void large_done(guarded *g) {
    wait_asides(g->w);
    world_turn(g->w);
    assert_int_equal(g->w->loop.memory.used, 0);
    guarded_done(g);
}

static void a_large_request_is_changed(void **state) {
    (void)state;
    guarded g;
    ask_large(&g, "in: redact", "KEY-a MAIL@b KEY-a");
    wait_asides(g.w); /* it is parsed */
    wait_asides(g.w);
    assert_true(
        span_ends(buf_span(&guarded_body),
                  SPAN_OF("words [SECRET_KEY_1] [MAIL_1] [SECRET_KEY_1]\"}],\"model\":\"m\"}")));
    assert_true(
        span_eq(exchange_record(g.a.x)->guard, SPAN_OF("in.secret-key.redact=2,in.mail.redact=1")));
    assert_true(span_eq(exchange_record(g.a.x)->model, SPAN_OF("m")));
    exchange_cancel(g.a.x);
    large_done(&g);
}

static void a_large_request_is_refused(void **state) {
    (void)state;
    guarded g;
    ask_large(&g, "in: redact", "KEY-a BOMB-1");
    wait_asides(g.w);
    wait_asides(g.w);
    assert_int_equal(g.a.status, 400);
    large_done(&g);
}

/* Before the thread has begun, and while it is at it. */
static void its_client_may_leave_meanwhile(void **state) {
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        guarded g;
        ask_large(&g, "in: redact", "KEY-a");
        while (!g.a.x->model) /* until it is routed */
            uv_run(&g.w->loop.uv, UV_RUN_ONCE);
        blocker *b = begun ? NULL : blocker_new(g.w);
        exchange_cancel(g.a.x);
        if (b) sem_post(&b->go);
        large_done(&g);
    }
}

/* ---- rules that only a key of the store wants ---- */

static config_client key_of_store = {.guard = {.in = CONFIG_GUARD_REDACT}};

static stage_result stage_key(exchange *x) {
    x->client = &key_of_store;
    return STAGE_NEXT;
}

static const stage_row keyed_rows[] = {{"parse", stage_parse, NULL, 0},
                                       {"route", stage_route, NULL, 0},
                                       {"key", stage_key, NULL, 0},
                                       {"rules", stage_rules, NULL, 0},
                                       {"guard", stage_guard, stage_guard_done, 0},
                                       {"see", stage_see, NULL, 0},
                                       {"script", stage_script, NULL, 0},
                                       {"settle", stage_settle, NULL, STAGE_ALWAYS}};
static const exchange_plan keyed_plan = {keyed_rows, ARRAY_LEN(keyed_rows), guarded_filters,
                                         ARRAY_LEN(guarded_filters)};

static const guard_set *rules_of(const world *w) {
    return snapshot_guard_set(w->env.snapshot->snapshot);
}

/* The thread that would make them is kept busy: calls wait, and the loop goes on. What they have
 * made is the same for all. */
static void calls_wait_for_rules_and_no_loop_does(void **state) {
    (void)state;
    guarded g;
    asked other = {.x = NULL}, gone = {.x = NULL};
    script says = {0}, silent = {0};
    guarded_world(&g, "in: off, out: off");
    g.w->env.plan = &keyed_plan;
    blocker *b = blocker_new(g.w);
    g.r = world_request(&form_openai, "{\"messages\":[{\"role\":\"user\",\"content\":\"BOMB-1\"}],"
                                      "\"model\":\"m\"}");
    ask(g.w, &g.a, &g.s, &g.r);
    ask(g.w, &other, &says, &g.r);
    ask(g.w, &gone, &silent, &g.r);
    assert_null(rules_of(g.w));
    assert_int_equal(g.a.status, 0);
    exchange_cancel(gone.x);
    world_turn(g.w);
    assert_null(rules_of(g.w));
    sem_post(&b->go);
    while (!g.a.status)
        uv_run(&g.w->loop.uv, UV_RUN_ONCE);
    const guard_set *made = rules_of(g.w);
    assert_non_null(made);
    wait_asides(g.w);
    assert_ptr_equal(rules_of(g.w), made);
    assert_int_equal(g.a.status, 400);
    assert_int_equal(other.status, 400);
    world_turn(g.w);
    asked_done(&other);
    asked_done(&gone);
    guarded_done(&g);
}

static void write_rules(const char *path, const char *text) {
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static guard_making make(const world *w, int64_t now_ms, const char *expected) {
    buf why = BUF_EMPTY;
    const guard_making came = snapshot_guard_make(w->env.snapshot->snapshot, now_ms, &why);
    if (!strstr(buf_cstr(&why), expected)) fail_msg("%s", why.ptr);
    buf_done(&why);
    return came;
}

/* A call that finds no rules is refused, one behind it without another try; later they are tried
 * again, and a reason is told once. */
static void rules_that_cannot_be_made_are_tried_again(void **state) {
    (void)state;
    guarded g;
    asked other = {.x = NULL};
    script silent = {0};
    char folder[] = "/tmp/weir-rules-XXXXXX", path[64], options[128];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/rules.yaml", folder);
    snprintf(options, sizeof options, "in: off, out: off, files: ['%s']", path);
    write_rules(path, "[]\n");
    guarded_world(&g, options);
    assert_int_equal(remove(path), 0);
    const snapshot *s = g.w->env.snapshot->snapshot;
    g.w->env.plan = &keyed_plan;
    g.r = world_request(&form_openai,
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"model\":\"m\"}");
    ask(g.w, &g.a, &g.s, &g.r);
    wait_asides(g.w);
    assert_int_equal(g.a.status, 503);
    const int64_t now_ms = clock_mono_ms();
    assert_false(snapshot_guard_is_due(s, now_ms - guard_rules_pause_ms(1)));
    assert_true(snapshot_guard_is_due(s, now_ms + guard_rules_pause_ms(1)));
    assert_int_equal(make(g.w, 0, ""), GUARD_RULES_AS_BEFORE); /* not due */
    assert_int_equal(make(g.w, INT64_MAX, "cannot read"), GUARD_RULES_AS_BEFORE);
    assert_false(snapshot_guard_is_due(s, now_ms + guard_rules_pause_ms(1))); /* nor so soon */
    ask(g.w, &other, &silent, &g.r);
    assert_int_equal(other.status, 503);
    assert_false(g.w->loop.aside.running);
    write_rules(path, "- {name: a, pattern: '(['}\n");
    assert_int_equal(make(g.w, INT64_MAX, "is not a regular expression"), GUARD_RULES_FAILED);
    assert_null(rules_of(g.w));
    write_rules(path, "- {name: a, pattern: 'AB[0-9]'}\n");
    assert_int_equal(make(g.w, INT64_MAX, ""), GUARD_RULES_MENDED);
    assert_non_null(rules_of(g.w));
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
    world_turn(g.w);
    asked_done(&other);
    guarded_done(&g);
}

static void a_failure_is_followed_by_a_pause_that_grows(void **state) {
    (void)state;
    static const int64_t pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};
    for (unsigned i = 0; i < ARRAY_LEN(pauses); i++)
        assert_int_equal(guard_rules_pause_ms(i + 1), 1000 * pauses[i]);
    assert_int_equal(guard_rules_pause_ms(UINT_MAX), 60 * 1000);
}

/* ---- answers ---- */

static void say_large(guarded *g, answer_kind kind, const char *line) {
    reader_spec spec = script_spec(&g->s);
    const answer_large_spec large = {.want = g->s.x->want, .as_events = kind == ANSWER_STREAM};
    reader r;
    buf text = BUF_EMPTY;
    answer_event e;
    if (kind == ANSWER_STREAM) {
        e = world_read(&r, &spec, span_cstr(line), &text);
    } else {
        span input = span_cstr(line);
        reader_init(&r, &spec, SPAN_OF("application/json"), -1);
        assert_int_equal(reader_next(&r, &input, &e), READER_MORE);
        assert_int_equal(reader_end(&r, true, &e), READER_EVENT);
    }
    answer_large *l = answer_large_new(&e, &large);
    reader_done(&r);
    buf_done(&text);
    assert_true(answer_large_arrives(l, &g->w->loop, 0));
    exchange_take_event(g->s.x, &l->event);
    keeper_unref(&l->keeper);
}

#define PLAIN(text) "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"" text "\"}}]}"

static void answer(guarded *g, const char *options, const char *text) {
    guarded_ask(g, options, &form_openai, EP_CHAT_COMPLETIONS,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"KEY-q\"}]}");
    script_head(&g->s, ANSWER_PLAIN);
    say_large(g, ANSWER_PLAIN, text);
}

static void a_large_answer_is_changed(void **state) {
    (void)state;
    static const struct {
        const char *options, *text, *expected, *noted;
    } rows[] = {
        {"out: redact", PLAIN("a KEY-a \\u0041"), "answer 200 " PLAIN("a [SECRET_KEY_1] \\u0041"),
         "out.secret-key.redact=1"},
        {"out: redact", PLAIN("clean"), "answer 200 " PLAIN("clean"), ""},
        {"in: redact, restore: true", PLAIN("[SECRET_KEY_1]"), "answer 200 " PLAIN("KEY-q"),
         "in.secret-key.redact=1"},
        {"", PLAIN("BOMB-1"),
         "answer 200 "
         "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
         "\"assistant\",\"content\":null},\"finish_reason\":\"content_filter\"}]}",
         "out.bomb.block=1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        guarded g;
        answer(&g, rows[i].options, rows[i].text);
        assert_int_equal(g.a.said.len, 0);
        wait_asides(g.w);
        assert_true(span_eq(exchange_record(g.a.x)->guard, span_cstr(rows[i].noted)));
        script_end(&g.s);
        world_turn(g.w);
        buf expected = BUF_EMPTY;
        buf_addf(&expected, "%s|done", rows[i].expected);
        assert_said(&g.a, buf_cstr(&expected));
        buf_done(&expected);
        guarded_done(&g);
    }
}

/* Before the other thread has begun, and while it is at it. */
static void fail_meanwhile(guarded *g, bool begun, const char *options, const char *text,
                           span failed, span body) {
    const weir_error e = error_of(ERR_PROVIDER_ERROR);
    failure f = failure_of(&e);
    f.text = failed;
    f.body = body;
    guarded_ask(g, options, &form_openai, EP_CHAT_COMPLETIONS,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"KEY-q\"}]}");
    script_head(&g->s, ANSWER_PLAIN);
    blocker *b = begun ? NULL : blocker_new(g->w);
    say_large(g, ANSWER_PLAIN, text);
    g->s.over = true;
    exchange_take_failure(g->s.x, &f);
    if (b) sem_post(&b->go);
    wait_asides(g->w);
    world_turn(g->w);
}

/* What its provider says then is looked at, too, though the names are with the other thread. */
static void its_provider_may_fail_meanwhile(void **state) {
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        guarded g;
        fail_meanwhile(&g, begun, "in: redact, out: redact, restore: true", PLAIN("KEY-a"),
                       SPAN_OF("no KEY-b"),
                       SPAN_OF("{\"error\":{\"message\":\"no KEY-b\",\"type\":\"KEY-c\"}}"));
        assert_non_null(strstr(buf_cstr(&g.a.said), "\"no [SECRET_KEY_"));
        assert_null(strstr(buf_cstr(&g.a.said), "KEY-b"));
        assert_null(strstr(buf_cstr(&g.a.said), "KEY-c"));
        guarded_done(&g);
    }
}

/* Whether it is looked at by rules, or has its placeholders put back. */
static void its_reader_may_leave_meanwhile(void **state) {
    (void)state;
    static const char *const options[] = {"in: redact, out: redact, restore: true",
                                          "in: redact, restore: true"};
    for (int i = 0; i < 4; i++) {
        const bool begun = i % 2;
        guarded g;
        guarded_ask(&g, options[i / 2], &form_openai, EP_CHAT_COMPLETIONS,
                    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"KEY-q\"}]}");
        script_head(&g.s, ANSWER_PLAIN);
        blocker *b = begun ? NULL : blocker_new(g.w);
        say_large(&g, ANSWER_PLAIN, PLAIN("KEY-a"));
        exchange_cancel(g.a.x);
        if (b) sem_post(&b->go);
        wait_asides(g.w);
        guarded_done(&g);
    }
}

/* Nothing of it is put back into what is told of the failure. */
static void its_provider_may_fail_while_it_is_put_back(void **state) {
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        guarded g;
        fail_meanwhile(&g, begun, "in: redact, restore: true", PLAIN("[SECRET_KEY_1]"),
                       SPAN_OF("no [SECRET_KEY_1]"),
                       SPAN_OF("{\"error\":{\"message\":\"no [SECRET_KEY_1]\"}}"));
        assert_non_null(strstr(buf_cstr(&g.a.said), "no [SECRET_KEY_1]"));
        assert_null(strstr(buf_cstr(&g.a.said), "KEY-q"));
        guarded_done(&g);
    }
}

/* The last event of a response, behind pieces of which some are held. */
static void a_large_repeat_is_changed_and_its_order_kept(void **state) {
    (void)state;
    guarded g;
    guarded_ask(&g, "out: redact", &form_direct, EP_RESPONSES,
                "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}");
    script_head(&g.s, ANSWER_STREAM);
#define DELTA(text)                                                                                \
    "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":"   \
    "\"" text "\"}"
#define LAST(text)                                                                                 \
    "{\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"text\":\"" text   \
    "\"}]}]}}"
    script_say(&g.s, DELTA("a KEY-b"));
    say_large(&g, ANSWER_STREAM, LAST("a KEY-b"));
    assert_true(g.s.paused);
    assert_said(&g.a, "head 200|piece " DELTA("a ") "|piece " DELTA("[SECRET_KEY_1]"));
    assert_true(span_eq(exchange_record(g.a.x)->guard, SPAN_OF("out.secret-key.redact=1")));
    script_end(&g.s); /* it waits with the event */
    wait_asides(g.w);
    guarded_end(&g, "head 200|piece " DELTA("a ") "|piece " DELTA("[SECRET_KEY_1]") "|piece " LAST(
                        "a [SECRET_KEY_1]") "|end|done");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_request_is_changed),
        cmocka_unit_test(a_large_request_is_refused),
        cmocka_unit_test(its_client_may_leave_meanwhile),
        cmocka_unit_test(calls_wait_for_rules_and_no_loop_does),
        cmocka_unit_test(rules_that_cannot_be_made_are_tried_again),
        cmocka_unit_test(a_failure_is_followed_by_a_pause_that_grows),
        cmocka_unit_test(a_large_answer_is_changed),
        cmocka_unit_test(its_provider_may_fail_meanwhile),
        cmocka_unit_test(its_reader_may_leave_meanwhile),
        cmocka_unit_test(its_provider_may_fail_while_it_is_put_back),
        cmocka_unit_test(a_large_repeat_is_changed_and_its_order_kept),
    };
    return run_watched(tests);
}
