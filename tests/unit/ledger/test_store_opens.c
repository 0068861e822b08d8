/* Which stores are opened and brought up, which are refused, and who may write into one. */
#include "ledger/storing.h"

static void a_later_weirs_store_is_refused(void **state) {
    world *w = *state;
    buf why = BUF_EMPTY;
    place_run(&w->at, "UPDATE weir_meta SET value = 99 WHERE name = 'schema'");
    store *s;
    assert_int_equal(store_open(&w->at.place, SQL_WRITES, false, &s, &why), STORE_NEVER);
    assert_null(s);
    assert_span(buf_span(&why),
                "its schema has version 99 and this weir knows 2: it was written by "
                "a later weir");
    buf_done(&why);
}

static bool note_text(void *user, const sql_value *values, size_t count) {
    if (count) buf_add(user, values[0].text);
    return false;
}

/* Weirs before have made SQLite's rows a part of their key's tree. */
static void make_rows_part_of_the_key(const world *w) {
    buf text = BUF_EMPTY;
    if (w->at.place.driver != &sql_sqlite) return;
    sql *db = store_sql(w->store);
    assert_true(db->driver->run(db, "SELECT sql FROM sqlite_master WHERE name = 'weir_calls'", NULL,
                                0, note_text, &text));
    buf_add_cstr(&text, " WITHOUT ROWID");
    place_run(&w->at, "ALTER TABLE weir_calls RENAME TO before");
    place_run(&w->at, buf_cstr(&text));
    place_run(&w->at, "INSERT INTO weir_calls SELECT * FROM before");
    place_run(&w->at, "DROP TABLE before");
    buf_done(&text);
}

/* As the weir before left it: without what has come since. */
static void make_version_1(const world *w) {
    make_rows_part_of_the_key(w);
    place_run(&w->at, "ALTER TABLE weir_calls DROP COLUMN cache_similarity_ppm");
    place_run(&w->at, "UPDATE weir_meta SET value = 1 WHERE name = 'schema'");
}

static void note_similarity(void *user, const ledger_call *c) {
    *(int64_t *)user = c->cache_similarity_ppm;
}

static int64_t similarity_of(store *s, const ledger_call *c) {
    int64_t ppm = -2, in_list = -2;
    bool found, more;
    ledger_query q = ledger_query_all; /* it is the first of its time */
    q.to_us = c->timestamp_us + 1;
    assert_true(store_call(s, c->request_id, SPAN_EMPTY, note_similarity, &ppm, &found));
    assert_true(found);
    q.limit = 1;
    assert_true(store_calls(s, &q, note_similarity, &in_list, &more));
    assert_int_equal(in_list, ppm);
    return ppm;
}

static void an_earlier_weirs_store_is_read_and_brought_up(void **state) {
    world *w = *state;
    buf why = BUF_EMPTY;
    ledger_call old = call_at(0, T0), new = call_at(1, T0 + 1000);
    new.cache_similarity_ppm = 973100;
    import(w, &old, 1);
    make_version_1(w);
    store *reader;
    assert_int_equal(store_open(&w->at.place, SQL_READS, false, &reader, &why), STORE_OPEN);
    assert_int_equal(similarity_of(reader, &old), -1);
    open_again(w);
    open_again(w); /* that is done once */
    const store_batch b = {&new, 1, SPAN("node"), NULL, 0};
    size_t fresh;
    assert_true(store_import(w->store, &b, &fresh));
    assert_int_equal(total(w, &ledger_query_all).calls, 2);
    store *const both[] = {w->store, reader}; /* who was there before sees it, too */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(similarity_of(both[i], &old), -1);
        assert_int_equal(similarity_of(both[i], &new), 973100);
    }
    store_close(reader);
    buf_done(&why);
}

static void what_is_no_database_is_refused(void **state) {
    world *w = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/notes.db", w->at.folder.path);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 200; i++)
        fputs("this is no database at all\n", f);
    fclose(f);
    const store_place place = {.driver = &sql_sqlite, .where = span_cstr(path)};
    store *s;
    buf why = BUF_EMPTY;
    assert_int_equal(store_open(&place, SQL_WRITES, false, &s, &why), STORE_NEVER);
    assert_span(buf_span(&why), "file is not a database");
    buf_done(&why);
}

/* A file that was taken away is noticed before what goes into it is believed to be kept. */
static void a_file_that_is_gone_is_noticed(void **state) {
    world *w = *state;
    ledger_call c = call_at(0, T0);
    size_t fresh;
    const store_batch b = {&c, 1, SPAN("node"), NULL, 0};
    unlink(w->at.place.where.ptr);
    assert_false(store_import(w->store, &b, &fresh));
    assert_true(store_is_lost(w->store));
    open_again(w);
    assert_true(store_import(w->store, &b, &fresh));
    assert_int_equal(fresh, 1);
}

/* Two that read first and then write: the second waits for its turn to begin, as it could not wait
 * once it has read. */
static void who_will_write_begins_in_turn(void **state) {
    const world *w = *state;
    static const char read[] = "SELECT count(*) FROM weir_meta",
                      put[] = "INSERT INTO weir_meta VALUES ($1, '1')";
    static const span names[] = {SPAN("first"), SPAN("second")};
    buf why = BUF_EMPTY;
    bool never;
    sql *dbs[2];
    for (size_t i = 0; i < 2; i++)
        dbs[i] = sql_sqlite.open(w->at.place.where.ptr, SQL_WRITES, false, &why, &never);
    assert_true(sql_sqlite.run(dbs[0], sql_sqlite.begin_write, NULL, 0, NULL, NULL));
    assert_true(sql_sqlite.run(dbs[0], read, NULL, 0, NULL, NULL));
    assert_false(sql_sqlite.run(dbs[1], sql_sqlite.begin_write, NULL, 0, NULL, NULL));
    for (size_t i = 0; i < 2; i++) {
        const sql_value name = sql_text(names[i]);
        if (i) assert_true(sql_sqlite.run(dbs[i], sql_sqlite.begin_write, NULL, 0, NULL, NULL));
        if (i) assert_true(sql_sqlite.run(dbs[i], read, NULL, 0, NULL, NULL));
        if (!sql_sqlite.run(dbs[i], put, &name, 1, NULL, NULL) ||
            !sql_sqlite.run(dbs[i], "COMMIT", NULL, 0, NULL, NULL))
            fail_msg("%zu: %s", i, buf_cstr(&dbs[i]->why));
    }
    for (size_t i = 0; i < 2; i++)
        sql_sqlite.close(dbs[i]);
    buf_done(&why);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_later_weirs_store_is_refused),
        IN_FOLDER(what_is_no_database_is_refused),
        IN_FOLDER(a_file_that_is_gone_is_noticed),
        IN_FOLDER(who_will_write_begins_in_turn),
        IN_FOLDER(an_earlier_weirs_store_is_read_and_brought_up),
    };
    const struct CMUnitTest at_a_server[] = {
        AT_SERVER(a_later_weirs_store_is_refused),
        AT_SERVER(an_earlier_weirs_store_is_read_and_brought_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed
                  : cmocka_run_group_tests(at_a_server, place_start_server, place_end_server);
}
