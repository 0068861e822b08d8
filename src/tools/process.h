/* tools/process.h: a program of somebody else's that is run for a while: its input and output on
 * the loop, its end seen to by a guard (tools/guard.h).
 *
 *   process_start() ──▶ STARTING ──▶ RUNNING ──it ends──▶ told (on_end, once, last)
 *                          └───────────┴──── process_kill() ──▶ nothing comes
 *
 * Belongs to its loop, and is written to while that runs (which alone keeps SIGPIPE away). Starting
 * never calls back before it returns. After process_kill() the program and all it has started are
 * killed and collected, and the object frees itself; whoever closes the loop before that says
 * process_yard_close(). No descriptor of weir's but its three pipes reaches the program.
 */
#ifndef WEIR_TOOLS_PROCESS_H
#define WEIR_TOOLS_PROCESS_H

#include "config/tool.h"
#include "loop/loop.h"

typedef struct process process;

/* Where processes are that end, or run, on one loop. */
typedef struct process_yard {
    loop *loop;
    list all;
} process_yard;

typedef struct process_spec {
    char *const *argv; /* NULL at its end; the program by the PATH of env */
    char *const *env;  /* "NAME=value", NULL at its end */
    const char *folder;
    size_t memory; /* bytes, of it and what it starts together; 0: any */
    config_tool_sandbox sandbox;
} process_spec;

typedef enum process_way {
    PROCESS_EXITED,    /* value: its status */
    PROCESS_SIGNALLED, /* value: which */
    PROCESS_TOO_MANY,  /* it had more than GUARD_PROCESSES_MAX processes, and was killed */
    PROCESS_TOO_LARGE, /* more memory than it may, and was killed */
    PROCESS_NO_START,  /* text says why */
} process_way;

/* How it ended. All that it has started has ended too, and all it wrote was handed over. */
typedef struct process_end {
    process_way way;
    int value;
    const char *text; /* for people, as "it ended with status 1"; valid for the call */
} process_end;

typedef struct process_ops {
    void (*on_output)(void *user, span piece); /* borrowed */
    void (*on_errors)(void *user, span piece); /* what it writes to stderr */
    void (*on_end)(void *user, const process_end *end);
} process_ops;

void process_yard_init(process_yard *y, loop *l);
/* Gives up what is left: the guards kill it all the same. Nothing comes any more. */
void process_yard_close(process_yard *y);

/* Everything of the spec is copied, or with the program by the time that it returns. NULL never. */
MUST_USE process *process_start(process_yard *y, const process_spec *spec, const process_ops *ops,
                                void *user);
/* Copied; in order. What it does not read waits, whatever that is: who writes bounds it. */
void process_write(process *p, span bytes);
/* Bytes that it has not read yet. */
size_t process_unread(const process *p);
/* The end of its input, behind what waits. */
void process_end_input(process *p);
/* Its output is not read meanwhile. */
void process_pause(process *p);
void process_resume(process *p);
void process_kill(process *p);

#endif
