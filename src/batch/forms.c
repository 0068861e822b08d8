#include "batch/forms.h"

#include "batch/csv.h"
#include "batch/said.h"

const char *const result_form_names[] = {
    [RESULTS_JSONL] = "jsonl", [RESULTS_CSV] = "csv", [RESULTS_TEXT] = "text", NULL};

bool result_form_of(span name, result_form *ret) {
    for (size_t i = 0; result_form_names[i]; i++) {
        if (!span_eq(name, span_cstr(result_form_names[i]))) continue;
        *ret = (result_form)i;
        return true;
    }
    return false;
}

const char *result_form_suffix(result_form form) {
    static const char *const suffixes[] = {
        [RESULTS_JSONL] = ".jsonl", [RESULTS_CSV] = ".csv", [RESULTS_TEXT] = ".txt"};
    return suffixes[form];
}

void result_form_begin(result_form form, buf *out) {
    for (size_t i = 0; form == RESULTS_CSV && i < SAID_COLUMNS; i++)
        buf_addf(out, "%s%s", said_names[i], i + 1 < SAID_COLUMNS ? "," : CSV_END);
}

void result_form_add(result_form form, span result, buf *out) {
    arena a;
    said s;
    if (form == RESULTS_JSONL) {
        buf_add(out, result);
        return;
    }
    arena_init(&a, 0);
    bool read = said_read(result, &a, &s);
    for (size_t i = 0; form == RESULTS_CSV && read && i < SAID_COLUMNS; i++) {
        csv_write_cell(s.cells[i], ',', out);
        buf_add_cstr(out, i + 1 < SAID_COLUMNS ? "," : CSV_END);
    }
    if (form == RESULTS_TEXT) {
        if (read && !s.failed) buf_add(out, s.cells[SAID_CONTENT]);
        buf_add_char(out, '\n');
    }
    arena_done(&a);
}
