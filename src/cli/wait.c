#include "cli/wait.h"

#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};

/* Whoever started the program with a signal ignored means it: nohup is nothing else. A blocked
 * signal reaches a signalfd all the same, so it may not be among them. */
static bool is_ignored(int signal) {
    struct sigaction now;
    return sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

bool waiter_init(waiter *w) {
    sigset_t set;
    *w = (waiter){0};
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(watched); i++)
        if (!is_ignored(watched[i])) sigaddset(&set, watched[i]);
    w->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (w->signal_fd < 0) {
        cli_complain("cannot watch signals: %m");
        return false;
    }
    pthread_sigmask(SIG_BLOCK, &set, &w->mask_before);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, &w->pipe_before);
    return true;
}

void waiter_done(waiter *w) {
    sigaction(SIGPIPE, &w->pipe_before, NULL);
    close(w->signal_fd);
    pthread_sigmask(SIG_SETMASK, &w->mask_before, NULL);
}

static void take_signals(waiter *w) {
    struct signalfd_siginfo came;
    while (read(w->signal_fd, &came, sizeof came) == (ssize_t)sizeof came) {
        w->interrupt |= came.ssi_signo == SIGINT;
        w->terminate |= came.ssi_signo == SIGTERM || came.ssi_signo == SIGHUP;
        w->resize |= came.ssi_signo == SIGWINCH;
    }
}

int64_t wait_sooner(int64_t a_ms, int64_t b_ms) {
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

bool wait_for(waiter *w, weir_client *client, int fd, int64_t timeout_ms) {
    int client_fd = client ? weir_client_fd(client) : -1;
    if (client_fd >= 0) timeout_ms = wait_sooner(timeout_ms, weir_client_timeout_ms(client));
    /* poll() passes over descriptors below 0. */
    struct pollfd fds[] = {{.fd = w->signal_fd, .events = POLLIN},
                           {.fd = client_fd, .events = POLLIN},
                           {.fd = fd, .events = POLLIN}};
    int ready = poll(fds, ARRAY_LEN(fds), timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX);
    /* A process that was stopped (Ctrl-Z) and goes on comes back with EINTR. */
    if (ready > 0 && fds[0].revents) take_signals(w);
    if (client_fd >= 0) weir_client_step(client);
    return ready > 0 && fds[2].revents;
}
