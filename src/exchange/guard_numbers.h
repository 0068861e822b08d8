/* exchange/guard_numbers.h: JSON out of which something is hidden stays JSON. A placeholder in a
 * string is text; one in a number's place would leave what no reader of JSON takes, so the number
 * becomes a string: {"card": 4111111111111111} is {"card": "4111[CARD_1]"}. For that a number waits
 * until it has ended: a placeholder may still come behind its first digits. Inside exchange/, for
 * whoever hands on what a guard lets go. Pure; wherever the text is cut, the same comes out.
 */
#ifndef WEIR_EXCHANGE_GUARD_NUMBERS_H
#define WEIR_EXCHANGE_GUARD_NUMBERS_H

#include "base/span.h"

enum { GUARD_NUMBER_HELD = 72 }; /* bytes of one: as many may be seen of a match, and more */

/* Zeroed: a text that is no JSON, which goes through as it is. */
typedef struct guard_numbers {
    bool on;
    bool escaped;        /* the JSON stands in a string of JSON: its quotes are written \" */
    bool in_string;      /* of the JSON itself */
    bool behind;         /* in_string: behind a backslash of its own */
    bool quoted;         /* in what was a number, and is a string by now */
    bool open;           /* a number has begun, of which too much was let go */
    unsigned char outer; /* of an escape of the outer string: how much has been read */
    unsigned char held_len;
    unsigned code;                /* outer: of \uXXXX so far */
    char held[GUARD_NUMBER_HELD]; /* the number that has begun */
} guard_numbers;

typedef void guard_numbers_let(void *ctx, span bytes);

static inline guard_numbers guard_numbers_of(bool escaped, bool in_string) {
    return (guard_numbers){.on = true, .escaped = escaped, .in_string = in_string};
}

/* Bytes that are let go. */
void guard_numbers_pass(guard_numbers *n, span bytes, guard_numbers_let *let, void *ctx);
/* In the place of what is hidden. over: it is not told where that ends. */
void guard_numbers_put(guard_numbers *n, span hidden, bool over, span placeholder,
                       guard_numbers_let *let, void *ctx);
/* The text has ended. */
void guard_numbers_end(guard_numbers *n, guard_numbers_let *let, void *ctx);

/* Something has not been let go. */
static inline bool guard_numbers_hold(const guard_numbers *n) {
    return n->held_len || n->quoted;
}

#endif
