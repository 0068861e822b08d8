#include "cli/records_text.h"

#include "batch/csv.h"
#include "cli/cli.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

/* ---- members ---- */

int64_t record_number(json_value object, const char *name) {
    int64_t n = -1;
    json_value value = json_get(object, span_cstr(name));
    return value.type == JSON_NUMBER && json_i64(value, &n) ? n : -1;
}

double record_decimal(json_value object, const char *name) {
    double n = -1;
    json_value value = json_get(object, span_cstr(name));
    return value.type == JSON_NUMBER && json_double(value, &n) ? n : -1;
}

span record_text(json_value object, const char *name, arena *a) {
    json_value value = json_get(object, span_cstr(name));
    if (value.type != JSON_STRING) return SPAN_EMPTY;
    span s = json_string(value, a);
    char *copy = arena_alloc(a, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = s.ptr[i] == '\n' || s.ptr[i] == '\t' ? ' ' : s.ptr[i];
    copy[s.len] = '\0';
    cli_disarm(copy, s.len);
    return span_from(copy, s.len);
}

/* ---- figures ---- */

void record_add_count(int64_t count, buf *out) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)(count > 0 ? count : 0));
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

void record_add_money(int64_t nano, buf *out) {
    if (nano < 0)
        buf_add_char(out, '-');
    else
        buf_addf(out, "%.4f", (double)nano / 1e9);
}

void record_add_seconds(double seconds, buf *out) {
    if (seconds < 0)
        buf_add_char(out, '-');
    else if (seconds < 1)
        buf_addf(out, "%.1f ms", seconds * 1000);
    else
        buf_addf(out, "%.2f s", seconds);
}

void record_add_cell(span text, unsigned columns, bool at_right, buf *out) {
    unsigned width = terminal_width(text.ptr, text.len);
    if (width > columns) {
        buf_add(out, span_from(text.ptr, terminal_fit(text.ptr, text.len, columns)));
        return;
    }
    if (at_right) buf_addf(out, "%*s", (int)(columns - width), "");
    buf_add(out, text);
    if (!at_right) buf_addf(out, "%*s", (int)(columns - width), "");
}

/* ---- commas ---- */

void record_csv_names(const char *const *names, size_t count, buf *out) {
    for (size_t i = 0; i < count; i++)
        buf_addf(out, "%s%s", i ? "," : "", names[i]);
    buf_add_cstr(out, CSV_END);
}

void record_csv_line(json_value object, const char *const *names, size_t count, buf *out) {
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < count; i++) {
        json_value v = json_get(object, span_cstr(names[i]));
        if (i) buf_add_char(out, ',');
        if (v.type == JSON_STRING)
            csv_write_cell(json_string(v, &a), ',', out);
        else if (v.type != JSON_NONE && v.type != JSON_NULL)
            csv_write_field(v.raw, ',', out);
    }
    buf_add_cstr(out, CSV_END);
    arena_done(&a);
}
