/* The exporter over minutes: when it sends, what it sends again, what it gives up, how it ends. The
 * receiver is a script (call/origin.h), the clock is moved by hand. */
#include "call/origin.h"

#include "telemetry/telemetry.h"

http_client *http_client_new(loop *l, const http_client_limits *limits) {
    (void)l;
    (void)limits;
    return NULL;
}
void http_client_close(http_client *c) {
    (void)c;
}
void http_client_free(http_client *c) {
    (void)c;
}

typedef struct scene {
    world w;
    telemetry *telemetry;
    telemetry_writer *writer;
    metrics *metrics;
    unsigned closed;
} scene;

static config *configured(const char *more) {
    buf yaml = BUF_EMPTY;
    config_problems problems = {0};
    buf_addf(&yaml,
             "providers: {a: {kind: openai, url: 'http://127.0.0.1:1/v1', key: sk-1}}\n"
             "telemetry: {endpoint: 'http://127.0.0.1:1', protocol: json, %s}\n",
             more);
    config *c = config_parse(buf_span(&yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    buf_done(&yaml);
    assert_non_null(c);
    return c;
}

static void begin(scene *s, const char *more) {
    world *w = &s->w;
    world_init(w, NULL);
    loop_snapshot_unref(w->snapshot);
    config_unref(w->config);
    w->config = configured(more);
    w->snapshot = prepared(NULL, w->config, w->targets);
    list_init(&w->loop.posted); /* what is posted is never turned to: see wake() */
    w->loop.wake.pending = 1;
    s->metrics = metrics_new();
    s->telemetry = telemetry_new(&w->loop, s->metrics, metrics_add_shard(s->metrics), NULL);
    s->writer = telemetry_writer_new(s->telemetry, &w->loop);
    telemetry_apply(s->telemetry, w->snapshot->snapshot);
}

static void end(scene *s) {
    telemetry_writer_free(s->writer);
    telemetry_free(s->telemetry);
    for (list *node; (node = list_pop_front(&s->w.loop.posted));)
        free(node); /* its link is its first member */
    metrics_free(s->metrics);
    world_done(&s->w);
}

static void pass(scene *s, int64_t ms) {
    world_run_until(&s->w, s->w.loop.now_ms + ms);
}

/* Nobody posts to a loop that is turned by hand: who takes the configuration over looks, too. */
static void wake(scene *s) {
    telemetry_apply(s->telemetry, s->w.snapshot->snapshot);
    pass(s, 5);
}

static void put(scene *s, const char *name) {
    static const trace_context context = {.trace_id = "0123456789abcdef", .span = 1};
    const otlp_span told = {
        .trace = &context, .id = 1, .name = span_cstr(name), .kind = OTLP_SERVER};
    telemetry_put(s->writer, &s->w.config->telemetry, &told);
}

static int64_t counted(scene *s, const char *line) {
    buf out = BUF_EMPTY;
    telemetry_tell(s->telemetry);
    metrics_write(s->metrics, false, &out);
    const char *at = strstr(buf_cstr(&out), line);
    int64_t n = at ? atoll(at + strlen(line)) : 0;
    buf_done(&out);
    return n;
}

static int64_t spans(scene *s, const char *outcome) {
    char line[100];
    snprintf(line, sizeof line, "\nweir_telemetry_spans_total{outcome=\"%s\"} ", outcome);
    return counted(s, line);
}

static void on_closed(void *user) {
    ((scene *)user)->closed++;
}

/* ---- spans ---- */

static void spans_go_together_after_five_seconds(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"200 | end"}}}};
    begin(&s, "metrics: false, headers: {x-key: abc}");
    put(&s, "first");
    put(&s, "second");
    pass(&s, 4900);
    wake(&s);
    assert_int_equal(s.w.asked[0], 0);
    pass(&s, 200);
    wake(&s);
    assert_int_equal(s.w.asked[0], 1);
    assert_non_null(strstr(buf_cstr(&s.w.bodies), "\"name\":\"first\""));
    assert_non_null(strstr(s.w.bodies.ptr, "\"name\":\"second\""));
    assert_non_null(strstr(buf_cstr(&s.w.sent), "content-type: application/json\n"));
    assert_non_null(strstr(s.w.sent.ptr, "x-key: abc\n"));
    pass(&s, 100);
    assert_int_equal(spans(&s, "sent"), 2);
    pass(&s, 60 * 60 * 1000);
    assert_int_equal(s.w.asked[0], 1);
    end(&s);
}

static void what_may_pass_is_sent_again(void **state) {
    (void)state;
    scene s = {
        .w = {.scripts = {{"503 | end", "429 retry-after: 60 | end", "refuse", "200 | end"}}}};
    begin(&s, "metrics: false");
    put(&s, "again");
    pass(&s, 5100);
    wake(&s);
    assert_int_equal(s.w.asked[0], 1);
    pass(&s, 1100);
    assert_int_equal(s.w.asked[0], 2);
    pass(&s, 59 * 1000);
    assert_int_equal(s.w.asked[0], 2);
    pass(&s, 1100);
    assert_int_equal(s.w.asked[0], 3);
    pass(&s, 5000);
    assert_int_equal(s.w.asked[0], 4);
    assert_int_equal(spans(&s, "sent"), 1);
    assert_int_equal(counted(&s, "weir_telemetry_failed_requests_total{signal=\"traces\"} "), 3);
    end(&s);
}

static void what_never_goes_is_given_up(void **state) {
    (void)state;
    static const struct {
        const char *script;
        unsigned least, most; /* tries */
    } rows[] = {{"400 | end", 1, 1}, {"500 | end", 1, 1}, {"503 | end", 10, 30}, {"", 8, 15}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scene s = {.w = {.scripts = {{rows[i].script}}}};
        begin(&s, "metrics: false");
        put(&s, "never");
        pass(&s, 5100);
        wake(&s);
        pass(&s, 6 * 60 * 1000);
        if (s.w.asked[0] < rows[i].least || s.w.asked[0] > rows[i].most)
            fail_msg("row %zu: %u tries", i, s.w.asked[0]);
        assert_int_equal(spans(&s, "dropped"), 1);
        end(&s);
    }
}

static void what_waits_is_bounded(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{""}}}};
    begin(&s, "metrics: false, queue: 256KB, timeout: 5m");
    for (int i = 0; i < 10000; i++)
        put(&s, "one of many");
    assert_true(counted(&s, "\nweir_telemetry_queue_bytes ") <= 256 * 1024);
    assert_true(spans(&s, "dropped") > 5000);
    end(&s);
}

/* ---- metrics ---- */

static void metrics_go_each_interval(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{"200 | end"}}}};
    begin(&s, "traces: false, interval: 60s");
    pass(&s, 59 * 1000);
    assert_int_equal(s.w.asked[0], 0);
    pass(&s, 10 * 60 * 1000);
    assert_int_equal(s.w.asked[0], 10);
    assert_non_null(strstr(buf_cstr(&s.w.bodies), "\"name\":\"weir.open_calls\""));
    end(&s);
}

/* ---- the end ---- */

static void the_end(void **state) {
    (void)state;
    static const struct {
        const char *script;
        int64_t within_ms;
        unsigned sent, dropped, requests;
    } rows[] = {
        {"200 | end", 50, 1, 0, 2}, /* spans, and metrics */
        {"503 | end", 50, 0, 1, 2}, /* no second try */
        {"refuse", 50, 0, 1, 2},
        {"", TELEMETRY_CLOSE_MS + 50, 0, 1, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scene s = {.w = {.scripts = {{rows[i].script}}}};
        begin(&s, "interval: 1h");
        put(&s, "last");
        telemetry_writer_free(s.writer);
        s.writer = NULL;
        telemetry_close(s.telemetry, on_closed, &s);
        assert_int_equal(s.closed, 0);
        pass(&s, rows[i].within_ms);
        if (s.closed != 1) fail_msg("row %zu: %u", i, s.closed);
        assert_int_equal(spans(&s, "sent"), rows[i].sent);
        assert_int_equal(spans(&s, "dropped"), rows[i].dropped);
        assert_int_equal(s.w.asked[0], rows[i].requests);
        pass(&s, 60 * 60 * 1000);
        assert_int_equal(s.closed, 1);
        end(&s);
    }
}

static void a_second_signal_cuts_it_short(void **state) {
    (void)state;
    scene s = {.w = {.scripts = {{""}}}};
    begin(&s, "metrics: false");
    put(&s, "last");
    telemetry_writer_free(s.writer);
    s.writer = NULL;
    telemetry_close(s.telemetry, on_closed, &s);
    pass(&s, 100);
    assert_int_equal(s.closed, 0);
    telemetry_cut(s.telemetry);
    pass(&s, 10);
    assert_int_equal(s.closed, 1);
    end(&s);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_go_together_after_five_seconds),
        cmocka_unit_test(what_may_pass_is_sent_again),
        cmocka_unit_test(what_never_goes_is_given_up),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(metrics_go_each_interval),
        cmocka_unit_test(the_end),
        cmocka_unit_test(a_second_signal_cuts_it_short),
    };
    return run_watched(tests);
}
