/* sim/text.h: what the simulator says, cut into tokens, and a hash that is the same in
 * every process. Pure; any thread.
 *
 * A token is a word with the blanks before it, or 12 bytes of a longer one; a code point is never
 * cut. All figures of usage count these.
 */
#ifndef WEIR_SIM_TEXT_H
#define WEIR_SIM_TEXT_H

#include "base/buf.h"

enum { SIM_TOKEN_BYTES = 12 };

/* Cuts the next token off the front of *rest; false at its end. */
bool sim_token_cut(span *rest, span *ret_token);
size_t sim_token_count(span text);

/* An answer's text: either given, or so many words without any memory. */
typedef struct sim_text {
    span given; /* where words is 0 */
    unsigned words;
} sim_text;

/* Token number index of a text, from 0; *offset is where it begins, 0 at first, and is moved on.
 * false at the end. */
bool sim_text_next(const sim_text *t, size_t index, size_t *offset, span *ret_token);
size_t sim_text_tokens(const sim_text *t);

/* The same for the same bytes everywhere and always: identifiers, vectors, figures. */
uint64_t sim_hash(span s, uint64_t seed);

#endif
