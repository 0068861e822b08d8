/* cli/chat_editline.h: a line by libedit. Behind cli/chat_editor.h alone, which says what holds. */
#ifndef WEIR_CLI_CHAT_EDITLINE_H
#define WEIR_CLI_CHAT_EDITLINE_H

#include "cli/chat_editor.h"

typedef struct editline editline;

/* NULL: libedit is not on this machine, or does not know the terminal. place outlives it. */
editline *editline_new(const editor_place *place);
void editline_free(editline *e);
editor_event editline_read(editline *e, const char *prompt, buf *ret);

#endif
