/* base/escapes.h: text as JSON may have written it, byte by byte or by an escape, and the same text
 * written into a string of another document, whose escapes are escaped again. Only for whoever
 * looks for something in it: what is no escape stands for itself, and nothing is refused.
 *
 * Pure: any thread. Allocates nothing.
 */
#ifndef WEIR_BASE_ESCAPES_H
#define WEIR_BASE_ESCAPES_H

#include "base/span.h"

enum {
    ESCAPE_RUN_MAX = 8, /* backslashes before what is escaped: three documents within each other */
    ESCAPE_LEN_MAX = ESCAPE_RUN_MAX + 5,
};

/* What stands at one place: a byte, an escape, or backslashes that escape nothing. */
typedef struct escaped_unit {
    size_t len;             /* of text; at least 1 */
    unsigned count;         /* bytes that it says; 0: backslashes alone */
    unsigned char bytes[3]; /* in UTF-8. Halves of a pair that stands for one character say 0xFF */
} escaped_unit;

/* at < text.len. */
escaped_unit escaped_unit_at(span text, size_t at);
/* Whether that unit may go on behind the end of text. */
bool escaped_unit_is_cut(span text, size_t at);
/* Where the escape begins that the byte at `at` is a part of, as JSON reads it; else at itself. */
size_t escaped_unit_begin(span text, size_t at);

#endif
