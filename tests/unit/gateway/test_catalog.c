/* What providers list, over hours: whom it is asked of, how often, and what serves meanwhile. */
#include "call/origin.h"

#include "gateway/catalog.h"

static buf ready; /* "1 2 ": who has been told */

typedef struct asker {
    catalog_wait wait;
    int name;
} asker;

static void on_ready(catalog_wait *w) {
    buf_addf(&ready, "%d ", CONTAINER_OF(w, asker, wait)->name);
}

static asker asker_of(int name) {
    return (asker){{.ready = on_ready}, name};
}

static catalog *start(world *w, const char *options) {
    world_init(w, options);
    buf_clear(&ready);
    return catalog_new(&w->loop, NULL);
}

static void finish(world *w, catalog *c) {
    catalog_free(c);
    world_done(w);
    buf_done(&ready);
}

static void pass(world *w, int64_t ms) {
    world_run_until(w, w->loop.now_ms + ms);
}

/* The ids that are known of a provider; "?": nothing is. In the world's memory. */
static span ids(world *w, const catalog *c, char name) {
    buf said = BUF_EMPTY;
    const model_list *l = catalog_find(c, &w->config->providers[name - 'a']);
    if (!l) return SPAN_OF("?");
    for (size_t i = 0; i < l->count; i++)
        buf_addf(&said, "%s%.*s", i ? " " : "", SPAN_ARG(l->items[i].id));
    span kept = arena_dup(&w->arena, buf_span(&said));
    buf_done(&said);
    return kept;
}

#define LISTS(ids) "200 | bytes {\"data\":[" ids "]} | end"
#define ID(id)     "{\"id\":\"" id "\"}"

static void a_list_serves_for_a_while(void **state) {
    (void)state;
    world w = {.scripts = {{LISTS(ID("m1")), LISTS(ID("m2") "," ID("m3"))}}};
    catalog *c = start(&w, NULL);
    asker one = asker_of(1);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    assert_int_equal(ready.len, 0); /* not from inside */
    assert_span(ids(&w, c, 'a'), "?");
    pass(&w, 1);
    assert_string_equal(buf_cstr(&ready), "1 ");
    assert_span(ids(&w, c, 'a'), "m1");
    assert_true(strstr(buf_cstr(&w.sent), "authorization: Bearer sk-provider-a\n") != NULL);
    pass(&w, 299 * 1000);
    assert_true(catalog_ask(c, w.snapshot, &one.wait));
    pass(&w, 2000);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    assert_span(ids(&w, c, 'a'), "m1"); /* until the new one is there */
    pass(&w, 1);
    assert_string_equal(buf_cstr(&ready), "1 1 ");
    assert_span(ids(&w, c, 'a'), "m2 m3");
    finish(&w, c);
}

static void the_last_list_serves_where_the_next_one_fails(void **state) {
    (void)state;
    static const char *const failures[] = {
        "refuse",
        "reset",
        "garbage",
        "503 | bytes {\"data\":[]} | end",
        "401 | end",
        "200 | bytes {\"data\":[" ID("x") "]} | cut",
        "200 | bytes <html> | end",
        "200 | end",
        "200 content-encoding: compress | bytes {\"data\":[]} | end",
        "",    /* silence */
        "200", /* silence after the head */
        "200 | bytes x | wait 2000 | bytes x | wait 2000 | bytes x | wait 2000 | end",
    };
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        world w = {.scripts = {{LISTS(ID("m1")), failures[i], LISTS(ID("m2"))}}};
        catalog *c = start(&w, NULL);
        asker one = asker_of(1);
        assert_false(catalog_ask(c, w.snapshot, &one.wait));
        pass(&w, 301 * 1000);
        assert_false(catalog_ask(c, w.snapshot, &one.wait));
        pass(&w, 3100); /* no longer, whatever it does */
        assert_string_equal(buf_cstr(&ready), "1 1 ");
        assert_span(ids(&w, c, 'a'), "m1");
        assert_true(catalog_ask(c, w.snapshot, &one.wait)); /* nor again for a while */
        assert_int_equal(w.asked[0], 2);
        pass(&w, 30 * 1000);
        assert_false(catalog_ask(c, w.snapshot, &one.wait));
        pass(&w, 1);
        assert_span(ids(&w, c, 'a'), "m2");
        finish(&w, c);
    }
}

static void all_are_asked_at_once(void **state) {
    (void)state;
    world w = {
        .scripts = {{"wait 100 | " LISTS(ID("m1"))}, {"wait 2000 | " LISTS(ID("m2"))}, {"refuse"}}};
    catalog *c = start(&w, NULL);
    asker one = asker_of(1), two = asker_of(2), three = asker_of(3);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    assert_string_equal(buf_cstr(&w.asking), "abc");
    pass(&w, 500);
    assert_false(catalog_ask(c, w.snapshot, &two.wait)); /* b is being asked for both */
    assert_false(catalog_ask(c, w.snapshot, &three.wait));
    assert_string_equal(buf_cstr(&w.asking), "abc");
    catalog_leave(&two.wait);
    catalog_leave(&two.wait);
    pass(&w, 2000);
    assert_string_equal(buf_cstr(&ready), "1 3 ");
    assert_span(ids(&w, c, 'a'), "m1");
    assert_span(ids(&w, c, 'b'), "m2");
    assert_span(ids(&w, c, 'c'), "?");
    catalog_leave(&one.wait);
    finish(&w, c);
}

static void another_key_the_next_time(void **state) {
    (void)state;
    world w = {.scripts = {{"401 | end", LISTS(ID("m1"))}}, .keys = {"[sk-1, sk-2]"}};
    catalog *c = start(&w, NULL);
    asker one = asker_of(1);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    assert_true(strstr(buf_cstr(&w.sent), "Bearer sk-1\n") != NULL);
    pass(&w, 31 * 1000);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    assert_true(strstr(buf_cstr(&w.sent), "Bearer sk-2\n") != NULL);
    pass(&w, 1);
    assert_span(ids(&w, c, 'a'), "m1");
    finish(&w, c);
}

/* Calls are what refuses keys; the list is not asked with one that is known to be refused. */
static void not_with_a_key_that_is_refused(void **state) {
    (void)state;
    world w = {.scripts = {{LISTS(ID("m1"))}}, .keys = {"[sk-1, sk-2]"}};
    catalog *c = start(&w, NULL);
    asker one = asker_of(1);
    (void)key_refused(w.snapshot->items[0].keys[0].state, 401, SPAN_EMPTY, 0, w.loop.now_ms);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    assert_true(strstr(buf_cstr(&w.sent), "Bearer sk-2\n") != NULL);
    pass(&w, 1);
    finish(&w, c);
}

static void a_list_that_is_too_long(void **state) {
    (void)state;
    buf script = BUF_EMPTY;
    buf_add_cstr(&script, "200 | bytes {\"data\":[" ID("x") "]}");
    for (size_t i = 0; i < 4 * 1024 * 1024 / 64; i++)
        buf_add_cstr(&script, "                                                                ");
    buf_add_cstr(&script, "\\n | end");
    world w = {.scripts = {{buf_cstr(&script)}}};
    catalog *c = start(&w, NULL);
    asker one = asker_of(1);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    pass(&w, 1);
    assert_string_equal(buf_cstr(&ready), "1 ");
    assert_int_equal(w.asked[0], 1);
    finish(&w, c);
    buf_done(&script);
}

/* What is known of a provider stays while the configuration has it. */
static void a_reload(void **state) {
    (void)state;
    world w = {.scripts = {{LISTS(ID("m1"))}, {LISTS(ID("m2"))}}};
    catalog *c = start(&w, NULL);
    asker one = asker_of(1);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    pass(&w, 5);
    config_problems problems = {0};
    config *fresh =
        config_parse(SPAN_OF("providers:\n"
                             "  a: {kind: openai, url: 'http://127.0.0.1:3/v1'}\n" /* moved */
                             "  b: {kind: openai, url: 'http://127.0.0.1:2/v1'}\n"
                             "models: {'*': b, 'x-*': a/fixed, y: a}\n"),
                     "test", &problems);
    config_problems_done(&problems);
    assert_non_null(fresh);
    loop_snapshot *s = prepared(NULL, fresh, w.targets);
    assert_true(catalog_ask(c, s, &one.wait));
    assert_int_equal(catalog_find(c, &fresh->providers[1])->count, 1);
    assert_null(catalog_find(c, &fresh->providers[0]));
    assert_span(ids(&w, c, 'a'), "?"); /* of the old address: forgotten */
    assert_string_equal(buf_cstr(&w.asking), "ab");
    loop_snapshot_unref(s);
    config_unref(fresh);
    finish(&w, c);
}

static void the_end_while_they_are_asked(void **state) {
    (void)state;
    world w = {.scripts = {{""}}};
    catalog *c = start(&w, NULL);
    asker one = asker_of(1);
    assert_false(catalog_ask(c, w.snapshot, &one.wait));
    pass(&w, 1);
    catalog_free(c);
    assert_string_equal(buf_cstr(&w.asking), "aA");
    catalog_leave(&one.wait); /* its request goes after it */
    catalog_free(NULL);
    assert_int_equal(ready.len, 0);
    world_done(&w);
    buf_done(&ready);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_serves_for_a_while),
        cmocka_unit_test(the_last_list_serves_where_the_next_one_fails),
        cmocka_unit_test(all_are_asked_at_once),
        cmocka_unit_test(another_key_the_next_time),
        cmocka_unit_test(not_with_a_key_that_is_refused),
        cmocka_unit_test(a_list_that_is_too_long),
        cmocka_unit_test(a_reload),
        cmocka_unit_test(the_end_while_they_are_asked),
    };
    return run_watched(tests);
}
