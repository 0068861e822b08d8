/* tools/words.h: the last of what a program writes to stderr, where most say what was wrong. */
#ifndef WEIR_TOOLS_WORDS_H
#define WEIR_TOOLS_WORDS_H

#include "base/buf.h"
#include "base/secret_set.h"

typedef struct last_words {
    buf said;
} last_words;

void last_words_add(last_words *w, span piece);
/* Appends ": " and the end of it on one line, without these secrets, if there is any. */
void last_words_tell(const last_words *w, const secret_set *secrets, buf *out);
void last_words_done(last_words *w);

#endif
