/* What a sequence of checks comes to, and who knows of it. */
#include "unit.h"

#include "heap.h"

#include "call/health.h"

/* '+' passed, '-' failed; after each: 'U' unknown, 'u' up, 'd' down; in capitals where that is
 * news. */
static void sequences(void **state) {
    (void)state;
    static const struct {
        unsigned failures, successes;
        const char *checks, *then;
    } rows[] = {
        {3, 1, "+", "U"},
        {3, 1, "-", "D"}, /* the first decides */
        {3, 1, "++--+--", "Uuuuuuu"},
        {3, 1, "+---", "UuuD"},
        {3, 1, "+----+-", "UuuDdUu"},
        {3, 1, "+-+--+---", "UuuuuuuuD"},
        {1, 1, "+-+-", "UDUD"},
        {1, 3, "+-++", "UDdd"},
        {1, 3, "+-++-++", "UDddddd"},
        {1, 3, "+-+++", "UDddU"},
        {1, 3, "-+++-", "DddUD"},
        {2, 2, "-+-+-++", "DdddddU"},
        {2, 2, "+-+-+--", "UuuuuuD"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const config_health policy = {.failures = rows[i].failures, .successes = rows[i].successes};
        health_run run = {0};
        char said[16] = "";
        for (size_t k = 0; rows[i].checks[k]; k++) {
            bool news = health_count(&run, &policy, rows[i].checks[k] == '+');
            said[k] = run.is == HEALTH_UP ? 'u' : run.is == HEALTH_DOWN ? 'd' : '?';
            if (news) said[k] = (char)(said[k] - 'a' + 'A');
        }
        assert_string_equal(said, rows[i].then);
    }
}

/* A policy that a reload has made less patient counts what was before. */
static void another_policy_in_between(void **state) {
    (void)state;
    const config_health patient = {.failures = 5, .successes = 1}, hasty = {.failures = 3};
    health_run run = {0};
    (void)health_count(&run, &patient, true);
    for (int i = 0; i < 4; i++)
        assert_false(health_count(&run, &patient, false));
    assert_true(health_count(&run, &hasty, false));
}

static config_provider provider_of(const char *name, const char *url, const char *path) {
    return (config_provider){.name = span_cstr(name),
                             .url = {.text = span_cstr(url)},
                             .health = {.path = span_cstr(path), .failures = 1, .successes = 1}};
}

/* By name, URL and path; what nobody has any more is forgotten. */
static void who_is_the_same(void **state) {
    (void)state;
    health_table *t = health_table_new();
    const config_provider a = provider_of("a", "http://x/v1", "/health");
    const config_provider others[] = {provider_of("b", "http://x/v1", "/health"),
                                      provider_of("a", "http://y/v1", "/health"),
                                      provider_of("a", "http://x/v1", "/up")};
    health_state *s = health_get(t, &a);
    assert_true(health_report(s, &a.health, false, SPAN_OF("gone")));
    health_state *again = health_get(t, &a);
    assert_ptr_equal(s, again);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        health_state *o = health_get(t, &others[i]);
        assert_int_equal(health_look(o), HEALTH_UNKNOWN);
        health_unref(o);
    }
    health_unref(s);
    assert_int_equal(health_look(again), HEALTH_DOWN);
    health_unref(again);
    s = health_get(t, &a);
    assert_int_equal(health_look(s), HEALTH_UNKNOWN);
    health_unref(s);
    health_table_free(t);
}

static void who_is_not_asked(void **state) {
    (void)state;
    health_table *t = health_table_new();
    const config_provider p = provider_of("a", "http://x/v1", "");
    assert_null(health_get(t, &p));
    assert_int_equal(health_look(NULL), HEALTH_UNKNOWN);
    health_unref(NULL);
    health_table_free(t);
    health_table_free(NULL);
}

static void expect_why(health_state *s, const char *wanted) {
    buf why = BUF_EMPTY;
    health_add_why(s, &why);
    assert_string_equal(buf_cstr(&why), wanted);
    buf_done(&why);
}

static void why_the_last_one_failed(void **state) {
    (void)state;
    health_table *t = health_table_new();
    config_provider p = provider_of("a", "http://x/v1", "/health");
    p.health.failures = 2;
    health_state *s = health_get(t, &p);
    expect_why(s, "");
    (void)health_report(s, &p.health, true, SPAN_EMPTY);
    expect_why(s, "");
    assert_false(health_report(s, &p.health, false, SPAN_OF("status 503")));
    assert_int_equal(health_look(s), HEALTH_UP);
    expect_why(s, "status 503");
    (void)health_report(s, &p.health, false, SPAN_OF("refused"));
    assert_int_equal(health_look(s), HEALTH_DOWN);
    expect_why(s, "refused");
    (void)health_report(s, &p.health, true, SPAN_OF("unused"));
    expect_why(s, "");
    assert_string_equal(health_word(health_look(s)), "up");
    health_unref(s);
    health_table_free(t);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences),
        cmocka_unit_test(another_policy_in_between),
        cmocka_unit_test(who_is_the_same),
        cmocka_unit_test(who_is_not_asked),
        cmocka_unit_test(why_the_last_one_failed),
    };
    return run_watched(tests);
}
