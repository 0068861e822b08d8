/* Runs that wait in the store: over a file, and over a server of the test's own where PostgreSQL is
 * installed. */
#include "unit.h"

#include "ledger/cluster.h"
#include "ledger/folder.h"
#include "ledger/paused.h"
#include "ledger/place.h"

#define SECOND_US ((int64_t)1000000)
#define NOW       (1800000000 * SECOND_US)

typedef struct world {
    folder folder;
    buf name;
    store_place place;
    store *store;
    arena arena;
} world;

static void open_again(world *w) {
    buf why = BUF_EMPTY;
    store_close(w->store);
    if (store_open(&w->place, SQL_WRITES, false, &w->store, &why) != STORE_OPEN)
        fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
}

static int begin(void **state, world *w) {
    w->place = store_place_of(&w->name);
    arena_init(&w->arena, 0);
    open_again(w);
    *state = w;
    return 0;
}

static int set_up(void **state) {
    static world w;
    w = (world){0};
    folder_make(&w.folder);
    buf_addf(&w.name, "sqlite:%s/ledger.db", w.folder.path);
    return begin(state, &w);
}

static cluster server; /* for all tests; each has a schema of its own */
static unsigned schemas;

static int set_up_postgres(void **state) {
    static world w;
    char text[64];
    buf why = BUF_EMPTY;
    bool never;
    w = (world){0};
    folder_make(&w.folder);
    schemas++;
    buf_addf(&w.name, "postgres://weir@/postgres?host=%s&options=-csearch_path%%3Dk%u",
             server.folder, schemas);
    w.place = store_place_of(&w.name);
    snprintf(text, sizeof text, "CREATE SCHEMA k%u", schemas);
    sql *db = w.place.driver->open(w.place.where.ptr, SQL_WRITES, false, &why, &never);
    if (!db || !db->driver->run(db, text, NULL, 0, NULL, NULL))
        fail_msg("%s", buf_cstr(db ? &db->why : &why));
    db->driver->close(db);
    return begin(state, &w);
}

static int tear_down(void **state) {
    world *w = *state;
    store_close(w->store);
    arena_done(&w->arena);
    buf_done(&w->name);
    folder_remove(&w->folder);
    return 0;
}

/* ---- tests ---- */

static void put(world *w, const char *id, const char *client, int64_t expires_us, span state) {
    const paused_run r = {span_cstr(id), span_cstr(client), expires_us, state};
    if (paused_put(w->store, &r, NOW) != PAUSED_DONE)
        fail_msg("%.*s", SPAN_ARG(store_why(w->store)));
}

static paused_outcome take(world *w, const char *id, const char *client, int64_t now_us,
                           paused_run *ret) {
    return paused_take(w->store, span_cstr(id), span_cstr(client), now_us, &w->arena, ret);
}

static void a_run_is_taken_once(void **state) {
    world *w = *state;
    paused_run r;
    assert_int_equal(take(w, "run_1", "app", NOW, &r), PAUSED_UNKNOWN); /* no table yet */
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{\"a\":\"\\u0000 ' \xC3\xA4\"}"));
    open_again(w);
    assert_int_equal(take(w, "run_2", "app", NOW, &r), PAUSED_UNKNOWN);
    assert_int_equal(take(w, "run_1", "app", NOW, &r), PAUSED_DONE);
    assert_span(r.state, "{\"a\":\"\\u0000 ' \xC3\xA4\"}");
    assert_span(r.id, "run_1");
    assert_span(r.client, "app");
    assert_true(r.expires_us == NOW + SECOND_US);
    assert_int_equal(take(w, "run_1", "app", NOW, &r), PAUSED_UNKNOWN);
}

static void a_run_is_its_clients_alone(void **state) {
    world *w = *state;
    paused_run r;
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{}"));
    put(w, "run_2", "", NOW + SECOND_US, SPAN_OF("{}"));
    assert_int_equal(take(w, "run_1", "", NOW, &r), PAUSED_UNKNOWN);
    assert_int_equal(take(w, "run_1", "ops", NOW, &r), PAUSED_UNKNOWN);
    assert_int_equal(take(w, "run_2", "app", NOW, &r), PAUSED_UNKNOWN);
    assert_int_equal(take(w, "run_1", "app", NOW, &r), PAUSED_DONE);
    assert_int_equal(take(w, "run_2", "", NOW, &r), PAUSED_DONE);
}

static void a_run_that_is_over_is_gone(void **state) {
    world *w = *state;
    paused_run r;
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{}"));
    assert_int_equal(take(w, "run_1", "app", NOW + SECOND_US, &r), PAUSED_UNKNOWN);
    assert_int_equal(take(w, "run_1", "app", NOW + SECOND_US - 1, &r), PAUSED_DONE);
    put(w, "run_2", "app", NOW, SPAN_OF("{}")); /* the next one that is kept sweeps it out */
    put(w, "run_3", "app", NOW + SECOND_US, SPAN_OF("{}"));
    assert_int_equal(take(w, "run_2", "app", NOW - SECOND_US, &r), PAUSED_UNKNOWN);
}

static void what_is_no_id(void **state) {
    world *w = *state;
    paused_run r;
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{}"));
    static const span ids[] = {SPAN(""), SPAN("run_1\0"), SPAN("\xFF"), SPAN("%"),
                               SPAN("run_1' OR '1'='1")};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_int_equal(paused_take(w->store, ids[i], SPAN_OF("app"), NOW, &w->arena, &r),
                         PAUSED_UNKNOWN);
}

static void ids_are_nobodys_to_guess(void **state) {
    (void)state;
    char a[PAUSED_ID_LEN + 1], b[PAUSED_ID_LEN + 1];
    paused_id_new(a);
    paused_id_new(b);
    assert_true(span_starts(span_cstr(a), SPAN_OF(PAUSED_ID_PREFIX)));
    assert_int_equal(strlen(a), PAUSED_ID_LEN);
    assert_string_not_equal(a, b);
}

static int start_server(void **state) {
    const char *why;
    (void)state;
    if (cluster_make(&server, &why)) return 0;
    printf("skipped: %s\n", why);
    exit(77);
}

static int end_server(void **state) {
    (void)state;
    cluster_remove(&server);
    return 0;
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define P(name) cmocka_unit_test_setup_teardown(name, set_up_postgres, tear_down)
#define ALL(X)                                                                                     \
    X(a_run_is_taken_once), X(a_run_is_its_clients_alone), X(a_run_that_is_over_is_gone),          \
        X(what_is_no_id)
    const struct CMUnitTest tests[] = {ALL(T), T(ids_are_nobodys_to_guess)};
    const struct CMUnitTest at_a_server[] = {ALL(P)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed : cmocka_run_group_tests(at_a_server, start_server, end_server);
}
