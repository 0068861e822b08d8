#include "batch/resume.h"

#include "batch/ordered.h"
#include "batch/results.h"
#include "batch/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16 * 1024 };

/* One file while it is read. */
typedef struct reading {
    const sink *sink;
    marks *marks;
    resume_found *found;
    buf *why;
    uint64_t torn_at; /* where the last line begins that has no end; RESUME_ALL: none */
    bool failures;    /* it is the file of failures */
    bool forget;      /* they count as none */
} reading;

/* Beside a line's mark: whether its result is a failure. */
#define FAILED (UINT64_C(1) << LINE_MARK_BITS)

/* A failure that has been moved among the answers, by a run that did not come to empty the file
 * that it came from. */
static bool was_moved(reading *r, const result_head *head, bool *ret_failed) {
    bool known = false;
    uint64_t mark = 0;
    *ret_failed = !marks_get(r->marks, head->line, &known, &mark);
    return r->failures && known && head->failed && mark == (head->mark | FAILED);
}

/* Whether nothing but zeros stands in the file from there on. */
static bool are_zeros_from(const sink *s, uint64_t at) {
    char piece[PIECE];
    for (;;) {
        ssize_t n = pread(s->fd, piece, sizeof piece, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n == 0;
        for (ssize_t i = 0; i < n; i++)
            if (piece[i] != '\0') return false;
        at += (uint64_t)n;
    }
}

/* A result that was not written to its end. Of a long line the text is the beginning alone: where
 * that ends in zeros, what stands behind them may be somebody's. */
static bool is_torn(const reading *r, const line *l) {
    if (l->ended || !result_may_begin(l->text)) return false;
    bool zeros = l->text.len && l->text.ptr[l->text.len - 1] == '\0';
    return !zeros || are_zeros_from(r->sink, l->offset + l->text.len);
}

static bool take(void *user, const line *l) {
    reading *r = user;
    result_head head;
    bool known;
    if (is_torn(r, l)) {
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
    if (r->forget && (head.failed || r->failures)) {
        r->found->forgotten++;
        return true;
    }
    bool lost = false;
    if (was_moved(r, &head, &lost)) return true;
    if (lost || !marks_set(r->marks, head.line, head.mark | (head.failed ? FAILED : 0), &known)) {
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

static bool read_file(reading *r) {
    return scan_lines(r->sink->fd, r->sink->path, RESULT_HEAD_MAX, take, r, r->why);
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
    bool kept = o->answers.regular && !o->answers.unnamed;
    if (mode == RESUME_RETRY_FAILED && !kept)
        buf_addf(ret_why,
                 "--retry-failed needs the answers in a file, to know what failed; %s is none",
                 o->answers.unnamed ? "the output" : o->answers.path);
    else if (mode == RESUME_RETRY_FAILED && o->failures.fd >= 0 && !o->failures.regular)
        buf_addf(ret_why, "--retry-failed needs the failures in a file (--errors)");
    else if (mode == RESUME && !kept && has_content(&o->failures))
        buf_addf(ret_why,
                 "%s has the failures of an earlier run, whose answers are not known, since %s is "
                 "no file; name another file for the errors, or say --restart to begin anew",
                 o->failures.path, o->answers.unnamed ? "the output" : o->answers.path);
    return ret_why->len == 0;
}

bool resume_read(const outputs *o, resume_mode mode, marks *m, resume_found *ret, buf *ret_why) {
    bool forget = mode == RESUME_RETRY_FAILED;
    reading answers = {&o->answers, m, ret, ret_why, RESUME_ALL, false, forget};
    reading failures = {&o->failures, m, ret, ret_why, RESUME_ALL, true, forget};
    *ret = (resume_found){0}; /* nothing stays */
    if (mode == RESUME_RESTART) return true;
    if (!check_mode(o, mode, ret_why)) return false;
    if (has_file(&o->answers) && !read_file(&answers)) return false;
    ret->kept_answers = answers.torn_at;
    ret->mixed = ret->forgotten;
    if (has_file(&o->failures) && !read_file(&failures)) return false;
    ret->kept_failures = forget ? 0 : failures.torn_at;
    return true;
}

static bool cut(const sink *s, uint64_t kept, buf *ret_why) {
    if (!has_file(s) || kept == RESUME_ALL || ftruncate(s->fd, (off_t)kept) == 0) return true;
    buf_addf(ret_why, "cannot cut %s: %m", s->path);
    return false;
}

bool resume_cut(outputs *o, const resume_found *found, buf *ret_why) {
    bool ok = found->mixed ? results_drop_failures(&o->answers, ret_why)
                           : cut(&o->answers, found->kept_answers, ret_why);
    return ok && cut(&o->failures, found->kept_failures, ret_why);
}
