#include "ledger/journal.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_AT_LEAST = 16, FILE_BYTES_MAX = 8 * 1024 * 1024, IMPORTER = 9999 };

/* What is being written is not given back before it is followed by another: of all writers together
 * it is a sixteenth of the journal's bound. */
static size_t file_bytes(const journal *j) {
    size_t limit = atomic_load_explicit(&j->limit, memory_order_relaxed);
    unsigned writers = atomic_load_explicit(&j->writers, memory_order_relaxed);
    size_t part = limit / FILES_AT_LEAST / (writers ? writers : 1);
    return part < j->file_bytes ? part : j->file_bytes;
}

static void path_of(const journal *j, const journal_file *f, buf *ret) {
    buf_addf(ret, "%s/%s", j->folder, f->name);
    (void)buf_cstr(ret);
}

/* ---- the list ---- */

static bool is_before(const journal_file *a, const journal_file *b) {
    if (a->instant != b->instant) return a->instant < b->instant;
    if (a->writer != b->writer) return a->writer < b->writer;
    return a->number < b->number;
}

/* Nearly always at its end. */
static void insert(journal *j, journal_file *f) {
    pthread_mutex_lock(&j->lock);
    list *at = j->files.prev;
    while (at != &j->files && is_before(f, LIST_ENTRY(at, journal_file, link)))
        at = at->prev;
    list_push_front(at, &f->link);
    pthread_mutex_unlock(&j->lock);
}

void journal_each(journal *j, void (*each)(journal_file *f, void *user), void *user) {
    pthread_mutex_lock(&j->lock);
    list *at = j->files.next;
    pthread_mutex_unlock(&j->lock);
    while (at != &j->files) {
        pthread_mutex_lock(&j->lock);
        list *next = at->next;
        pthread_mutex_unlock(&j->lock);
        each(LIST_ENTRY(at, journal_file, link), user);
        at = next;
    }
}

/* ---- the folder ---- */

static bool read_name(const char *name, journal_file *f) {
    int end = 0;
    if (sscanf(name, "%16" SCNx64 "-%4u-%8u.journal%n", &f->instant, &f->writer, &f->number,
               &end) != 3)
        return false;
    if (end != JOURNAL_NAME_LEN || name[end]) return false;
    memcpy(f->name, name, JOURNAL_NAME_LEN + 1);
    return true;
}

static void write_name(journal_file *f) {
    snprintf(f->name, sizeof f->name, "%016" PRIx64 "-%04u-%08u.journal", f->instant, f->writer,
             f->number);
}

static int find_old(journal *j, const char *name) {
    journal_file *f = mem_zalloc(sizeof *f);
    buf path = BUF_EMPTY;
    struct stat st;
    int err = 0;
    if (!read_name(name, f)) goto not_ours;
    path_of(j, f, &path);
    f->old = true;
    f->fd = -1;
    if (stat(buf_cstr(&path), &st)) {
        err = -errno;
        goto not_ours;
    }
    atomic_init(&f->written, (size_t)st.st_size);
    atomic_init(&f->sealed, true);
    atomic_init(&f->gone, false);
    atomic_fetch_add(&j->bytes, (size_t)st.st_size);
    if (f->instant >= j->instant) j->instant = f->instant + 1; /* the clock was set back */
    insert(j, f);
    buf_done(&path);
    return 0;
not_ours:
    buf_done(&path);
    free(f);
    return err;
}

static int find_all(journal *j) {
    DIR *dir = opendir(j->folder);
    if (!dir) return -errno;
    int err = 0;
    for (struct dirent *d; !err && (d = readdir(dir));)
        err = find_old(j, d->d_name);
    closedir(dir);
    return err;
}

static void free_files(journal *j) {
    for (list *node; (node = list_pop_front(&j->files));) {
        journal_file *f = LIST_ENTRY(node, journal_file, link);
        if (f->fd >= 0) (void)j->io->close(f->fd);
        free(f);
    }
}

int journal_open(journal *j, const journal_io *io, const char *folder, size_t limit,
                 int64_t wall_us) {
    *j = (journal){.io = io, .instant = wall_us > 0 ? (uint64_t)wall_us : 0};
    atomic_init(&j->limit, limit);
    atomic_init(&j->bytes, 0);
    atomic_init(&j->writers, 0);
    j->file_bytes = FILE_BYTES_MAX;
    list_init(&j->files);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -errno;
    j->folder_fd = fd;
    j->folder = mem_strndup(folder, strlen(folder));
    pthread_mutex_init(&j->lock, NULL);
    int err = find_all(j);
    if (err) journal_close(j);
    return err;
}

void journal_close(journal *j) {
    free_files(j);
    close(j->folder_fd);
    pthread_mutex_destroy(&j->lock);
    free(j->folder);
}

void journal_set_limit(journal *j, size_t limit) {
    atomic_store_explicit(&j->limit, limit, memory_order_relaxed);
}

bool journal_is_full(const journal *j) {
    return atomic_load_explicit(&j->bytes, memory_order_relaxed) >=
           atomic_load_explicit(&j->limit, memory_order_relaxed);
}

/* ---- writing ---- */

static size_t written_of(const journal_file *f) {
    return f ? atomic_load_explicit(&f->written, memory_order_relaxed) : 0;
}

static void keep_unsynced(journal_writer *w, int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) { /* no descriptor is left: at once, then */
        int err = w->journal->io->sync(fd);
        if (err) w->sync_error = err;
        return;
    }
    w->unsynced = mem_realloc(w->unsynced, (w->unsynced_count + 1) * sizeof *w->unsynced);
    w->unsynced[w->unsynced_count++] = copy;
}

static void seal(journal_writer *w) {
    journal_file *f = w->file;
    if (!f) return;
    w->file = NULL;
    if (w->syncs && written_of(f)) keep_unsynced(w, f->fd);
    (void)w->journal->io->close(f->fd);
    f->fd = -1;
    atomic_store_explicit(&f->sealed, true, memory_order_release);
}

static void note_written(journal_writer *w, size_t bytes) {
    atomic_fetch_add_explicit(&w->journal->bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&w->file->written, written_of(w->file) + bytes, memory_order_release);
}

/* What the file was given of the last flush and is whole counts; of the others, those that have
 * ended are lost. */
static size_t give_up_rest(journal_writer *w) {
    size_t lost = 0, whole = 0, bad;
    span rest = buf_span(&w->out);
    for (frame f; frame_take(&rest, true, &f, &bad) == FRAME_FOUND;) {
        size_t end = w->out.len - rest.len;
        if (end <= w->out_taken)
            whole = end;
        else
            lost += f.kind == FRAME_SETTLE;
    }
    if (whole) note_written(w, whole);
    return lost;
}

size_t journal_writer_close(journal_writer *w) {
    size_t lost = journal_writer_flush(w) ? give_up_rest(w) : 0;
    seal(w);
    for (size_t i = 0; i < w->unsynced_count; i++)
        (void)w->journal->io->close(w->unsynced[i]);
    free(w->unsynced);
    buf_done(&w->out);
    return lost;
}

static int start_file(journal_writer *w) {
    journal *j = w->journal;
    journal_file *f = mem_zalloc(sizeof *f);
    buf path = BUF_EMPTY;
    f->instant = j->instant;
    f->writer = w->index;
    f->number = w->count;
    write_name(f);
    path_of(j, f, &path);
    f->fd = j->io->create(buf_cstr(&path));
    buf_done(&path);
    if (f->fd < 0) {
        int err = f->fd;
        free(f);
        return err;
    }
    atomic_init(&f->written, 0);
    atomic_init(&f->sealed, false);
    atomic_init(&f->gone, false);
    seal(w);
    w->count++;
    w->file = f;
    insert(j, f);
    return 0;
}

void journal_writer_init(journal_writer *w, journal *j, unsigned index, bool syncs) {
    *w = (journal_writer){.journal = j, .index = index, .syncs = syncs};
    atomic_fetch_add_explicit(&j->writers, 1, memory_order_relaxed);
    (void)start_file(w);
}

/* A file that is long is followed by another. Where that cannot be had, it grows longer. */
static int next_file(journal_writer *w) {
    const journal_file *f = w->file;
    bool gone = f && atomic_load_explicit(&f->gone, memory_order_relaxed);
    if (f && !gone && (written_of(f) < file_bytes(w->journal) || w->out_taken)) return 0;
    if (gone) w->out_taken = 0;
    int err = start_file(w);
    return f ? 0 : err;
}

void journal_writer_yield(journal_writer *w) {
    if (written_of(w->file) && !w->out_taken) (void)start_file(w);
}

buf *journal_begin(journal_writer *w, size_t *ret_at) {
    *ret_at = frame_begin(&w->out);
    return &w->out;
}

void journal_end(journal_writer *w, size_t at, frame_kind kind) {
    frame_end(&w->out, at, kind);
}

/* Writes what waits behind what the file has; out_taken says how far that went. */
static int append(journal_writer *w) {
    size_t end = written_of(w->file);
    while (w->out_taken < w->out.len) {
        ssize_t n = w->journal->io->write(w->file->fd, w->out.ptr + w->out_taken,
                                          w->out.len - w->out_taken, end + w->out_taken);
        if (n < 0) return (int)n;
        w->out_taken += (size_t)n;
    }
    return 0;
}

/* A disk that is full goes on where it stopped, when it has room again. After any other failure
 * nobody knows what the file has: all of it goes to a new one, and what is there twice is counted
 * once. One that has nothing yet is written anew from its beginning, and so a disk that refuses all
 * gathers no files. */
static bool goes_on(int err) {
    return err == -ENOSPC || err == -EDQUOT || err == -EAGAIN;
}

int journal_writer_flush(journal_writer *w) {
    if (!w->out.len) return 0;
    w->error = next_file(w);
    if (w->error) return w->error;
    journal_file *f = w->file;
    w->error = append(w);
    if (w->error) {
        if (goes_on(w->error)) return w->error;
        w->out_taken = 0;
        if (written_of(f)) seal(w);
        return w->error;
    }
    note_written(w, w->out.len);
    w->out_taken = 0;
    buf_clear(&w->out);
    return 0;
}

/* ---- what survives the machine ---- */

struct journal_sync {
    const journal_io *io;
    int folder_fd;
    int error; /* known before it is run */
    size_t count;
    int fds[];
};

journal_sync *journal_sync_prepare(journal_writer *w) {
    if (w->file) keep_unsynced(w, w->file->fd);
    journal_sync *s = mem_alloc(sizeof *s + w->unsynced_count * sizeof *s->fds);
    *s = (journal_sync){w->journal->io, w->journal->folder_fd, w->sync_error, w->unsynced_count};
    for (size_t i = 0; i < s->count; i++)
        s->fds[i] = w->unsynced[i];
    w->unsynced_count = 0;
    w->sync_error = 0;
    return s;
}

int journal_sync_run(journal_sync *s) {
    int err = s->error;
    for (size_t i = 0; i < s->count; i++) {
        int e = s->io->sync(s->fds[i]);
        if (e) err = e;
        (void)s->io->close(s->fds[i]);
    }
    int e = s->io->sync(s->folder_fd);
    free(s);
    return err ? err : e;
}

/* ---- reading ---- */

int journal_open_file(const journal *j, const journal_file *f) {
    buf path = BUF_EMPTY;
    path_of(j, f, &path);
    int fd = j->io->open(buf_cstr(&path));
    buf_done(&path);
    return fd;
}

void journal_remove(journal *j, journal_file *f) {
    buf path = BUF_EMPTY;
    path_of(j, f, &path);
    (void)j->io->remove(buf_cstr(&path));
    buf_done(&path);
    atomic_fetch_sub(&j->bytes, atomic_load_explicit(&f->written, memory_order_relaxed));
    pthread_mutex_lock(&j->lock);
    list_remove(&f->link);
    pthread_mutex_unlock(&j->lock);
    free(f);
}

static int write_frames(const journal *j, const char *path, span frames, bool syncs) {
    int fd = j->io->create(path), err = fd < 0 ? fd : 0;
    for (size_t at = 0; !err && at < frames.len;) {
        const ssize_t n = j->io->write(fd, frames.ptr + at, frames.len - at, at);
        if (n < 0)
            err = (int)n;
        else
            at += (size_t)n;
    }
    if (!err && syncs) err = j->io->sync(fd);
    if (fd >= 0) (void)j->io->close(fd);
    if (!err && syncs) err = j->io->sync(j->folder_fd);
    if (err && fd >= 0) (void)j->io->remove(path);
    return err;
}

journal_file *journal_carry(journal *j, span frames, bool syncs) {
    journal_file *f = mem_zalloc(sizeof *f);
    buf path = BUF_EMPTY;
    f->instant = j->instant;
    f->writer = IMPORTER;
    f->number = j->carried++;
    f->fd = -1;
    write_name(f);
    path_of(j, f, &path);
    const int err = write_frames(j, buf_cstr(&path), frames, syncs);
    buf_done(&path);
    if (err) {
        free(f);
        return NULL;
    }
    atomic_init(&f->written, frames.len);
    atomic_init(&f->sealed, true);
    atomic_init(&f->gone, false);
    f->read = frames.len;
    atomic_fetch_add(&j->bytes, frames.len);
    insert(j, f);
    return f;
}
