#include "batch/survey.h"

#include "batch/files.h"
#include "batch/source.h"

#include <inttypes.h>
#include <string.h>

enum { NAMES_MAX = 20, NAME_MAX_LEN = 80, NOTES_MAX = 10, BYTES_PER_TOKEN = 4 };

/* How often each of a bounded number of names came. */
typedef struct census {
    struct {
        char name[NAME_MAX_LEN + 1];
        uint64_t count;
    } rows[NAMES_MAX];
    size_t used;
    uint64_t others;
} census;

static void census_note(census *c, span name) {
    span known = span_clip(name, NAME_MAX_LEN);
    for (size_t i = 0; i < c->used; i++) {
        if (!span_eq(span_cstr(c->rows[i].name), known)) continue;
        c->rows[i].count++;
        return;
    }
    if (c->used == NAMES_MAX) {
        c->others++;
        return;
    }
    memcpy(c->rows[c->used].name, known.ptr, known.len);
    c->rows[c->used++].count = 1;
}

/* A model's name is the input's word, and a file may be called anything: no control character of it
 * reaches a terminal, none of C1 either, which are two bytes in UTF-8. */
static void write_name(const char *name, buf *out) {
    for (const char *p = name; *p; p++) {
        bool c1 = (unsigned char)*p == 0xC2 && ((unsigned char)p[1] & 0xE0) == 0x80;
        buf_add_char(out, c1 || (unsigned char)*p < 0x20 || *p == 0x7F ? '?' : *p);
        p += c1;
    }
}

static void census_write(const census *c, const char *prefix, buf *out) {
    for (size_t i = 0; i < c->used; i++) {
        buf_addf(out, "%12" PRIu64 "  %s", c->rows[i].count, prefix);
        write_name(c->rows[i].name, out);
        buf_add_char(out, '\n');
    }
    if (c->others) buf_addf(out, "%12" PRIu64 "  others\n", c->others);
}

typedef struct survey {
    files files;
    marks marks;
    source source;
    census urls;
    census models;
    uint64_t to_ask;
    uint64_t bad;
    uint64_t bytes; /* of the bodies to be asked */
    const char *model;
    buf *notes;
} survey;

static void note_line(survey *s) {
    const item *it = &s->source.item;
    if (it->problem != ITEM_GOOD) {
        if (++s->bad > NOTES_MAX) return;
        buf_add(s->notes, it->message);
        buf_add_char(s->notes, '\n');
        return;
    }
    s->to_ask++;
    s->bytes += it->body.len;
    census_note(&s->urls, span_cstr(it->path));
    census_note(&s->models, it->model.len ? it->model : span_cstr(s->model));
}

static bool read_all(survey *s, buf *ret_why) {
    for (;;)
        switch (source_next(&s->source)) {
        case SOURCE_LINE: note_line(s); break;
        case SOURCE_MORE: source_read(&s->source); break;
        case SOURCE_END: return true;
        case SOURCE_FAILED: buf_add(ret_why, buf_span(&s->source.why)); return false;
        }
}

static void write_account(const survey *s, buf *out) {
    const resume_found *found = &s->files.found;
    uint64_t count = s->source.seen;
    write_name(s->files.in_name, out);
    buf_addf(out, ": %" PRIu64 " line%s", count, count == 1 ? "" : "s");
    if (s->source.blank) buf_addf(out, " and %" PRIu64 " blank", s->source.blank);
    buf_addf(out, "\n%12" PRIu64 "  answered before\n", found->answers);
    buf_addf(out, "%12" PRIu64 "  failed before\n", found->failures);
    buf_addf(out, "%12" PRIu64 "  bad\n", s->bad);
    buf_addf(out, "%12" PRIu64 "  to be asked, about %" PRIu64 " prompt tokens\n", s->to_ask,
             s->bytes / BYTES_PER_TOKEN);
    if (s->to_ask == 0) return;
    buf_add_cstr(out, "by url:\n");
    census_write(&s->urls, "/v1", out);
    buf_add_cstr(out, "by model:\n");
    census_write(&s->models, "", out);
}

bool survey_write(const batch_settings *settings, const char *model, buf *ret_text, buf *ret_notes,
                  uint64_t *ret_bad, buf *ret_why) {
    survey s = {.notes = ret_notes, .model = model ? model : "(none named: the default)"};
    marks_init(&s.marks);
    bool ok = files_open(&s.files, settings, true, &s.marks, ret_why);
    source_init(&s.source, s.files.in, s.files.in_name, &settings->rules, settings->max_line,
                &s.marks);
    s.source.limit = settings->limit;
    ok = ok && read_all(&s, ret_why);
    if (ok) write_account(&s, ret_text);
    *ret_bad = s.bad;
    source_done(&s.source);
    marks_done(&s.marks);
    files_done(&s.files);
    return ok;
}
