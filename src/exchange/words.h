/* exchange/words.h: what an answer in OpenAI's form says to people.
 *
 * Pure. Documents are JSON that json_scan() accepts: a plain answer, or one event of a stream.
 */
#ifndef WEIR_EXCHANGE_WORDS_H
#define WEIR_EXCHANGE_WORDS_H

#include "dialect/words.h"

/* The text of the first choice, as its JSON string: content, or why there is none (refusal). Of a
 * chat completion or a completion; is_delta: of one of a stream's chunks. JSON_NONE: none. */
json_value choice_text(span document, bool is_delta);

/* The same decoded, and of a response (/responses) too, whose texts are joined. Borrows the
 * document or is in the arena. false: it says nothing, or is of another form. */
MUST_USE bool answer_text(span document, bool is_delta, arena *a, span *ret);

#endif
