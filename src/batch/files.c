#include "batch/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What others keep tables in. */
static bool refuse_binary(const char *path, buf *ret_why) {
    static const struct {
        const char *suffix, *what;
    } rows[] = {{".parquet", "a Parquet file"}, {".xlsx", "a workbook"}, {".xls", "a workbook"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!span_iends(span_cstr(path), span_cstr(rows[i].suffix))) continue;
        buf_addf(ret_why,
                 "%s is %s, which is not read; write it as .csv (with a header), .tsv or .jsonl "
                 "first: a spreadsheet's Save As, or pandas' to_csv()",
                 path, rows[i].what);
        return false;
    }
    return true;
}

static bool open_input(files *f, const char *path, buf *ret_why) {
    struct stat st;
    bool standard = strcmp(path, "-") == 0;
    f->in_name = standard ? "standard input" : path;
    f->in = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (f->in < 0 || fstat(f->in, &st) != 0) {
        buf_addf(ret_why, "cannot open %s: %m", f->in_name);
        return false;
    }
    f->in_regular = S_ISREG(st.st_mode);
    if (S_ISDIR(st.st_mode)) buf_addf(ret_why, "%s is a directory", path);
    return !S_ISDIR(st.st_mode);
}

/* A file, be it one that is still to be made. */
static bool is_file(const char *path) {
    struct stat st;
    return strcmp(path, "-") != 0 && (stat(path, &st) != 0 || S_ISREG(st.st_mode));
}

/* Something that is no file, to be written at the end. */
static bool open_pipe(view *v, const char *path, bool look, buf *ret_why) {
    bool standard = strcmp(path, "-") == 0;
    v->path = standard ? "standard output" : path;
    v->fd = standard ? STDOUT_FILENO : -1;
    if (standard || look) return true;
    v->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (v->fd < 0) buf_addf(ret_why, "cannot open %s: %m", path);
    return v->fd >= 0;
}

/* Where results are kept, if they are shown elsewhere or otherwise: beside the file that shows
 * them, or nowhere. */
static bool plan_view(files *f, const batch_settings *s, const char *path, bool look,
                      outputs_names *names, buf *ret_why) {
    view *v = &f->view;
    *v = (view){.form = s->form, .path = path, .fd = -1, .apart = s->errors};
    v->wanted = s->ordered || s->form != RESULTS_JSONL;
    if (!v->wanted) return true;
    if (!is_file(path)) {
        names->answers = NULL;
        bool ok = open_pipe(v, path, look, ret_why);
        if (ok && v->fd >= 0 && isatty(v->fd))
            v->harmless = s->form == RESULTS_JSONL ? s->harmless_json : s->harmless;
        return ok;
    }
    v->to_record = s->form == RESULTS_JSONL;
    if (v->to_record) return true;
    f->made_record = outputs_record_name_for(path);
    names->answers = f->made_record;
    if (strcmp(path, f->made_record) != 0) return true;
    buf_addf(ret_why, "%s is where the results are kept; name another output (--output) for %s",
             path, result_form_names[s->form]);
    return false;
}

/* Whether what shows the results is the file that is open: the input, or one of the record's. */
static bool view_is(const view *v, int fd) {
    struct stat x, y;
    if (!v->wanted || v->to_record || fd < 0 || fstat(fd, &y) != 0 || !S_ISREG(y.st_mode))
        return false;
    int found = v->fd < 0 ? stat(v->path, &x) : fstat(v->fd, &x);
    return found == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool check_apart(const files *f, buf *ret_why) {
    if (outputs_is(&f->out, f->in) || view_is(&f->view, f->in))
        buf_addf(ret_why, "%s would be written while it is read; name another output (--output)",
                 f->in_name);
    else if (view_is(&f->view, f->out.answers.fd) || view_is(&f->view, f->out.failures.fd))
        buf_addf(ret_why, "%s is where results are kept; name another output (--output)",
                 f->view.path);
    return ret_why->len == 0;
}

static void disarm(sink *s, const batch_settings *settings) {
    if (s->fd >= 0 && !s->regular && isatty(s->fd)) s->harmless = settings->harmless_json;
}

static bool open_output(files *f, const batch_settings *s, bool look, buf *ret_why) {
    if (!s->output) f->made_output = outputs_name_with(s->input, result_form_suffix(s->form));
    const char *path = s->output ? s->output : f->made_output;
    outputs_names names = {path, s->errors};
    if (!plan_view(f, s, path, look, &names, ret_why) ||
        !outputs_open(&f->out, &names, look, &f->made_errors, ret_why))
        return false;
    disarm(&f->out.answers, s);
    disarm(&f->out.failures, s);
    return check_apart(f, ret_why);
}

bool files_open(files *f, const batch_settings *settings, bool look, marks *m, buf *ret_why) {
    *f = (files){.in = -1, .out = OUTPUTS_NONE, .view = VIEW_NONE};
    return refuse_binary(settings->input, ret_why) && open_input(f, settings->input, ret_why) &&
           open_output(f, settings, look, ret_why) &&
           resume_read(&f->out, settings->mode, m, &f->found, ret_why);
}

void files_done(files *f) {
    outputs_done(&f->out);
    if (f->view.fd > STDERR_FILENO) close(f->view.fd);
    free(f->made_output);
    free(f->made_record);
    free(f->made_errors);
    if (f->in > STDIN_FILENO) close(f->in);
    f->in = -1;
}
