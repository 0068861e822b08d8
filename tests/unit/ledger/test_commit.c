/* Who waits for the disk: until it has what was written before, and no longer where it refuses. */
#include "unit.h"

#include "heap.h"
#include "ledger/commit.h"
#include "ledger/folder.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { LIMIT = 1024 * 1024 };

/* ---- a disk that does as it is told ---- */

static atomic_int write_error, sync_error; /* 0: it obeys */
static atomic_int syncs;                   /* of files */
static atomic_bool holds;                  /* a sync lasts until the test lets it go */
static sem_t begun, let_go;

static ssize_t told_write(int fd, const void *bytes, size_t len, uint64_t at) {
    int err = atomic_load(&write_error);
    return err ? err : journal_io_system.write(fd, bytes, len, at);
}

static int told_sync(int fd) {
    atomic_fetch_add(&syncs, 1);
    if (atomic_exchange(&holds, false)) {
        sem_post(&begun);
        while (sem_wait(&let_go)) {}
    }
    (void)fd;
    return atomic_load(&sync_error);
}

/* ---- a worker's ---- */

enum { WAITS_MAX = 8 };

typedef struct one {
    commit_wait wait;
    struct world *world;
    unsigned number;
} one;

typedef struct world {
    folder folder;
    journal_io io;
    journal journal;
    journal_writer writer;
    loop loop;
    commit *commit;
    one ones[WAITS_MAX];
    buf said; /* who was released, and how each sync ended */
    bool inside;
} world;

static void on_done(commit_wait *wait) {
    one *o = CONTAINER_OF(wait, one, wait);
    assert_false(o->world->inside);
    buf_addf(&o->world->said, "%u ", o->number);
}

static void on_ended(void *user, int err) {
    world *w = user;
    assert_false(w->inside);
    buf_addf(&w->said, "%s ", err ? strerror(-err) : "synced");
}

static world *world_new(void) {
    world *w = calloc(1, sizeof *w);
    folder_make(&w->folder);
    w->io = journal_io_system;
    w->io.write = told_write;
    w->io.sync = told_sync;
    atomic_store(&write_error, 0);
    atomic_store(&sync_error, 0);
    atomic_store(&syncs, 0);
    assert_int_equal(sem_init(&begun, 0, 0) || sem_init(&let_go, 0, 0), 0);
    assert_int_equal(journal_open(&w->journal, &w->io, w->folder.path, LIMIT, 1000), 0);
    journal_writer_init(&w->writer, &w->journal, 0, true);
    assert_int_equal(loop_init(&w->loop, 0), 0);
    w->commit = commit_new(&w->writer, &w->loop, on_ended, w);
    return w;
}

static size_t world_free(world *w) {
    commit_free(w->commit);
    loop_stop(&w->loop);
    loop_run(&w->loop);
    loop_done(&w->loop);
    size_t lost = journal_writer_close(&w->writer);
    journal_close(&w->journal);
    folder_remove(&w->folder);
    buf_done(&w->said);
    free(w);
    return lost;
}

/* A call ends, and its last bytes wait. */
static void end_call(world *w, unsigned number) {
    size_t at;
    buf_addf(journal_begin(&w->writer, &at), "call %u", number);
    journal_end(&w->writer, at, FRAME_SETTLE);
    w->ones[number] = (one){.wait = {.done = on_done}, .world = w, .number = number};
    commit_add(w->commit, &w->ones[number].wait);
}

static void end_of_turn(world *w) {
    w->inside = true;
    commit_flushed(w->commit, journal_writer_flush(&w->writer));
    w->inside = false;
}

static void turn(world *w) {
    loop_turn(&w->loop);
    usleep(1000); /* for the other thread, whatever it does */
}

/* Turns the loop until so much has been said. */
static void hear(world *w, const char *wanted) {
    while (w->said.len < strlen(wanted))
        turn(w);
    assert_string_equal(buf_cstr(&w->said), wanted);
}

/* ---- tests ---- */

static void a_sync_releases_those_whose_records_it_has(void **state) {
    (void)state;
    world *w = world_new();
    end_call(w, 1);
    end_call(w, 2);
    turn(w);
    assert_int_equal(w->said.len, 0); /* nobody before the flush */
    atomic_store(&holds, true);
    end_of_turn(w);
    sem_wait(&begun);
    end_call(w, 3); /* goes with the next, and so does the fourth */
    end_of_turn(w);
    end_call(w, 4);
    end_of_turn(w);
    sem_post(&let_go);
    hear(w, "synced 1 2 synced 3 4 ");
    assert_int_equal(atomic_load(&syncs), 4); /* file and folder, twice */
    assert_int_equal(world_free(w), 0);
}

static void nobody_waits_for_what_cannot_be_written(void **state) {
    (void)state;
    static const int errors[] = {-ENOSPC, -EFBIG, -EIO, -EROFS, -EDQUOT};
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        world *w = world_new();
        atomic_store(&write_error, errors[i]);
        end_call(w, 1);
        end_call(w, 2);
        end_of_turn(w);
        hear(w, "1 2 ");
        end_of_turn(w); /* tried again, for nobody */
        end_call(w, 3);
        end_of_turn(w);
        hear(w, "1 2 3 ");
        assert_int_equal(atomic_load(&syncs), 0);
        atomic_store(&write_error, 0);
        end_call(w, 4);
        end_of_turn(w);
        hear(w, "1 2 3 synced 4 ");
        assert_int_equal(world_free(w), 0); /* all four are there */
    }
}

/* Nor do those whose records are on their way already hear of it before they are safe. */
static void who_is_written_waits_for_the_sync_whatever_fails_then(void **state) {
    (void)state;
    world *w = world_new();
    atomic_store(&holds, true);
    end_call(w, 1);
    end_of_turn(w);
    sem_wait(&begun);
    end_call(w, 2);
    end_of_turn(w); /* is written, and is to go with the next */
    atomic_store(&write_error, -ENOSPC);
    end_call(w, 3);
    end_of_turn(w);
    hear(w, "3 ");
    sem_post(&let_go);
    hear(w, "3 synced 1 synced 2 ");
    assert_int_equal(world_free(w), 1);
}

static void a_sync_that_fails_holds_up_nobody(void **state) {
    (void)state;
    world *w = world_new();
    atomic_store(&holds, true);
    end_call(w, 1);
    end_of_turn(w);
    sem_wait(&begun);
    unsigned count = w->writer.count;
    end_call(w, 2);
    end_of_turn(w);
    atomic_store(&sync_error, -EIO);
    sem_post(&let_go);
    hear(w, "Input/output error 1 Input/output error 2 ");
    assert_int_equal(commit_error(w->commit), -EIO);
    assert_int_equal(w->writer.count, count + 1); /* what comes goes to another file */
    atomic_store(&sync_error, 0);
    hear(w, "Input/output error 1 Input/output error 2 synced "); /* by itself */
    assert_int_equal(commit_error(w->commit), 0);
    int before = atomic_load(&syncs);
    for (int i = 0; i < 400; i++)
        turn(w);
    assert_int_equal(atomic_load(&syncs), before); /* and no more of them */
    end_call(w, 3);
    end_of_turn(w);
    hear(w, "Input/output error 1 Input/output error 2 synced synced 3 ");
    assert_int_equal(world_free(w), 0);
}

/* One that nobody waits for may be under way, or due. */
static void it_may_end_while_a_sync_is_tried_again(void **state) {
    (void)state;
    for (int under_way = 0; under_way < 2; under_way++) {
        world *w = world_new();
        atomic_store(&sync_error, -EIO);
        end_call(w, 1);
        end_of_turn(w);
        hear(w, "Input/output error 1 ");
        if (under_way) {
            atomic_store(&holds, true);
            while (sem_trywait(&begun))
                turn(w);
            sem_post(&let_go);
        }
        assert_int_equal(world_free(w), 0);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sync_releases_those_whose_records_it_has),
        cmocka_unit_test(nobody_waits_for_what_cannot_be_written),
        cmocka_unit_test(who_is_written_waits_for_the_sync_whatever_fails_then),
        cmocka_unit_test(a_sync_that_fails_holds_up_nobody),
        cmocka_unit_test(it_may_end_while_a_sync_is_tried_again),
    };
    return run_watched(tests);
}
