/* cli/chat_last.h: the last conversation, kept for `weir chat --continue`.
 *
 * The file: the conversation as chat_talk_write_json() writes it, mode 0600, replaced as a whole:
 * of two conversations that run at a time the one that was answered last is kept. Main thread.
 * Source   XDG Base Directory Specification ($XDG_STATE_HOME).
 */
#ifndef WEIR_CLI_CHAT_LAST_H
#define WEIR_CLI_CHAT_LAST_H

#include "cli/chat_talk.h"

/* Beside the history of what was typed: chat_last.json, or NAME.last.json where WEIR_CHAT_HISTORY
 * names another place. false: nothing is to be kept, or nobody says where. */
MUST_USE bool chat_last_path(buf *ret);

/* false: *why says why the file did not take it. */
MUST_USE bool chat_last_save(const chat_talk *t, const char *path, buf *why);
/* Into a talk that is empty. false: *why says why not, and the talk is still empty. */
MUST_USE bool chat_last_load(chat_talk *t, const char *path, buf *why);

/* The same of a text. Pure. */
MUST_USE bool chat_last_read(chat_talk *t, span text);

#endif
