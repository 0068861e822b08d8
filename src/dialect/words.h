/* dialect/words.h: what an answer says to people.
 *
 * Pure. An event's words are among its parts, which it must have come with (WANT_PARTS): the texts
 * of its first choice, or, where it has none, its refusals. The first choice is number 0; of a
 * plain answer that has none of that number, the first there is. all_choices: the texts and the
 * refusals of all, for a dialect whose choices are parts of one answer (dialect_ops.one_answer).
 *
 * No words are what a stream repeats (EVENT_FULL), and what stands beside a text: an audio's
 * transcript, a whole message beside its delta.
 */
#ifndef WEIR_DIALECT_WORDS_H
#define WEIR_DIALECT_WORDS_H

#include "dialect/answer.h"

/* Decoded and joined. Borrows the event's bytes where one part without escapes says all, else lives
 * in the arena. false: it says nothing, which is not the same as an empty text. */
MUST_USE bool answer_words(const answer_event *e, bool all_choices, arena *a, span *ret);

/* The same as a JSON string: a single part's own, byte for byte. JSON_NONE: it says nothing. */
json_value answer_words_json(const answer_event *e, bool all_choices, arena *a);

/* The object of a JSON document, such as an error's body: json_get(answer_root(body), …). Some
 * providers send blanks ahead of an answer that takes long. */
json_value answer_root(span document);

#endif
