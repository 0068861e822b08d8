/* batch/lines.h: from bytes, in any cuts, to numbered lines: lines of text, records of a table, or
 * elements of a JSON array.
 *
 * A line ends with LF or CRLF; the last one may lack its end. A byte order mark before the first is
 * no part of it. Of a line that is longer than the limit the beginning alone is kept.
 *
 * A record of a table may hold line ends, in quotes: its number is that of its first line. An
 * element's number is its place in the array, which begins behind white space, 4 KB at most; what
 * does not begin so is lines of text.
 *
 * Not thread-safe. Does no I/O. Holds at most the limit of one line, and only for lines that do not
 * lie whole in one input.
 */
#ifndef WEIR_BATCH_LINES_H
#define WEIR_BATCH_LINES_H

#include "base/buf.h"
#include "base/hash.h"
#include "batch/csv.h"
#include "batch/elements.h"

/* Bits of a line's mark. */
enum { LINE_MARK_BITS = 48 };
#define LINE_MARK_MAX ((UINT64_C(1) << LINE_MARK_BITS) - 1)

typedef struct line {
    uint64_t number; /* from 1 */
    uint64_t offset; /* of its first byte in the file */
    span text;       /* without its end; at most the limit. Lives until the next call */
    uint64_t len;    /* of the whole line, without its end */
    uint64_t mark;   /* the first bits of the whole line's SHA-256; 0 where none is wanted */
    bool too_long;   /* text is a part of it */
    bool ended;      /* by LF, not by the end of the file */
} line;

typedef enum lines_form { LINES_TEXT, LINES_TABLE, LINES_ARRAY } lines_form;

typedef struct lines {
    lines_form form; /* LINES_ARRAY becomes LINES_TEXT where none begins */
    csv_scan csv;
    elements elements;
    bool inside;       /* of an element */
    buf lead;          /* white space that stands before an array, or is lines */
    size_t lead_taken; /* of it, told as lines */
    size_t max;
    bool marks;
    uint64_t number;       /* lines told so far */
    uint64_t offset;       /* bytes taken so far */
    uint64_t start;        /* offset of the line that is read */
    unsigned bom;          /* bytes of the mark seen; LINES_BOM_DONE: decided */
    buf held;              /* what came of the line in earlier inputs, at most max bytes */
    bool told;             /* held belongs to a line that was told */
    uint64_t excess;       /* bytes that came beyond those */
    sha256_stream *digest; /* of a line with excess, where marks are wanted */
    bool excess_cr;        /* its last byte so far was a CR, which may belong to its end */
} lines;

/* marks: whether lines get theirs. */
void lines_init(lines *l, size_t max, bool marks);
void lines_done(lines *l);
/* Before the first input: records of a table with that separator. */
void lines_are_records(lines *l, char separator);
/* The same: elements of an array, if one begins. */
void lines_may_be_elements(lines *l);

/* Takes from the front of input; true: *ret is a line. false: all is taken, more is needed. */
MUST_USE bool lines_next(lines *l, span *input, line *ret);
/* The file has ended: true: *ret is a line more, the last of which had no end. */
MUST_USE bool lines_end(lines *l, line *ret);

/* An array has begun, and its ] has not come. */
bool lines_are_unclosed(const lines *l);

/* Nothing but spaces and tabs. */
bool line_is_blank(const line *l);

#endif
