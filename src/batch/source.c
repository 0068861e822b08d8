#include "batch/source.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* JSON by its name, or by what the user says. */
static bool may_be_array(const char *path, const item_rules *rules) {
    switch (rules->format) {
    case FORMAT_AUTO: return batch_names_json(span_cstr(path));
    case FORMAT_JSON:
    case FORMAT_OPENAI:
    case FORMAT_MESSAGES: return true;
    default: return false;
    }
}

/* 0: it is no table. */
static char separator_of(const char *path, const item_rules *rules) {
    switch (rules->format) {
    case FORMAT_AUTO: return table_separator_of(span_cstr(path));
    case FORMAT_CSV: return ',';
    case FORMAT_TSV: return '\t';
    default: return 0;
    }
}

char source_form(lines *l, size_t max_line, bool marked, const char *path,
                 const item_rules *rules) {
    char separator = separator_of(path, rules);
    lines_init(l, max_line, marked);
    if (separator)
        lines_are_records(l, separator);
    else if (may_be_array(path, rules))
        lines_may_be_elements(l);
    return separator;
}

void source_init(source *s, int fd, const char *path, const item_rules *rules, size_t max_line,
                 marks *m) {
    *s = (source){.fd = fd, .path = path, .rules = *rules, .marks = m};
    s->chunk = mem_alloc(SOURCE_CHUNK);
    s->table.separator = source_form(&s->lines, max_line, true, path, rules);
    if (s->table.separator) s->rules.format = FORMAT_TABLE;
    s->rules.table = &s->table;
    ids_init(&s->ids, IDS_IN_MEMORY);
    arena_init(&s->arena, 0);
}

void source_done(source *s) {
    arena_done(&s->arena);
    ids_done(&s->ids);
    lines_done(&s->lines);
    buf_done(&s->header);
    buf_done(&s->why);
    free(s->chunk);
    s->chunk = NULL;
}

void source_read(source *s) {
    ssize_t n;
    do
        n = read(s->fd, s->chunk, SOURCE_CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) buf_addf(&s->why, "cannot read %s: %m", s->path);
    if (n == 0) s->ended = true;
    if (n > 0) s->input = span_from(s->chunk, (size_t)n);
}

/* false: it has no result yet, or there is no telling: s->why. */
static bool is_done(source *s) {
    bool known = false;
    uint64_t mark = 0;
    if (!marks_get(s->marks, s->line.number, &known, &mark)) {
        buf_addf(&s->why, "a temporary file (TMPDIR): %m");
        return false;
    }
    if (!known || (mark & LINE_MARK_MAX) == s->line.mark) return known;
    buf_addf(&s->why,
             "%s: line %" PRIu64 " is not what it was when its result was written; name another "
             "output, or say --restart to begin anew",
             s->path, s->line.number);
    return false;
}

/* Whether there may be two of one custom_id: weir's own are made of line numbers. */
static bool has_own_ids(const source *s) {
    return s->rules.format == FORMAT_JSON || s->rules.format == FORMAT_OPENAI ||
           (s->rules.format == FORMAT_TABLE && s->table.id != TABLE_NO_COLUMN);
}

/* What is wrong with it is told in s->why. */
static void take_header(source *s) {
    buf why = BUF_EMPTY;
    buf_add(&s->header, s->line.text);
    if (s->line.too_long || !span_is_utf8(s->line.text))
        buf_add_cstr(&why, "the header is too long, or not UTF-8");
    else
        s->table.headed = table_read_header(&s->table, s->line.text, &s->rules.columns, &why);
    if (!s->table.headed) buf_addf(&s->why, "%s: %.*s", s->path, SPAN_ARG(buf_span(&why)));
    buf_done(&why);
}

/* An id counts from the first line that has it, whatever else that line is. */
static void note_id(source *s) {
    uint64_t earlier;
    if (s->item.custom_id.len == 0 || !has_own_ids(s)) return;
    switch (ids_add(&s->ids, s->item.id_text, s->line.number, &earlier)) {
    case IDS_NEW: break;
    case IDS_KNOWN:
        if (s->item.problem == ITEM_GOOD)
            item_set_duplicate(&s->item, &s->line, earlier, &s->arena);
        break;
    case IDS_FAILED: buf_addf(&s->why, "a temporary file (TMPDIR): %m"); break;
    }
}

static bool take_line(source *s) {
    bool done = is_done(s);
    if (s->why.len) return false;
    if (line_is_blank(&s->line)) {
        s->blank++;
        return false;
    }
    if (s->table.separator && !s->table.headed) {
        take_header(s);
        return false;
    }
    s->seen++;
    if (s->rules.format == FORMAT_AUTO) s->rules.format = item_detect(&s->line, span_cstr(s->path));
    if (done && !has_own_ids(s)) return false; /* nothing of it is needed */
    arena_reset(&s->arena, 0);
    item_read(&s->line, &s->rules, &s->arena, &s->item);
    note_id(s);
    if (done || s->why.len) return false;
    s->told++;
    return true;
}

/* Everything was read: results of lines beyond the end are those of another input. */
static source_verdict end(source *s) {
    s->finished = true;
    if (s->marks->last <= s->lines.number) return SOURCE_END;
    buf_addf(&s->why,
             "%s: ends with line %" PRIu64 ", but there is a result of line %" PRIu64
             "; name another "
             "output, or say --restart to begin anew",
             s->path, s->lines.number, s->marks->last);
    return SOURCE_FAILED;
}

/* Where its array is not closed, a part of the file is missing, and be it but a bracket: whether
 * the last element is whole is not known. It stays undone until the file is. */
static bool is_cut_short(source *s) {
    if (!s->ended || !lines_are_unclosed(&s->lines)) return false;
    buf_addf(&s->why,
             "%s: the array that it holds is not closed: a ] is missing behind element %" PRIu64
             ", so that the file may have been cut short",
             s->path, s->lines.number + s->lines.inside);
    return true;
}

static bool next_line(source *s) {
    if (lines_next(&s->lines, &s->input, &s->line)) return true;
    return s->ended && !is_cut_short(s) && lines_end(&s->lines, &s->line);
}

source_verdict source_next(source *s) {
    if (s->limit && s->told == s->limit && !s->why.len) return SOURCE_END;
    while (!s->why.len && !s->finished && next_line(s))
        if (take_line(s)) return SOURCE_LINE;
    if (s->why.len) return SOURCE_FAILED;
    if (s->finished) return SOURCE_END;
    return s->ended ? end(s) : SOURCE_MORE;
}
