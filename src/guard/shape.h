/* guard/shape.h: where what has no literal may begin: numbers, addresses. Inside guard/.
 *
 * A shape is looked for at certain bytes. Whether it stands there is told by the bytes before, at
 * most SHAPE_BACK of them: a text in pieces needs nothing else kept. Pure; any thread.
 */
#ifndef WEIR_GUARD_SHAPE_H
#define WEIR_GUARD_SHAPE_H

#include "base/span.h"

enum { SHAPE_BACK = 72, MAILBOX_MAX = 64, DIGITS_LOOK = 64 };

typedef enum guard_shape {
    SHAPE_NONE,     /* a lead says where a rule begins */
    SHAPE_FIRST,    /* any byte that a match may begin with */
    SHAPE_DIGITS,   /* the fifth digit of a number, which single blanks, dots and dashes may part */
    SHAPE_CAPITALS, /* a digit behind one to six capitals, which a blank or a dash may part from it
                     */
    SHAPE_IBAN,     /* two letters and two digits */
    SHAPE_AT,       /* the "@" behind a mailbox */
    SHAPE_PLUS,     /* the first digit behind "+" */
    SHAPE_PAREN,    /* the ")" behind "(" and two to five digits */
    SHAPE_USERINFO, /* the ":" behind "scheme://user" */
    SHAPE_IPV4,     /* a digit behind two numbers, each with a dot */
    SHAPE_COLONS,   /* the second ":" or "-" behind groups of hexadecimal digits */
    SHAPE_INVISIBLE, /* marks: guard/unit.h finds them */
    SHAPE_BIDI,
    SHAPE_TAG,
    SHAPE_COUNT
} guard_shape;

MUST_USE bool guard_shape_read(span word, guard_shape *ret);

/* The bytes at which it is looked for. */
span guard_shape_bytes(guard_shape shape);
/* Whether one begins that the byte at `at` makes known, and where. */
MUST_USE bool guard_shape_at(guard_shape shape, span text, size_t at, size_t *ret_begin);

/* What may stand between digits: a blank, a dot, a dash, a slash. */
bool guard_parts_digits(unsigned char c);
/* How many digits stand from `at` on, with nothing but what parts them between and with nothing at
 * all, within DIGITS_LOOK bytes. SIZE_MAX: they are many, or may go on behind the text, which they
 * cannot where it has ended. */
typedef struct guard_digits {
    size_t all, run;
} guard_digits;
guard_digits guard_digits_from(span text, size_t at, bool ended);

/* Where the rest of a match begins when `show` letters and digits of it may be seen: what parts
 * them does not count. At most match.len. */
size_t guard_shape_shown(span match, size_t show);

/* A mailbox's bytes. */
bool guard_in_mailbox(unsigned char c);
/* Where a mailbox begins that may go on behind text; text.len: nowhere. */
size_t guard_mailbox_begun(span text);

#endif
