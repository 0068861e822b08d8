/* tools/guard.h: the process between weir and a command of its own: starts it, and sees to it that
 * nothing of it is left, whatever becomes of either.
 *
 *   weir ── socket ── guard ── the command ── whatever that starts
 *
 * The guard is weir's own program, started anew (so that it has nothing of weir's memory), and the
 * one to whom all orphans of the command fall (PR_SET_CHILD_SUBREAPER): it finds them whatever
 * group or session they have moved to. When the command has ended, or the socket is closed (by
 * weir, or because weir is no more), it stops and kills all of them, then says how it ended and
 * ends itself.
 *
 * Descriptors of the guard: 0, 1, 2 are the command's; GUARD_SOCKET leads to weir, others are
 * closed. The environment is the command's.
 */
#ifndef WEIR_TOOLS_GUARD_H
#define WEIR_TOOLS_GUARD_H

#include "config/tool.h"

#include <sys/types.h>

enum {
    GUARD_SOCKET = 3,
    GUARD_PROCESSES_MAX = 128, /* that a command may have at a time */
    GUARD_LOOK_MS = 100,       /* how often that, and their memory, is looked at */
};

typedef enum guard_word {
    GUARD_STARTED,  /* value: its process id */
    GUARD_ENDED,    /* value: as wait(2) says it; nothing of it is left */
    GUARD_NO_START, /* value: an errno; stage: guard_stage */
} guard_word;

typedef enum guard_stage {
    GUARD_AT_FORK,
    GUARD_AT_LIMITS,
    GUARD_AT_FOLDER,
    GUARD_AT_SANDBOX,
    GUARD_AT_PROGRAM,
} guard_stage;

typedef enum guard_reason {
    GUARD_BY_ITSELF,
    GUARD_TOLD,      /* the socket was closed */
    GUARD_PROCESSES, /* it had more than it may */
    GUARD_MEMORY,
} guard_reason;

/* What the guard says, each a message of its own. */
typedef struct guard_report {
    guard_word word;
    guard_stage stage;
    guard_reason reason;
    int value;
} guard_report;

/* The guard's own arguments: guard_argv() makes them, guard_main() reads them. */
typedef struct guard_order {
    size_t memory; /* bytes that the command and what it starts may have together; 0: any */
    config_tool_sandbox sandbox;
    const char *folder;
    char *const *argv; /* NULL at its end */
} guard_order;

/* A vector for exec, whose texts are borrowed or in its own room; free() frees all of it. */
char **guard_argv(const guard_order *order);
/* The program with that path runs the guard: this process's own. */
extern const char guard_program[];

/* Whether main() is to be the guard: before it does anything else. */
bool guard_is_asked(int argc, char **argv);
int guard_main(int argc, char **argv);

#endif
