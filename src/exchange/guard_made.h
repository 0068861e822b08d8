/* exchange/guard_made.h: what is let go of a piece of text. Mostly that is the piece, so nothing is
 * copied until it is not. Inside exchange/, for guard_request.c and guard_text.c. Pure.
 */
#ifndef WEIR_EXCHANGE_GUARD_MADE_H
#define WEIR_EXCHANGE_GUARD_MADE_H

#include "base/buf.h"

typedef struct guard_made {
    span piece;
    size_t same;  /* bytes of it that have been let go as they stand, from its beginning */
    bool differs; /* all that was let go is in other */
    buf other;
} guard_made;

static inline guard_made guard_made_of(span piece) {
    return (guard_made){.piece = piece, .other = BUF_EMPTY};
}

static inline void guard_made_add(guard_made *m, span bytes) {
    if (!m->differs) {
        const span rest = span_slice(m->piece, m->same, m->piece.len);
        const bool itself = bytes.ptr == rest.ptr && bytes.len <= rest.len;
        if (itself || span_starts(rest, bytes)) {
            m->same += bytes.len;
            return;
        }
        m->differs = true;
        buf_add(&m->other, span_slice(m->piece, 0, m->same));
    }
    buf_add(&m->other, bytes);
}

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
