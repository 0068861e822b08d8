/* cli/chat_libedit.h: libedit, loaded when a conversation begins and not before: a process that
 * serves does without its pages and those of what it brings along.
 * docs/decisions/0010-line-editor.md.
 */
#ifndef WEIR_CLI_CHAT_LIBEDIT_H
#define WEIR_CLI_CHAT_LIBEDIT_H

#include <histedit.h>

/* One row a function that is used: its name here, that in the library. */
#define LIBEDIT_FUNCTIONS(X)                                                                       \
    X(init, el_init)                                                                               \
    X(end, el_end)                                                                                 \
    X(set, el_wset)                                                                                \
    X(get, el_wget)                                                                                \
    X(source, el_source)                                                                           \
    X(gets, el_wgets)                                                                              \
    X(getc, el_wgetc)                                                                              \
    X(line, el_wline)                                                                              \
    X(insert, el_winsertstr)                                                                       \
    X(move, el_cursor)                                                                             \
    X(resize, el_resize)                                                                           \
    X(history_init, history_winit)                                                                 \
    X(history_end, history_wend)                                                                   \
    X(history, history_w)

typedef struct libedit {
#define X(name, symbol) __typeof__(symbol) *name;
    LIBEDIT_FUNCTIONS(X)
#undef X
} libedit;

/* NULL: this machine has none. Main thread. Stays loaded. */
const libedit *libedit_load(void);

#endif
