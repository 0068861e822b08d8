/* ledger.store: what it may be, and that a database's address is told to nobody. */
#include "world.h"

#include "config/store.h"

static const world_pair env[] = {
    {"STORE", "postgres://weir:tiger@db.internal:5432/weir?sslmode=verify-full"},
    {"PASSWORD", "ti%40ger"},
    {"WRONG", "postgres://weir:tiger@part@db/weir"},
    {NULL, NULL}};

static void addresses(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool is;
    } rows[] = {
        {"postgres://weir:tiger@db/weir", true},
        {"postgresql://db", true},
        {"postgres:///weir?host=/run/postgresql", true},
        {"postgres://weir@/weir?host=/run/postgresql", true},
        {"postgres://weir:ti%40ger@[::1]:5432,h2:5433/weir?target_session_attrs=read-write", true},
        {"postgres://weir%40x:t@db/weir", true},
        {"postgres://weir:tiger@part@db/weir", false},
        {"postgres://weir:tiger/part@db/weir", false},
        {"postgres://weir:tiger?part@db/weir", false},
        {"postgres://weir:tiger%zz@db/weir", false},
        {"postgres://weir:tiger%4", false},
        {"postgres://weir:tiger part@db/weir", false},
        {"postgres://weir:t\xc3\xadger@db/weir", false},
        {"postgres://", false},
        {"Postgres://db", false},
        {"postgre://db", false},
        {"postgres:db", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (store_is_postgres(span_cstr(rows[i].name)) != rows[i].is) fail_msg("%s", rows[i].name);
}

static config *load(const char *store, bool exposed, buf *ret_said) {
    world w;
    char yaml[256];
    world_init(&w, env, NULL);
    w.exposed = exposed;
    snprintf(yaml, sizeof yaml, "providers: {a: {kind: simulator}}\nledger:\n  store: %s\n", store);
    config *c = world_load(&w, yaml);
    *ret_said = world_text(c);
    return c;
}

static void an_address_is_kept_and_not_shown(void **state) {
    (void)state;
    static const struct {
        const char *store, *kept, *explained;
    } rows[] = {
        {"auto", "", "store: auto"},
        {"sqlite:/var/lib/x.db", "sqlite:/var/lib/x.db", "store: sqlite:/var/lib/x.db"},
        {"\"${STORE}\"", "postgres://weir:tiger@db.internal:5432/weir?sslmode=verify-full",
         "store: (set)"},
        {"\"postgresql://weir:${PASSWORD}@db/weir\"", "postgresql://weir:ti%40ger@db/weir",
         "store: (set)"},
        {"postgres://weir:tiger@db/weir", "postgres://weir:tiger@db/weir", "store: (set)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said, out = BUF_EMPTY;
        config *c = load(rows[i].store, false, &said);
        if (!c) fail_msg("%s", said.ptr);
        assert_span(c->ledger.store, rows[i].kept);
        config_explain(c, &out);
        if (!strstr(buf_cstr(&out), rows[i].explained)) fail_msg("%s", out.ptr);
        assert_null(strstr(out.ptr, "ger@"));
        buf_done(&out);
        buf_done(&said);
        world_done(c);
    }
}

static void a_wrong_one_is_not_quoted(void **state) {
    (void)state;
    static const char *const rows[] = {
        "postgres://weir:tiger@part@db/weir",
        "postgre://weir:tiger@db/part",
        "\"${WRONG}\"",
        "mysql://weir:tiger@db/part",
        "\"postgres://w:ti,tiger,part@@db/x\"",
        "{url: \"postgres://weir:tiger@db/part\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        assert_null(load(rows[i], false, &said));
        if (!strstr(buf_cstr(&said), "ledger.store") || strstr(said.ptr, "tiger") ||
            strstr(said.ptr, "part"))
            fail_msg("%s", said.ptr);
        buf_done(&said);
        world_done(NULL);
    }
}

static void one_that_others_may_read_is_warned_of(void **state) {
    (void)state;
    static const struct {
        const char *store;
        bool warned;
    } rows[] = {{"postgres://weir:tiger@db/weir", true}, {"\"${STORE}\"", false}, {"auto", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].store, true, &said);
        assert_int_equal(strstr(buf_cstr(&said), "chmod 600") != NULL, rows[i].warned);
        assert_null(strstr(said.ptr, "tiger"));
        buf_done(&said);
        world_done(c);
    }
}

/* Two addresses look the same where they are shown, and are not. */
static void another_address_needs_a_restart(void **state) {
    (void)state;
    static const char *const others[] = {"postgres://weir:lion@db/weir", "auto",
                                         "postgres://weir:tiger@db/weir"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        buf said, names = BUF_EMPTY;
        config *a = load("postgres://weir:tiger@db/weir", false, &said);
        buf_done(&said);
        config *b = load(others[i], false, &said);
        bool needed = config_needs_restart(a, b, &names);
        assert_int_equal(needed, i < 2);
        if (needed) assert_string_equal(buf_cstr(&names), "ledger.store");
        buf_done(&names);
        buf_done(&said);
        config_unref(a);
        world_done(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(an_address_is_kept_and_not_shown),
        cmocka_unit_test(a_wrong_one_is_not_quoted),
        cmocka_unit_test(one_that_others_may_read_is_warned_of),
        cmocka_unit_test(another_address_needs_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
