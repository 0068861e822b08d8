/* base/escapes.h: text as JSON may have written it, byte by byte or by an escape, and the same text
 * written into a string of another document, whose escapes are escaped again. Only for whoever
 * looks for something in it: what is no escape stands for itself, and nothing is refused.
 *
 * A backslash that is written as "\u005c" counts as one more. What stands at a place depends on the
 * bytes from there on alone, and on few of them: whoever starts later reads the same.
 *
 * Pure: any thread. Allocates nothing.
 */
#ifndef WEIR_BASE_ESCAPES_H
#define WEIR_BASE_ESCAPES_H

#include "base/span.h"

enum {
    ESCAPE_RUN_MAX = 8, /* backslashes before what is escaped: three documents within each other */
    ESCAPE_NO_BYTE = 0xFF, /* of no text in UTF-8 */
};

/* The most bytes that say a byte, where up to `run` backslashes count. */
#define ESCAPE_LEN_MAX(run) (5 * (run) + 5)

/* What stands at one place: a byte, an escape, or backslashes that escape nothing. */
typedef struct escaped_unit {
    size_t len;             /* of text; at least 1 */
    unsigned count;         /* bytes that it says; 0: backslashes alone */
    unsigned char bytes[3]; /* in UTF-8. Halves of a pair that stands for one character say
                               ESCAPE_NO_BYTE, as does a backslash before more than `run` others */
    bool cut;               /* it may go on, or be another, behind the end of text */
} escaped_unit;

/* at < text.len. run: backslashes that count, at most. */
escaped_unit escaped_unit_at(span text, size_t at, size_t run);
/* Where the escape begins that the byte at `at` is a part of, as JSON reads it; else at itself. */
size_t escaped_unit_begin(span text, size_t at);

#endif
