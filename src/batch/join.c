#include "batch/join.h"

#include "base/mem.h"
#include "batch/csv.h"
#include "batch/outputs.h"
#include "batch/places.h"
#include "batch/replace.h"
#include "batch/said.h"
#include "batch/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_LEN_MAX = 512 * 1024 * 1024, PIECE = 256 * 1024, NOTES_MAX = 10 };

typedef struct join {
    const join_settings *settings;
    const char *input_name; /* for people */
    int in;
    places places;
    char *made[PLACES_FILES + 1]; /* names of files that were not told */
    size_t made_count;
    marks none; /* no line is done */
    source source;
    char separator;
    bool to_file;
    replacement file;
    buf rows; /* of standard output */
    buf result;
    arena arena; /* of a line */
    join_counts counts;
    buf *notes, *why;
} join;

/* ---- opening ---- */

static bool open_input(join *j) {
    struct stat st;
    bool standard = strcmp(j->settings->input, "-") == 0;
    j->input_name = standard ? "standard input" : j->settings->input;
    j->in = standard ? STDIN_FILENO : open(j->input_name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (j->in < 0 || fstat(j->in, &st) != 0)
        buf_addf(j->why, "cannot open %s: %m", j->input_name);
    else if (S_ISDIR(st.st_mode))
        buf_addf(j->why, "%s is a directory", j->input_name);
    return j->why->len == 0;
}

static bool is_same(const struct stat *a, int fd) {
    struct stat b;
    return fd >= 0 && fstat(fd, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

/* Whether results of the file were read already, be it under another name. */
static bool is_known(const join *j, const struct stat *st) {
    for (size_t i = 0; i < j->places.count; i++)
        if (is_same(st, j->places.files[i].fd)) return true;
    return false;
}

/* must: it is to be there. */
static bool add_file(join *j, const char *path, bool must) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && !must && errno == ENOENT) return true;
    bool open = fd >= 0 && fstat(fd, &st) == 0;
    if (!open)
        buf_addf(j->why, "cannot open %s: %m", path);
    else if (!S_ISREG(st.st_mode))
        buf_addf(j->why, "%s is no file, and results are read twice", path);
    else if (!is_known(j, &st) && j->places.count < PLACES_FILES)
        return places_add(&j->places, fd, path, j->why); /* which closes nothing */
    else if (!is_known(j, &st))
        buf_addf(j->why, "%s is one file too many; allowed are %d", path, PLACES_FILES);
    if (fd >= 0) close(fd);
    return j->why->len == 0;
}

static const char *keep(join *j, char *name) {
    j->made[j->made_count++] = name;
    return name;
}

static bool add_pair(join *j, const char *path) {
    return add_file(j, path, true) && add_file(j, keep(j, outputs_errors_name_for(path)), false);
}

static bool add_results(join *j) {
    const join_settings *s = j->settings;
    if (!s->result_count) return add_pair(j, keep(j, outputs_name_for(s->input)));
    for (size_t i = 0; i < s->result_count; i++) {
        if (i == PLACES_FILES) {
            buf_addf(j->why, "%s is one file too many; allowed are %d", s->results[i],
                     PLACES_FILES);
            return false;
        }
        if (!add_pair(j, s->results[i])) return false;
    }
    return true;
}

/* What is read is not to be lost. */
static bool open_output(join *j) {
    struct stat st;
    const char *path = j->settings->output;
    j->to_file = path && strcmp(path, "-") != 0;
    if (!j->to_file) return true;
    if (stat(path, &st) == 0 && (is_same(&st, j->in) || is_known(j, &st))) {
        buf_addf(j->why, "%s would be written while it is read; name another output (--output)",
                 path);
        return false;
    }
    return replace_open(&j->file, path, j->why);
}

/* ---- rows ---- */

static buf *row(join *j) {
    return j->to_file ? &j->file.pending : &j->rows;
}

static bool print_rows(join *j) {
    buf shown = BUF_EMPTY;
    bool terminal = j->settings->harmless && isatty(STDOUT_FILENO);
    if (terminal) j->settings->harmless(buf_span(&j->rows), &shown);
    bool ok = write_whole(STDOUT_FILENO, buf_span(terminal ? &shown : &j->rows));
    buf_done(&shown);
    return ok;
}

static bool write_rows(join *j, size_t most) {
    if (j->to_file) return replace_write(&j->file, j->why);
    if (j->rows.len < most || print_rows(j)) {
        if (j->rows.len >= most) buf_clear(&j->rows);
        return true;
    }
    buf_addf(j->why, "cannot write standard output: %m");
    return false;
}

static bool is_table(const join *j) {
    return j->source.table.separator;
}

/* The first of the columns that are added: a table that has custom_ids has that one already. */
static size_t first_column(const join *j) {
    return is_table(j) && j->source.table.id != TABLE_NO_COLUMN ? SAID_CONTENT : SAID_CUSTOM_ID;
}

static bool has_column(const span *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (span_eq(span_trim(names[i]), span_cstr(name))) return true;
    return false;
}

static void add_field(join *j, bool first, span text) {
    if (!first) buf_add_char(row(j), j->separator);
    csv_write_field(text, j->separator, row(j));
}

/* A column that the table has already is called result_… */
static void write_names(join *j, const span *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        add_field(j, i == 0, names[i]);
    for (size_t i = first_column(j); i < SAID_COLUMNS; i++) {
        const char *prefix = has_column(names, count, said_names[i]) ? "result_" : "";
        if (count || i) buf_add_char(row(j), j->separator);
        buf_addf(row(j), "%s%s", prefix, said_names[i]);
        if (i == SAID_CUSTOM_ID && !is_table(j)) buf_addf(row(j), "%cinput", j->separator);
    }
    buf_add_cstr(row(j), CSV_END);
}

static bool write_header(join *j) {
    span *names = NULL;
    size_t count = 0;
    if (is_table(j) &&
        csv_read(buf_span(&j->source.header), j->separator, &j->arena, &names, &count) != CSV_GOOD)
        return false;
    write_names(j, names, count);
    return true;
}

static void write_said(join *j, const said *s) {
    for (size_t i = first_column(j); i < SAID_COLUMNS; i++) {
        bool made = i == SAID_CUSTOM_ID; /* of a line that says none: the line's own, as made */
        span cell = made ? j->source.item.id_text : s->cells[i];
        if (is_table(j) || !made) buf_add_char(row(j), j->separator);
        csv_write_cell(cell, j->separator, row(j));
        if (made && !is_table(j)) add_field(j, false, j->source.line.text);
    }
    buf_add_cstr(row(j), CSV_END);
}

/* ---- lines ---- */

static void note(join *j, span sentence) {
    if (++j->counts.bad > NOTES_MAX) return;
    buf_add(j->notes, sentence);
    buf_add_char(j->notes, '\n');
}

static bool find_result(join *j, said *ret) {
    const item *it = &j->source.item;
    bool found = false;
    *ret = (said){0};
    if (it->problem == ITEM_DUPLICATE || !it->id_text.len) return true; /* it has none of its own */
    if (!places_find(&j->places, it->id_text, &j->result, &found, j->why)) return false;
    if (found && said_read(buf_span(&j->result), &j->arena, ret)) j->counts.joined++;
    return true;
}

static bool is_unreadable(item_problem p) {
    return p == ITEM_NOT_A_RECORD || p == ITEM_NOT_UTF8 || p == ITEM_TOO_LONG;
}

static bool write_line(join *j) {
    said s;
    span *fields = NULL;
    size_t count = 0;
    const span text = j->source.line.text;
    if (is_unreadable(j->source.item.problem)) {
        note(j, j->source.item.message);
        return true;
    }
    arena_reset(&j->arena, 0);
    if (is_table(j) && csv_read(text, j->separator, &j->arena, &fields, &count) != CSV_GOOD)
        return true; /* not after what the item said */
    if (!find_result(j, &s)) return false;
    for (size_t i = 0; i < count; i++)
        add_field(j, i == 0, fields[i]);
    write_said(j, &s);
    j->counts.lines++;
    return write_rows(j, PIECE);
}

static bool write_lines(join *j) {
    for (bool headed = false;;) {
        switch (source_next(&j->source)) {
        case SOURCE_LINE:
            if (!headed && !write_header(j)) return false;
            headed = true;
            if (!write_line(j)) return false;
            break;
        case SOURCE_MORE: source_read(&j->source); break;
        case SOURCE_END:
            return headed || !is_table(j) || !j->source.table.headed || write_header(j);
        case SOURCE_FAILED: buf_add(j->why, buf_span(&j->source.why)); return false;
        }
    }
}

/* Of a wrong column, or files of another batch, nothing is to be made. */
static bool check_joined(join *j) {
    if (j->counts.joined || !j->counts.lines || !j->places.results) return true;
    buf_addf(j->why,
             "none of the results is of a line of %s: are they of another input, or its "
             "custom_ids in another column (--id-column)?",
             j->input_name);
    return false;
}

/* ---- */

static void join_init(join *j, const join_settings *s, buf *notes, buf *why) {
    *j = (join){.settings = s, .in = -1, .file = REPLACEMENT_NONE, .notes = notes, .why = why};
    places_init(&j->places, PLACES_BY_ID);
    marks_init(&j->none);
    arena_init(&j->arena, 0);
}

static void join_done(join *j) {
    for (size_t i = 0; i < j->places.count; i++)
        close(j->places.files[i].fd);
    for (size_t i = 0; i < j->made_count; i++)
        free(j->made[i]);
    places_done(&j->places);
    marks_done(&j->none);
    replace_done(&j->file);
    arena_done(&j->arena);
    buf_done(&j->rows);
    buf_done(&j->result);
    if (j->in > STDIN_FILENO) close(j->in);
}

static bool join_lines(join *j) {
    item_rules rules = j->settings->rules;
    rules.columns.no_prompt = true;
    source_init(&j->source, j->in, j->input_name, &rules, LINE_LEN_MAX, &j->none);
    j->separator = is_table(j) ? j->source.table.separator : ',';
    bool ok = write_lines(j) && check_joined(j) && write_rows(j, 0);
    source_done(&j->source);
    return ok;
}

bool join_write(const join_settings *settings, join_counts *ret, buf *ret_notes, buf *ret_why) {
    join *j = mem_zalloc(sizeof *j);
    join_init(j, settings, ret_notes, ret_why);
    bool ok = open_input(j) && add_results(j) && open_output(j) && join_lines(j) &&
              (!j->to_file || replace_commit(&j->file, ret_why));
    j->counts.unused = j->places.results - j->counts.joined;
    *ret = j->counts;
    join_done(j);
    free(j);
    return ok;
}
