/* Deadlines of the file, of providers and of models: which are in force, and whose word they are.
 */
#include "world.h"

static const char yaml[] =
    "timeouts: {connect: 1s, first_byte: 2s, first_token: 3s, between_events: 4s, total: 5s}\n"
    "providers:\n"
    "  bare: {url: \"http://127.0.0.1:1\"}\n"
    "  slow: {url: \"http://127.0.0.1:2\", timeouts: {first_byte: 20s, first_token: 1500ms}}\n"
    "models:\n"
    "  short: [bare/x, slow/y]\n"
    "  long: {targets: [bare/x, slow/y], timeouts: {first_token: 300s, total: 500s}}\n"
    "  none: {targets: slow, timeouts: {}}\n";

typedef struct row {
    const char *model;
    size_t target;
    int64_t ms[5]; /* by config_timeout */
    const char *named[5];
} row;

static const row rows[] = {
    {"short", 0, {1000, 2000, 3000, 4000, 5000}, {"", "", "", "", ""}},
    {"short",
     1,
     {1000, 20000, 1500, 4000, 5000},
     {"", "providers.slow.", "providers.slow.", "", ""}},
    {"long", 0, {1000, 2000, 300000, 4000, 500000}, {"", "", "models.long.", "", "models.long."}},
    {"long",
     1,
     {1000, 20000, 300000, 4000, 500000},
     {"", "providers.slow.", "models.long.", "", "models.long."}},
    {"none",
     0,
     {1000, 20000, 1500, 4000, 5000},
     {"", "providers.slow.", "providers.slow.", "", ""}},
};

static void the_narrowest_scope_rules(void **state) {
    (void)state;
    static const char *const names[] = {"connect", "first_byte", "first_token", "between_events",
                                        "total"};
    config *c = world_good(yaml);
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const config_model *m = config_find_model(c, span_cstr(rows[i].model));
        const config_target *t = &m->targets[rows[i].target];
        const config_timeouts *f = &t->timeouts;
        const int64_t ms[] = {f->connect_ms, f->first_byte_ms, f->first_token_ms,
                              f->between_events_ms, f->total_ms};
        assert_ptr_equal(t->of, m);
        for (int k = TIMEOUT_CONNECT; k <= TIMEOUT_TOTAL; k++) {
            char name[100], text[120];
            assert_int_equal(ms[k], rows[i].ms[k]);
            snprintf(name, sizeof name, "%stimeouts.%s", rows[i].named[k], names[k]);
            bool even = ms[k] % 1000 == 0;
            snprintf(text, sizeof text, "%s (%d %s)", name, (int)(even ? ms[k] / 1000 : ms[k]),
                     even ? "s" : "ms");
            assert_span(config_timeout_name(m, t->provider, (config_timeout)k, &a), name);
            assert_span(config_timeout_text(c, m, t->provider, (config_timeout)k, &a), text);
        }
    }
    assert_span(config_timeout_text(c, NULL, NULL, TIMEOUT_TOTAL, &a), "timeouts.total (5 s)");
    arena_done(&a);
    world_done(c);
}

/* The entry that weir makes up has targets like any other. */
static void also_where_no_model_is_written(void **state) {
    (void)state;
    config *c =
        world_good("providers: {p: {url: \"http://127.0.0.1:1\", timeouts: {connect: 7s}}}\n");
    assert_int_equal(c->models[0].targets[0].timeouts.connect_ms, 7000);
    assert_int_equal(c->models[0].targets[0].timeouts.first_token_ms, 600000);
    assert_ptr_equal(c->models[0].targets[0].of, &c->models[0]);
    world_done(c);
}

/* total is the call's, which may ask several providers. */
static void a_provider_has_no_total(void **state) {
    (void)state;
    assert_non_null(option_find(&scope_model, SPAN_OF("timeouts.total")));
    assert_null(option_find(&scope_provider, SPAN_OF("timeouts.total")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_narrowest_scope_rules),
        cmocka_unit_test(also_where_no_model_is_written),
        cmocka_unit_test(a_provider_has_no_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
