/* cli/wait.h: the event loop of an interactive command: a client with a foreign loop, signals and
 * a timer, by poll(2).
 *
 * Signals that are watched arrive as facts in wait_for(), not as interruptions. One at a time in a
 * process; main thread.
 */
#ifndef WEIR_CLI_WAIT_H
#define WEIR_CLI_WAIT_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>
#include <weir.h>

typedef struct waiter {
    int signal_fd;
    bool interrupt; /* SIGINT came since it was cleared */
    bool terminate; /* SIGTERM or SIGHUP */
    bool resize;    /* SIGWINCH */
} waiter;

/* Watches SIGINT, SIGTERM, SIGHUP and SIGWINCH instead of dying from them; SIGPIPE is ignored. */
MUST_USE bool waiter_init(waiter *w);
/* The dispositions are as before. */
void waiter_done(waiter *w);

/* Waits until the client has something to do (and lets it: weir_client_step()), a signal has come,
 * fd (-1: none) is readable, or timeout_ms have passed (-1: never); then returns. true: fd is
 * readable. client may be NULL. */
bool wait_for(waiter *w, weir_client *client, int fd, int64_t timeout_ms);

#endif
