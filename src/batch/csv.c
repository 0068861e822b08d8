#include "batch/csv.h"

#include <string.h>

/* ---- where it ends ---- */

static void step(csv_scan *s, char c) {
    if (s->at == CSV_QUOTED) {
        if (c == '"') s->at = CSV_QUOTE;
    } else if (c == s->separator) {
        s->at = CSV_FIELD;
    } else if (c == '"' && s->at != CSV_PLAIN) {
        s->at = CSV_QUOTED; /* it begins the field, or is the second of two */
    } else {
        s->at = CSV_PLAIN;
    }
}

size_t csv_find_end(csv_scan *s, span bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n') {
            if (s->at != CSV_QUOTED) return i;
            s->breaks++;
        }
        step(s, bytes.ptr[i]);
    }
    return bytes.len;
}

/* ---- what is in it ---- */

const char *csv_fault_text(csv_fault fault) {
    static const char *const texts[] = {
        [CSV_GOOD] = "",
        [CSV_STRAY_QUOTE] = "a quote inside a field that does not begin with one",
        [CSV_OPEN_QUOTE] = "a quote that is not closed",
        [CSV_AFTER_QUOTE] = "text behind the quote that closes a field",
    };
    return texts[fault];
}

/* A field that begins with a quote, from there on; *rest is what follows its end. */
static csv_fault take_quoted(span *rest, arena *a, span *ret) {
    char *text = arena_alloc(a, rest->len);
    size_t len = 0, i = 1;
    for (;; i++) {
        if (i >= rest->len) return CSV_OPEN_QUOTE;
        bool quote = rest->ptr[i] == '"';
        if (quote && (i + 1 >= rest->len || rest->ptr[i + 1] != '"')) break;
        i += quote;
        text[len++] = rest->ptr[i];
    }
    *ret = span_from(text, len);
    *rest = span_slice(*rest, i + 1, rest->len);
    return CSV_GOOD;
}

static csv_fault take_plain(span *rest, char separator, span *ret) {
    size_t end = span_find(*rest, 0, separator);
    *ret = span_slice(*rest, 0, end);
    *rest = span_slice(*rest, end, rest->len);
    return span_find(*ret, 0, '"') < ret->len ? CSV_STRAY_QUOTE : CSV_GOOD;
}

static void push(arena *a, span **fields, size_t *count, size_t *room, span field) {
    if (*count == *room) {
        *room = *room ? 2 * *room : 8;
        span *more = arena_alloc(a, *room * sizeof *more);
        if (*count) memcpy(more, *fields, *count * sizeof *more);
        *fields = more;
    }
    (*fields)[(*count)++] = field;
}

csv_fault csv_read(span record, char separator, arena *a, span **ret_fields, size_t *ret_count) {
    span *fields = NULL, rest = record;
    size_t count = 0, room = 0;
    for (;;) {
        span field;
        bool quoted = rest.len && *rest.ptr == '"';
        csv_fault fault =
            quoted ? take_quoted(&rest, a, &field) : take_plain(&rest, separator, &field);
        if (fault != CSV_GOOD) return fault;
        push(a, &fields, &count, &room, field);
        if (!rest.len) break;
        if (*rest.ptr != separator) return CSV_AFTER_QUOTE;
        rest = span_slice(rest, 1, rest.len);
    }
    *ret_fields = fields;
    *ret_count = count;
    return CSV_GOOD;
}

/* ---- writing ---- */

void csv_write_field(span text, char separator, buf *out) {
    const char special[] = {separator, '"', '\r', '\n', '\0'};
    bool plain = true;
    for (size_t i = 0; i < text.len && plain; i++)
        plain = !memchr(special, text.ptr[i], sizeof special);
    if (plain) {
        buf_add(out, text);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') buf_add_char(out, '"');
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '"');
}

/* "-12.5", "+3": nothing is run for these. */
static bool is_number(span text) {
    size_t i = text.len && (*text.ptr == '-' || *text.ptr == '+'), digits = 0;
    for (bool point = false; i < text.len; i++) {
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9')
            digits++;
        else if (text.ptr[i] != '.' || point)
            return false;
        else
            point = true;
    }
    return digits;
}

static bool begins_formula(span text) {
    size_t quotes = 0;
    while (quotes < text.len && text.ptr[quotes] == '\'')
        quotes++;
    return quotes < text.len && memchr("=+-@\t\r\n", text.ptr[quotes], 7) && !is_number(text);
}

void csv_write_cell(span text, char separator, buf *out) {
    if (!begins_formula(text)) {
        csv_write_field(text, separator, out);
        return;
    }
    buf guarded = BUF_EMPTY;
    buf_add_char(&guarded, '\'');
    buf_add(&guarded, text);
    csv_write_field(buf_span(&guarded), separator, out);
    buf_done(&guarded);
}
