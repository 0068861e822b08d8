#include "unit.h"

#include "observe/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static metrics *all;
static metrics_shard *a, *b; /* two workers */
static buf text;

static int set_up(void **state) {
    (void)state;
    all = metrics_new();
    a = metrics_add_shard(all);
    b = metrics_add_shard(all);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    metrics_free(all);
    buf_done(&text);
    return 0;
}

/* The exposition holds this very line. */
static bool shows(const char *line) {
    buf_clear(&text);
    metrics_write(all, false, &text);
    span rest = buf_span(&text), one;
    while (span_cut(&rest, '\n', &one))
        if (span_eq(one, span_cstr(line))) return true;
    return false;
}

static void assert_shows(const char *line) {
    if (!shows(line)) fail_msg("the exposition lacks: %s\n%.*s", line, (int)text.len, text.ptr);
}

static size_t samples_of(const char *name) {
    buf_clear(&text);
    metrics_write(all, false, &text);
    span rest = buf_span(&text), one;
    size_t n = 0;
    while (span_cut(&rest, '\n', &one))
        n += span_starts(one, span_cstr(name));
    return n;
}

static void counters_add_up_over_workers(void **state) {
    (void)state;
    span target[] = {SPAN("openai/gpt")};
    metric_add(metrics_series(a, METRIC_RETRIES, target), 2);
    metric_add(metrics_series(b, METRIC_RETRIES, target), 40);
    assert_ptr_equal(metrics_series(a, METRIC_RETRIES, target),
                     metrics_series(a, METRIC_RETRIES, target));
    assert_shows("weir_retries_total{target=\"openai/gpt\"} 42");
    assert_shows("weir_upstream_connects_total 0"); /* without labels: there from the start */
    assert_int_equal(samples_of("weir_fallbacks_total"), 0);
}

/* Counted in billionths, told in units, to the last of them: no double comes in between. */
static void money_is_told_in_units(void **state) {
    (void)state;
    static const struct {
        uint64_t more; /* to what is there */
        const char *shown;
    } rows[] = {
        {0, "0"},
        {1, "0.000000001"},
        {344999, "0.000345"},
        {999655000, "1"},
        {500000000, "1.5"},
        {8999998500000001, "9000000.000000001"},
        {9000000000000000000, "9009000000.000000001"}, /* a double would be off by hundreds */
    };
    span labels[] = {SPAN("m"), SPAN("t")};
    char line[128];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        metric_add(metrics_series(i % 2 ? a : b, METRIC_COST, labels), rows[i].more);
        (void)snprintf(line, sizeof line, "weir_cost_total{model=\"m\",target=\"t\"} %s",
                       rows[i].shown);
        assert_shows(line);
    }
}

static void gauges_add_up_or_are_the_last(void **state) {
    (void)state;
    metric_gauge_add(metrics_series(a, METRIC_OPEN_CALLS, NULL), 3);
    metric_gauge_add(metrics_series(b, METRIC_OPEN_CALLS, NULL), -5);
    assert_shows("weir_open_calls -2");
    assert_int_equal(metrics_total(all, METRIC_OPEN_CALLS), -2);
    span target[] = {SPAN("t")};
    metric_set(metrics_series(a, METRIC_BREAKER, target), 1);
    assert_shows("weir_breaker_open{target=\"t\"} 1");
    metric_set(metrics_series(b, METRIC_BREAKER, target), 0); /* another worker saw it close */
    assert_shows("weir_breaker_open{target=\"t\"} 0");
    metric_set(metrics_series(a, METRIC_LOG_DROPPED, NULL), 7);
    metric_set(metrics_series(b, METRIC_LOG_DROPPED, NULL), 9);
    assert_shows("weir_log_lines_dropped_total 9");
    assert_int_equal(metrics_total(all, METRIC_LOG_DROPPED), 9);
}

static void histograms_count_up(void **state) {
    (void)state;
    span target[] = {SPAN("t")};
    metric_observe(metrics_series(a, METRIC_FIRST_TOKEN_SECONDS, target), 0.01); /* on the bound */
    metric_observe(metrics_series(a, METRIC_FIRST_TOKEN_SECONDS, target), 0.0100001);
    metric_observe(metrics_series(b, METRIC_FIRST_TOKEN_SECONDS, target), 0);
    metric_observe(metrics_series(b, METRIC_FIRST_TOKEN_SECONDS, target), 500);
    assert_shows("weir_first_token_seconds_bucket{target=\"t\",le=\"0.001\"} 1");
    assert_shows("weir_first_token_seconds_bucket{target=\"t\",le=\"0.005\"} 1");
    assert_shows("weir_first_token_seconds_bucket{target=\"t\",le=\"0.01\"} 2");
    assert_shows("weir_first_token_seconds_bucket{target=\"t\",le=\"0.02\"} 3");
    assert_shows("weir_first_token_seconds_bucket{target=\"t\",le=\"81.92\"} 3");
    assert_shows("weir_first_token_seconds_bucket{target=\"t\",le=\"+Inf\"} 4");
    assert_shows("weir_first_token_seconds_sum{target=\"t\"} 500.0200001");
    assert_shows("weir_first_token_seconds_count{target=\"t\"} 4");
}

static void labels_are_escaped(void **state) {
    (void)state;
    span target[] = {SPAN("a\"b\\c\nd\xC3\xA9")};
    metric_add(metrics_series(a, METRIC_RETRIES, target), 1);
    assert_shows("weir_retries_total{target=\"a\\\"b\\\\c\\nd\xC3\xA9\"} 1");
}

static void odd_values_count_as_other(void **state) {
    (void)state;
    char lengthy[METRIC_VALUE_MAX + 1];
    memset(lengthy, 'x', sizeof lengthy);
    span bad[] = {SPAN("bad\xFF"), SPAN("ok")}, longer[] = {{lengthy, sizeof lengthy}, SPAN("ok")};
    metric_add(metrics_series(a, METRIC_ATTEMPTS, bad), 1);
    metric_add(metrics_series(a, METRIC_ATTEMPTS, longer), 1);
    assert_shows("weir_attempts_total{target=\"other\",outcome=\"ok\"} 2");
}

static void series_are_bounded(void **state) {
    (void)state;
    char name[16];
    for (int i = 0; i < METRIC_SERIES_MAX + 100; i++) {
        span labels[] = {{name, (size_t)snprintf(name, sizeof name, "t%d", i)}, SPAN("won")};
        metric_add(metrics_series(i % 2 ? a : b, METRIC_HEDGES, labels), 1);
    }
    assert_int_equal(samples_of("weir_hedges_total{"), METRIC_SERIES_MAX);
    assert_shows("weir_hedges_total{target=\"t510\",outcome=\"won\"} 1");
    assert_shows("weir_hedges_total{target=\"other\",outcome=\"other\"} 101");
    /* The known ones still count for themselves. */
    metric_add(metrics_series(b, METRIC_HEDGES, (span[]){SPAN("t3"), SPAN("won")}), 1);
    assert_shows("weir_hedges_total{target=\"t3\",outcome=\"won\"} 2");
    /* And other families have room of their own. */
    metric_add(metrics_series(a, METRIC_RETRIES, (span[]){SPAN("t900")}), 1);
    assert_shows("weir_retries_total{target=\"t900\"} 1");
}

static call_record answered(void) {
    return (call_record){
        .endpoint = SPAN("chat.completions"),
        .model = SPAN("gpt-4o-mini-secret-suffix"),
        .model_label = SPAN("gpt-*"),
        .target_label = SPAN("openai/gpt"),
        .attempts = 1,
        .status = 200,
        .stream = true,
        .usage = {.prompt = 12, .completion = 34, .total = 46, .cached = 5, .reasoning = -1},
        .first_byte_us = 100000,
        .first_token_us = 210000,
        .own_us = 55,
        .total_us = 1500000,
    };
}

static void a_record_is_counted_whole(void **state) {
    (void)state;
    call_record r = answered();
    metrics_count_call(a, &r);
    metrics_count_call(a, &r);
    r.skipped_events = 3;
    metrics_count_call(b, &r);
    assert_shows("weir_calls_total{endpoint=\"chat.completions\",model=\"gpt-*\","
                 "target=\"openai/gpt\",status=\"200\",outcome=\"ok\"} 3");
    assert_shows("weir_tokens_total{model=\"gpt-*\",target=\"openai/gpt\",kind=\"prompt\"} 36");
    assert_shows(
        "weir_tokens_total{model=\"gpt-*\",target=\"openai/gpt\",kind=\"completion\"} 102");
    assert_shows("weir_tokens_total{model=\"gpt-*\",target=\"openai/gpt\",kind=\"cached\"} 15");
    assert_int_equal(samples_of("weir_tokens_total{"), 3); /* reasoning was not told */
    assert_shows("weir_call_duration_seconds_bucket{endpoint=\"chat.completions\","
                 "target=\"openai/gpt\",le=\"1.28\"} 0");
    assert_shows("weir_call_duration_seconds_sum{endpoint=\"chat.completions\","
                 "target=\"openai/gpt\"} 4.5");
    assert_shows("weir_first_token_seconds_count{target=\"openai/gpt\"} 3");
    assert_shows(
        "weir_own_duration_seconds_bucket{endpoint=\"chat.completions\",le=\"0.00008\"} 3");
    assert_shows("weir_skipped_events_total{target=\"openai/gpt\"} 3");
    assert_int_equal(samples_of("weir_errors_total"), 0);
}

static void a_failed_record_has_its_error(void **state) {
    (void)state;
    call_record r = answered();
    r.status = 503;
    r.outcome = CALL_FAILED;
    r.error = ERR_BREAKER_OPEN;
    r.usage = token_usage_unknown;
    r.first_token_us = r.first_byte_us = -1;
    metrics_count_call(a, &r);
    r.target_label = SPAN_EMPTY;
    r.status = 401;
    r.error = ERR_UNAUTHENTICATED;
    metrics_count_call(a, &r);
    assert_shows("weir_errors_total{code=\"provider_unavailable\",fault=\"provider\"} 1");
    assert_shows("weir_errors_total{code=\"invalid_api_key\",fault=\"client\"} 1");
    assert_shows("weir_calls_total{endpoint=\"chat.completions\",model=\"gpt-*\",target=\"\","
                 "status=\"401\",outcome=\"failed\"} 1");
    assert_int_equal(samples_of("weir_tokens_total"), 0);
    assert_int_equal(samples_of("weir_first_token_seconds"), 0);
}

static void a_plain_answer_has_no_first_token(void **state) {
    (void)state;
    call_record r = answered();
    r.stream = false;
    metrics_count_call(a, &r);
    assert_int_equal(samples_of("weir_first_token_seconds"), 0);
}

/* Records beyond the bound share one series of calls, but not the series that belong to it. */
static void records_beyond_the_bound_keep_their_target(void **state) {
    (void)state;
    char name[16];
    call_record r = answered();
    for (int i = 0; i < METRIC_SERIES_MAX; i++) {
        r.model_label = span_from(name, (size_t)snprintf(name, sizeof name, "m%d", i));
        metrics_count_call(a, &r);
    }
    r.model_label = SPAN_OF("late");
    r.target_label = SPAN_OF("late/one");
    metrics_count_call(a, &r);
    r.target_label = SPAN_OF("late/two");
    metrics_count_call(a, &r);
    assert_shows("weir_calls_total{endpoint=\"other\",model=\"other\",target=\"other\","
                 "status=\"other\",outcome=\"other\"} 3");
    assert_shows("weir_first_token_seconds_count{target=\"late/one\"} 1");
    assert_shows("weir_first_token_seconds_count{target=\"late/two\"} 1");
}

/* ---- threads: workers count, a scrape reads, more workers come ---- */

enum { WORKERS = 3, ROUNDS = 4000, NAMES = 40 };

static void *count(void *arg) {
    metrics_shard *s = arg;
    char name[16];
    call_record r = answered();
    for (int i = 0; i < ROUNDS; i++) {
        r.target_label = span_from(name, (size_t)snprintf(name, sizeof name, "t%d", i % NAMES));
        metrics_count_call(s, &r);
        metric_gauge_add(metrics_series(s, METRIC_OPEN_CALLS, NULL), i % 2 ? -1 : 1);
        metric_set(metrics_series(s, METRIC_BREAKER, &r.target), i % 2);
    }
    return NULL;
}

static atomic_bool counted;

static void *scrape(void *arg) {
    (void)arg;
    buf out = BUF_EMPTY;
    while (!atomic_load(&counted)) {
        buf_clear(&out);
        metrics_write(all, true, &out);
        assert_true(span_ends(buf_span(&out), SPAN_OF("# EOF\n")));
    }
    buf_done(&out);
    return NULL;
}

static void workers_and_scrapes_do_not_disturb_each_other(void **state) {
    (void)state;
    pthread_t workers[WORKERS], reader;
    atomic_store(&counted, false);
    assert_int_equal(pthread_create(&reader, NULL, scrape, NULL), 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, count, metrics_add_shard(all)), 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(workers[i], NULL), 0);
    atomic_store(&counted, true);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(samples_of("weir_calls_total{"), NAMES);
    assert_shows("weir_calls_total{endpoint=\"chat.completions\",model=\"gpt-*\",target=\"t7\","
                 "status=\"200\",outcome=\"ok\"} 300");
    assert_shows("weir_open_calls 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counters_add_up_over_workers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(money_is_told_in_units, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gauges_add_up_or_are_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(histograms_count_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_values_count_as_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(series_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_is_counted_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_record_has_its_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plain_answer_has_no_first_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_beyond_the_bound_keep_their_target, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(workers_and_scrapes_do_not_disturb_each_other, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
