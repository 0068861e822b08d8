/* What of a journal cannot be read: it costs that alone, and is told once. */
#include "unit.h"

#include "ledger/importing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ---- the log ---- */

static config_logs logs = {.level = LEVEL_INFO, .format = LOG_JSON, .buffer_bytes = 1 << 20};

typedef struct told {
    logger *logger;
    FILE *file;
} told;

static void listen(world *w, told *t) {
    t->file = tmpfile();
    t->logger = logger_new(&logs, fileno(t->file));
    w->importer.log = logger_add_shard(t->logger);
}

/* Events about a journal, in their order, with what they name; their writer has ended. */
static void expect_told(told *t, const char *wanted) {
    char line[1024];
    buf events = BUF_EMPTY;
    logger_free(t->logger, WAIT_MS);
    rewind(t->file);
    while (fgets(line, sizeof line, t->file)) {
        char name[32] = "", *event = strstr(line, "\"event\":\"journal_");
        const char *at = strstr(line, "\"at\":"), *bytes = strstr(line, "\"bytes\":");
        if (!event || sscanf(event, "\"event\":\"%31[a-z_]", name) != 1) continue;
        buf_addf(&events, "%s%s", events.len ? ", " : "", name);
        if (at && bytes) buf_addf(&events, " %d+%d", atoi(at + 5), atoi(bytes + 8));
    }
    assert_string_equal(buf_cstr(&events), wanted);
    buf_done(&events);
    fclose(t->file);
}

/* ---- files ---- */

enum { OLD = 3 };

/* The bytes of three calls that have ended, and of one of them; what is written to the folder is
 * what a killed process has left. */
static size_t make_calls(world *w, buf *ret) {
    begin(w);
    for (unsigned i = 1; i <= OLD; i++)
        put(w, i, FRAME_SETTLE);
    buf_add(ret, buf_span(&w->writer.out));
    end(w, true);
    return ret->len / OLD;
}

/* A process whose importer never runs leaves these bytes. */
static void leave(world *w, span bytes) {
    begin(w);
    buf_add(&w->writer.out, bytes);
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    journal_writer_close(&w->writer);
    journal_close(&w->journal);
}

/* Three calls in a file, and in another behind it one that has ended and one that has not. */
static void leave_two_files(world *w, span bytes) {
    leave(w, bytes);
    begin(w);
    put(w, 4, FRAME_SETTLE);
    put(w, 5, FRAME_RESERVE);
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    journal_writer_close(&w->writer);
    journal_close(&w->journal);
}

/* That has something. */
static journal_file *first_file(const world *w) {
    list *at = w->journal.files.next;
    while (!atomic_load(&LIST_ENTRY(at, journal_file, link)->written))
        at = at->next;
    return LIST_ENTRY(at, journal_file, link);
}

static void path_of(const world *w, const journal_file *f, char path[512]) {
    snprintf(path, 512, "%s/%s", w->folder.path, f->name);
}

/* ---- a store that does not take it at once ---- */

enum { REFUSALS = 3 };
static atomic_uint refused;

static bool run_late(sql *db, const char *text, const sql_value *values, size_t count,
                     sql_row_fn *row, void *user) {
    if (!strncmp(text, "INSERT INTO weir_journal", 24) && atomic_load(&refused) < REFUSALS) {
        atomic_fetch_add(&refused, 1);
        return false;
    }
    return sql_sqlite.run(db, text, values, count, row, user);
}

static sql_driver late_driver;

static sql *open_late(const char *where, sql_mode mode, bool durable, buf *ret_why,
                      bool *ret_never) {
    sql *db = sql_sqlite.open(where, mode, durable, ret_why, ret_never);
    if (db) db->driver = &late_driver;
    return db;
}

static void refuse(world *w) {
    atomic_store(&refused, 0);
    late_driver = sql_sqlite;
    late_driver.open = open_late;
    late_driver.run = run_late;
    w->importer.place.driver = &late_driver;
}

/* ---- tests ---- */

/* However often the store is tried. */
static void each_damage_is_told_once(void **state) {
    world *w = *state;
    static const struct {
        bool altered[OLD];
        size_t cut; /* bytes, off the end */
        const char *calls, *told;
        size_t places;
    } rows[] = {
        {{true}, 0, "03 ok, 02 ok", "journal_damaged 0+%1", 1},
        {{false, true}, 0, "03 ok, 01 ok", "journal_damaged %1+%1", 1},
        {{false}, 1, "02 ok, 01 ok", "journal_torn %2+%t", 1},
        {{true}, 1, "02 ok", "journal_damaged 0+%1, journal_torn %2+%t", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf bytes = BUF_EMPTY;
        size_t one = make_calls(w, &bytes);
        for (size_t k = 0; k < OLD; k++)
            if (rows[i].altered[k]) bytes.ptr[k * one + one / 2] ^= 0x10;
        unlink(store_place_of(&w->name).where.ptr);
        leave(w, span_slice(buf_span(&bytes), 0, bytes.len - rows[i].cut));
        begin(w);
        told t;
        listen(w, &t);
        refuse(w);
        start(w);
        while (atomic_load(&refused) < REFUSALS)
            (void)importer_catch_up(&w->importer, 10);
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
        assert_int_equal(atomic_load(&w->importer.damaged), rows[i].places);
        end(w, false);
        buf wanted = BUF_EMPTY;
        for (const char *c = rows[i].told; *c; c++) {
            size_t figure = *c != '%'     ? 0
                            : *++c == 't' ? one - rows[i].cut
                                          : one * (size_t)(*c - '0');
            if (figure)
                buf_addf(&wanted, "%zu", figure);
            else
                buf_add_char(&wanted, *c);
        }
        expect_told(&t, buf_cstr(&wanted));
        expect(w, rows[i].calls, (int64_t)(OLD - rows[i].places),
               10 * (int64_t)(OLD - rows[i].places));
        buf_done(&wanted);
        buf_done(&bytes);
    }
}

/* A file that stays for a call which is open is looked at by the next process too. */
static void what_an_earlier_process_told_is_not_told_again(void **state) {
    world *w = *state;
    begin(w);
    start(w);
    put(w, 1, FRAME_RESERVE);
    size_t first = w->writer.out.len;
    put(w, 2, FRAME_SETTLE);
    w->writer.out.ptr[first + 20] ^= 0x10;
    put(w, 3, FRAME_SETTLE);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_int_equal(atomic_load(&w->importer.damaged), 1);
    end(w, true);
    begin(w);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_int_equal(atomic_load(&w->importer.damaged), 0);
    expect(w, "03 ok, 01 interrupted", 2, 10);
    assert_true(all_is_imported(w));
    end(w, false);
}

/* To each length that it may be cut to while weir runs: what it has is kept, and nothing waits for
 * the rest. */
static void a_file_that_shrank_is_told_and_passed_over(void **state) {
    world *w = *state;
    static const char *const calls[] = {"05 interrupted, 04 ok", "05 interrupted, 04 ok, 01 ok",
                                        "05 interrupted, 04 ok, 02 ok, 01 ok"};
    buf bytes = BUF_EMPTY;
    char path[512], wanted[64];
    size_t one = make_calls(w, &bytes);
    for (size_t len = 0; len<bytes.len; len += len % one> 1 && len % one < one - 9 ? 7 : 1) {
        unlink(store_place_of(&w->name).where.ptr);
        leave_two_files(w, buf_span(&bytes));
        begin(w);
        told t;
        listen(w, &t);
        path_of(w, first_file(w), path);
        assert_int_equal(truncate(path, (off_t)len), 0);
        start(w);
        for (int pass = 0; pass < 3; pass++)
            assert_true(importer_catch_up(&w->importer, WAIT_MS));
        assert_int_equal(atomic_load(&w->importer.damaged), 1);
        assert_true(all_is_imported(w));
        expect(w, calls[len / one], 2 + (int64_t)(len / one), 10 + 10 * (int64_t)(len / one));
        end(w, false);
        snprintf(wanted, sizeof wanted, "journal_short %zu+%zu", len / one * one,
                 bytes.len - len / one * one);
        expect_told(&t, wanted);
    }
    buf_done(&bytes);
}

/* The one that is written, too: what comes behind the hole is read. */
static void a_file_that_shrinks_under_its_writer_goes_on(void **state) {
    world *w = *state;
    char path[512];
    begin(w);
    put(w, 1, FRAME_SETTLE);
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    path_of(w, w->writer.file, path);
    assert_int_equal(truncate(path, 5), 0);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_int_equal(atomic_load(&w->importer.damaged), 1);
    put(w, 2, FRAME_SETTLE);
    flush(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_int_equal(atomic_load(&w->importer.damaged), 1);
    expect(w, "02 ok", 1, 10);
    end(w, false);
}

/* ---- a system that does not let it be read ---- */

static struct {
    char path[512];    /* of the file */
    int open_error;    /* 0: it is opened */
    size_t reads_till; /* from here on it is EIO */
    int fd;
    atomic_uint times;
} barred;

static int open_barred(const char *path) {
    bool it = !strcmp(path, barred.path);
    if (it) atomic_fetch_add(&barred.times, 1);
    if (it && barred.open_error) return barred.open_error;
    int fd = journal_io_system.open(path);
    if (it) barred.fd = fd;
    return fd;
}

static ssize_t read_barred(int fd, void *ret, size_t len, uint64_t at) {
    if (fd != barred.fd) return journal_io_system.read(fd, ret, len, at);
    if (at >= barred.reads_till) return -EIO;
    if (len > barred.reads_till - at) len = barred.reads_till - at;
    return journal_io_system.read(fd, ret, len, at);
}

static int close_barred(int fd) {
    if (fd == barred.fd) barred.fd = -1;
    return journal_io_system.close(fd);
}

static journal_io barring;

static void bar(world *w) {
    barring = journal_io_system;
    barring.open = open_barred;
    barring.read = read_barred;
    barring.close = close_barred;
    barred.path[0] = '\0';
    barred.open_error = 0;
    barred.reads_till = SIZE_MAX;
    barred.fd = -1;
    atomic_store(&barred.times, 0);
    w->io = &barring;
}

/* It stays: whoever gives back the right to read it finds its records in the store at the next
 * start. */
static void a_file_that_cannot_be_read_is_told_and_passed_over(void **state) {
    world *w = *state;
    buf bytes = BUF_EMPTY;
    size_t one = make_calls(w, &bytes);
    const struct {
        int open_error;
        size_t reads_till;
        const char *calls;
        int64_t count;
    } rows[] = {
        {-EACCES, 0, "05 interrupted, 04 ok", 2},
        {-EIO, 0, "05 interrupted, 04 ok", 2},
        {0, 0, "05 interrupted, 04 ok", 2},
        {0, one - 1, "05 interrupted, 04 ok", 2},
        {0, one, "05 interrupted, 04 ok, 01 ok", 3},
        {0, 2 * one + 5, "05 interrupted, 04 ok, 02 ok, 01 ok", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unlink(store_place_of(&w->name).where.ptr);
        leave_two_files(w, buf_span(&bytes));
        bar(w);
        begin(w);
        told t;
        listen(w, &t);
        path_of(w, first_file(w), barred.path);
        barred.open_error = rows[i].open_error;
        barred.reads_till = rows[i].reads_till;
        start(w);
        for (int pass = 0; pass < 3; pass++)
            assert_true(importer_catch_up(&w->importer, WAIT_MS));
        assert_false(atomic_load(&w->importer.store_away));
        assert_int_equal(atomic_load(&w->importer.damaged), 1);
        expect(w, rows[i].calls, rows[i].count, 10 * (rows[i].count - 1));
        assert_int_equal(access(barred.path, F_OK), 0);
        end(w, false);
        expect_told(&t, "journal_unreadable");
        w->io = &journal_io_system;
        begin(w);
        start(w);
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
        expect(w, "05 interrupted, 04 ok, 03 ok, 02 ok, 01 ok", 5, 40);
        assert_int_not_equal(access(barred.path, F_OK), 0);
        end(w, false);
    }
    buf_done(&bytes);
}

/* The file that is written is tried again, and is told again only where it could be read in
 * between. */
static void a_file_of_this_process_is_tried_again(void **state) {
    world *w = *state;
    bar(w);
    begin(w);
    told t;
    listen(w, &t);
    path_of(w, w->writer.file, barred.path);
    barred.open_error = -EACCES;
    put(w, 1, FRAME_SETTLE);
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    start(w);
    for (int pass = 0; pass < 3; pass++)
        assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_int_equal(atomic_load(&w->importer.damaged), 1);
    importer_stop(&w->importer);
    barred.open_error = 0;
    w->importer.ending = false;
    atomic_store(&w->importer.leaving, false);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, "01 ok", 1, 10);
    end(w, false);
    expect_told(&t, "journal_unreadable");
}

/* Which is no fault of the file's. */
static void a_shortage_of_descriptors_is_waited_for(void **state) {
    world *w = *state;
    buf bytes = BUF_EMPTY;
    (void)make_calls(w, &bytes);
    leave(w, buf_span(&bytes));
    bar(w);
    begin(w);
    path_of(w, first_file(w), barred.path);
    barred.open_error = -EMFILE;
    start(w);
    while (!atomic_load(&w->importer.store_away))
        usleep(1000);
    assert_int_equal(atomic_load(&w->importer.damaged), 0);
    end(w, false);
    w->io = &journal_io_system;
    begin(w);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    expect(w, "03 ok, 02 ok, 01 ok", 3, 30);
    end(w, false);
    buf_done(&bytes);
}

/* ---- each byte, each length ---- */

/* A process finds it, starts, and says as much as there is to say. */
static void expect_after(world *w, span bytes, const char *calls, int64_t count, size_t places) {
    unlink(store_place_of(&w->name).where.ptr);
    leave(w, bytes);
    begin(w);
    start(w);
    assert_true(importer_catch_up(&w->importer, WAIT_MS));
    assert_int_equal(atomic_load(&w->importer.damaged), places);
    assert_true(all_is_imported(w));
    expect(w, calls, count, 10 * count);
    end(w, false);
}

static void each_altered_byte_costs_its_record_alone(void **state) {
    world *w = *state;
    buf bytes = BUF_EMPTY;
    size_t one = make_calls(w, &bytes);
    static const char altering[] = {0x01, 0x10, (char)0xFF};
    static const char *const calls[] = {"03 ok, 02 ok", "03 ok, 01 ok", "02 ok, 01 ok"};
    for (size_t at = 0; at < bytes.len; at++) {
        for (size_t i = 0; i < ARRAY_LEN(altering); i++) {
            bytes.ptr[at] ^= altering[i];
            expect_after(w, buf_span(&bytes), calls[at / one], OLD - 1, 1);
            bytes.ptr[at] ^= altering[i];
        }
    }
    buf_done(&bytes);
}

/* Where it ends with a record, nothing is torn. */
static void each_length_costs_the_torn_record_alone(void **state) {
    world *w = *state;
    buf bytes = BUF_EMPTY;
    size_t one = make_calls(w, &bytes);
    static const char *const calls[] = {"", "01 ok", "02 ok, 01 ok", "03 ok, 02 ok, 01 ok"};
    for (size_t len = 0; len <= bytes.len; len++)
        expect_after(w, span_slice(buf_span(&bytes), 0, len), calls[len / one],
                     (int64_t)(len / one), len % one != 0);
    buf_done(&bytes);
}

/* A torn end, of which a byte is altered as well, is one place still. */
static void each_altered_byte_of_a_torn_end_costs_that_alone(void **state) {
    world *w = *state;
    buf bytes = BUF_EMPTY;
    size_t one = make_calls(w, &bytes), len = 2 * one + one / 2;
    for (size_t at = 2 * one; at < len; at++) {
        bytes.ptr[at] ^= 0x10;
        expect_after(w, span_slice(buf_span(&bytes), 0, len), "02 ok, 01 ok", 2, 1);
        bytes.ptr[at] ^= 0x10;
    }
    buf_done(&bytes);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(each_damage_is_told_once),
        T(what_an_earlier_process_told_is_not_told_again),
        T(a_file_that_shrank_is_told_and_passed_over),
        T(a_file_that_shrinks_under_its_writer_goes_on),
        T(a_file_that_cannot_be_read_is_told_and_passed_over),
        T(a_file_of_this_process_is_tried_again),
        T(a_shortage_of_descriptors_is_waited_for),
        T(each_altered_byte_costs_its_record_alone),
        T(each_length_costs_the_torn_record_alone),
        T(each_altered_byte_of_a_torn_end_costs_that_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
