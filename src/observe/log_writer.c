#include "observe/log_writer.h"

#include "base/clock.h"
#include "base/cond.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GATHER_MS = 10, KEEP_BYTES = 256 * 1024 };

/* ---- sleeping and waking ---- */

/* More than may wait until the gathering is over. */
static bool is_pressing(const logger *l) {
    return atomic_load_explicit(&l->waiting, memory_order_relaxed) >
           atomic_load_explicit(&l->limit, memory_order_relaxed) / 4;
}

/* The flag and the state are written by one side and read by the other in opposite order (both
 * sequentially consistent): either the writer sees the work, or the worker sees it asleep. */
void log_writer_wake(logger *l) {
    atomic_store(&l->work, true);
    int state = atomic_load(&l->state);
    if (state != WRITER_ASLEEP && !(state == WRITER_GATHERING && is_pressing(l))) return;
    (void)pthread_mutex_lock(&l->lock);
    (void)pthread_cond_broadcast(&l->changed);
    (void)pthread_mutex_unlock(&l->lock);
}

/* Returns false when the log ends and nothing is left to write. */
static bool wait_for_work(logger *l) {
    (void)pthread_mutex_lock(&l->lock);
    atomic_store(&l->state, WRITER_ASLEEP);
    while (!atomic_load(&l->work) && !l->ending)
        (void)pthread_cond_wait(&l->changed, &l->lock);
    atomic_store(&l->state, WRITER_GATHERING);
    const int64_t until_ms = clock_mono_ms() + GATHER_MS;
    while (!l->ending && !is_pressing(l) && cond_wait_until(&l->changed, &l->lock, until_ms)) {}
    atomic_store(&l->state, WRITER_WRITING);
    bool more = atomic_exchange(&l->work, false);
    (void)pthread_mutex_unlock(&l->lock);
    return more;
}

/* ---- writing ---- */

/* The only place where the thread may be cancelled: a write to a reader that never reads. */
static ssize_t write_some(int fd, const char *ptr, size_t len) {
    int before;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
    ssize_t n = write(fd, ptr, len);
    if (n < 0 && errno == EAGAIN) { /* someone else made it non-blocking */
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        n = poll(&p, 1, -1) < 0 ? -1 : 0;
    }
    int error = errno;
    (void)pthread_setcancelstate(before, NULL);
    errno = error;
    return n;
}

static uint64_t count_lines(span s) {
    uint64_t lines = 0;
    for (size_t at = 0; (at = span_find(s, at, '\n')) < s.len; at++)
        lines++;
    return lines;
}

/* false: not all of it could be written; *ret_done bytes were. */
static bool write_whole(const logger *l, span bytes, size_t *ret_done) {
    size_t done = 0;
    ssize_t n = 0;
    while (done < bytes.len && n >= 0) {
        n = write_some(l->fd, bytes.ptr + done, bytes.len - done);
        if (n < 0 && errno == EINTR) n = 0;
        if (n > 0) done += (size_t)n;
    }
    *ret_done = done;
    return n >= 0;
}

/* Of a line that a full disk took the beginning of, the next one is not to be read as the rest. */
static bool end_torn_line(logger *l) {
    size_t done;
    if (l->torn && write_whole(l, SPAN_OF("\n"), &done)) l->torn = false;
    return !l->torn;
}

/* A reader that is gone or a disk that is full costs lines, never the process. */
static void write_out(logger *l) {
    const span lines = buf_span(&l->lines);
    size_t done = 0;
    if (!lines.len) return;
    l->broken = !end_torn_line(l) || !write_whole(l, lines, &done);
    if (l->broken) {
        const uint64_t lost = count_lines(span_slice(lines, done, lines.len));
        atomic_fetch_add_explicit(&l->dropped, lost, memory_order_relaxed);
        if (done) l->torn = lines.ptr[done - 1] != '\n';
    }
    atomic_fetch_sub_explicit(&l->waiting, lines.len, memory_order_relaxed);
    buf_clear(&l->lines);
    if (l->lines.cap > KEEP_BYTES) buf_done(&l->lines); /* after a jam the memory goes back */
}

static void write_all(logger *l) {
    log_shard *s = NULL;
    while ((s = log_shard_take(l, s, &l->lines)) != NULL)
        write_out(l);
}

/* Says in the log itself that it has gaps, once the reader takes lines again. What could not be
 * said is told with the next. */
static void note_dropped(logger *l) {
    uint64_t dropped = logger_dropped(l);
    if (dropped == l->noted || l->broken) return;
    log_note_dropped(l, dropped - l->noted);
    write_all(l);
    if (!l->broken) l->noted = dropped;
}

static void *run(void *arg) {
    logger *l = arg;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    while (wait_for_work(l)) {
        write_all(l);
        note_dropped(l);
    }
    (void)pthread_mutex_lock(&l->lock);
    l->ended = true;
    (void)pthread_cond_broadcast(&l->changed);
    (void)pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- life ---- */

void log_writer_start(logger *l) {
    (void)pthread_cond_init(&l->changed, NULL);
    /* The thread takes no signals: SIGPIPE of a reader that left becomes an error of write(). */
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&l->thread, NULL, run, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        fprintf(stderr, "weir: cannot start the log's thread: %s\n", strerror(error));
        abort();
    }
}

void log_writer_end(logger *l, int64_t wait_ms) {
    const int64_t until_ms = clock_mono_ms() + wait_ms;
    (void)pthread_mutex_lock(&l->lock);
    l->ending = true;
    (void)pthread_cond_broadcast(&l->changed);
    while (!l->ended && cond_wait_until(&l->changed, &l->lock, until_ms)) {}
    bool stuck = !l->ended;
    (void)pthread_mutex_unlock(&l->lock);
    if (stuck) (void)pthread_cancel(l->thread);
    (void)pthread_join(l->thread, NULL);
    (void)pthread_cond_destroy(&l->changed);
    buf_done(&l->lines);
}
