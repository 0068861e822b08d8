/* What a server can do to a store that a file cannot: several weirs, silence, ends. */
#include "unit.h"

#include "ledger/cluster.h"
#include "ledger/place.h"
#include "ledger/store_sql.h"

#include <pthread.h>

#define T0 (498858 * (int64_t)HOUR_US)

static cluster server;
static unsigned databases;

typedef struct world {
    buf name;
    store_place place;
} world;

static store *open_store(const world *w) {
    store *s;
    buf why = BUF_EMPTY;
    if (store_open(&w->place, SQL_WRITES, false, &s, &why) != STORE_OPEN)
        fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
    return s;
}

/* An empty database. */
static int set_up(void **state) {
    static world w;
    buf all = BUF_EMPTY, why = BUF_EMPTY;
    char text[64];
    bool never;
    w = (world){0};
    buf_addf(&all, "postgres://weir@/postgres?host=%s", server.folder);
    snprintf(text, sizeof text, "CREATE DATABASE w%u", ++databases);
    sql *db = sql_postgres.open(buf_cstr(&all), SQL_WRITES, false, &why, &never);
    assert_non_null(db);
    assert_true(db->driver->run(db, text, NULL, 0, NULL, NULL));
    db->driver->close(db);
    buf_addf(&w.name, "postgresql://weir@/w%u?host=%s", databases, server.folder);
    w.place = store_place_of(&w.name);
    buf_done(&all);
    buf_done(&why);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world *w = *state;
    buf_done(&w->name);
    return 0;
}

static ledger_call call_of(unsigned number, char id[STORE_ID_LEN + 1]) {
    ledger_call c = ledger_call_unknown;
    store_sql_first_id(T0, id);
    snprintf(id + 24, 13, "%012u", number);
    c.request_id = span_cstr(id);
    c.timestamp_us = T0;
    c.outcome = SPAN_OF("ok");
    c.total_tokens = 15;
    return c;
}

static sums total(store *s) {
    ledger_summary found;
    summary_init(&found, GROUP_NONE);
    assert_true(store_sums(s, &ledger_query_all, &found));
    const sums all = found.total;
    summary_done(&found);
    return all;
}

/* ---- several weirs ---- */

enum { WEIRS = 4, BATCHES = 25, BATCH = 16 };

typedef struct another {
    const world *world;
    pthread_t thread;
    unsigned number;
    char node[16];
    size_t fresh;
    bool good;
} another;

/* Half of them are everybody's: somebody else may have them under way. Keys come in another order
 * from each. */
static size_t import_batch(another *a, store *s, unsigned batch) {
    ledger_call calls[BATCH];
    char call_ids[BATCH][STORE_ID_LEN + 1];
    for (unsigned i = 0; i < BATCH; i++) {
        unsigned number = batch * BATCH + i + (i % 2 ? 0 : 10000 * (a->number + 1));
        calls[i] = call_of(number, call_ids[i]);
        calls[i].model = (number / 2 + a->number) % 2 && !(i % 2) ? SPAN_OF("x") : SPAN_OF("y");
    }
    const store_mark mark = {SPAN("a.journal"), batch + 1};
    const store_batch b = {calls, BATCH, span_cstr(a->node), &mark, 1};
    size_t fresh = 0;
    a->good = store_import(s, &b, &fresh);
    if (!a->good) fprintf(stderr, "%.*s\n", SPAN_ARG(store_why(s)));
    return fresh;
}

static void *live(void *user) {
    another *a = user;
    buf why = BUF_EMPTY;
    store *s;
    snprintf(a->node, sizeof a->node, "node%u", a->number);
    a->good = store_open(&a->world->place, SQL_WRITES, false, &s, &why) == STORE_OPEN;
    if (!a->good) fprintf(stderr, "%s\n", buf_cstr(&why));
    for (unsigned b = 0; a->good && b < BATCHES; b++)
        a->fresh += import_batch(a, s, b);
    store_close(s);
    buf_done(&why);
    return NULL;
}

static void several_weirs_share_a_database(void **state) {
    const world *w = *state;
    another weirs[WEIRS];
    size_t fresh = 0;
    for (unsigned i = 0; i < WEIRS; i++) {
        weirs[i] = (another){.world = w, .number = i};
        assert_int_equal(pthread_create(&weirs[i].thread, NULL, live, &weirs[i]), 0);
    }
    for (unsigned i = 0; i < WEIRS; i++) {
        pthread_join(weirs[i].thread, NULL);
        assert_true(weirs[i].good);
        fresh += weirs[i].fresh;
    }
    store *s = open_store(w);
    assert_int_equal(fresh, BATCHES * BATCH / 2 * (WEIRS + 1));
    assert_int_equal(total(s).calls, fresh);
    assert_int_equal(total(s).total_tokens, 15 * fresh);
    for (unsigned i = 0; i < WEIRS; i++) {
        int64_t at;
        assert_true(store_mark_of(s, span_cstr(weirs[i].node), SPAN_OF("a.journal"), &at));
        assert_int_equal(at, BATCHES);
    }
    store_close(s);
}

/* ---- a server's troubles ---- */

/* The thread that a silent server holds up is to end: it waits a second, not for ever. */
static void a_silent_server_does_not_hold_up_the_end(void **state) {
    world *w = *state;
    char id[STORE_ID_LEN + 1];
    ledger_call c = call_of(0, id);
    size_t fresh;
    const store_batch b = {&c, 1, SPAN("node"), NULL, 0};
    atomic_bool leaving = true;
    w->place.leaving = &leaving;
    store *s = open_store(w);
    cluster_signal_all(&server, SIGSTOP);
    bool good = store_import(s, &b, &fresh);
    cluster_signal_all(&server, SIGCONT);
    assert_false(good);
    assert_true(store_is_lost(s));
    assert_span(store_why(s), "the server has said nothing for 1000 ms");
    store_close(s);
    s = open_store(w);
    assert_true(store_import(s, &b, &fresh));
    assert_int_equal(fresh, 1);
    store_close(s);
}

static void a_server_that_crashed_is_noticed(void **state) {
    const world *w = *state;
    char ids[2][STORE_ID_LEN + 1];
    ledger_call calls[2] = {call_of(0, ids[0]), call_of(1, ids[1])};
    size_t fresh;
    store_batch b = {calls, 1, SPAN("node"), NULL, 0};
    store *s = open_store(w), *none;
    assert_true(store_import(s, &b, &fresh));
    b.count = 2;
    cluster_stop(&server, SIGQUIT); /* as a crash */
    assert_false(store_import(s, &b, &fresh));
    assert_true(store_is_lost(s));
    assert_false(store_import(s, &b, &fresh)); /* and again, as nobody should */
    store_close(s);
    buf why = BUF_EMPTY;
    assert_int_equal(store_open(&w->place, SQL_WRITES, false, &none, &why), STORE_AWAY);
    assert_true(why.len > 0 && !memchr(why.ptr, '\n', why.len));
    cluster_start(&server);
    s = open_store(w);
    assert_true(store_import(s, &b, &fresh));
    assert_int_equal(fresh, 1);
    assert_int_equal(total(s).calls, 2);
    store_close(s);
    buf_done(&why);
}

/* The commit is done and its answer never comes: what is imported anew is found. */
static void a_commit_whose_answer_is_lost_counts_once(void **state) {
    const world *w = *state;
    char id[STORE_ID_LEN + 1];
    ledger_call c = call_of(0, id);
    size_t fresh;
    const store_mark mark = {SPAN("a.journal"), 1};
    const store_batch b = {&c, 1, SPAN("node"), &mark, 1};
    store *s = open_store(w);
    assert_true(store_import(s, &b, &fresh));
    store_close(s); /* this weir never heard of it */
    s = open_store(w);
    assert_true(store_import(s, &b, &fresh));
    assert_int_equal(fresh, 0);
    assert_int_equal(total(s).calls, 1);
    store_close(s);
}

/* In the midst of a statement's rows one fails: all are taken back, and the connection goes on. */
static void a_row_that_fails_takes_the_batch_back(void **state) {
    const world *w = *state;
    char ids[2][STORE_ID_LEN + 1];
    ledger_call calls[3] = {call_of(0, ids[0]), ledger_call_unknown, call_of(1, ids[1])};
    size_t fresh;
    store_batch b = {calls, 3, SPAN("node"), NULL, 0};
    store *s = open_store(w);
    assert_false(store_import(s, &b, &fresh)); /* no id */
    assert_false(store_is_lost(s));
    assert_non_null(strstr(store_why(s).ptr, "request_id"));
    assert_int_equal(total(s).calls, 0);
    calls[1] = calls[2];
    assert_true(store_import(s, &b, &fresh));
    assert_int_equal(fresh, 2);
    store_close(s);
}

/* An address that is read otherwise than it is meant is refused without a word of it. */
static void a_wrong_address_is_not_told(void **state) {
    (void)state;
    static const char *const addresses[] = {
        "postgres://weir:hunter2@word@h/d", "postgres://weir:hun/ter2@h/d",
        "postgres://weir:hunter2%zz@h/d",   "postgres://weir:hunter2@h/d?hunter2=hunter2",
        "postgres://weir:hunter2@[h/d",     "postgres://",
    };
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        const store_place place = {.driver = &sql_postgres, .where = span_cstr(addresses[i])};
        store *s;
        buf why = BUF_EMPTY;
        assert_int_equal(store_open(&place, SQL_WRITES, false, &s, &why), STORE_NEVER);
        assert_true(span_starts(buf_span(&why), SPAN_OF("the database's address cannot be read")));
        assert_null(strstr(buf_cstr(&why), "hun"));
        buf_done(&why);
    }
}

static int start_server(void **state) {
    (void)state;
    return cluster_make_or_skip(&server);
}

static int end_server(void **state) {
    (void)state;
    cluster_remove(&server);
    return 0;
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(several_weirs_share_a_database),        T(a_silent_server_does_not_hold_up_the_end),
        T(a_server_that_crashed_is_noticed),      T(a_commit_whose_answer_is_lost_counts_once),
        T(a_row_that_fails_takes_the_batch_back), T(a_wrong_address_is_not_told),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}
