/* A snapshot and its table of parts: made in order, all or none, freed with the last reference. */
#include "unit.h"

#include "call/snapshot.h"

#include <pthread.h>

static buf said; /* "make a;free a;" */

static void note(const char *what, const char *name) {
    buf_addf(&said, "%s %s;", what, name);
}

/* A part of the script says what it does, and holds memory of its own, so that a leak or a second
 * free is seen. */
static bool a_fails, b_fails, c_fails, silent;

static void *make(const char *name, bool fails, const config *c, buf *ret_why) {
    assert_int_equal(c->server.workers, 7);
    note("make", name);
    if (!fails) return strdup(name);
    if (!silent) buf_addf(ret_why, "%s is broken", name);
    return NULL;
}

static void *make_a(const config *c, buf *ret_why) {
    return make("a", a_fails, c, ret_why);
}

static void *make_b(const config *c, buf *ret_why) {
    return make("b", b_fails, c, ret_why);
}

static void *make_c(const config *c, buf *ret_why) {
    return make("c", c_fails, c, ret_why);
}

static void free_made(void *made, const config *c) {
    assert_int_equal(c->server.workers, 7);
    note("free", made);
    free(made);
}

static const snapshot_part part_a = {"part a", make_a, free_made};
static const snapshot_part part_b = {"part b", make_b, free_made};
static const snapshot_part part_c = {"part c", make_c, free_made};
static const snapshot_part part_d = {"part d", make_a, free_made};
static const snapshot_part *const all[] = {&part_a, &part_b, &part_c};

static config *conf;

static int set_up(void **state) {
    (void)state;
    config_problems problems = {0};
    conf = config_parse(SPAN_OF("server: {workers: 7}\n"), "test", &problems);
    assert_non_null(conf);
    config_problems_done(&problems);
    buf_clear(&said);
    a_fails = b_fails = c_fails = silent = false;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(conf->refs, 1); /* the snapshot's is given back */
    config_unref(conf);
    buf_done(&said);
    return 0;
}

static void parts_are_made_in_order_and_freed_backwards(void **state) {
    (void)state;
    buf why = BUF_EMPTY;
    snapshot *s = snapshot_new(conf, all, ARRAY_LEN(all), &why);
    assert_non_null(s);
    assert_ptr_equal(s->config, conf);
    assert_int_equal(why.len, 0);
    assert_span(buf_span(&said), "make a;make b;make c;");
    assert_string_equal(snapshot_made(s, &part_a), "a");
    assert_string_equal(snapshot_made(s, &part_b), "b");
    assert_string_equal(snapshot_made(s, &part_c), "c");
    snapshot_unref(s);
    assert_span(buf_span(&said), "make a;make b;make c;free c;free b;free a;");
}

static void a_table_need_not_name_every_part(void **state) {
    (void)state;
    buf why = BUF_EMPTY;
    snapshot *s = snapshot_new(conf, all + 1, 1, &why);
    assert_string_equal(snapshot_made(s, &part_b), "b");
    assert_null(snapshot_made(s, &part_a));
    assert_null(snapshot_made(s, &part_d));
    snapshot_unref(s);
    s = snapshot_new(conf, NULL, 0, &why);
    assert_null(snapshot_made(s, &part_b));
    snapshot_unref(s);
    assert_span(buf_span(&said), "make b;free b;");
}

static void a_part_that_fails_takes_the_others_with_it(void **state) {
    (void)state;
    static const struct {
        bool *fails;
        const char *why, *said;
    } rows[] = {
        {&a_fails, "a is broken", "make a;"},
        {&b_fails, "b is broken", "make a;make b;free a;"},
        {&c_fails, "c is broken", "make a;make b;make c;free b;free a;"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf why = BUF_EMPTY;
        buf_clear(&said);
        *rows[i].fails = true;
        assert_null(snapshot_new(conf, all, ARRAY_LEN(all), &why));
        *rows[i].fails = false;
        assert_span(buf_span(&why), rows[i].why);
        assert_span(buf_span(&said), rows[i].said);
        assert_int_equal(conf->refs, 1);
        buf_done(&why);
    }
}

static void there_is_always_a_reason(void **state) {
    (void)state;
    buf why = BUF_EMPTY;
    b_fails = silent = true;
    assert_null(snapshot_new(conf, all, ARRAY_LEN(all), &why));
    assert_span(buf_span(&why), "part b cannot be made");
    buf_done(&why);
}

static void it_lives_as_long_as_its_last_reference(void **state) {
    (void)state;
    buf why = BUF_EMPTY;
    snapshot *s = snapshot_new(conf, all, 1, &why);
    assert_ptr_equal(snapshot_ref(s), s);
    snapshot_unref(s);
    assert_span(buf_span(&said), "make a;");
    assert_string_equal(snapshot_made(s, &part_a), "a");
    snapshot_unref(s);
    assert_span(buf_span(&said), "make a;free a;");
    snapshot_unref(NULL);
}

/* ---- by threads ---- */

enum { THREADS = 4, ROUNDS = 20000 };

static void *take_and_give(void *arg) {
    snapshot *s = arg;
    for (int i = 0; i < ROUNDS; i++)
        snapshot_unref(snapshot_ref(s));
    snapshot_unref(s);
    return NULL;
}

static void threads_share_one(void **state) {
    (void)state;
    buf why = BUF_EMPTY;
    snapshot *s = snapshot_new(conf, all, ARRAY_LEN(all), &why);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, snapshot_ref(s)), 0);
    snapshot_unref(s); /* the last of them frees it */
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_span(buf_span(&said), "make a;make b;make c;free c;free b;free a;");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(parts_are_made_in_order_and_freed_backwards), T(a_table_need_not_name_every_part),
        T(a_part_that_fails_takes_the_others_with_it),  T(there_is_always_a_reason),
        T(it_lives_as_long_as_its_last_reference),      T(threads_share_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
