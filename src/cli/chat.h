/* cli/chat.h: what the files of weir chat share: one run of it.
 *
 *   chat.c           options, one question
 *   chat_session.c   the conversation at a terminal
 *   chat_ask.c       one call, streamed, and what follows from its result
 *   chat_editor.c    a line from the keyboard
 *   chat_output.c    answers on their way out        chat_filter.c   made harmless for a terminal
 *   chat_report.c    what is said of an answer       chat_talk.c     the conversation so far
 *   chat_last.c      the conversation from one run to the next
 *   chat_commands.c, chat_input.c, chat_complete.c, chat_history.c, chat_files.c,
 *   chat_images.c
 */
#ifndef WEIR_CLI_CHAT_H
#define WEIR_CLI_CHAT_H

#include "cli/chat_files.h"
#include "cli/chat_images.h"
#include "cli/chat_output.h"
#include "cli/chat_talk.h"
#include "cli/cli.h"
#include "cli/connect.h"
#include "cli/wait.h"

typedef struct chat {
    /* what was asked for */
    char *model; /* NULL: the configuration's */
    double temperature;
    bool has_temperature;
    int64_t max_tokens; /* 0: the provider's own limit */
    bool json, plain, quiet, usage;
    bool kept; /* the conversation, for --continue */

    chat_talk talk;
    chat_files files;   /* for the next question */
    chat_images images; /* likewise */
    waiter waiter;
    connection connection;
    chat_output output;
    buf used;           /* what the last call used: "about 12 + 34 tokens" */
    bool renamed_limit; /* the limit is called max_completion_tokens here */
} chat;

typedef enum chat_outcome {
    CHAT_ANSWERED,
    CHAT_FAILED,     /* said on stderr */
    CHAT_INTERRUPTED /* by Ctrl-C, or a signal to end (waiter.terminate) */
} chat_outcome;

/* Asks the pending question, shows what comes of it, and keeps the answer. */
chat_outcome chat_ask(chat *c);

/* The question with the files that wait for it; they are gone then. false after saying why not. */
MUST_USE bool chat_take_question(chat *c, span question);

/* The conversation, until its user leaves it: the exit status. */
int chat_session(chat *c);

/* A line on stderr that is no complaint, dimmed where it can be. */
void chat_note(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
