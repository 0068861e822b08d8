#include "batch/resume.h"

#include "base/mem.h"
#include "batch/lines.h"
#include "batch/results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

/* One file while it is read. */
typedef struct reading {
    const sink *sink;
    marks *marks;
    resume_found *found;
    buf *why;
    uint64_t torn_at; /* where the last line begins that has no end; RESUME_ALL: none */
} reading;

static bool take(reading *r, const line *l) {
    result_head head;
    bool known;
    if (!l->ended && result_may_begin(l->text)) {
        r->torn_at = l->offset;
        return true;
    }
    if (!l->ended || !result_read(l->text, &head)) {
        buf_addf(r->why,
                 "%s: line %" PRIu64 " is no result of weir batch; name another output, or say "
                 "--restart to overwrite the file",
                 r->sink->path, l->number);
        return false;
    }
    if (!marks_set(r->marks, head.line, head.mark, &known)) {
        buf_addf(r->why, "a temporary file (TMPDIR): %m");
        return false;
    }
    if (known) {
        buf_addf(r->why,
                 "%s: line %" PRIu64 " is a second result of line %" PRIu64 " of the input; are "
                 "the files of one batch? Name another output, or say --restart to begin anew",
                 r->sink->path, l->number, head.line);
        return false;
    }
    r->found->answers += !head.failed;
    r->found->failures += head.failed;
    return true;
}

static bool take_all(reading *r, lines *l, span input) {
    line found;
    while (lines_next(l, &input, &found))
        if (!take(r, &found)) return false;
    return true;
}

static bool read_chunks(reading *r, lines *l, char *chunk) {
    line last;
    for (uint64_t at = 0;;) {
        ssize_t n = pread(r->sink->fd, chunk, CHUNK, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            buf_addf(r->why, "cannot read %s: %m", r->sink->path);
            return false;
        }
        if (n == 0) return !lines_end(l, &last) || take(r, &last);
        if (!take_all(r, l, span_from(chunk, (size_t)n))) return false;
        at += (uint64_t)n;
    }
}

static bool read_file(reading *r) {
    lines l;
    char *chunk = mem_alloc(CHUNK);
    lines_init(&l, RESULT_HEAD_MAX, false);
    bool ok = read_chunks(r, &l, chunk);
    lines_done(&l);
    free(chunk);
    return ok;
}

static bool has_file(const sink *s) {
    return s->fd >= 0 && s->regular;
}

/* Whether the file has anything in it. */
static bool has_content(const sink *s) {
    struct stat st;
    return has_file(s) && fstat(s->fd, &st) == 0 && st.st_size > 0;
}

/* What no run can go on from. */
static bool check_mode(const outputs *o, resume_mode mode, buf *ret_why) {
    bool kept = o->answers.regular;
    if (mode == RESUME_RETRY_FAILED && !kept)
        buf_addf(ret_why,
                 "--retry-failed needs the answers in a file, to know what failed; %s is none",
                 o->answers.path);
    else if (mode == RESUME_RETRY_FAILED && !o->failures.regular)
        buf_addf(ret_why, "--retry-failed needs the failures in a file of their own (--errors)");
    else if (mode == RESUME && !kept && has_content(&o->failures))
        buf_addf(ret_why,
                 "%s has the failures of an earlier run, whose answers are not known, since %s is "
                 "no file; name another file for the errors, or say --restart to begin anew",
                 o->failures.path, o->answers.path);
    return ret_why->len == 0;
}

/* Failures have a file of their own: forgetting them is emptying it. It is read all the same, since
 * it might be somebody else's. */
static bool forget_failures(const outputs *o, resume_found *found, buf *ret_why) {
    marks none;
    marks_init(&none);
    reading r = {&o->failures, &none, found, ret_why, RESUME_ALL};
    uint64_t before = found->failures;
    bool ok = !has_file(&o->failures) || read_file(&r);
    marks_done(&none);
    found->forgotten = found->failures - before;
    found->failures = before;
    found->kept_failures = 0;
    return ok;
}

bool resume_read(const outputs *o, resume_mode mode, marks *m, resume_found *ret, buf *ret_why) {
    reading answers = {&o->answers, m, ret, ret_why, RESUME_ALL};
    reading failures = {&o->failures, m, ret, ret_why, RESUME_ALL};
    *ret = (resume_found){0}; /* nothing stays */
    if (mode == RESUME_RESTART) return true;
    if (!check_mode(o, mode, ret_why)) return false;
    if (has_file(&o->answers) && !read_file(&answers)) return false;
    ret->kept_answers = answers.torn_at;
    if (mode == RESUME_RETRY_FAILED) return forget_failures(o, ret, ret_why);
    if (has_file(&o->failures) && !read_file(&failures)) return false;
    ret->kept_failures = failures.torn_at;
    return true;
}

static bool cut(const sink *s, uint64_t kept, buf *ret_why) {
    if (!has_file(s) || kept == RESUME_ALL || ftruncate(s->fd, (off_t)kept) == 0) return true;
    buf_addf(ret_why, "cannot cut %s: %m", s->path);
    return false;
}

bool resume_cut(const outputs *o, const resume_found *found, buf *ret_why) {
    return cut(&o->answers, found->kept_answers, ret_why) &&
           cut(&o->failures, found->kept_failures, ret_why);
}
