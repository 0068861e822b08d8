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

static bool open_output(files *f, const batch_settings *s, bool look, buf *ret_why) {
    if (!s->output) f->made_output = outputs_name_for(s->input);
    outputs_names names = {s->output ? s->output : f->made_output, s->errors};
    if (!outputs_open(&f->out, &names, look, &f->made_errors, ret_why)) return false;
    if (!outputs_is(&f->out, f->in)) return true;
    buf_addf(ret_why, "%s would be written while it is read; name another output (--output)",
             f->in_name);
    return false;
}

bool files_open(files *f, const batch_settings *settings, bool look, marks *m, buf *ret_why) {
    *f = (files){.in = -1, .out = OUTPUTS_NONE};
    return refuse_binary(settings->input, ret_why) && open_input(f, settings->input, ret_why) &&
           open_output(f, settings, look, ret_why) &&
           resume_read(&f->out, settings->mode, m, &f->found, ret_why);
}

void files_done(files *f) {
    outputs_done(&f->out);
    free(f->made_output);
    free(f->made_errors);
    if (f->in > STDIN_FILENO) close(f->in);
    f->in = -1;
}
