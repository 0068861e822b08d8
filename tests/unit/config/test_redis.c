/* shared: the forms of an address, what is refused, and that a password is told to nobody. */
#include "world.h"

#include "config/redis.h"

static const world_pair env[] = {
    {"PASSWORD", "hunter2"}, {"URL", "redis://:hunter2@db.internal:7000/2"}, {NULL, NULL}};

static const world_pair files[] = {{"/x.pem", "-----BEGIN"}, {NULL, NULL}};

static void addresses(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown, *user, *password;
        bool tls;
    } rows[] = {
        {"redis://127.0.0.1:6379", "redis://127.0.0.1:6379/0", "", NULL, false},
        {"redis://db", "redis://db:6379/0", "", NULL, false},
        {"redis://db/", "redis://db:6379/0", "", NULL, false},
        {"REDIS://DB:80/7", "redis://db:80/7", "", NULL, false},
        {"rediss://[::1]/3", "rediss://[::1]:6379/3", "", NULL, true},
        {"redis://[::1]:7000", "redis://[::1]:7000/0", "", NULL, false},
        {"redis://:hunter2@db", "redis://db:6379/0", "", "hunter2", false},
        {"rediss://app:h%40%2f%25@db:1/65535", "rediss://db:1/65535", "app", "h@/%", true},
        {"unix:/run/redis.sock", "unix:/run/redis.sock?db=0", "", NULL, false},
        {"unix:/run/redis.sock?db=4", "unix:/run/redis.sock?db=4", "", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        config_redis c = {.timeout_ms = 7};
        const char *why = NULL;
        arena_init(&a, 0);
        if (!config_redis_parse(span_cstr(rows[i].text), &a, &c, &why))
            fail_msg("%s: %s", rows[i].text, why);
        assert_true(c.on && c.timeout_ms == 7 && c.tls == rows[i].tls);
        assert_span(c.shown, rows[i].shown);
        assert_span(c.user, rows[i].user);
        assert_int_equal(c.password != NULL, rows[i].password != NULL);
        if (c.password) assert_span(secret_reveal(c.password), rows[i].password);
        secret_unref(c.password);
        arena_done(&a);
    }
}

static void no_addresses(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "db:6379",
        "http://db",
        "redis:db",
        "redis://",
        "redis:///1",
        "redis://db:0",
        "redis://db:x",
        "redis://db/x",
        "redis://db/65536",
        "redis://db/1/2",
        "redis://db?db=1",
        "redis://db#1",
        "redis://a b",
        "redis://a:b@c@db",
        "redis://a/b@db",
        "redis://:%4@db",
        "redis://-db",
        "unix:run/redis.sock",
        "unix:/",
        "unix:/r?db=x",
        "unix:/r?x=1",
        "redis://:hunter2@",
        "redis://\xc3\xa4",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        config_redis c = {0};
        const char *why = NULL;
        arena_init(&a, 0);
        if (config_redis_parse(span_cstr(rows[i]), &a, &c, &why)) fail_msg("%s", rows[i]);
        assert_non_null(why);
        assert_false(c.on);
        arena_done(&a);
    }
}

static config *load(const char *shared, bool exposed, buf *ret_said) {
    world w;
    char yaml[512];
    world_init(&w, env, files);
    w.exposed = exposed;
    snprintf(yaml, sizeof yaml, "providers: {a: {kind: simulator}}\nshared: %s\n", shared);
    config *c = world_load(&w, yaml);
    *ret_said = world_text(c);
    return c;
}

static void as_an_option(void **state) {
    (void)state;
    static const struct {
        const char *shared, *explained, *password;
        int64_t timeout_ms;
    } rows[] = {
        {"off", "shared: off", NULL, 0},
        {"redis://127.0.0.1:6379", "shared: {url: redis://127.0.0.1:6379/0, timeout: 50ms}", NULL,
         50},
        {"{url: \"redis://db\", timeout: 20ms}", "shared: {url: redis://db:6379/0, timeout: 20ms}",
         NULL, 20},
        {"\"${URL}\"", "shared: {url: (set), timeout: 50ms}", "hunter2", 50},
        {"{password: \"${PASSWORD}\", url: \"redis://app@localhost\"}",
         "shared: {url: (set), timeout: 50ms}", "hunter2", 50},
        {"{url: \"redis://:old@localhost\", password: \"${PASSWORD}\"}",
         "shared: {url: (set), timeout: 50ms}", "hunter2", 50},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said, text = BUF_EMPTY;
        config *c = load(rows[i].shared, false, &said);
        if (!c) fail_msg("%s: %s", rows[i].shared, buf_cstr(&said));
        assert_int_equal(c->shared.on, rows[i].timeout_ms > 0);
        assert_int_equal(c->shared.timeout_ms, rows[i].timeout_ms);
        if (rows[i].password) assert_span(secret_reveal(c->shared.password), rows[i].password);
        config_explain(c, &text);
        if (!strstr(buf_cstr(&text), rows[i].explained))
            fail_msg("%s is not in\n%s", rows[i].explained, buf_cstr(&text));
        assert_null(strstr(buf_cstr(&text), "hunter2"));
        buf_done(&text);
        buf_done(&said);
        world_done(c);
    }
}

static void what_is_refused_and_how(void **state) {
    (void)state;
    static const struct {
        const char *shared, *said;
    } rows[] = {
        {"redis://hunter2@db", "shared names a user and no password; write USER:PASSWORD@"},
        {"http://hunter2",
         "shared: an address begins with redis://, rediss:// or unix:/; expected"},
        {"{timeout: 20ms}", "shared.url is missing"},
        {"{url: \"redis://db\", ca_file: /x.pem}", "asks for no TLS; write rediss://"},
        {"{url: \"redis://db\", timeout: 0ms}", "shared.timeout is 0ms; allowed 1ms to 10s"},
        {"[redis://db]", "shared is a list; expected redis://HOST:PORT"},
        {"{url: \"redis://:hunter2@a@b\"}", "user and password hold an @ or a slash"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load(rows[i].shared, false, &said);
        if (c || !strstr(buf_cstr(&said), rows[i].said))
            fail_msg("%s: %s", rows[i].shared, buf_cstr(&said));
        assert_null(strstr(buf_cstr(&said), "hunter2"));
        buf_done(&said);
        world_done(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(no_addresses),
        cmocka_unit_test(as_an_option),
        cmocka_unit_test(what_is_refused_and_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
