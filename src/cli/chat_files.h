/* cli/chat_files.h: files and standard input as the context of a question.
 *
 * Read whole, bounded, text alone: what is not UTF-8 or holds a NUL is refused. Main thread; may
 * block.
 */
#ifndef WEIR_CLI_CHAT_FILES_H
#define WEIR_CLI_CHAT_FILES_H

#include "base/buf.h"

enum { CHAT_FILE_MAX = 1 << 20, CHAT_FILES_MAX = 4 << 20 }; /* bytes: one file, all together */

typedef struct chat_file {
    char *name;
    buf text;
} chat_file;

/* All zero: none. */
typedef struct chat_files {
    chat_file *items;
    size_t count;
    size_t bytes;
} chat_files;

/* Reads another one. false: why says in words what is wrong, and files are as before. */
MUST_USE bool chat_files_add(chat_files *files, const char *path, buf *why);
/* The same, regular files alone: at a prompt nobody could end the wait for a pipe. */
MUST_USE bool chat_files_add_regular(chat_files *files, const char *path, buf *why);
/* From an open descriptor, to its end; nothing is added when nothing is there. */
MUST_USE bool chat_files_add_input(chat_files *files, int fd, buf *why);
void chat_files_done(chat_files *files);

/* Adds what the model is to read: the files, each marked by its name, then the question (which may
 * be empty). A lone input without a question is the question. */
void chat_files_write(const chat_files *files, span question, buf *out);

#endif
