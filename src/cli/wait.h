/* cli/wait.h: the event loop of an interactive command: a client with a foreign loop, signals and
 * a timer, by poll(2).
 *
 * Signals that are watched arrive as facts in wait_for(), not as interruptions. One at a time in a
 * process. Main thread, before any thread is started (connect_open() starts some): a thread takes
 * over who is blocked from its maker, and one that blocks nothing would die of the signal.
 * Children that the command starts itself inherit the blocked signals too.
 */
#ifndef WEIR_CLI_WAIT_H
#define WEIR_CLI_WAIT_H

#include "base/attr.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir.h>

/* The caller clears what it has seen. */
typedef struct waiter {
    bool interrupt; /* SIGINT came */
    bool terminate; /* SIGTERM or SIGHUP */
    bool resize;    /* SIGWINCH */
    /* private */
    int signal_fd;
    sigset_t mask_before;
    struct sigaction pipe_before;
} waiter;

/* Watches SIGINT, SIGTERM, SIGHUP and SIGWINCH instead of dying from them; those that are ignored
 * (nohup, `&` in a script) stay so. SIGPIPE is ignored. false after saying so on stderr. */
MUST_USE bool waiter_init(waiter *w);
/* The dispositions are as before. A signal that came and was not waited for now does its work. */
void waiter_done(waiter *w);

/* The sooner of two waits, of which -1 is for ever. */
int64_t wait_sooner(int64_t a_ms, int64_t b_ms);

/* Waits until the client has something to do (and lets it: weir_client_step()), a signal has come,
 * fd (-1: none) is readable or at its end, or timeout_ms have passed (-1: never); then returns, now
 * and then for nothing. true: fd is readable. client may be NULL, or one with a thread of its own:
 * then it is left alone. */
bool wait_for(waiter *w, weir_client *client, int fd, int64_t timeout_ms);

#endif
