/* cli/chat_commands.h: what a line at the prompt means: a command of the conversation, or a
 * question. Pure.
 *
 * A command is a word of letters behind a slash at the very beginning of a line. What has more
 * slashes in its first word is a path, and so a question, as is a line that begins with a blank.
 */
#ifndef WEIR_CLI_CHAT_COMMANDS_H
#define WEIR_CLI_CHAT_COMMANDS_H

#include "base/buf.h"

typedef enum chat_verb {
    CHAT_HELP,
    CHAT_MODEL,
    CHAT_SYSTEM,
    CHAT_FILE,
    CHAT_IMAGE,
    CHAT_RETRY,
    CHAT_UNDO,
    CHAT_RESET,
    CHAT_SAVE,
    CHAT_USAGE,
    CHAT_EXIT,
    CHAT_VERBS,            /* how many there are */
    CHAT_SAY = CHAT_VERBS, /* a question */
    CHAT_WRONG             /* no such command, or not like that */
} chat_verb;

typedef enum chat_argument { CHAT_NONE, CHAT_MAY, CHAT_MUST } chat_argument;

typedef struct chat_verb_row {
    const char *name; /* "model" for /model */
    chat_argument takes;
    const char *argument; /* "NAME"; NULL: none is taken */
    bool is_path;
    const char *sentence;
} chat_verb_row;

extern const chat_verb_row chat_verbs[CHAT_VERBS];

typedef struct chat_command {
    chat_verb verb;
    span argument; /* trimmed, of the line; of CHAT_SAY the line itself */
} chat_command;

/* CHAT_WRONG: why says what is wrong and what would be right. */
chat_command chat_command_read(span line, buf *why);
/* What /help prints. */
void chat_commands_write_help(buf *out);

#endif
