/* cli/chat_output.h: answers on their way to standard output, as they arrive.
 *
 * To a terminal they go through the filter (cli/chat_filter.h), elsewhere byte by byte. An answer
 * ends with exactly one line end, however many it had. Nothing here waits for a slow reader: what
 * it has not taken is kept.
 *
 * Main thread. SIGPIPE is ignored (cli/wait.h).
 */
#ifndef WEIR_CLI_CHAT_OUTPUT_H
#define WEIR_CLI_CHAT_OUTPUT_H

#include "cli/chat_filter.h"

typedef struct chat_output {
    int fd;
    bool filtered;
    chat_filter filter;
    buf scratch;
    buf waiting;      /* not taken yet */
    size_t line_ends; /* seen last, and held back */
    bool any;         /* the answer has said something */
    int error;        /* errno of a write that failed: nothing is written any more; 0: none */
    int room;         /* an epoll descriptor that is readable when fd takes more; -1: fd is a file,
                         which always does */
} chat_output;

void chat_output_init(chat_output *o, int fd);
void chat_output_done(chat_output *o);

/* A piece of an answer. */
void chat_output_add(chat_output *o, span text);
/* The answer has ended. */
void chat_output_end(chat_output *o);
/* Whole lines of the command's own. */
void chat_output_add_line(chat_output *o, span line);

/* Writes what fd takes at once. */
void chat_output_flush(chat_output *o);
/* What is still to be written will not be. */
void chat_output_drop(chat_output *o);
/* To wait for, when something waits: readable when there is room. -1: nothing waits. */
int chat_output_wait_fd(const chat_output *o);

#endif
