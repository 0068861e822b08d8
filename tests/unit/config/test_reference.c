/* The committed pages are what the option table makes. */
#include "world.h"

static void check_committed(const char *name, void (*write)(buf *), const char *how) {
    char path[4096];
    buf made = BUF_EMPTY;
    write(&made);
    (void)buf_cstr(&made);
    buf committed = unit_read(unit_source(name, path));
    if (strcmp(committed.ptr, made.ptr) != 0)
        fail_msg("%s is out of date: %s > %s", name, how, name);
    buf_done(&made);
    buf_done(&committed);
}

static void pages_are_up_to_date(void **state) {
    (void)state;
    check_committed("docs/configuration.md", config_write_reference, "weir reference");
    check_committed("weir.example.yaml", config_write_example, "weir reference --example");
}

static void tells_of_every_option(void **state) {
    (void)state;
    buf page = BUF_EMPTY;
    config_write_reference(&page);
    (void)buf_cstr(&page);
    for (size_t s = 0; option_scopes[s]; s++) {
        for (size_t i = 0; i < option_scopes[s]->count; i++) {
            char row[128];
            snprintf(row, sizeof row, "\n| `%s` | ", option_scopes[s]->options[i].path);
            if (!strstr(page.ptr, row))
                fail_msg("no row for %s", option_scopes[s]->options[i].path);
        }
    }
    buf_done(&page);
}

/* As it stands, and with everything that can be switched on switched on. */
static void example_is_good(void **state) {
    (void)state;
    buf example = BUF_EMPTY, all = BUF_EMPTY;
    config_write_example(&example);
    config *c = world_good(buf_cstr(&example));
    assert_int_equal(c->provider_count, 2);
    world_done(c);

    span rest = buf_span(&example), line;
    bool defaults = false;
    while (span_cut(&rest, '\n', &line)) {
        defaults |= span_starts(line, SPAN_OF("# auth:"));
        if (defaults && span_starts(line, SPAN_OF("# ")))
            line = span_slice(line, 2, line.len);
        else if (defaults && span_starts(line, SPAN_OF("#")))
            line = span_slice(line, 1, line.len);
        buf_add(&all, line);
        buf_add_char(&all, '\n');
    }
    c = world_good(buf_cstr(&all));
    assert_true(defaults);
    assert_int_equal(c->limits.calls, 10000);
    world_done(c);
    buf_done(&example);
    buf_done(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_up_to_date),
        cmocka_unit_test(tells_of_every_option),
        cmocka_unit_test(example_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
