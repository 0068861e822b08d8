/* What may happen under a configuration is at 0 before it happens, within bounds. */
#include "unit.h"

#include "dialect/failure.h"
#include "gateway/foreseen.h"

#include <stdio.h>

static const char two_targets[] =
    "providers: {a: {kind: openai, url: 'http://a.test/v1'}, b: {kind: openai, url: "
    "'http://b.test/v1'}}\n"
    "models: {m: [a/x, b]}\n"
    "hedge: {after: 1s}\n";

static config *parse(const char *yaml) {
    config_problems problems = {0};
    config *c = config_parse(span_cstr(yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    assert_non_null(c);
    return c;
}

static buf exposition(const char *yaml) {
    metrics *m = metrics_new();
    config *c = parse(yaml);
    metrics_shard *s = metrics_add_shard(m);
    buf out = BUF_EMPTY;
    foreseen_tell(s, c);
    foreseen_tell(s, c); /* a reload changes nothing of it */
    metrics_write(m, false, &out);
    metrics_free(m);
    config_unref(c);
    return out;
}

static size_t samples_of(const buf *text, const char *start) {
    span rest = buf_span(text), line;
    size_t n = 0;
    while (span_cut(&rest, '\n', &line))
        n += span_starts(line, span_cstr(start));
    return n;
}

static void known_outcomes_of_what_is_configured(void **state) {
    (void)state;
    static const char *const lines[] = {
        "weir_attempts_total{target=\"a/x\",outcome=\"overload\"} 0",
        "weir_attempts_total{target=\"b\",outcome=\"tls\"} 0",
        "weir_retries_total{target=\"a/x\"} 0",
        "weir_hedges_total{target=\"b\",outcome=\"won\"} 0",
        "weir_fallbacks_total{target=\"b\",from=\"a/x\",reason=\"silent\"} 0",
        "weir_errors_total{code=\"stream_interrupted\",fault=\"provider\"} 0",
        "weir_shortages_total{shortage=\"descriptors\",provider=\"b\"} 0",
        "weir_shortages_total{shortage=\"room\",provider=\"\"} 0",
        "weir_config_reloads_total{outcome=\"failed\"} 0",
        "weir_skipped_events_total{target=\"b\"} 0",
        "weir_cost_total{model=\"m\",target=\"a/x\"} 0",
        "weir_unpriced_calls_total{model=\"m\",target=\"b\"} 0",
        "weir_calls_total{endpoint=\"chat.completions\",model=\"m\",target=\"b\",status=\"200\","
        "outcome=\"cut\"} 0",
        "weir_calls_total{endpoint=\"chat.completions\",model=\"m\",target=\"a/x\",status=\"502\","
        "outcome=\"failed\"} 0",
    };
    buf out = exposition(two_targets);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (samples_of(&out, lines[i]) != 1) fail_msg("no %s in\n%s", lines[i], buf_cstr(&out));
    /* The second is asked after the first, and never the other way round. */
    assert_int_equal(samples_of(&out, "weir_fallbacks_total{target=\"a/x\""), 0);
    assert_int_equal(samples_of(&out, "weir_errors_total{"), ERR_COUNT - 1);
    assert_int_equal(samples_of(&out, "weir_attempts_total{"), 2 * (FAIL_GONE + 1));
    buf_done(&out);
}

static void targets_in_any_order(void **state) {
    (void)state;
    buf out = exposition("providers: {a: {kind: openai, url: 'http://a.test/v1'}, b: {kind: "
                         "openai, url: 'http://b.test/v1'}}\n"
                         "models: {m: {targets: [a, b], pick: fastest}}\n");
    assert_int_equal(
        samples_of(&out, "weir_fallbacks_total{target=\"a\",from=\"b\",reason=\"key\"} 0"), 1);
    assert_int_equal(
        samples_of(&out, "weir_fallbacks_total{target=\"b\",from=\"a\",reason=\"key\"} 0"), 1);
    assert_int_equal(samples_of(&out, "weir_hedges_total{"), 0);
    buf_done(&out);
}

/* A list of twenty targets has 190 ways from one to a later one, each for nine reasons. */
static void a_long_list_leaves_room_for_others(void **state) {
    (void)state;
    buf yaml = BUF_EMPTY;
    buf_add_cstr(&yaml, "providers: {p: {kind: openai, url: 'http://p.test/v1'}}\n"
                        "models:\n  long: [p/0");
    for (int i = 1; i < 20; i++)
        buf_addf(&yaml, ", p/%d", i);
    buf_add_cstr(&yaml, "]\n  short: [p/one, p/two]\n");
    buf out = exposition(buf_cstr(&yaml));
    static const char *const lines[] = {
        "weir_fallbacks_total{target=\"p/two\",from=\"p/one\",reason=\"silent\"} 0",
        "weir_fallbacks_total{target=\"p/19\",from=\"p/18\",reason=\"silent\"} 0",
        "weir_fallbacks_total{target=\"p/2\",from=\"p/0\",reason=\"silent\"} 0",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (samples_of(&out, lines[i]) != 1) fail_msg("no %s", lines[i]);
    assert_int_equal(samples_of(&out, "weir_fallbacks_total{"), METRIC_SERIES_MAX / 2);
    buf_done(&out);
    buf_done(&yaml);
}

/* A thousand models leave room for what happens. */
static void half_of_the_room_is_kept_free(void **state) {
    (void)state;
    static const char *const families[] = {"weir_calls_total{", "weir_attempts_total{",
                                           "weir_retries_total{", "weir_fallbacks_total{",
                                           "weir_shortages_total{"};
    buf yaml = BUF_EMPTY;
    buf_add_cstr(&yaml, "providers:\n");
    for (int i = 0; i < 100; i++)
        buf_addf(&yaml, "  p%d: {kind: openai, url: 'http://p%d.test/v1'}\n", i, i);
    buf_add_cstr(&yaml, "models:\n");
    for (int i = 0; i < 1000; i++)
        buf_addf(&yaml, "  m%d: [p%d/x%d, p%d/y%d]\n", i, i % 100, i, (i + 1) % 100, i);
    buf out = exposition(buf_cstr(&yaml));
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        assert_int_equal(samples_of(&out, families[i]), METRIC_SERIES_MAX / 2);
    buf_done(&out);
    buf_done(&yaml);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_outcomes_of_what_is_configured),
        cmocka_unit_test(targets_in_any_order),
        cmocka_unit_test(a_long_list_leaves_room_for_others),
        cmocka_unit_test(half_of_the_room_is_kept_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
