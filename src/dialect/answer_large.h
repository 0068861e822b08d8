/* dialect/answer_large.h: an event that is too large to be gone through on a loop, and all that
 * those behind the reader would go through it for.
 *
 * It is made on the thread that has read the event, in a copy that owns all it points to; on the
 * loop it is only handed on, by reference count (base/keeper.h). An event that has one says so in
 * its member `large`: whoever has work to do that grows with an event's bytes looks there first.
 */
#ifndef WEIR_DIALECT_ANSWER_LARGE_H
#define WEIR_DIALECT_ANSWER_LARGE_H

#include "base/keeper.h"
#include "dialect/answer_items.h"
#include "dialect/usage_guess.h"
#include "loop/loop.h"

/* From here on another thread goes through it: what of it is dear takes 4 ms then. */
enum { LARGE_BYTES = 256 * 1024 };

typedef struct answer_large_spec {
    unsigned want;       /* WANT_*, of those behind the reader */
    bool as_events;      /* the client reads a stream, also where the answer is a document */
    token_family family; /* by which its texts are counted */
} answer_large_spec;

typedef struct answer_large {
    byte_keeper keeper;
    loop *loop; /* NULL: it has not come there */
    memory_hold hold;
    arena arena;
    answer_event event;  /* without null_usage: it has been cut out */
    answer_guess guess;  /* of this event alone; nothing where it tells its figures */
    uint64_t text_bytes; /* of what was counted */
    json_value words;    /* as answer_words_json() has them; where WANT_WORDS is set */
    answer_items items;  /* of a plain one; where WANT_ITEMS is set */
    span framed; /* written by http/sse.h, where that is more than a line around the data; empty */
} answer_large;

/* Any thread; what event points to is not needed any more afterwards. One reference is the
 * caller's. */
MUST_USE answer_large *answer_large_new(const answer_event *event, const answer_large_spec *spec);
/* It belongs to this loop from now on, and is counted there. false: there is no room. */
MUST_USE bool answer_large_arrives(answer_large *l, loop *at, uint64_t holder);

/* A text of which this span, in its bytes, is the middle. */
static inline kept_text answer_large_text(answer_large *l, span before, span bytes, span after) {
    return (kept_text){before, bytes, after, &l->keeper};
}

#endif
