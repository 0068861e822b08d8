/* The journal: what was flushed is there at the next start, and what the system refuses to write is
 * written once it does not. */
#include "unit.h"

#include "ledger/folder.h"
#include "ledger/journal.h"

#include <errno.h>
#include <sys/resource.h>

enum { LIMIT = 1024 * 1024 };

/* ---- a system that fails ---- */

typedef struct fault {
    size_t at;    /* the n-th call of all, from 1; 0: none */
    size_t count; /* calls so far */
    int error;
    size_t part; /* of a write that fails: bytes that get through first */
} fault;

static fault injected;

static bool fails(void) {
    return ++injected.count == injected.at;
}

static int faulty_create(const char *path) {
    return fails() ? injected.error : journal_io_system.create(path);
}
static ssize_t faulty_write(int fd, const void *bytes, size_t len, uint64_t at) {
    if (!fails()) return journal_io_system.write(fd, bytes, len, at);
    size_t part = injected.part < len ? injected.part : len - 1;
    if (!part) return injected.error;
    injected.at++; /* then the rest is refused */
    return journal_io_system.write(fd, bytes, part, at);
}
static int faulty_sync(int fd) { /* a real one may take long */
    assert_true(fd >= 0);
    return fails() ? injected.error : 0;
}

static journal_io faulty_io(void) {
    journal_io io = journal_io_system;
    io.create = faulty_create;
    io.write = faulty_write;
    io.sync = faulty_sync;
    return io;
}

/* ---- records ---- */

static void put(journal_writer *w, unsigned number) {
    size_t at;
    buf_addf(journal_begin(w, &at), "record %u", number);
    journal_end(w, at, FRAME_SETTLE);
}

enum { RECORDS_MAX = 200 };

typedef struct census {
    journal *journal;
    unsigned seen[RECORDS_MAX];
    size_t files, damaged, torn;
} census;

static void count_file(journal_file *f, void *user) {
    census *c = user;
    static char bytes[LIMIT];
    size_t len = atomic_load(&f->written);
    int fd = journal_open_file(c->journal, f);
    assert_true(fd >= 0);
    assert_int_equal(c->journal->io->read(fd, bytes, len, 0), len);
    close(fd);
    span rest = span_from(bytes, len);
    c->files++;
    for (;;) {
        frame found;
        size_t bad;
        frame_result r = frame_take(&rest, true, &found, &bad);
        if (r == FRAME_CUT) break;
        if (r == FRAME_DAMAGED) c->damaged++;
        if (r != FRAME_FOUND) continue;
        unsigned number;
        char text[32];
        snprintf(text, sizeof text, "%.*s", SPAN_ARG(found.payload));
        assert_int_equal(sscanf(text, "record %u", &number), 1);
        assert_true(number < RECORDS_MAX);
        c->seen[number]++;
    }
    if (rest.len) c->torn++;
}

/* As the next process finds it. */
static census read_again(const folder *f) {
    journal j;
    assert_int_equal(journal_open(&j, &journal_io_system, f->path, LIMIT, 2000), 0);
    census c = {.journal = &j};
    journal_each(&j, count_file, &c);
    journal_close(&j);
    return c;
}

/* ---- tests ---- */

static void what_was_flushed_is_there_again(void **state) {
    (void)state;
    folder f;
    folder_make(&f);
    journal j;
    assert_int_equal(journal_open(&j, &journal_io_system, f.path, LIMIT, 1000), 0);
    journal_writer a, b;
    journal_writer_init(&a, &j, 0, false);
    journal_writer_init(&b, &j, 1, false);
    for (unsigned i = 0; i < 10; i++)
        put(i % 2 ? &a : &b, i);
    assert_int_equal(atomic_load(&j.bytes), 0); /* nothing is written before a flush */
    assert_int_equal(journal_writer_flush(&a), 0);
    assert_int_equal(journal_writer_flush(&b), 0);
    put(&a, 10); /* is never flushed: as a process is killed */
    census c = read_again(&f);
    assert_int_equal(c.files, 2);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(c.seen[i], 1);
    assert_int_equal(c.seen[10], 0);
    journal_writer_close(&a);
    journal_writer_close(&b);
    journal_close(&j);
    assert_int_equal(read_again(&f).seen[10], 1);
    folder_remove(&f);
}

static void long_files_are_sealed_and_removed(void **state) {
    (void)state;
    folder f;
    folder_make(&f);
    journal j;
    assert_int_equal(journal_open(&j, &journal_io_system, f.path, 1600, 1000), 0);
    journal_writer w;
    journal_writer_init(&w, &j, 0, false);
    for (unsigned i = 0; i < 60; i++) {
        put(&w, i);
        assert_int_equal(journal_writer_flush(&w), 0);
    }
    assert_true(folder_count(&f) >= 10); /* files of a sixteenth */
    put(&w, 60);
    assert_int_equal(journal_writer_flush(&w), 0); /* full or not: what has begun is written */
    assert_false(journal_is_full(&j));
    journal_set_limit(&j, 100);
    assert_true(journal_is_full(&j));
    journal_writer_close(&w);
    while (!list_empty(&j.files))
        journal_remove(&j, LIST_ENTRY(j.files.next, journal_file, link));
    assert_int_equal(folder_count(&f), 0);
    assert_int_equal(atomic_load(&j.bytes), 0);
    journal_close(&j);
    folder_remove(&f);
}

/* As the importer does, where the store takes everything at once. */
static void remove_sealed(journal_file *f, void *user) {
    if (atomic_load(&f->sealed)) journal_remove(user, f);
}

/* What is written by so many at once is no more than a part of the journal. */
static void files_in_use_do_not_fill_it(void **state) {
    (void)state;
    enum { WRITERS_MAX = 64, ROUNDS = 400 };
    static const unsigned counts[] = {1, 2, 15, 16, 17, 32, WRITERS_MAX};
    static journal_writer writers[WRITERS_MAX];
    for (size_t row = 0; row < ARRAY_LEN(counts); row++) {
        folder f;
        folder_make(&f);
        journal j;
        assert_int_equal(journal_open(&j, &journal_io_system, f.path, 100 * 1000, 1000), 0);
        for (unsigned i = 0; i < counts[row]; i++)
            journal_writer_init(&writers[i], &j, i, false);
        for (unsigned round = 0; round < ROUNDS; round++) {
            for (unsigned i = 0; i < counts[row]; i++) {
                put(&writers[i], round);
                assert_int_equal(journal_writer_flush(&writers[i]), 0);
            }
            journal_each(&j, remove_sealed, &j);
            assert_false(journal_is_full(&j));
        }
        for (unsigned i = 0; i < counts[row]; i++)
            journal_writer_close(&writers[i]);
        journal_close(&j);
        folder_remove(&f);
    }
}

/* Its bound was lowered below what is being written, and nobody writes more as it is full. */
static void a_full_journal_gives_back_what_is_in_use(void **state) {
    (void)state;
    folder f;
    folder_make(&f);
    journal j;
    assert_int_equal(journal_open(&j, &journal_io_system, f.path, LIMIT, 1000), 0);
    journal_writer w;
    journal_writer_init(&w, &j, 0, false);
    for (unsigned i = 0; i < 100; i++)
        put(&w, i);
    assert_int_equal(journal_writer_flush(&w), 0);
    journal_set_limit(&j, 1000);
    journal_each(&j, remove_sealed, &j);
    assert_true(journal_is_full(&j));
    journal_writer_yield(&w);
    journal_each(&j, remove_sealed, &j);
    assert_false(journal_is_full(&j));
    unsigned count = w.count;
    journal_writer_yield(&w); /* one that has nothing has nothing to give */
    assert_int_equal(w.count, count);
    journal_writer_close(&w);
    journal_close(&j);
    folder_remove(&f);
}

static void strange_files_are_left_alone(void **state) {
    (void)state;
    static const char *const names[] = {"notes.txt", "00000000000003e8-0000-0000000x.journal",
                                        "00000000000003e8-0000-00000000.journal.bak"};
    folder f;
    char path[256];
    folder_make(&f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", f.path, names[i]);
        FILE *file = fopen(path, "w");
        fputs("record 1", file);
        fclose(file);
    }
    assert_int_equal(read_again(&f).files, 0);
    assert_int_equal(folder_count(&f), ARRAY_LEN(names));
    folder_remove(&f);
}

/* A clock that was set back makes no name twice. */
static void instants_go_on(void **state) {
    (void)state;
    folder f;
    folder_make(&f);
    for (int i = 0; i < 3; i++) {
        journal j;
        assert_int_equal(journal_open(&j, &journal_io_system, f.path, LIMIT, 5000 - i), 0);
        journal_writer w;
        journal_writer_init(&w, &j, 0, false);
        put(&w, (unsigned)i);
        assert_int_equal(journal_writer_flush(&w), 0);
        journal_writer_close(&w);
        journal_close(&j);
    }
    census c = read_again(&f);
    assert_int_equal(c.files, 3);
    folder_remove(&f);
}

/* Lets the n-th thing that is asked of the system fail, for each n, until nothing does. Whatever it
 * was, each record is there at the end, and is torn at most where it is there a second time. */
static void play_with_fault(size_t at, int error, size_t part) {
    folder f;
    folder_make(&f);
    const journal_io io = faulty_io();
    journal j;
    assert_int_equal(journal_open(&j, &io, f.path, 3200, 1000), 0);
    injected = (fault){.at = at, .error = error, .part = part};
    journal_writer w;
    journal_writer_init(&w, &j, 0, true);
    for (unsigned i = 0; i < 40; i++) {
        put(&w, i);
        if (journal_writer_flush(&w)) assert_true(journal_writer_waits(&w));
        if (i % 8 == 0) (void)journal_sync_run(journal_sync_prepare(&w));
    }
    assert_int_equal(journal_writer_flush(&w), 0);
    census c = read_again(&f);
    for (unsigned i = 0; i < 40; i++)
        assert_in_range(c.seen[i], 1, 2);
    if (error == -ENOSPC)
        for (unsigned i = 0; i < 40; i++)
            assert_int_equal(c.seen[i], 1);
    journal_writer_close(&w);
    journal_close(&j);
    folder_remove(&f);
}

static void whatever_fails_once_loses_nothing(void **state) {
    (void)state;
    static const int errors[] = {-ENOSPC, -EIO};
    for (size_t e = 0; e < ARRAY_LEN(errors); e++)
        for (size_t part = 0; part < 30; part += 7)
            for (size_t at = 1; at == 1 || injected.count >= at - 1; at++)
                play_with_fault(at, errors[e], part);
}

/* A file that may not grow (RLIMIT_FSIZE), or a disk that fails whatever it is asked. */
static ssize_t refuse(int fd, const void *bytes, size_t len, uint64_t at) {
    size_t part = injected.part < len ? injected.part : len;
    assert_int_equal(pwrite(fd, bytes, part, (off_t)at), part); /* which nobody is told */
    return injected.error;
}

static void a_disk_that_refuses_all_gathers_no_files(void **state) {
    (void)state;
    static const fault rows[] = {{.error = -EFBIG}, {.error = -EIO}, {.error = -EIO, .part = 40}};
    for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
        folder f;
        folder_make(&f);
        journal_io io = faulty_io();
        io.write = refuse;
        injected = rows[row];
        journal j;
        assert_int_equal(journal_open(&j, &io, f.path, LIMIT, 1000), 0);
        journal_writer w;
        journal_writer_init(&w, &j, 0, true);
        for (unsigned i = 0; i < 100; i++) {
            put(&w, i);
            assert_int_equal(journal_writer_flush(&w), rows[row].error);
        }
        assert_int_equal(folder_count(&f), 1);
        assert_int_equal(w.unsynced_count, 0);
        j.io = &journal_io_system;
        assert_int_equal(journal_writer_flush(&w), 0);
        census c = read_again(&f);
        assert_int_equal(c.damaged + c.torn, 0);
        for (unsigned i = 0; i < 100; i++)
            assert_int_equal(c.seen[i], 1);
        assert_int_equal(journal_writer_close(&w), 0);
        journal_close(&j);
        folder_remove(&f);
    }
}

static size_t room; /* bytes that the disk still has */

static ssize_t write_into_room(int fd, const void *bytes, size_t len, uint64_t at) {
    if (!room) return -ENOSPC;
    ssize_t n = journal_io_system.write(fd, bytes, len < room ? len : room, at);
    room -= (size_t)n;
    return n;
}

/* Calls that have ended; those that begin are known to have begun, or not, and lose nothing. */
static void what_is_lost_at_the_end_is_counted(void **state) {
    (void)state;
    enum { RECORD = FRAME_OVERHEAD + sizeof "record 1" - 1, HAD = 3 };
    static const struct {
        size_t room, lost;
    } rows[] = {{0, 5}, {1, 5}, {RECORD - 1, 5}, {RECORD, 4}, {RECORD + 1, 4}, {3 * RECORD, 2}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        folder f;
        folder_make(&f);
        journal_io io = journal_io_system;
        io.write = write_into_room;
        room = LIMIT;
        journal j;
        assert_int_equal(journal_open(&j, &io, f.path, LIMIT, 1000), 0);
        journal_writer w;
        journal_writer_init(&w, &j, 0, false);
        for (unsigned n = 0; n < HAD; n++)
            put(&w, n);
        assert_int_equal(journal_writer_flush(&w), 0);
        for (unsigned n = HAD; n < HAD + 5; n++)
            put(&w, n);
        size_t at;
        buf_add_cstr(journal_begin(&w, &at), "of a call that begins");
        journal_end(&w, at, FRAME_RESERVE);
        room = rows[i].room;
        assert_int_equal(journal_writer_close(&w), rows[i].lost);
        assert_int_equal(atomic_load(&j.bytes), (HAD + 5 - rows[i].lost) * RECORD);
        journal_close(&j);
        census c = read_again(&f);
        for (unsigned n = 0; n < HAD + 5; n++)
            assert_int_equal(c.seen[n], n < HAD + 5 - rows[i].lost);
        folder_remove(&f);
    }
}

static int no_descriptor(struct rlimit *ret_before) {
    assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_before), 0);
    int next = dup(STDERR_FILENO);
    close(next);
    return setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next, ret_before->rlim_max});
}

/* It is synced at once, and what came of that is told by the sync that was to do it. */
static void a_sync_without_a_descriptor_is_told_too(void **state) {
    (void)state;
    for (int fails_too = 0; fails_too < 2; fails_too++) {
        folder f;
        folder_make(&f);
        const journal_io io = faulty_io();
        journal j;
        assert_int_equal(journal_open(&j, &io, f.path, LIMIT, 1000), 0);
        journal_writer w;
        journal_writer_init(&w, &j, 0, true);
        injected = (fault){0};
        put(&w, 1);
        assert_int_equal(journal_writer_flush(&w), 0);
        struct rlimit before;
        assert_int_equal(no_descriptor(&before), 0);
        injected = (fault){.at = (size_t)fails_too, .error = -EIO};
        journal_sync *s = journal_sync_prepare(&w);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(injected.count, 1);
        assert_int_equal(journal_sync_run(s), fails_too ? -EIO : 0);
        assert_int_equal(journal_sync_run(journal_sync_prepare(&w)), 0); /* once */
        journal_writer_close(&w);
        journal_close(&j);
        folder_remove(&f);
    }
}

static void a_sync_that_fails_is_told(void **state) {
    (void)state;
    folder f;
    folder_make(&f);
    const journal_io io = faulty_io();
    journal j;
    assert_int_equal(journal_open(&j, &io, f.path, LIMIT, 1000), 0);
    journal_writer w;
    journal_writer_init(&w, &j, 0, true);
    injected = (fault){0};
    put(&w, 1);
    assert_int_equal(journal_writer_flush(&w), 0);
    assert_int_equal(journal_sync_run(journal_sync_prepare(&w)), 0);
    injected = (fault){.at = 1, .error = -EIO};
    assert_int_equal(journal_sync_run(journal_sync_prepare(&w)), -EIO);
    journal_writer_close(&w);
    journal_close(&j);
    folder_remove(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_flushed_is_there_again),
        cmocka_unit_test(long_files_are_sealed_and_removed),
        cmocka_unit_test(files_in_use_do_not_fill_it),
        cmocka_unit_test(a_full_journal_gives_back_what_is_in_use),
        cmocka_unit_test(strange_files_are_left_alone),
        cmocka_unit_test(instants_go_on),
        cmocka_unit_test(whatever_fails_once_loses_nothing),
        cmocka_unit_test(a_disk_that_refuses_all_gathers_no_files),
        cmocka_unit_test(what_is_lost_at_the_end_is_counted),
        cmocka_unit_test(a_sync_that_fails_is_told),
        cmocka_unit_test(a_sync_without_a_descriptor_is_told_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
