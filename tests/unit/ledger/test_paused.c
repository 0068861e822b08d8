/* Runs that wait in the store: over a file, and over a server of the test's own where PostgreSQL is
 * installed. */
#include "unit.h"

#include "ledger/paused.h"
#include "ledger/places.h"

#include <pthread.h>

#define SECOND_US ((int64_t)1000000)
#define NOW       (1800000000 * SECOND_US)

typedef struct world {
    own_place at;
    store *store;
    arena arena;
} world;

static void open_again(world *w) {
    buf why = BUF_EMPTY;
    store_close(w->store);
    if (store_open(&w->at.place, SQL_WRITES, false, &w->store, &why) != STORE_OPEN)
        fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
}

static int begin(void **state, bool at_server) {
    static world w;
    w = (world){0};
    if (at_server)
        place_at_server(&w.at);
    else
        place_in_folder(&w.at);
    arena_init(&w.arena, 0);
    open_again(&w);
    *state = &w;
    return 0;
}

static int set_up(void **state) {
    return begin(state, false);
}

static int set_up_postgres(void **state) {
    return begin(state, true);
}

static int tear_down(void **state) {
    world *w = *state;
    store_close(w->store);
    arena_done(&w->arena);
    place_done(&w->at);
    return 0;
}

/* ---- tests ---- */

static void put(world *w, const char *id, const char *client, int64_t expires_us, span state) {
    const paused_run r = {span_cstr(id), span_cstr(client), expires_us, state};
    if (paused_put(w->store, &r, NOW) != PAUSED_DONE)
        fail_msg("%.*s", SPAN_ARG(store_why(w->store)));
}

static paused_outcome look(world *w, const char *id, const char *client, int64_t now_us,
                           paused_run *ret) {
    return paused_look(w->store, span_cstr(id), span_cstr(client), now_us, &w->arena, ret);
}

static paused_outcome claim(world *w, const char *id, const char *client, int64_t now_us) {
    const paused_run r = {.id = span_cstr(id), .client = span_cstr(client)};
    return paused_claim(w->store, &r, now_us);
}

static paused_outcome stay(world *w, const char *id, const char *client, int64_t until_us,
                           int64_t now_us) {
    const paused_run r = {span_cstr(id), span_cstr(client), until_us, SPAN_EMPTY};
    return paused_stay(w->store, &r, now_us);
}

static void open_for_reading(world *w, store **ret) {
    buf why = BUF_EMPTY;
    if (store_open(&w->at.place, SQL_READS, false, ret, &why) != STORE_OPEN)
        fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
}

static void looking_changes_nothing(void **state) {
    world *w = *state;
    paused_run r;
    store *reader;
    open_for_reading(w, &reader);
    assert_int_equal(paused_look(reader, SPAN_OF("run_1"), SPAN_OF("app"), NOW, &w->arena, &r),
                     PAUSED_UNKNOWN); /* no table yet */
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{\"a\":\"\\u0000 ' \xC3\xA4\"}"));
    for (int i = 0; i < 2; i++) {
        r = (paused_run){0};
        assert_int_equal(paused_look(reader, SPAN_OF("run_1"), SPAN_OF("app"), NOW, &w->arena, &r),
                         PAUSED_DONE);
        assert_span(r.state, "{\"a\":\"\\u0000 ' \xC3\xA4\"}");
        assert_span(r.id, "run_1");
        assert_span(r.client, "app");
        assert_true(r.expires_us == NOW + SECOND_US);
    }
    store_close(reader);
}

static void a_run_is_claimed_once(void **state) {
    world *w = *state;
    paused_run r;
    assert_int_equal(claim(w, "run_1", "app", NOW), PAUSED_UNKNOWN); /* no table yet */
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{}"));
    open_again(w);
    assert_int_equal(claim(w, "run_2", "app", NOW), PAUSED_UNKNOWN);
    assert_int_equal(claim(w, "run_1", "app", NOW), PAUSED_DONE);
    assert_int_equal(claim(w, "run_1", "app", NOW), PAUSED_UNKNOWN);
    assert_int_equal(stay(w, "run_1", "app", NOW + SECOND_US, NOW), PAUSED_UNKNOWN);
    assert_int_equal(look(w, "run_1", "app", NOW, &r), PAUSED_UNKNOWN);
}

static void a_run_is_its_clients_alone(void **state) {
    world *w = *state;
    paused_run r;
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{}"));
    put(w, "run_2", "", NOW + SECOND_US, SPAN_OF("{}"));
    static const struct {
        const char *id, *client;
    } others[] = {{"run_1", ""}, {"run_1", "ops"}, {"run_2", "app"}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(look(w, others[i].id, others[i].client, NOW, &r), PAUSED_UNKNOWN);
        assert_int_equal(stay(w, others[i].id, others[i].client, NOW + 9, NOW), PAUSED_UNKNOWN);
        assert_int_equal(claim(w, others[i].id, others[i].client, NOW), PAUSED_UNKNOWN);
    }
    assert_int_equal(claim(w, "run_1", "app", NOW), PAUSED_DONE);
    assert_int_equal(claim(w, "run_2", "", NOW), PAUSED_DONE);
}

static void a_run_that_is_over_is_gone(void **state) {
    world *w = *state;
    paused_run r;
    const int64_t over = NOW + SECOND_US;
    put(w, "run_1", "app", over, SPAN_OF("{}"));
    assert_int_equal(look(w, "run_1", "app", over, &r), PAUSED_UNKNOWN);
    assert_int_equal(stay(w, "run_1", "app", over + SECOND_US, over), PAUSED_UNKNOWN);
    assert_int_equal(claim(w, "run_1", "app", over), PAUSED_UNKNOWN);
    assert_int_equal(look(w, "run_1", "app", over - 1, &r), PAUSED_DONE);
    assert_int_equal(claim(w, "run_1", "app", over - 1), PAUSED_DONE);
    put(w, "run_2", "app", NOW, SPAN_OF("{}")); /* the next one that is kept sweeps it out */
    put(w, "run_3", "app", over, SPAN_OF("{}"));
    assert_int_equal(look(w, "run_2", "app", NOW - SECOND_US, &r), PAUSED_UNKNOWN);
}

static void a_run_may_wait_for_longer(void **state) {
    world *w = *state;
    paused_run r;
    const int64_t later = NOW + 2 * SECOND_US;
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{\"a\":1}"));
    assert_int_equal(stay(w, "run_1", "app", later, NOW), PAUSED_DONE);
    assert_int_equal(look(w, "run_1", "app", later - 1, &r), PAUSED_DONE);
    assert_span(r.state, "{\"a\":1}");
    assert_true(r.expires_us == later);
}

/* Each has a connection of its own, as two weirs have. */
typedef struct rival {
    pthread_t thread;
    const store_place *place;
    paused_outcome outcome;
} rival;

static void *claim_beside(void *user) {
    rival *v = user;
    const paused_run r = {.id = SPAN_OF("run_1"), .client = SPAN_OF("app")};
    buf why = BUF_EMPTY;
    store *s;
    v->outcome = PAUSED_FAILED;
    if (store_open(v->place, SQL_WRITES, false, &s, &why) == STORE_OPEN) {
        v->outcome = paused_claim(s, &r, NOW);
        store_close(s);
    }
    buf_done(&why);
    return NULL;
}

static void of_several_one_has_it(void **state) {
    enum { ROUNDS = 10, RIVALS = 4 };
    world *w = *state;
    for (int n = 0; n < ROUNDS; n++) {
        rival all[RIVALS];
        unsigned done = 0, unknown = 0;
        put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{}"));
        for (size_t i = 0; i < RIVALS; i++) {
            all[i].place = &w->at.place;
            assert_int_equal(pthread_create(&all[i].thread, NULL, claim_beside, &all[i]), 0);
        }
        for (size_t i = 0; i < RIVALS; i++) {
            assert_int_equal(pthread_join(all[i].thread, NULL), 0);
            done += all[i].outcome == PAUSED_DONE;
            unknown += all[i].outcome == PAUSED_UNKNOWN;
        }
        assert_int_equal(done, 1);
        assert_int_equal(unknown, RIVALS - 1);
    }
}

/* Who would hear of it has gone: what was done is taken back. */
static void an_owner_who_leaves_changes_nothing(void **state) {
    world *w = *state;
    paused_run r;
    const atomic_bool leaving = true;
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{}"));
    w->at.place.leaving = &leaving;
    open_again(w);
    const paused_run more = {SPAN_OF("run_2"), SPAN_OF("app"), NOW + SECOND_US, SPAN_OF("{}")};
    assert_int_equal(claim(w, "run_1", "app", NOW), PAUSED_FAILED);
    assert_int_equal(stay(w, "run_1", "app", NOW + 9 * SECOND_US, NOW), PAUSED_FAILED);
    assert_int_equal(paused_put(w->store, &more, NOW), PAUSED_FAILED);
    w->at.place.leaving = NULL;
    open_again(w);
    assert_int_equal(look(w, "run_2", "app", NOW, &r), PAUSED_UNKNOWN);
    assert_int_equal(look(w, "run_1", "app", NOW, &r), PAUSED_DONE);
    assert_true(r.expires_us == NOW + SECOND_US);
    assert_int_equal(claim(w, "run_1", "app", NOW), PAUSED_DONE);
}

static void what_is_no_id(void **state) {
    world *w = *state;
    paused_run r;
    put(w, "run_1", "app", NOW + SECOND_US, SPAN_OF("{}"));
    static const span ids[] = {SPAN(""), SPAN("run_1\0"), SPAN("\xFF"), SPAN("%"),
                               SPAN("run_1' OR '1'='1")};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_int_equal(paused_look(w->store, ids[i], SPAN_OF("app"), NOW, &w->arena, &r),
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

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define P(name) cmocka_unit_test_setup_teardown(name, set_up_postgres, tear_down)
#define ALL(X)                                                                                     \
    X(looking_changes_nothing), X(a_run_is_claimed_once), X(a_run_is_its_clients_alone),           \
        X(a_run_that_is_over_is_gone), X(a_run_may_wait_for_longer), X(of_several_one_has_it),     \
        X(an_owner_who_leaves_changes_nothing), X(what_is_no_id)
    const struct CMUnitTest tests[] = {ALL(T), T(ids_are_nobodys_to_guess)};
    const struct CMUnitTest at_a_server[] = {ALL(P)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed
                  : cmocka_run_group_tests(at_a_server, place_start_server, place_end_server);
}
