/* cli/chat_filter.h: what a model says, made harmless for a terminal.
 *
 * Out go control characters but line ends and tabs, escape sequences whole (colours, cursor,
 * titles, the clipboard, links: the text of a link stays), and the characters that turn the
 * direction of writing around. Broken UTF-8 becomes U+FFFD. What comes out is valid UTF-8 and
 * depends on the bytes alone, not on how they were cut. A sequence that never ends hides no more
 * than CHAT_FILTER_HIDDEN_MAX characters, and never a line end.
 *
 * Any thread. Allocates only what out needs.
 * Source   ECMA-48, sections 5 and 8; xterm's "Control Sequences"; RFC 3629; Unicode, section 3.9.
 */
#ifndef WEIR_CLI_CHAT_FILTER_H
#define WEIR_CLI_CHAT_FILTER_H

#include "base/buf.h"

enum { CHAT_FILTER_HIDDEN_MAX = 4096 };

/* All zero: at the beginning of a text. */
typedef struct chat_filter {
    int state;
    bool json;       /* chat_filter_json() */
    unsigned hidden; /* characters of the sequence so far */
    char held[4];    /* the beginning of a character */
    size_t held_len;
} chat_filter;

void chat_filter_add(chat_filter *f, span text, buf *out);
/* The text has ended; the filter is at the beginning of the next one. */
void chat_filter_end(chat_filter *f, buf *out);

/* A whole text at once. */
void chat_filter_text(span text, buf *out);
/* The same of JSON, on lines or not: in the place of each such character stands its escape, so that
 * it says what it said. Escape sequences stay as text. */
void chat_filter_json(span json, buf *out);

#endif
