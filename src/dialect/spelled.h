/* dialect/spelled.h: a secret that a stream spells over several events, some letters each. No event
 * has it, and who puts the texts together does.
 *
 * Nothing is held back for that: of each text the end is kept that may be the beginning of a
 * secret. Once a text has said a third of one, which no answer does by chance, there is no answer
 * any more (secret_set_nearly). Belongs to its loop; the secrets are borrowed.
 */
#ifndef WEIR_DIALECT_SPELLED_H
#define WEIR_DIALECT_SPELLED_H

#include "base/secret_set.h"

enum { SPELLED_TEXTS = 16 }; /* that are told at a time; of more the oldest is forgotten */

/* Told apart by two numbers. */
typedef struct spelled_text {
    unsigned choice, whose;
    buf begun;
} spelled_text;

typedef struct spelled {
    const secret_set *secrets;
    spelled_text *texts; /* NULL until one has begun a secret */
    unsigned count;
    unsigned oldest; /* once there are SPELLED_TEXTS */
} spelled;

/* One that goes on with a text or begins a secret. */
MUST_USE bool spelled_go_on(spelled *s, unsigned choice, unsigned whose, span piece);
/* The next piece of that text, as it stands in a string of JSON. true: the text has now said so
 * much of a secret that nothing of the piece may be told. */
MUST_USE static inline bool spelled_take(spelled *s, unsigned choice, unsigned whose, span piece) {
    if (!s->count && !secret_set_begun(s->secrets, piece)) return false;
    return spelled_go_on(s, choice, whose, piece);
}
void spelled_done(spelled *s);

#endif
