#include "batch/outputs.h"

#include "base/mem.h"
#include "batch/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

/* Where the last suffix of the file's own name begins, or its end. */
static size_t suffix_of(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? (size_t)(dot - path) : strlen(path);
}

static char *name_with(const char *path, const char *infix, const char *suffix) {
    buf name = BUF_EMPTY;
    buf_add(&name, span_from(path, suffix_of(path)));
    buf_add_cstr(&name, infix);
    buf_add_cstr(&name, suffix);
    (void)buf_cstr(&name);
    return name.ptr;
}

char *outputs_name_with(const char *input, const char *suffix) {
    if (strcmp(input, "-") == 0) return mem_strndup("-", 1);
    return name_with(input, ".out", suffix);
}

char *outputs_name_for(const char *input) {
    return outputs_name_with(input, ".jsonl");
}

char *outputs_record_name_for(const char *out) {
    return name_with(out, "", ".jsonl");
}

char *outputs_errors_name_for(const char *out) {
    return name_with(out, ".errors", out + suffix_of(out));
}

/* ---- opening ---- */

static bool lock(const sink *s, buf *ret_why) {
    if (!s->regular || flock(s->fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK)
        buf_addf(ret_why, "another weir batch is writing %s", s->path);
    else
        buf_addf(ret_why, "cannot lock %s: %m", s->path);
    return false;
}

static void sink_done(sink *s) {
    if (s->fd >= 0 && !s->standard) close(s->fd);
    buf_done(&s->pending);
    *s = (sink){.fd = -1};
}

/* A file is read too, to see what is done. Anything else is only written: who held both ends of a
 * pipe would never hear that its reader has left. */
static int open_file(const char *path, bool look) {
    struct stat st;
    if (look) return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool other = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    int how = other ? O_WRONLY : O_RDWR | O_CREAT;
    return open(path, how | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);
}

/* Whether the name leads to the file that is open. */
static bool leads_to(const char *path, const sink *s) {
    struct stat x, y;
    if (strcmp(path, "-") == 0) return s->standard;
    return stat(path, &x) == 0 && fstat(s->fd, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* Between opening and locking, the batch that had the lock may have removed the file as empty: then
 * what was locked has no name any more, and the next try makes a new one. */
static bool open_locked(sink *s, const char *path, bool look, buf *ret_why) {
    struct stat st;
    for (;;) {
        s->fd = open_file(path, look);
        if (s->fd < 0) {
            buf_addf(ret_why, "cannot open %s: %m", path);
            return false;
        }
        s->regular = fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode);
        if (look) return true;
        if (!lock(s, ret_why)) return false;
        if (!s->regular || leads_to(path, s)) return true;
        close(s->fd);
    }
}

static bool sink_open(sink *s, const char *path, bool look, buf *ret_why) {
    struct stat st;
    *s = (sink){.fd = -1, .path = path, .standard = strcmp(path, "-") == 0};
    if (s->standard) {
        s->path = "standard output";
        s->fd = STDOUT_FILENO;
        return true;
    }
    /* A pipe's other end may not be there; who only looks has nothing to wait for. */
    bool is_there = stat(path, &st) == 0;
    s->regular = !is_there || S_ISREG(st.st_mode);
    if (look && !(is_there && s->regular)) return true;
    if (open_locked(s, path, look, ret_why)) return true;
    sink_done(s);
    return false;
}

static bool sink_open_unnamed(sink *s, bool look, buf *ret_why) {
    *s = (sink){.fd = -1, .path = "a temporary file (TMPDIR)", .regular = true, .unnamed = true};
    if (!look) s->fd = scratch_open();
    if (look || s->fd >= 0) return true;
    buf_addf(ret_why, "cannot open %s: %m", s->path);
    return false;
}

static bool open_answers(outputs *o, const char *path, buf *ret_why) {
    return path ? sink_open(&o->answers, path, o->look, ret_why)
                : sink_open_unnamed(&o->answers, o->look, ret_why);
}

bool outputs_open(outputs *o, const outputs_names *names, bool look, char **ret_made,
                  buf *ret_why) {
    *o = OUTPUTS_NONE;
    o->look = look;
    if (!open_answers(o, names->answers, ret_why)) return false;
    bool make = !names->failures && o->answers.regular && !o->answers.unnamed;
    char *made = make ? outputs_errors_name_for(names->answers) : NULL;
    const char *name = made ? made : names->failures;
    if (!name || leads_to(name, &o->answers) || sink_open(&o->failures, name, look, ret_why)) {
        *ret_made = made;
        return true;
    }
    sink_done(&o->answers);
    free(made);
    return false;
}

static bool is_file(const sink *s, const struct stat *file) {
    struct stat st;
    return s->fd >= 0 && fstat(s->fd, &st) == 0 && st.st_dev == file->st_dev &&
           st.st_ino == file->st_ino;
}

bool outputs_is(const outputs *o, int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           (is_file(&o->answers, &st) || is_file(&o->failures, &st));
}

/* The lock on the answers is still held: nobody else is at work with this pair of files. */
static void remove_empty(const sink *s) {
    struct stat st;
    if (s->fd >= 0 && s->regular && fstat(s->fd, &st) == 0 && st.st_size == 0)
        (void)unlink(s->path);
}

void outputs_done(outputs *o) {
    if (!o->look) remove_empty(&o->failures);
    sink_done(&o->failures);
    sink_done(&o->answers);
}

/* ---- writing ---- */

size_t outputs_pending(const outputs *o) {
    return o->answers.pending.len + o->failures.pending.len;
}

/* A file takes all. A pipe that says it is writable takes PIPE_BUF bytes without waiting; more
 * might stop the loop for as long as the reader likes. */
static size_t writable(const sink *s) {
    if (s->regular) return s->pending.len;
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    if (poll(&p, 1, 0) <= 0) return 0;
    return s->pending.len < PIPE_BUF ? s->pending.len : PIPE_BUF;
}

/* After a write that failed in the middle of a result: the file ends with a whole one again, so
 * that others can read it too. Where that fails as well, the next run cuts it. */
static void cut_torn(const sink *s, span written) {
    struct stat st;
    const char *end = written.len ? memrchr(written.ptr, '\n', written.len) : NULL;
    off_t torn = (off_t)(end ? (size_t)(written.ptr + written.len - end - 1) : written.len);
    if (!s->regular || torn == 0 || fstat(s->fd, &st) != 0 || st.st_size < torn) return;
    if (ftruncate(s->fd, st.st_size - torn) != 0) return;
}

/* Results that have come since the last flush: whole ones. */
static void make_harmless(sink *s) {
    if (!s->harmless) return;
    buf shown = BUF_EMPTY;
    s->harmless(span_slice(buf_span(&s->pending), s->shown, s->pending.len), &shown);
    s->pending.len = s->shown;
    buf_add(&s->pending, buf_span(&shown));
    s->shown = s->pending.len;
    buf_done(&shown);
}

static void sink_flush(sink *s) {
    size_t done = 0;
    make_harmless(s);
    buf all = s->pending;
    while (!s->error && s->pending.len) {
        size_t len = writable(s);
        if (len == 0) break;
        ssize_t n = write(s->fd, s->pending.ptr, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) s->error = errno;
        if (n <= 0) break;
        done += (size_t)n;
        s->pending.ptr += n;
        s->pending.len -= (size_t)n;
    }
    s->pending = all;
    if (s->error) cut_torn(s, span_from(all.ptr, done));
    buf_drop_front(&s->pending, done);
    if (s->harmless) s->shown -= done;
}

bool outputs_flush(outputs *o) {
    sink_flush(&o->answers);
    if (o->failures.fd >= 0) sink_flush(&o->failures);
    return !o->answers.error && !o->failures.error;
}

static void sink_sync(sink *s) {
    if (s->fd >= 0 && s->regular && !s->error && fsync(s->fd) != 0) s->error = errno;
}

bool outputs_sync(outputs *o) {
    sink_sync(&o->answers);
    sink_sync(&o->failures);
    return !o->answers.error && !o->failures.error;
}
