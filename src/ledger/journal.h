/* ledger/journal.h: the files in which records wait for the store.
 *
 * Each worker appends to a file of its own through a journal_writer; the importer reads all of
 * them, and takes away what the store has. A file that has become long is sealed and followed by
 * another. What a killed process has written is there at the next start: journal_open() finds it.
 *
 * A writer gathers what is put during a turn and writes it in one system call by
 * journal_writer_flush(), before anything that it vouches for goes out. What cannot be written (a
 * full disk) waits in the writer, and is tried again at the next flush.
 *
 * Threads  A writer belongs to its loop's thread. The list of files is under a lock, which a writer
 *          takes once a file; how far one is written is atomic.
 * Names    INSTANT-WRITER-NUMBER.journal: when the process began (microseconds, hexadecimal), which
 *          worker (9999: the importer), which of its files. A file is nothing but frames.
 */
#ifndef WEIR_LEDGER_JOURNAL_H
#define WEIR_LEDGER_JOURNAL_H

#include "base/list.h"
#include "ledger/frame.h"
#include "ledger/journal_io.h"

#include <pthread.h>
#include <stdatomic.h>

enum { JOURNAL_NAME_LEN = 38 };

typedef struct journal_file {
    list link;
    char name[JOURNAL_NAME_LEN + 1];
    uint64_t instant;
    unsigned writer, number;
    bool old;              /* of a process that has ended */
    int fd;                /* the writer's; -1: it writes no more */
    atomic_size_t written; /* whole frames, all of them: may be read */
    atomic_bool sealed;    /* no more will be written */
    atomic_bool gone;      /* somebody has removed it: what is written to it nobody will read */
    /* The importer's. */
    size_t read;       /* the store has it, up to here */
    size_t open;       /* calls that began in it and have not ended */
    size_t open_bytes; /* of the frames in which they did */
    size_t told;       /* damage is, up to here */
    bool unreadable;   /* from `read` on, which has been told: an old one is tried again at the next
                          start */
} journal_file;

typedef struct journal {
    const journal_io *io;
    char *folder; /* without a slash at its end */
    int folder_fd;
    uint64_t instant;
    atomic_size_t limit; /* bytes that all files may have together */
    size_t file_bytes;   /* from here on a file is followed by another, if not earlier */
    atomic_size_t bytes; /* that they have */
    atomic_uint writers; /* that there have been */
    pthread_mutex_t lock;
    list files;       /* by instant, writer and number */
    unsigned carried; /* files that the importer has tried to write */
} journal;

/* Opens the folder, which is there, and finds the files of processes that have ended: what is no
 * file of a journal's is left alone. A negative errno. */
MUST_USE int journal_open(journal *j, const journal_io *io, const char *folder, size_t limit,
                          int64_t wall_us);
/* Writers must have been closed. */
void journal_close(journal *j);
void journal_set_limit(journal *j, size_t limit);
/* There is no room for another call's records. Any thread. */
bool journal_is_full(const journal *j);

typedef struct journal_writer {
    journal *journal;
    unsigned index;
    journal_file *file; /* NULL: none yet */
    unsigned count;     /* of files */
    buf out;            /* what waits to be written */
    size_t out_taken;   /* of it, by the file */
    int error;          /* a negative errno: the last flush failed; 0: it did not */
    bool syncs;         /* what is flushed is to survive the machine */
    int *unsynced;      /* descriptors of files that were sealed since the last sync began */
    size_t unsynced_count;
    int sync_error; /* of one that was synced at once, since no descriptor was left for it */
} journal_writer;

/* Its first file is made at once, where that can be done: a time may come when no descriptor is
 * left. syncs: journal_sync_prepare() will be called after each flush that somebody waits for. */
void journal_writer_init(journal_writer *w, journal *j, unsigned index, bool syncs);
/* Writes what waits, where that can be done, and seals the file. How many calls have ended of which
 * the journal does not have it. */
size_t journal_writer_close(journal_writer *w);

/* The payload is what the caller appends to the result before journal_end(). */
MUST_USE buf *journal_begin(journal_writer *w, size_t *ret_at);
void journal_end(journal_writer *w, size_t at, frame_kind kind);
/* Something waits to be written. */
static inline bool journal_writer_waits(const journal_writer *w) {
    return w->out.len > 0;
}
/* A negative errno where not all could be written; it still waits. */
int journal_writer_flush(journal_writer *w);

/* Begins another file where this one has something, so that the store can give back what it has of
 * it: no other file grows once the journal is full. */
void journal_writer_yield(journal_writer *w);

/* Makes what was flushed before survive the machine. prepare on the writer's thread, run on any:
 * the writer may go on meanwhile. run frees it, and returns a negative errno where one of the files
 * may not survive. */
typedef struct journal_sync journal_sync;
MUST_USE journal_sync *journal_sync_prepare(journal_writer *w);
int journal_sync_run(journal_sync *s);

/* ---- the importer's ---- */

/* Calls each with every file there is now, in order. A file is only taken from the list by
 * journal_remove(). */
void journal_each(journal *j, void (*each)(journal_file *f, void *user), void *user);
/* A descriptor to read the file by, for the caller to close; a negative errno. */
MUST_USE int journal_open_file(const journal *j, const journal_file *f);
/* A sealed one, of which nothing is needed any more. */
void journal_remove(journal *j, journal_file *f);
/* A new one, sealed, with frames that stand in another one and are needed for longer than that is:
 * all of it is read. syncs: it survives the machine. NULL: it could not be written. */
MUST_USE journal_file *journal_carry(journal *j, span frames, bool syncs);

#endif
