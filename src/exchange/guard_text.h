/* exchange/guard_text.h: one text of an answer, as its JSON has it, whole or in pieces: what is let
 * go of it, with placeholders in the place of what is hidden, and values in the place of those
 * placeholders that its request was given. Inside exchange/, for filter_guard.c.
 */
#ifndef WEIR_EXCHANGE_GUARD_TEXT_H
#define WEIR_EXCHANGE_GUARD_TEXT_H

#include "exchange/guard.h"

typedef struct guard_text {
    exchange_guard *g;
    guard_lane lane;
    bool begun;     /* it has said something */
    bool arguments; /* of a tool call: JSON again, mostly */
    unsigned char held_len;
    char held[GUARD_PLACEHOLDER_MAX]; /* may be the beginning of a placeholder of the request's */
} guard_text;

void guard_text_init(guard_text *t, exchange_guard *g, bool arguments);
void guard_text_done(guard_text *t);
/* Something of it has not been let go. */
bool guard_text_holds(const guard_text *t);

/* What has come of a piece. Mostly that is the piece. */
typedef struct guard_made {
    guard_text *text;
    bool note; /* matches are noted */
    span piece;
    size_t same;  /* bytes of the piece that have been let go as they stand, from its beginning */
    bool differs; /* what was let go is in other, and begins with these */
    buf other;
    const guard_rule *blocked; /* the text ends before it */
} guard_made;

/* The next bytes between the quotes; last: the text ends with them. The caller ends made. */
void guard_text_feed(guard_text *t, span piece, bool last, bool note, guard_made *ret);
static inline bool guard_made_is_same(const guard_made *m) {
    return !m->differs && m->same == m->piece.len;
}
static inline span guard_made_text(const guard_made *m) {
    return m->differs ? buf_span(&m->other) : span_slice(m->piece, 0, m->same);
}
static inline void guard_made_done(guard_made *m) {
    buf_done(&m->other);
}

#endif
