/* How many client connections the files that a process may open leave room for. */
#include "world.h"

#include <sys/resource.h>

static const char *const with_one =
    "providers: {p: {url: \"http://127.0.0.1:1/v1\", max_connections: 100}}\n";

static config *make(const char *server) {
    buf yaml = BUF_EMPTY;
    buf_addf(&yaml, "%sserver: {workers: 2%s}\nchat: {model: m}\n", with_one, server);
    config *c = world_good(buf_cstr(&yaml));
    buf_done(&yaml);
    return c;
}

static void some_are_kept_back(void **state) {
    (void)state;
    const struct {
        uint64_t files, each;
    } rows[] = {
        /* 32 of the process, 17 of each of two workers with a listener. */
        {1066, 400}, /* 1000 are left: 200 for the provider's connections */
        {466, 100},  /* 400: half of them */
        {366, 75},   {70, 1},           {66, 1},
        {0, 1},      {1 << 20, 524155}, {RLIM_INFINITY, (RLIM_INFINITY - 266) / 2},
    };
    config *c = make("");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(config_client_descriptors(c, rows[i].files), rows[i].each);
    world_done(c);
}

static void the_last_are_no_clients(void **state) {
    (void)state;
    const struct {
        uint64_t files, kept;
    } rows[] = {
        {1 << 20, 24}, /* 16 of the process, 4 of each of two workers */
        {1024, 24},    {96, 24}, {95, 23}, {40, 10}, {0, 0},
    };
    config *c = make("");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(config_kept_descriptors(c, rows[i].files), rows[i].kept);
    world_done(c);
}

static void what_was_asked_for_is_lowered_with_a_warning(void **state) {
    (void)state;
    config *c = make(", max_connections: 5000");
    config_fit_descriptors(c, 1 << 20);
    assert_int_equal(c->server.max_connections, 5000);
    assert_int_equal(c->warning_count, 0);
    config_fit_descriptors(c, 5066);
    assert_int_equal(c->server.max_connections, 2400);
    assert_int_equal(c->warning_count, 1);
    assert_span(c->warnings[0].text, "server.max_connections is 5000; the 5066 files that the "
                                     "process may have open (RLIMIT_NOFILE) leave room for 2400 "
                                     "for each of 2 workers: that is the bound");
    config_fit_descriptors(c, 5066); /* what fits is left alone */
    assert_int_equal(c->warning_count, 1);
    assert_int_equal(c->warnings[0].line, 2);
    assert_int_equal(c->warnings[0].column, 1);
    world_done(c);
}

/* A warning is added to those that were there. */
static void the_default_is_lowered_and_said_where_little_is_left(void **state) {
    (void)state;
    config *c = world_good("providers: {p: {url: \"http://127.0.0.1:1/v1\"}}\n"
                           "server: {workers: 2}\nlimits: {memory: 16MB}\n");
    size_t before = c->warning_count;
    config_fit_descriptors(c, 20000);
    assert_int_equal(c->server.max_connections, 8943);
    assert_int_equal(c->warning_count, before);
    config_fit_descriptors(c, 4162);
    assert_int_equal(c->server.max_connections, 1024);
    assert_int_equal(c->warning_count, before);
    config_fit_descriptors(c, 1024);
    assert_int_equal(c->server.max_connections, 239);
    assert_int_equal(c->warning_count, before + 1);
    assert_true(span_starts(c->warnings[0].text, SPAN_OF("limits.body is 50MB")));
    assert_true(span_starts(c->warnings[before].text, SPAN_OF("server.max_connections is 1024;")));
    world_done(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_are_kept_back),
        cmocka_unit_test(the_last_are_no_clients),
        cmocka_unit_test(what_was_asked_for_is_lowered_with_a_warning),
        cmocka_unit_test(the_default_is_lowered_and_said_where_little_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
