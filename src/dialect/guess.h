/* dialect/guess.h: tells by an answer's first bytes whether it is a stream of events or a document.
 *
 * Providers send events as text/plain, application/json, or without any type, and a JSON document
 * as text/event-stream. No document begins with a field of an event or a comment, and an event
 * stream that begins with a brace has no event in it. Pure; belongs to its reader.
 *
 * Source   WHATWG HTML, section 9.2 (Server-sent events).
 */
#ifndef WEIR_DIALECT_GUESS_H
#define WEIR_DIALECT_GUESS_H

#include "base/span.h"

typedef enum guess_result {
    GUESS_MORE, /* blanks, or the beginning of a field's name: the next bytes tell */
    GUESS_EVENTS,
    GUESS_DOCUMENT,
} guess_result;

typedef struct guess {
    bool as_events; /* what its content type says */
    char begun[8];  /* a field's name, as far as it has come */
    unsigned len;
} guess;

/* The bytes that follow those of the calls before. Not called any more once it has been told. */
guess_result guess_take(guess *g, span bytes);

#endif
