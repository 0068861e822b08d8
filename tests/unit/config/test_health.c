/* providers.NAME.health: what is asked, and how often. */
#include "world.h"

static const char yaml[] =
    "providers:\n"
    "  bare: {url: \"http://127.0.0.1:1/v1\"}\n"
    "  usual: {url: \"http://127.0.0.1:2/v1\", health: {path: /health}}\n"
    "  own: {url: \"http://127.0.0.1:3/v1\", health: {path: \"/up?deep=1\", every: 250ms, "
    "timeout: 1m, failures: 1, successes: 100}}\n";

static void nothing_is_asked_until_somebody_says_what(void **state) {
    (void)state;
    config *c = world_good(yaml);
    assert_int_equal(c->providers[0].health.path.len, 0);
    assert_span(c->providers[1].health.path, "/health");
    world_done(c);
}

static void it_is_asked_every_ten_seconds_unless_told(void **state) {
    (void)state;
    config *c = world_good(yaml);
    const config_health *usual = &c->providers[1].health, *own = &c->providers[2].health;
    assert_int_equal(usual->every_ms, 10000);
    assert_int_equal(usual->timeout_ms, 5000);
    assert_int_equal(usual->failures, 3);
    assert_int_equal(usual->successes, 1);
    assert_span(own->path, "/up?deep=1");
    assert_int_equal(own->every_ms, 250);
    assert_int_equal(own->timeout_ms, 60000);
    assert_int_equal(own->failures, 1);
    assert_int_equal(own->successes, 100);
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_asked_until_somebody_says_what),
        cmocka_unit_test(it_is_asked_every_ten_seconds_unless_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
