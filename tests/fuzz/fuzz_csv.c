/* The records of a table and the elements of an array: csv_find_end, csv_read, elements_begin,
 * elements_find_end, through lines_next.
 *
 * The first byte chooses the form, the second how it is cut. Holds: what is found does not depend
 * on the cuts; numbers grow; the fields of a record lie within its length, and written anew in
 * quotes they read back the same.
 */
#include "fuzz.h"

#include "batch/lines.h"

#include <inttypes.h>

static void check_fields(span record, char separator) {
    arena a;
    span *fields, *again;
    size_t count, count_again, bytes = 0;
    arena_init(&a, 0);
    if (csv_read(record, separator, &a, &fields, &count) == CSV_GOOD) {
        buf text = BUF_EMPTY;
        HOLDS(count >= 1);
        for (size_t i = 0; i < count; i++) {
            bytes += fields[i].len;
            if (i) buf_add_char(&text, separator);
            buf_add_char(&text, '"');
            for (size_t k = 0; k < fields[i].len; k++) {
                if (fields[i].ptr[k] == '"') buf_add_char(&text, '"');
                buf_add_char(&text, fields[i].ptr[k]);
            }
            buf_add_char(&text, '"');
        }
        HOLDS(bytes + count - 1 <= record.len);
        HOLDS(csv_read(buf_span(&text), separator, &a, &again, &count_again) == CSV_GOOD);
        HOLDS(count_again == count);
        for (size_t i = 0; i < count; i++)
            HOLDS(span_eq(fields[i], again[i]));
        buf_done(&text);
    }
    arena_done(&a);
}

static void note(const line *l, char separator, uint64_t *last, buf *out) {
    HOLDS(l->number > *last);
    *last = l->number;
    buf_addf(out, "%" PRIu64 " %" PRIu64 " %" PRIx64 " %d:", l->number, l->len, l->mark, l->ended);
    buf_add(out, l->text);
    if (separator && !l->too_long) check_fields(l->text, separator);
}

static void read_all(span doc, size_t step, char separator, buf *out) {
    lines l;
    line found;
    uint64_t last = 0;
    lines_init(&l, 64, true);
    if (separator)
        lines_are_records(&l, separator);
    else
        lines_may_be_elements(&l);
    for (size_t at = 0; at < doc.len; at += step) {
        span piece = fuzz_piece(doc, at, step), input = piece;
        while (lines_next(&l, &input, &found))
            note(&found, separator, &last, out);
        HOLDS(input.len == 0);
        free((void *)piece.ptr);
    }
    while (lines_end(&l, &found))
        note(&found, separator, &last, out);
    lines_done(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char separators[] = {',', '\t', 0};
    if (size < 2) return 0;
    span doc = span_from((const char *)data + 2, size - 2);
    char separator = separators[data[0] % 3];
    buf whole = BUF_EMPTY, cut = BUF_EMPTY;
    read_all(doc, size, separator, &whole);
    read_all(doc, data[1] % 16 + 1, separator, &cut);
    HOLDS(span_eq(buf_span(&whole), buf_span(&cut)));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
