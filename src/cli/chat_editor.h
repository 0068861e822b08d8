/* cli/chat_editor.h: a line from the keyboard: edited, with history and completion where the
 * terminal can redraw and libedit is there, else as the kernel edits it.
 *
 * Meanwhile the client's connections are looked after, and signals arrive as facts (cli/wait.h).
 * Main thread. Sets the process's LC_CTYPE to one in UTF-8.
 */
#ifndef WEIR_CLI_CHAT_EDITOR_H
#define WEIR_CLI_CHAT_EDITOR_H

#include "cli/chat_history.h"
#include "cli/wait.h"

typedef struct chat_editor chat_editor;

typedef enum editor_event {
    EDITOR_LINE,
    EDITOR_END,         /* Ctrl-D */
    EDITOR_INTERRUPTED, /* Ctrl-C: the line is cleared */
    EDITOR_TERMINATED   /* the process is to end, or the terminal is gone */
} editor_event;

/* What a line is read with; all borrowed. */
typedef struct editor_place {
    waiter *w;
    weir_client *client;
    const chat_history *history;
    int screen; /* what is drawn on: a terminal, descriptor 1 or 2. Keys come from 0 */
} editor_place;

chat_editor *chat_editor_new(const editor_place *place);
void chat_editor_free(chat_editor *e);

/* prompt ends in a blank. Adds the line to ret, without its end; pasted lines are one. On
 * EDITOR_INTERRUPTED what stood there. */
editor_event chat_editor_read(chat_editor *e, const char *prompt, buf *ret);

#endif
