/* dialect/refusal_text.h: finds a wording in what a provider says. Inside dialect/ and for its
 * tests.
 *
 * Text and wording are brought into one form first: lower case, a number (with its separators) as
 * '#', a run of blanks and control bytes as one blank, quotes and backslashes left out. The form of
 * a wording is told in refusal_words.def.
 *
 * Pure: any thread. Allocates nothing.
 */
#ifndef WEIR_DIALECT_REFUSAL_TEXT_H
#define WEIR_DIALECT_REFUSAL_TEXT_H

#include "base/span.h"

enum { REFUSAL_WORDING_MAX = 128 };

/* Writes the form of text into out, at most room bytes of it, in time linear in the text. Returns
 * how many. */
size_t refusal_fold(span text, char *out, size_t room);
/* Both in that form; a wording of at most REFUSAL_WORDING_MAX bytes. In time linear in the text but
 * for what a wording's own repeats cost. */
bool refusal_says(span text, span wording);
/* text has the word, from one word's beginning to another's end; both in that form. */
bool refusal_has_word(span text, span word);

#endif
