/* cli/chat_input.h: lines put together to what was meant: one that ends in a backslash goes on in
 * the next, and """ begins and ends a block. Pure.
 */
#ifndef WEIR_CLI_CHAT_INPUT_H
#define WEIR_CLI_CHAT_INPUT_H

#include "base/buf.h"

enum { CHAT_INPUT_MAX = 1 << 20 }; /* bytes */

/* All zero: at the beginning. */
typedef struct chat_input {
    buf text;     /* the text so far; once it is whole, all of it */
    bool goes_on; /* a line was taken, and another one belongs to it */
    bool block;   /* it stands, or stood, between """: no command, whatever it says */
    bool too_long;
} chat_input;

/* One more line, without its end. true: text is whole. too_long: it was cut; what follows belongs
 * to it all the same. */
MUST_USE bool chat_input_add(chat_input *in, span line);
/* To the beginning; keeps the memory. */
void chat_input_clear(chat_input *in);
void chat_input_done(chat_input *in);

#endif
