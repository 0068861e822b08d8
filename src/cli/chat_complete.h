/* cli/chat_complete.h: what the Tab key may add to a line: commands, and the names of files behind
 * a command that takes one. Main thread; reads folders.
 */
#ifndef WEIR_CLI_CHAT_COMPLETE_H
#define WEIR_CLI_CHAT_COMPLETE_H

#include "base/buf.h"

enum { CHAT_COMPLETE_MAX = 200 };

typedef struct chat_complete {
    buf add;                        /* what all candidates go on with, for the end of the line */
    char *names[CHAT_COMPLETE_MAX]; /* more than one: the candidates, in order */
    size_t count;
} chat_complete;

/* line is what stands before the cursor. Names of files that hold what steers a terminal are left
 * out. */
void chat_complete_line(span line, chat_complete *ret);
void chat_complete_done(chat_complete *c);

/* "~/x" with the home folder in its place; else the path itself. */
void chat_expand_path(span path, buf *out);

#endif
