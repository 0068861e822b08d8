#include "batch/ordered.h"

#include "batch/lines.h"
#include "batch/places.h"
#include "batch/replace.h"
#include "batch/results.h"
#include "batch/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

static bool has_file(const sink *s) {
    return s->fd >= 0 && s->regular;
}

/* ---- in order ---- */

/* Where results go, one after the other. */
typedef struct writing {
    const view *view;
    replacement file; /* of a view that is a file */
    buf pending;      /* of one that is none */
    uint64_t count;
} writing;

static buf *target(writing *w) {
    return w->view->fd < 0 ? &w->file.pending : &w->pending;
}

/* Results, whole ones. */
static bool write_pending(writing *w) {
    const view *v = w->view;
    buf shown = BUF_EMPTY;
    if (v->harmless) v->harmless(buf_span(&w->pending), &shown);
    bool ok = write_whole(v->fd, buf_span(v->harmless ? &shown : &w->pending));
    buf_done(&shown);
    return ok;
}

static bool flush(writing *w, size_t most, buf *ret_why) {
    if (w->view->fd < 0) return replace_write(&w->file, ret_why);
    if (w->pending.len < most) return true;
    if (write_pending(w)) {
        buf_clear(&w->pending);
        return true;
    }
    buf_addf(ret_why, "cannot write %s: %m", w->view->path);
    return false;
}

static bool write_all(writing *w, places *p, buf *ret_why) {
    buf result = BUF_EMPTY;
    bool found = true, ok = true;
    result_form_begin(w->view->form, target(w));
    for (uint64_t number = 0; ok && found;) {
        ok = places_next(p, &number, &result, &found, ret_why);
        if (!ok || !found) break;
        result_form_add(w->view->form, buf_span(&result), target(w));
        ok = flush(w, PIECE, ret_why);
    }
    buf_done(&result);
    return ok && flush(w, 0, ret_why);
}

/* A sink goes on with the file that has taken the place of its own. */
static void swap(sink *s, replacement *r) {
    close(s->fd);
    s->fd = r->fd;
    r->fd = -1;
}

/* s: whose file it replaces; NULL: nobody's. */
static bool write_file(const view *v, const char *path, sink *s, places *p, buf *ret_why) {
    writing w = {.view = v};
    bool ok = replace_open(&w.file, path, ret_why) && write_all(&w, p, ret_why) &&
              replace_commit(&w.file, ret_why);
    if (ok && s) swap(s, &w.file);
    replace_done(&w.file);
    return ok;
}

static bool write_pipe(const view *v, places *p, buf *ret_why) {
    writing w = {.view = v, .file = REPLACEMENT_NONE};
    bool ok = write_all(&w, p, ret_why);
    buf_done(&w.pending);
    return ok;
}

static bool empty(const sink *s, buf *ret_why) {
    if (!has_file(s) || ftruncate(s->fd, 0) == 0) return true;
    buf_addf(ret_why, "cannot empty %s: %m", s->path);
    return false;
}

static bool note(places *p, const sink *s, buf *ret_why) {
    return !has_file(s) || places_add(p, s->fd, s->path, ret_why);
}

/* One file of the record, for itself. */
static bool order_file(sink *s, buf *ret_why) {
    static const view as_it_is = {.form = RESULTS_JSONL, .fd = -1};
    places p;
    if (!has_file(s)) return true;
    places_init(&p, PLACES_BY_LINE);
    bool ok =
        note(&p, s, ret_why) && (p.in_order || write_file(&as_it_is, s->path, s, &p, ret_why));
    places_done(&p);
    return ok;
}

static bool order_record(const view *v, outputs *o, buf *ret_why) {
    places p;
    if (v->apart) return order_file(&o->answers, ret_why) && order_file(&o->failures, ret_why);
    places_init(&p, PLACES_BY_LINE);
    bool ok = note(&p, &o->answers, ret_why);
    uint64_t answers = p.results;
    ok = ok && note(&p, &o->failures, ret_why);
    if (ok && !(p.in_order && p.results == answers))
        ok = write_file(v, o->answers.path, &o->answers, &p, ret_why);
    ok = ok && empty(&o->failures, ret_why);
    places_done(&p);
    return ok;
}

/* JSON lines of failures that were wanted in a file of their own are there. */
static bool wants_failures(const view *v) {
    return v->form != RESULTS_JSONL || !v->apart;
}

bool view_write(const view *v, outputs *o, buf *ret_why) {
    places p;
    if (v->to_record) return order_record(v, o, ret_why);
    places_init(&p, PLACES_BY_LINE);
    bool ok = note(&p, &o->answers, ret_why) &&
              (!wants_failures(v) || note(&p, &o->failures, ret_why)) &&
              (v->fd < 0 ? write_file(v, v->path, NULL, &p, ret_why) : write_pipe(v, &p, ret_why));
    places_done(&p);
    return ok;
}

/* ---- without failures ---- */

typedef struct dropping {
    const sink *from;
    replacement to;
    buf *why;
} dropping;

static bool copy(dropping *d, uint64_t at, uint64_t end) {
    while (at < end) {
        size_t wish = end - at < PIECE ? (size_t)(end - at) : PIECE;
        ssize_t n = pread(d->from->fd, buf_reserve(&d->to.pending, wish), wish, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            buf_addf(d->why, "cannot read %s: %m", d->from->path);
            return false;
        }
        buf_grow(&d->to.pending, (size_t)n);
        at += (uint64_t)n;
        if (!replace_write(&d->to, d->why)) return false;
    }
    return true;
}

static bool keep_answer(void *user, const line *l) {
    dropping *d = user;
    result_head head;
    if (!l->ended || !result_read(l->text, &head) || head.failed) return true;
    if (!copy(d, l->offset, l->offset + l->len)) return false;
    buf_add_char(&d->to.pending, '\n');
    return true;
}

bool results_drop_failures(sink *s, buf *ret_why) {
    dropping d = {.from = s, .why = ret_why};
    bool ok = replace_open(&d.to, s->path, ret_why) &&
              scan_lines(s->fd, s->path, RESULT_HEAD_MAX, keep_answer, &d, ret_why) &&
              replace_commit(&d.to, ret_why);
    if (ok) swap(s, &d.to);
    replace_done(&d.to);
    return ok;
}
