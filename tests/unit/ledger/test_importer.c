/* The importer: what was written reaches the store once, whatever ends in between. */
#include "unit.h"

#include "base/clock.h"
#include "ledger/importing.h"

#include <errno.h>

/* ---- tests ---- */

static void what_is_written_is_imported(void **state) {
    world *w = *state;
    begin(w);
    start(w);
    put(w, 1, FRAME_RESERVE);
    flush(w);
    put(w, 1, FRAME_SETTLE);
    put(w, 2, FRAME_SETTLE); /* one that nobody was asked for */
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, "02 ok, 01 ok", 2, 20);
    assert_int_equal(atomic_load(&w->importer.imported), 2);
    end(w, false);
    begin(w);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, "02 ok, 01 ok", 2, 20);
    assert_true(all_is_imported(w));
    end(w, false);
}

static void a_call_that_was_cut_off_is_interrupted(void **state) {
    world *w = *state;
    begin(w); /* its importer never comes to run */
    put(w, 1, FRAME_RESERVE);
    put(w, 2, FRAME_RESERVE);
    put(w, 2, FRAME_SETTLE);
    put(w, 3, FRAME_RESERVE);
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    put(w, 3, FRAME_SETTLE); /* was not written when the process was killed */
    journal_writer killed = w->writer;
    buf_clear(&killed.out);
    w->writer = killed;
    journal_writer_close(&w->writer);
    journal_close(&w->journal);
    for (int life = 0; life < 3; life++) {
        begin(w);
        start(w);
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
        expect(w, "03 interrupted, 02 ok, 01 interrupted", 3, 10);
        assert_int_equal(atomic_load(&w->importer.interrupted), life ? 0 : 2);
        end(w, false);
    }
}

/* A call may be open for long, and its journal's file sealed and followed by others. */
static void an_open_call_keeps_its_file(void **state) {
    world *w = *state;
    begin(w);
    w->journal.file_bytes = 200;
    start(w);
    put(w, 1, FRAME_RESERVE);
    for (unsigned i = 2; i < 40; i++) {
        put(w, i, FRAME_SETTLE);
        flush(w);
    }
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_false(all_is_imported(w));
    end(w, true);
    begin(w);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, NULL, 39, 380);
    assert_int_equal(atomic_load(&w->importer.interrupted), 1);
    assert_true(all_is_imported(w));
    end(w, false);
}

enum { LONG_CALLS = 12, BETWEEN = 10 };

/* Of each file a call that goes on, and much that is over. */
static void begin_long_calls(world *w) {
    unsigned number = LONG_CALLS;
    w->journal.file_bytes = 200;
    for (unsigned i = 0; i < LONG_CALLS; i++) {
        put(w, i + 1, FRAME_RESERVE);
        for (unsigned k = 0; k < BETWEEN; k++) {
            put(w, ++number, FRAME_SETTLE);
            flush(w);
        }
    }
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_true(importer_catch_up(&w->importer, WAIT_MS)); /* all of it was read by one pass */
}

/* What the importer's thread has done of the last file that it has carried over. */
static _Thread_local struct {
    bool made, synced, named; /* named: its folder was synced after that */
    int fd;
} carried;
static atomic_uint carried_files, removed_early;

static int create_and_note(const char *path) {
    const int fd = journal_io_system.create(path);
    if (!strstr(path, "-9999-")) return fd;
    carried.made = true;
    carried.synced = carried.named = false;
    carried.fd = fd;
    atomic_fetch_add(&carried_files, 1);
    return fd;
}

static int sync_and_note(int fd) {
    if (carried.made && carried.synced) carried.named = true;
    if (carried.made && fd == carried.fd) carried.synced = true;
    return journal_io_system.sync(fd);
}

static int remove_and_note(const char *path) {
    if (carried.made && !(carried.synced && carried.named)) atomic_fetch_add(&removed_early, 1);
    return journal_io_system.remove(path);
}

/* They do not fill the journal of a store that takes everything. What must survive the machine does
 * so before the file is removed that it stood in. */
static void calls_that_are_open_for_long_keep_their_beginnings_alone(void **state) {
    enum { ALL = LONG_CALLS + LONG_CALLS * BETWEEN };
    journal_io io = journal_io_system;
    io.create = create_and_note;
    io.sync = sync_and_note;
    io.remove = remove_and_note;
    for (int durable = 0; durable < 2; durable++) {
        if (durable) {
            tear_down(state); /* another store */
            set_up(state);
        }
        world *w = *state;
        w->io = &io;
        atomic_store(&carried_files, 0);
        atomic_store(&removed_early, 0);
        begin(w);
        w->importer.durable = durable;
        start(w);
        begin_long_calls(w);
        assert_true(atomic_load(&w->journal.bytes) < 1500); /* 12 and what is being written */
        put(w, 3, FRAME_SETTLE);
        flush(w);
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
        end(w, true);
        assert_true(atomic_load(&carried_files) > 0);
        if (durable) assert_int_equal(atomic_load(&removed_early), 0);
        begin(w);
        start(w);
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
        expect(w, NULL, ALL, 10 * (LONG_CALLS * BETWEEN + 1));
        assert_int_equal(atomic_load(&w->importer.interrupted), LONG_CALLS - 1);
        assert_true(all_is_imported(w));
        end(w, false);
        w->io = &journal_io_system;
    }
}

static int create_no_carried(const char *path) {
    return strstr(path, "-9999-") ? -ENOSPC : journal_io_system.create(path);
}

/* Nothing is lost by it: the files stay for as long. */
static void what_cannot_be_carried_over_stays(void **state) {
    world *w = *state;
    journal_io io = journal_io_system;
    io.create = create_no_carried;
    w->io = &io;
    begin(w);
    start(w);
    begin_long_calls(w);
    assert_true(atomic_load(&w->journal.bytes) > 2500);
    for (unsigned i = 0; i < LONG_CALLS; i++)
        put(w, i + 1, FRAME_SETTLE);
    journal_writer_yield(&w->writer);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, NULL, LONG_CALLS * (BETWEEN + 1), 10 * LONG_CALLS * (BETWEEN + 1));
    assert_true(importer_catch_up(&w->importer, WAIT_MS)); /* all of it was read by one pass */
    assert_true(atomic_load(&w->journal.bytes) < 1500);
    end(w, false);
    w->io = &journal_io_system;
}

static sql *lock_store(world *w) {
    const store_place place = store_place_of(&w->name);
    buf why = BUF_EMPTY;
    bool never;
    sql *db = sql_sqlite.open(place.where.ptr, SQL_WRITES, false, &why, &never);
    assert_true(db->driver->run(db, "BEGIN IMMEDIATE", NULL, 0, NULL, NULL));
    return db;
}

static void a_locked_store_is_waited_for(void **state) {
    world *w = *state;
    begin(w);
    start(w);
    put(w, 1, FRAME_SETTLE);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    sql *db = lock_store(w);
    put(w, 2, FRAME_SETTLE);
    flush(w);
    while (!atomic_load(&w->importer.store_away))
        usleep(1000);
    put(w, 3, FRAME_SETTLE); /* is written all the same */
    flush(w);
    assert_false(importer_catch_up(&w->importer, 10));
    expect(w, "01 ok", 1, 10); /* who reads does not wait */
    db->driver->close(db);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_false(atomic_load(&w->importer.store_away));
    expect(w, "03 ok, 02 ok, 01 ok", 3, 30);
    end(w, false);
}

/* Whatever it was wanted for: no record has to come for weir to see it again. */
static void a_store_is_back_without_a_record(void **state) {
    world *w = *state;
    begin(w);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    end(w, false);
    sql *db = lock_store(w);
    begin(w);
    atomic_store(&w->importer.keep_ms, 1000); /* which asks it to forget */
    start(w);
    while (!atomic_load(&w->importer.store_away))
        usleep(1000);
    db->driver->close(db);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_false(atomic_load(&w->importer.store_away));
    end(w, false);
}

/* The calls began years before this machine's clock says it is: who is right? */
static void a_clock_that_takes_everything_away_is_doubted(void **state) {
    world *w = *state;
    for (int life = 0; life < 2; life++) {
        begin(w);
        w->importer.forgetting.doubt.for_ms = life ? 0 : 3600 * 1000;
        atomic_store(&w->importer.keep_ms, 1000);
        start(w);
        if (!life) put(w, 1, FRAME_SETTLE);
        if (!life) flush(w);
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
        assert_true(importer_catch_up(&w->importer, WAIT_MS)); /* a pass after that which imports */
        expect(w, life ? "" : "01 ok", !life, life ? 0 : 10);
        end(w, false);
    }
}

/* Nor is it believed for what it writes itself: the calls of this process are as far ahead. */
static void a_doubted_clock_bears_no_witness_for_itself(void **state) {
    world *w = *state;
    begin(w);
    start(w);
    put(w, 1, FRAME_SETTLE);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    end(w, false);
    for (int life = 0; life < 3; life++) {
        const bool doubts = life < 2; /* also one that it has started before */
        begin(w);
        w->importer.forgetting.doubt.for_ms = doubts ? 3600 * 1000 : 0;
        atomic_store(&w->importer.keep_ms, 1000);
        if (!life) put_at(w, clock_wall_us() + 60 * 1000000, 2, FRAME_SETTLE);
        flush(w);
        start(w);
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
        expect(w, doubts ? "02 ok, 01 ok" : "02 ok", doubts ? 2 : 1, doubts ? 20 : 10);
        end(w, false);
    }
}

/* ---- a store that does as it is told ---- */

static struct {
    atomic_bool refuses;  /* it has refused to let a mark go */
    buf refused;          /* that of this file */
    bool others;          /* and of others */
    const importer *ends; /* it takes one piece, which lasts until this one is to end */
    atomic_bool takes;
    const importer *loses; /* so many of its connections end, each so long after a record */
    atomic_uint losses;
    atomic_uint after_ms;
    atomic_uint opened;
    atomic_bool away; /* when one was opened */
} told;

static bool ends_connection(sql *db, const char *text) {
    if (!told.loses || strncmp(text, "INSERT INTO weir_journal", 24) != 0) return false;
    if (!atomic_load(&told.losses)) return false;
    atomic_fetch_sub(&told.losses, 1);
    usleep(1000 * atomic_load(&told.after_ms));
    db->lost = true;
    return true;
}

static bool run_as_told(sql *db, const char *text, const sql_value *values, size_t count,
                        sql_row_fn *row, void *user) {
    if (ends_connection(db, text)) return false;
    if (told.ends && !strncmp(text, "INSERT INTO weir_journal", 24)) {
        atomic_store(&told.takes, true);
        while (!atomic_load(&told.ends->leaving))
            usleep(1000);
    }
    if (told.ends || told.loses || strncmp(text, "DELETE FROM weir_journal", 24) != 0)
        return sql_sqlite.run(db, text, values, count, row, user);
    if (!told.refused.len) buf_add(&told.refused, values[1].text);
    if (!span_eq(buf_span(&told.refused), values[1].text)) told.others = true;
    atomic_store(&told.refuses, true);
    return false;
}

static sql_driver driver;

static sql *open_as_told(const char *where, sql_mode mode, bool durable, buf *ret_why,
                         bool *ret_never) {
    sql *db = sql_sqlite.open(where, mode, durable, ret_why, ret_never);
    if (db) db->driver = &driver;
    if (told.loses && atomic_load(&told.loses->store_away)) atomic_store(&told.away, true);
    atomic_fetch_add(&told.opened, 1);
    return db;
}

static void obey(world *w) {
    driver = sql_sqlite;
    driver.open = open_as_told;
    driver.run = run_as_told;
    w->importer.place.driver = &driver;
    told.others = false;
}

/* A store that refuses one thing may let each wait for its refusal: it is left alone for a while,
 * and not asked for the next. */
static void a_store_that_refuses_is_not_asked_on(void **state) {
    world *w = *state;
    begin(w);
    w->journal.file_bytes = 200;
    for (unsigned i = 1; i < 40; i++) {
        put(w, i, FRAME_SETTLE);
        assert_int_equal(journal_writer_flush(&w->writer), 0);
    }
    journal_writer_close(&w->writer);
    journal_close(&w->journal);
    begin(w);
    obey(w);
    start(w);
    while (!atomic_load(&told.refuses))
        usleep(1000);
    end(w, false);
    assert_true(told.refused.len > 0);
    assert_false(told.others);
    buf_done(&told.refused);
    expect(w, NULL, 39, 390);
}

/* One that has idled is made anew, once and untold; not one that says nothing more, and not the one
 * that was made for it. */
static void a_connection_that_has_ended_is_made_anew_once(void **state) {
    world *w = *state;
    static const struct {
        unsigned losses, after_ms, idle_ms;
        bool away;
    } rows[] = {
        {1, 0, 800, false},   {2, 0, 800, true}, {2, 700, 800, true},
        {1, 2100, 800, true}, {1, 0, 0, true},
    };
    begin(w);
    obey(w);
    driver.connects = true;
    told.loses = &w->importer;
    start(w);
    put(w, 100, FRAME_SETTLE);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        usleep(1000 * rows[i].idle_ms);
        atomic_store(&told.after_ms, rows[i].after_ms);
        atomic_store(&told.opened, 0);
        atomic_store(&told.away, false);
        atomic_store(&told.losses, rows[i].losses);
        put(w, i, FRAME_SETTLE);
        flush(w);
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
        if (atomic_load(&told.away) != rows[i].away) fail_msg("row %u", i);
        assert_int_equal(atomic_load(&told.opened), rows[i].losses);
        assert_false(atomic_load(&w->importer.store_away));
    }
    end(w, false);
    told.loses = NULL;
}

/* A journal may be long, and the end of weir near: what is left is there at the next start. */
static void the_end_is_not_put_off(void **state) {
    world *w = *state;
    enum { CALLS = 2000 };
    begin(w); /* which makes the store */
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    end(w, false);
    begin(w);
    for (unsigned i = 0; i < CALLS; i++)
        put(w, i, FRAME_SETTLE);
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    obey(w);
    w->importer.last_ms = 0;
    told.ends = &w->importer;
    start(w);
    while (!atomic_load(&told.takes))
        usleep(1000);
    end(w, false);
    told.ends = NULL;
    const long long first = (long long)atomic_load(&w->importer.imported);
    assert_in_range(first, 1, CALLS - 1);
    expect(w, NULL, first, 10 * first);
    begin(w);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, NULL, CALLS, 10 * CALLS);
    end(w, false);
}

static void remove_by_hand(journal_file *f, void *user) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", (const char *)user, f->name);
    assert_int_equal(unlink(path), 0);
}

/* Old ones and the one that is being written: what was in them is lost, and nothing else. */
static void files_that_somebody_removed_are_passed_over(void **state) {
    world *w = *state;
    begin(w);
    put(w, 1, FRAME_SETTLE);
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    journal_writer_close(&w->writer);
    journal_close(&w->journal);
    begin(w);
    put(w, 2, FRAME_SETTLE);
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    journal_each(&w->journal, remove_by_hand, w->folder.path);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_false(atomic_load(&w->importer.store_away));
    assert_int_equal(atomic_load(&w->importer.damaged), 2);
    put(w, 3, FRAME_SETTLE);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, "03 ok", 1, 10);
    assert_true(all_is_imported(w));
    end(w, false);
}

/* What was in it is gone with it; what comes after is kept. */
static void a_store_that_was_removed_is_made_again(void **state) {
    world *w = *state;
    begin(w);
    start(w);
    put(w, 1, FRAME_SETTLE);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    unlink(store_place_of(&w->name).where.ptr);
    put(w, 2, FRAME_SETTLE);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, "02 ok", 1, 10);
    end(w, false);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_is_written_is_imported),
        T(a_call_that_was_cut_off_is_interrupted),
        T(an_open_call_keeps_its_file),
        T(calls_that_are_open_for_long_keep_their_beginnings_alone),
        T(what_cannot_be_carried_over_stays),
        T(a_locked_store_is_waited_for),
        T(a_store_is_back_without_a_record),
        T(a_clock_that_takes_everything_away_is_doubted),
        T(a_doubted_clock_bears_no_witness_for_itself),
        T(a_store_that_refuses_is_not_asked_on),
        T(a_connection_that_has_ended_is_made_anew_once),
        T(the_end_is_not_put_off),
        T(files_that_somebody_removed_are_passed_over),
        T(a_store_that_was_removed_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
