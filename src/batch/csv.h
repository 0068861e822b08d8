/* batch/csv.h: tables of text: where a record ends, what its fields are, and how they are written.
 * Strict. Pure.
 *
 * A record ends with LF or CRLF outside of quotes. A field that begins with a quote ends with one;
 * in it two stand for one, and separators and line ends are text. In any other field a quote is a
 * fault. Fields are separated by a comma, or a tab.
 *
 * Any thread. Keeps one state from one piece of the input to the next; allocates in the arena that
 * it is given.
 * Source   RFC 4180.
 */
#ifndef WEIR_BATCH_CSV_H
#define WEIR_BATCH_CSV_H

#include "base/arena.h"
#include "base/buf.h"

typedef struct csv_scan {
    char separator;
    enum { CSV_FIELD, CSV_PLAIN, CSV_QUOTED, CSV_QUOTE } at; /* zeroed at a record's begin */
    uint64_t breaks;                                         /* LFs inside the record so far */
} csv_scan;

/* Goes on over bytes to the LF that ends the record: its place, or bytes.len. The caller zeroes all
 * but the separator there. */
size_t csv_find_end(csv_scan *s, span bytes);

typedef enum csv_fault { CSV_GOOD, CSV_STRAY_QUOTE, CSV_OPEN_QUOTE, CSV_AFTER_QUOTE } csv_fault;
/* "a quote inside a field that does not begin with one". fault is not CSV_GOOD. */
const char *csv_fault_text(csv_fault fault);

/* The fields of a record without its end, in the arena. */
MUST_USE csv_fault csv_read(span record, char separator, arena *a, span **ret_fields,
                            size_t *ret_count);

/* ---- writing ---- */

#define CSV_END "\r\n" /* of a record */

/* In quotes where it must be. */
void csv_write_field(span text, char separator, buf *out);
/* The same for text of others that a spreadsheet may open, which would take it for a formula and
 * run it: before = + - @, a tab or a line end at its beginning, other quotes passed over, stands a
 * '. A number is none of these. So whoever takes one ' from before such a beginning has the text.
 */
void csv_write_cell(span text, char separator, buf *out);

#endif
