/* cache.store: an address of its own, or that of shared; and that a password is told to nobody. */
#include "world.h"

static const world_pair env[] = {{"PASSWORD", "hunter2"}, {NULL, NULL}};
static const world_pair files[] = {{NULL, NULL}};

static config *load(const char *shared, const char *store, buf *ret_said) {
    world w;
    char yaml[512];
    world_init(&w, env, files);
    snprintf(yaml, sizeof yaml,
             "providers: {a: {kind: simulator}}\nshared: %s\ncache: {models: [\"*\"], store: %s}\n",
             shared, store);
    config *c = world_load(&w, yaml);
    *ret_said = world_text(c);
    return c;
}

#define SHARED "{url: \"redis://:hunter2@localhost/1\", timeout: 9ms}"

static void where_it_is(void **state) {
    (void)state;
    static const struct {
        const char *shared, *store, *explained, *shown, *password;
        int64_t timeout_ms;
    } rows[] = {
        {"off", "off", "store: off", "", NULL, 0},
        {SHARED, "off", "store: off", "", NULL, 0},
        {SHARED, "false", "store: off", "", NULL, 0},
        {"off", "redis://db", "store: {url: redis://db:6379/0, timeout: 50ms}", "redis://db:6379/0",
         NULL, 50},
        {SHARED, "redis://db/2", "store: {url: redis://db:6379/2, timeout: 50ms}",
         "redis://db:6379/2", NULL, 50},
        {SHARED, "true", "store: {timeout: 50ms}", "redis://localhost:6379/1", "hunter2", 50},
        {SHARED, "on", "store: {timeout: 50ms}", "redis://localhost:6379/1", "hunter2", 50},
        {SHARED, "{timeout: 20ms}", "store: {timeout: 20ms}", "redis://localhost:6379/1", "hunter2",
         20},
        {"redis://localhost", "{timeout: 20ms, password: \"${PASSWORD}\"}",
         "store: {timeout: 20ms}", "redis://localhost:6379/0", "hunter2", 20},
        {"off", "{url: \"unix:/run/redis.sock\"}",
         "store: {url: \"unix:/run/redis.sock?db=0\", timeout: 50ms}", "unix:/run/redis.sock?db=0",
         NULL, 50},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said, text = BUF_EMPTY;
        config *c = load(rows[i].shared, rows[i].store, &said);
        if (!c) fail_msg("%s: %s", rows[i].store, buf_cstr(&said));
        const config_redis *store = &c->cache.store;
        assert_int_equal(store->on, rows[i].shown[0] != 0);
        assert_span(store->shown, rows[i].shown);
        if (store->on) assert_int_equal(store->timeout_ms, rows[i].timeout_ms);
        assert_int_equal(store->password != NULL, rows[i].password != NULL);
        if (rows[i].password) assert_span(secret_reveal(store->password), rows[i].password);
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
        const char *store, *said;
    } rows[] = {
        {"true", "cache.store has no address, and there is no shared: whose it could be"},
        {"{timeout: 20ms}",
         "cache.store has no address, and there is no shared: whose it could be"},
        {"redis", "cache.store: an address begins with redis://, rediss:// or unix:/"},
        {"{url: \"redis://db\", timeout: 0ms}", "cache.store.timeout is 0ms; allowed 1ms to 10s"},
        {"{addr: \"redis://db\"}", "cache.store"},
        {"[redis://db]", "cache.store is a list; expected redis://HOST:PORT"},
        {"redis://hunter2@db", "cache.store names a user and no password"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said;
        config *c = load("off", rows[i].store, &said);
        if (c || !strstr(buf_cstr(&said), rows[i].said))
            fail_msg("%s: %s", rows[i].store, buf_cstr(&said));
        assert_null(strstr(buf_cstr(&said), "hunter2"));
        buf_done(&said);
        world_done(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_it_is),
        cmocka_unit_test(what_is_refused_and_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
