/* exchange/texts.h: the texts of an answer, put together of their pieces, as far as there is room:
 * for whoever tells later what was said. Inside exchange/, for filters that want WANT_PARTS.
 */
#ifndef WEIR_EXCHANGE_TEXTS_H
#define WEIR_EXCHANGE_TEXTS_H

#include "dialect/answer.h"

enum { ANSWER_TEXTS_MAX = 64 };

/* A string that somebody reads: what is said, refused, reasoned and called with; once, where it is
 * told by two names. */
bool answer_is_text(const answer_part *p);
/* The same as often as it is told, or one of which nobody knows what it says: of a stream its
 * pieces go together. */
bool answer_has_pieces(const answer_part *p);

/* The pieces that have one kind, choice and item, decoded. */
typedef struct answer_text {
    part_kind kind;
    unsigned choice, item;
    buf text;
} answer_text;

typedef struct answer_texts {
    answer_text items[ANSWER_TEXTS_MAX]; /* in the order in which they began */
    size_t count;
    size_t left; /* bytes that may still be kept; by who makes it */
    bool cut;    /* more was said */
} answer_texts;

/* What the event says. What a stream repeats is passed over, unless its pieces never came. */
void answer_texts_take(answer_texts *t, const answer_event *event);
/* Whether it has something of that text already; it has from now on, unless there are too many. */
bool answer_texts_note(answer_texts *t, const answer_part *part);
void answer_texts_done(answer_texts *t);

#endif
