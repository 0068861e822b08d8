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
