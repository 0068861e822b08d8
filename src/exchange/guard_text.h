/* exchange/guard_text.h: one text of an answer, as its JSON has it, whole or in pieces: what is let
 * go of it, with placeholders in the place of what is hidden, and values in the place of those
 * placeholders that its request was given. Inside exchange/, for filter_guard.c.
 */
#ifndef WEIR_EXCHANGE_GUARD_TEXT_H
#define WEIR_EXCHANGE_GUARD_TEXT_H

#include "exchange/guard.h"
#include "exchange/guard_made.h"
#include "exchange/guard_numbers.h"

typedef enum guard_says {
    GUARD_SAYS_TEXT,
    GUARD_SAYS_ANY, /* JSON again, or not: a custom tool's input */
    GUARD_SAYS_JSON /* a call's arguments: JSON again, mostly, and stays it */
} guard_says;

static inline guard_says guard_says_of(const answer_part *p) {
    if (p->kind != PART_TOOL_ARGS) return GUARD_SAYS_TEXT;
    return p->is_input ? GUARD_SAYS_ANY : GUARD_SAYS_JSON;
}

typedef struct guard_text {
    exchange_guard *g;
    guard_lane lane;
    guard_says says;
    bool begun; /* it has said something */
    guard_numbers numbers;
    unsigned char held_len;
    char held[GUARD_PLACEHOLDER_MAX]; /* may be the beginning of a placeholder of the request's */
} guard_text;

void guard_text_init(guard_text *t, exchange_guard *g, guard_says says);
void guard_text_done(guard_text *t);
/* Something of it has not been let go. */
bool guard_text_holds(const guard_text *t);

/* What has come of a piece. */
typedef struct guard_fed {
    guard_text *text;
    bool note; /* matches are noted */
    guard_made made;
    const guard_rule *blocked; /* the text ends before it; NULL: it goes on */
} guard_fed;

/* The next bytes between the quotes; last: the text ends with them. The caller ends ret->made. */
void guard_text_feed(guard_text *t, span piece, bool last, bool note, guard_fed *ret);

#endif
