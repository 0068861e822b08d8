/* What weir itself is short of is no fault of a target's, and is told once. */
#include "call_rows.h"

#include <unistd.h>

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

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(shortages_of_weirs_own),
        cmocka_unit_test(a_shortage_is_no_news_of_a_target),
        cmocka_unit_test(a_wait_for_a_place_is_not_the_targets),
        cmocka_unit_test(a_probe_that_could_not_be_made),
        cmocka_unit_test(a_shortage_is_told_once),
        cmocka_unit_test(nobody_is_hedged_at_an_open_breaker),
        cmocka_unit_test(a_breaker_tells_the_log),
    };
    return run_watched(tests);
}
