/* Whether providers are up, over hours: when they are asked, what counts, and who is told. */
#include "call/origin.h"

#include "gateway/prober.h"

/* A world whose provider a is asked as `how` says (YAML), with what is told. */
typedef struct scene {
    world w;
    prober *prober;
    metrics *metrics;
    metrics_shard *shard;
} scene;

static config *configured(const char *how) {
    buf yaml = BUF_EMPTY;
    config_problems problems = {0};
    buf_addf(&yaml,
             "providers:\n"
             "  a: {kind: openai, url: 'http://127.0.0.1:1/v1', key: [sk-1, sk-2], headers: "
             "{x-team: blue}, health: %s}\n"
             "  b: {kind: openai, url: 'http://127.0.0.1:2/v1'}\n"
             "models: {one: a/m, two: b/m, other: a}\n"
             "breaker: {failures: 50%%, of: 2, window: 60s, probe: 1h}\n",
             how);
    config *c = config_parse(buf_span(&yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    buf_done(&yaml);
    assert_non_null(c);
    return c;
}

static void begin(scene *s, const char *how) {
    world *w = &s->w;
    world_init(w, NULL);
    loop_snapshot_unref(w->snapshot);
    config_unref(w->config);
    w->config = configured(how);
    w->snapshot = prepared(NULL, w->config, w->targets);
    s->metrics = metrics_new();
    s->shard = metrics_add_shard(s->metrics);
    s->prober = prober_new(&w->loop, NULL, s->shard);
    prober_apply(s->prober, w->snapshot);
}

static void end(scene *s) {
    prober_free(s->prober);
    metrics_free(s->metrics);
    world_done(&s->w);
}

static void pass(scene *s, int64_t ms) {
    world_run_until(&s->w, s->w.loop.now_ms + ms);
}

static void reload(scene *s, const char *how) {
    config *old = s->w.config;
    s->w.config = configured(how);
    loop_snapshot *fresh = prepared(NULL, s->w.config, s->w.targets);
    prober_apply(s->prober, fresh);
    loop_snapshot_unref(s->w.snapshot);
    s->w.snapshot = fresh;
    config_unref(old);
}

static health known(const scene *s) {
    return health_look(s->w.snapshot->items[0].health);
}

static void expect_why(const scene *s, const char *wanted) {
    buf why = BUF_EMPTY;
    health_add_why(s->w.snapshot->items[0].health, &why);
    assert_string_equal(buf_cstr(&why), wanted);
    buf_done(&why);
}

static bool told(const scene *s, const char *line) {
    buf out = BUF_EMPTY;
    metrics_write(s->metrics, false, &out);
    bool there = strstr(buf_cstr(&out), line) != NULL;
    buf_done(&out);
    return there;
}

#define USUAL "{path: /health}"
#define HASTY "{path: /health, every: 1s, timeout: 500ms, failures: 1}"

static void at_once_and_then_every_ten_seconds(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"200 | end"}}}};
    begin(&s, USUAL);
    assert_int_equal(s.w.asked[0], 0); /* not from inside */
    assert_int_equal(known(&s), HEALTH_UNKNOWN);
    pass(&s, 5);
    assert_int_equal(s.w.asked[0], 1);
    assert_int_equal(known(&s), HEALTH_UP);
    pass(&s, 9990);
    assert_int_equal(s.w.asked[0], 1);
    pass(&s, 20);
    assert_int_equal(s.w.asked[0], 2);
    pass(&s, 60 * 60 * 1000);
    assert_in_range(s.w.asked[0], 355, 362);
    assert_int_equal(s.w.asked[1], 0);
    end(&s);
}

/* With what goes with a call. */
static void as_a_call_would_ask(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"200 | end"}}}};
    begin(&s, USUAL);
    pass(&s, 5);
    assert_non_null(strstr(buf_cstr(&s.w.sent), "authorization: Bearer sk-1\n"));
    assert_non_null(strstr(buf_cstr(&s.w.sent), "x-team: blue\n"));
    assert_non_null(strstr(buf_cstr(&s.w.sent), "user-agent: weir\n"));
    end(&s);
}

static void what_passes_and_what_does_not(void **state) {
    (void)state;
    static const struct {
        const char *script;
        health then;
        const char *why;
    } rows[] = {
        {"200 | end", HEALTH_UP, ""},
        {"200 | bytes {\"status\":\"fail\"} | end", HEALTH_UP, ""},
        {"204 | end", HEALTH_UP, ""},
        {"299 | end", HEALTH_UP, ""},
        {"200 stream | bytes x | wait 400 | bytes x | end", HEALTH_UP, ""},
        {"200 content-encoding: compress | bytes x | end", HEALTH_UP, ""},
        {"300 | end", HEALTH_DOWN, "status 300"},
        {"302 location: http://127.0.0.1:2/health | end", HEALTH_DOWN, "status 302"},
        {"304 | end", HEALTH_DOWN, "status 304"},
        {"401 | end", HEALTH_DOWN, "status 401"},
        {"404 | end", HEALTH_DOWN, "status 404"},
        {"429 retry-after: 60 | end", HEALTH_DOWN, "status 429"},
        {"503 | bytes {} | end", HEALTH_DOWN, "status 503"},
        {"503 | bytes {} | cut", HEALTH_DOWN, "status 503"},
        {"503", HEALTH_DOWN, "status 503"},
        {"refuse", HEALTH_DOWN, "as told"},
        {"reset", HEALTH_DOWN, "as told"},
        {"tls", HEALTH_DOWN, "as told"},
        {"garbage", HEALTH_DOWN, "as told"},
        {"large", HEALTH_DOWN, "as told"},
        {"mute", HEALTH_DOWN, "as told"},
        {"unconnected", HEALTH_DOWN, "as told"},
        {"200 | bytes {} | cut", HEALTH_DOWN, "as told"},
        {"", HEALTH_DOWN, "no whole answer within providers.a.health.timeout"},
        {"200", HEALTH_DOWN, "no whole answer within providers.a.health.timeout"},
        {"200 | bytes x | wait 300 | bytes x | wait 300 | bytes x | end", HEALTH_DOWN,
         "no whole answer within providers.a.health.timeout"},
        {"wait 400 | 200 | end", HEALTH_UP, ""},
        {"wait 600 | 200 | end", HEALTH_DOWN, "no whole answer within providers.a.health.timeout"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scene s = {.w = {.scripts = {{rows[i].script}}}};
        begin(&s, HASTY);
        pass(&s, 600);
        if (known(&s) != rows[i].then) fail_msg("%s: %s", rows[i].script, health_word(known(&s)));
        expect_why(&s, rows[i].why);
        end(&s);
    }
}

/* What weir is short of is told, and says nothing of the provider. */
static void a_shortage_of_weirs_own(void **state) {
    (void)state;
    static const char *const scripts[] = {"short descriptors", "short ports", "short names",
                                          "short proxy", "queued"};
    static const char *const words[] = {"descriptors", "ports", "names", "proxy", "pool"};
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        scene s = {.w = {.scripts = {{"200 | end", scripts[i], scripts[i], "refuse"}}}};
        char line[100];
        begin(&s, HASTY);
        pass(&s, 2700);
        assert_int_equal(s.w.asked[0], 3);
        assert_int_equal(known(&s), HEALTH_UP);
        expect_why(&s, "");
        (void)snprintf(line, sizeof line, "weir_shortages_total{shortage=\"%s\",provider=\"a\"} 2",
                       words[i]);
        assert_true(told(&s, line));
        pass(&s, 1000);
        assert_int_equal(known(&s), HEALTH_DOWN);
        end(&s);
    }
}

static void the_gauge(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"200 | end", "503 | end", "refuse", "503 | end", "200 | end"}}}};
    begin(&s, "{path: /health, every: 1s}");
    assert_true(told(&s, "weir_provider_down{provider=\"a\"} 0"));
    pass(&s, 2500);
    assert_true(told(&s, "weir_provider_down{provider=\"a\"} 0"));
    pass(&s, 1000);
    assert_true(told(&s, "weir_provider_down{provider=\"a\"} 1"));
    pass(&s, 1000);
    assert_true(told(&s, "weir_provider_down{provider=\"a\"} 0"));
    assert_false(told(&s, "provider=\"b\""));
    end(&s);
}

/* One at a time, however slow it is. */
static void slower_than_it_is_asked(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"wait 2500 | 200 | end"}}}};
    begin(&s, "{path: /health, every: 1s, timeout: 5s}");
    pass(&s, 2400);
    assert_int_equal(s.w.asked[0], 1);
    pass(&s, 200);
    assert_int_equal(s.w.asked[0], 2);
    end(&s);
}

static void another_key_where_one_is_refused(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"401 | end", "503 | end", "403 | end", "200 | end"}}}};
    begin(&s, HASTY);
    pass(&s, 5);
    assert_non_null(strstr(buf_cstr(&s.w.sent), "Bearer sk-1\n"));
    pass(&s, 1000);
    assert_non_null(strstr(buf_cstr(&s.w.sent), "Bearer sk-2\n"));
    pass(&s, 1000);
    assert_non_null(strstr(buf_cstr(&s.w.sent), "Bearer sk-2\n"));
    pass(&s, 1000);
    assert_non_null(strstr(buf_cstr(&s.w.sent), "Bearer sk-1\n"));
    (void)key_refused(s.w.snapshot->items[0].keys[0].state, 401, SPAN_EMPTY, 0, s.w.loop.now_ms);
    pass(&s, 1010);                                                /* by what calls have learned */
    assert_non_null(strstr(buf_cstr(&s.w.sent), "Bearer sk-1\n")); /* its rest is over */
    (void)key_refused(s.w.snapshot->items[0].keys[0].state, 401, SPAN_EMPTY, 0, s.w.loop.now_ms);
    (void)key_refused(s.w.snapshot->items[0].keys[0].state, 401, SPAN_EMPTY, 0, s.w.loop.now_ms);
    pass(&s, 1010);
    assert_non_null(strstr(buf_cstr(&s.w.sent), "Bearer sk-2\n"));
    end(&s);
}

/* ---- breakers ---- */

static bool ready(scene *s, const char *name) {
    target_state *t = target_get(s->w.targets, span_cstr(name));
    bool is = target_ready(t, &s->w.config->breaker, 0, s->w.loop.now_ms);
    target_unref(t);
    return is;
}

static void let_fail(scene *s, const char *name) {
    target_state *t = target_get(s->w.targets, span_cstr(name));
    breaker_probe probe = NO_PROBE;
    for (int i = 0; i < 2; i++) {
        if (!target_admit(t, &s->w.config->breaker, 0, s->w.loop.now_ms, &probe)) break;
        (void)target_report(t, &s->w.config->breaker, 0, true, probe, -1, s->w.loop.now_ms);
    }
    target_unref(t);
    assert_false(ready(s, name));
}

static void a_check_that_passes_ends_a_rest(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"200 | end"}}}};
    begin(&s, HASTY);
    pass(&s, 500);
    let_fail(&s, "a/m");
    let_fail(&s, "a/word");
    let_fail(&s, "a");
    let_fail(&s, "b/m");
    let_fail(&s, "ab/m");
    pass(&s, 1000);
    assert_true(ready(&s, "a/m"));
    assert_true(ready(&s, "a/word"));
    assert_true(ready(&s, "a"));
    assert_false(ready(&s, "b/m"));
    assert_false(ready(&s, "ab/m"));
    let_fail(&s, "a/m"); /* the check says nothing of what calls meet */
    pass(&s, 5000);
    assert_false(ready(&s, "a/m"));
    end(&s);
}

static void one_that_fails_opens_none(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"503 | end"}}}};
    begin(&s, HASTY);
    pass(&s, 60 * 1000);
    assert_int_equal(known(&s), HEALTH_DOWN);
    assert_true(ready(&s, "a/m"));
    let_fail(&s, "a/m");
    pass(&s, 60 * 1000);
    assert_false(ready(&s, "a/m"));
    end(&s);
}

/* That a probe failed while it was gone is no reason to wait once it is back. */
static void who_comes_back_is_tried_at_once(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"200 | end", "200 | end", "503 | end", "200 | end"}}}};
    begin(&s, HASTY);
    pass(&s, 500);
    let_fail(&s, "a/m");
    pass(&s, 1000);
    assert_true(ready(&s, "a/m"));
    let_fail(&s, "a/m");
    pass(&s, 1000);
    assert_false(ready(&s, "a/m"));
    pass(&s, 1000);
    assert_true(ready(&s, "a/m"));
    end(&s);
}

/* ---- reload and the end ---- */

static void what_is_known_survives_a_reload(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"503 | end"}}}};
    begin(&s, USUAL);
    pass(&s, 1000);
    reload(&s, USUAL);
    assert_int_equal(known(&s), HEALTH_DOWN);
    pass(&s, 8000);
    assert_int_equal(s.w.asked[0], 1); /* in its turn */
    pass(&s, 2000);
    assert_int_equal(s.w.asked[0], 2);
    reload(&s, "{path: /health, every: 2s}");
    pass(&s, 900);
    assert_int_equal(s.w.asked[0], 2);
    pass(&s, 200);
    assert_int_equal(s.w.asked[0], 3);
    end(&s);
}

static void another_path_begins_anew(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"503 | end", "200 | end"}}}};
    begin(&s, USUAL);
    pass(&s, 1000);
    assert_int_equal(known(&s), HEALTH_DOWN);
    reload(&s, "{path: /up}");
    assert_int_equal(known(&s), HEALTH_UNKNOWN);
    assert_true(told(&s, "weir_provider_down{provider=\"a\"} 0"));
    pass(&s, 5);
    assert_int_equal(s.w.asked[0], 2);
    assert_int_equal(known(&s), HEALTH_UP);
    end(&s);
}

static void one_under_way_at_a_reload_counts(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"wait 1000 | 503 | end"}}}};
    begin(&s, USUAL);
    pass(&s, 500);
    reload(&s, USUAL);
    pass(&s, 600);
    assert_int_equal(known(&s), HEALTH_DOWN);
    assert_string_equal(buf_cstr(&s.w.asking), "a");
    end(&s);
}

static void who_is_asked_no_more(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"503 | end", "wait 1000 | 200 | end"}}}};
    begin(&s, HASTY);
    pass(&s, 1500);
    assert_true(told(&s, "weir_provider_down{provider=\"a\"} 1"));
    reload(&s, "{path: ''}");
    assert_string_equal(buf_cstr(&s.w.asking), "aaA"); /* given up */
    assert_true(told(&s, "weir_provider_down{provider=\"a\"} 0"));
    assert_int_equal(known(&s), HEALTH_UNKNOWN);
    pass(&s, 60 * 1000);
    assert_int_equal(s.w.asked[0], 2);
    reload(&s, HASTY);
    pass(&s, 5);
    assert_int_equal(s.w.asked[0], 3);
    end(&s);
}

static void stopped(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"503 | end", ""}}}};
    begin(&s, HASTY);
    pass(&s, 1100);
    prober_stop(s.prober);
    assert_string_equal(buf_cstr(&s.w.asking), "aaA");
    pass(&s, 60 * 1000);
    assert_int_equal(s.w.asked[0], 2);
    assert_int_equal(known(&s), HEALTH_DOWN);
    prober_stop(s.prober);
    end(&s);
}

static void who_has_to_be_asked(void **state) {
    (void)state;
    config *with = configured(USUAL), *without = configured("{path: ''}");
    assert_true(prober_wanted(with));
    assert_false(prober_wanted(without));
    config_unref(with);
    config_unref(without);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(at_once_and_then_every_ten_seconds),
        cmocka_unit_test(as_a_call_would_ask),
        cmocka_unit_test(what_passes_and_what_does_not),
        cmocka_unit_test(a_shortage_of_weirs_own),
        cmocka_unit_test(the_gauge),
        cmocka_unit_test(slower_than_it_is_asked),
        cmocka_unit_test(another_key_where_one_is_refused),
        cmocka_unit_test(a_check_that_passes_ends_a_rest),
        cmocka_unit_test(one_that_fails_opens_none),
        cmocka_unit_test(who_comes_back_is_tried_at_once),
        cmocka_unit_test(what_is_known_survives_a_reload),
        cmocka_unit_test(another_path_begins_anew),
        cmocka_unit_test(one_under_way_at_a_reload_counts),
        cmocka_unit_test(who_is_asked_no_more),
        cmocka_unit_test(stopped),
        cmocka_unit_test(who_has_to_be_asked),
    };
    return run_watched(tests);
}
