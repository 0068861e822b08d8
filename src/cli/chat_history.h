/* cli/chat_history.h: what was typed at the prompt, kept from one conversation to the next.
 *
 * The file: one entry a line, the latest last; a line end within it is written as \n, a backslash
 * as two. Mode 0600. Bounded, without duplicates, shared between conversations that run at the same
 * time: each adds its own, under a lock. Main thread. Source   XDG Base Directory Specification
 * ($XDG_STATE_HOME).
 */
#ifndef WEIR_CLI_CHAT_HISTORY_H
#define WEIR_CLI_CHAT_HISTORY_H

#include "base/buf.h"

enum { CHAT_HISTORY_MAX = 1000, CHAT_HISTORY_ENTRY_MAX = 8192 }; /* entries; bytes of one */

typedef struct chat_history {
    char *entries[CHAT_HISTORY_MAX]; /* the latest last */
    size_t count;
    char *path; /* NULL: kept in memory alone */
} chat_history;

/* $XDG_STATE_HOME/weir/chat_history, else under ~/.local/state. false: neither is set. */
MUST_USE bool chat_history_path(buf *ret);

/* Makes the folders that lead to path, for their user alone. false: errno says why. */
MUST_USE bool chat_history_make_folders(const char *path);

/* Reads the file at path; one that is not there is none. path NULL: begins empty, in memory.
 * false: why says why the file cannot be had; the history goes on in memory. */
MUST_USE bool chat_history_open(chat_history *h, const char *path, buf *why);
void chat_history_done(chat_history *h);

/* Adds one, in memory and to the file; the same one from before goes. An empty or a very long one
 * is not kept. false: why says why the file did not take it; it is let alone from then on. */
MUST_USE bool chat_history_add(chat_history *h, span entry, buf *why);

#endif
